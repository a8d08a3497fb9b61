import {
  type Address,
  anyAddress,
  type Family,
  formatAddress,
  type NameLookup,
  parseAddress,
  resolveAddress,
  sameAddress,
} from "./address.ts";
import { parseNumber } from "./number.ts";
import { ok, refuse, type Result } from "./result.ts";

/** A network with its prefix length; host bits are clear. `port` 0 is any. */
export interface Subnet {
  readonly address: Address;
  readonly bits: number;
  readonly port: number;
}

const DEFAULT = "%default";

/** ttosubnet (text-forms.md §4), with numeric addresses. */
export function parseSubnet(text: string, family: Family): Result<Subnet> {
  const split = splitSubnet(text, family);
  if (!("network" in split)) return split;
  const network = parseAddress(split.network, family);
  if (!network.ok) return refuse(network.error);
  return finishSubnet(network.value, split, (mask) => parseAddress(mask, family));
}

/** ttosubnet with names in the network part. */
export async function resolveSubnet(text: string, family: Family, lookup: NameLookup): Promise<Result<Subnet>> {
  const split = splitSubnet(text, family);
  if (!("network" in split)) return split;
  const network = await resolveAddress(split.network, family, lookup);
  if (!network.ok) return network;
  return finishSubnet(network.value, split, (mask) => parseAddress(mask, family));
}

interface SplitSubnet {
  readonly network: string;
  readonly mask: string;
  readonly port: number;
}

function splitSubnet(text: string, family: Family): Result<Subnet> | SplitSubnet {
  if (text === "") return refuse("empty string");
  if (text === DEFAULT) return ok({ address: anyAddress(family), bits: 0, port: 0 });
  const slash = text.indexOf("/");
  if (slash < 0) return refuse("no / in subnet specification");
  const network = text.slice(0, slash) || text; // an empty piece is measured anew, to the end of the string
  let mask = text.slice(slash + 1);
  if (mask === "") return refuse("empty string");
  let port = 0;
  const colon = mask.lastIndexOf(":");
  if (colon >= 0) {
    const early = parseAddress(network, family);
    if (!early.ok && !("name" in early)) return refuse(early.error);
    const parsed = parseNumber(mask.slice(colon + 1), 0);
    if (!parsed.ok) return parsed;
    port = parsed.value & 0xffff;
    mask = mask.slice(0, colon) || mask;
  }
  return { network, mask, port };
}

function finishSubnet(
  network: Address,
  { mask, port }: SplitSubnet,
  parseMask: (text: string) => Result<Address>,
): Result<Subnet> {
  let bits: number;
  if (/^[0-9]+$/.test(mask) && mask.length <= 10) {
    bits = parseInt(mask, 10);
    if (bits > network.bytes.length * 8) return refuse("subnet mask bit count too large");
  } else {
    if (network.family === "inet6") return refuse("masks are not permitted for IPv6 addresses");
    const parsed = parseMask(mask);
    if (!parsed.ok) return refuse(parsed.error);
    bits = maskBits(parsed.value.bytes);
    if (bits < 0) return refuse("non-contiguous or otherwise erroneous mask");
  }
  return ok({ ...subnetOf(network, bits), port });
}

/** Bits of a contiguous mask, -1 for any other (masktocount). */
export function maskBits(mask: Uint8Array): number {
  let bits = 0;
  while (bits < mask.length * 8 && (mask[bits >> 3] & 0x80 >> (bits & 7)) !== 0) bits++;
  const rest = maskBytes(bits, mask.length);
  return mask.every((byte, i) => byte === rest[i]) ? bits : -1;
}

/** The mask of `bits` ones, `length` bytes long. */
export function maskBytes(bits: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => {
    const here = Math.min(8, Math.max(0, bits - 8 * i));
    return 0xff00 >> here & 0xff;
  });
}

/** The network of `bits` that an address lies in; host bits are cleared. */
export function subnetOf({ family, bytes }: Address, bits: number): Subnet {
  const mask = maskBytes(bits, bytes.length);
  return { address: { family, bytes: bytes.map((byte, i) => byte & mask[i]) }, bits, port: 0 };
}

/** subnettot: address and bit count. */
export function formatSubnet({ address, bits }: Subnet): string {
  return `${formatAddress(address)}/${bits}`;
}

/** subnetporttot: as {@linkcode formatSubnet}, with the port where there is one. */
export function formatSubnetWithPort(subnet: Subnet): string {
  return formatSubnet(subnet) + (subnet.port ? `:${subnet.port}` : "");
}

export function sameSubnet(a: Subnet, b: Subnet): boolean {
  return a.bits === b.bits && sameAddress(a.address, b.address);
}

export function addressInSubnet(address: Address, subnet: Subnet): boolean {
  return address.family === subnet.address.family &&
    sameAddress(subnetOf(address, subnet.bits).address, subnet.address);
}

/** Whether `inner` lies in `outer`; a subnet contains itself. */
export function subnetInSubnet(inner: Subnet, outer: Subnet): boolean {
  return inner.bits >= outer.bits && addressInSubnet(inner.address, outer);
}
