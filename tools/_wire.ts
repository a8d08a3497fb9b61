/**
 * What passes on a wire, for those who have no tcpdump(8): run as a program in a host's network namespace it prints one
 * packet a line, in hexadecimal; {@linkcode Wire} starts that and reads it.
 */
import { fileURLToPath } from "node:url";
import { PacketTap } from "../lib/ffi/packet_tap.ts";
import { formatAddress } from "../lib/text/address.ts";
import { type Daemon, type Host, until } from "./_net.ts";

const LISTENING = "listening";
const PROTOCOLS: Record<number, string> = { 1: "ICMP", 6: "TCP", 17: "UDP", 50: "ESP", 51: "AH", 58: "ICMPv6" };

export interface SeenPacket {
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  /** From the IP header on. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of the IP header. */
  readonly headerBytes: number;
}

/** Reads the IP header; undefined for what is not IP, such as ARP. */
export function decodeSeen(bytes: Uint8Array<ArrayBuffer>): SeenPacket | undefined {
  const version = bytes[0] >>> 4;
  if (!(version === 4 && bytes.length >= 20 || version === 6 && bytes.length >= 40)) return undefined;
  const four = version === 4;
  const [at, size] = four ? [12, 4] : [8, 16];
  const address = (start: number) =>
    formatAddress({ family: four ? "inet" : "inet6", bytes: bytes.subarray(start, start + size) });
  const protocol = bytes[four ? 9 : 6];
  return {
    protocol: PROTOCOLS[protocol] ?? `protocol ${protocol}`,
    source: address(at),
    destination: address(at + size),
    bytes,
    headerBytes: four ? (bytes[0] & 15) * 4 : 40,
  };
}

/** Whether the bytes hold a text as it is. */
export function holds(bytes: Uint8Array, text: string): boolean {
  const wanted = new TextEncoder().encode(text);
  for (let at = 0; at + wanted.length <= bytes.length; at++) {
    if (wanted.every((byte, i) => byte === bytes[at + i])) return true;
  }
  return false;
}

/** Lines of 16 bytes in hexadecimal, and as text where they are text. */
export function dump(bytes: Uint8Array): string[] {
  return Array.from({ length: Math.ceil(bytes.length / 16) }, (_, row) => {
    const line = Array.from(bytes.subarray(row * 16, row * 16 + 16));
    const hex = line.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = line.map((byte) => byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".").join("");
    return `${hex.padEnd(48)} ${text}`;
  });
}

export class Wire {
  constructor(readonly daemon: Daemon) {}

  /** Returns once it listens. */
  static async watch(host: Host, device: string): Promise<Wire> {
    const program = fileURLToPath(import.meta.url);
    const daemon = host.start([Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", program, device]);
    await until(`somebody watches ${device} of ${host.name}`, () => {
      if (daemon.ended !== undefined) throw new Error(daemon.output);
      return daemon.output.startsWith(LISTENING);
    });
    return new Wire(daemon);
  }

  /** IP packets so far; a packet whose line is not complete yet comes next time. */
  get packets(): SeenPacket[] {
    const lines = this.daemon.output.split("\n").slice(1, -1);
    return lines.flatMap((line) => decodeSeen(Uint8Array.fromHex(line)) ?? []);
  }

  async stop(): Promise<void> {
    await this.daemon.stop();
  }
}

if (import.meta.main) {
  const tap = new PacketTap(Deno.args[0]);
  const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  say(LISTENING);
  for (;;) {
    for (let packet = tap.next(); packet; packet = tap.next()) say(packet.toHex());
    await tap.wait(1000);
  }
}
