/** The kernel's routes as /proc/net shows them, printed as `netstat -nr` does. */
import { formatAddress } from "../lib/text/address.ts";

/** RTF_ flags of linux/route.h in the order and with the letters of netstat. */
const FLAG_LETTERS: readonly [bit: number, letter: string][] = [
  [0x0001, "U"],
  [0x0002, "G"],
  [0x0200, "!"],
  [0x0004, "H"],
  [0x0008, "R"],
  [0x0010, "D"],
  [0x0020, "M"],
];

export interface Route {
  readonly destination: string;
  readonly bits: number;
  readonly gateway: string;
  readonly flags: string;
  readonly metric: number;
  readonly device: string;
  /** One line in the form of netstat. */
  readonly line: string;
}

export const IPV4_HEADER = "Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface";
export const IPV6_HEADER = "Destination                    Next Hop                   Flag Met Ref  Use If";

/** Reads the text of /proc/net/route; lines that are not routes are passed over. */
export function parseIpv4Routes(text: string): Route[] {
  return text.split("\n").slice(1).flatMap((line) => {
    const [device, destination, gateway, flags, , , metric, mask, mtu, window, irtt] = line.trim().split(/\s+/);
    if (irtt === undefined || ![destination, gateway, mask].every((word) => /^[0-9A-F]{8}$/i.test(word))) return [];
    const route = {
      destination: littleEndianAddress(destination),
      bits: onesIn(mask),
      gateway: littleEndianAddress(gateway),
      flags: letters(parseInt(flags, 16)),
      metric: Number(metric),
      device,
    };
    const printed =
      `${route.destination.padEnd(15)} ${route.gateway.padEnd(15)} ${littleEndianAddress(mask).padEnd(15)} ` +
      `${route.flags.padEnd(6)}${mtu.padStart(5)} ${window.padEnd(5)} ${irtt.padStart(6)} ${device}`;
    return [{ ...route, line: printed }];
  });
}

/** Reads the text of /proc/net/ipv6_route; lines that are not routes are passed over. */
export function parseIpv6Routes(text: string): Route[] {
  return text.split("\n").flatMap((line) => {
    const [destination, bits, , , gateway, metric, references, use, flags, device] = line.trim().split(/\s+/);
    if (device === undefined || ![destination, gateway].every((word) => /^[0-9a-f]{32}$/i.test(word))) return [];
    const route = {
      destination: ipv6(destination),
      bits: parseInt(bits, 16),
      gateway: ipv6(gateway),
      flags: letters(parseInt(flags, 16)),
      metric: parseInt(metric, 16),
      device,
    };
    const printed = `${`${route.destination}/${route.bits}`.padEnd(30)} ${route.gateway.padEnd(26)} ` +
      `${route.flags.padEnd(4)} ${String(route.metric).padEnd(3)} ${parseInt(references, 16)} ` +
      `${String(parseInt(use, 16)).padStart(6)} ${device}`;
    return [{ ...route, line: printed }];
  });
}

function letters(flags: number): string {
  return FLAG_LETTERS.filter(([bit]) => flags & bit).map(([, letter]) => letter).join("");
}

function bytesOf(hex: string): number[] {
  return Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

/** /proc/net/route prints addresses as words of the host, which is little-endian on every platform of Deno. */
function littleEndianAddress(hex: string): string {
  return bytesOf(hex).reverse().join(".");
}

function ipv6(hex: string): string {
  return formatAddress({ family: "inet6", bytes: Uint8Array.from(bytesOf(hex)) });
}

function onesIn(mask: string): number {
  return bytesOf(mask).reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
}
