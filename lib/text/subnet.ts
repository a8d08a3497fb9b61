/** Networks with their prefix length and, where wanted, a port (text-forms.md §4, §9). */
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
import { broadcastAddress, makeMask, maskBits, maskBytes, networkPart, sameBits } from "./mask.ts";
import { parseNumber } from "./number.ts";
import { ok, refuse, type Result } from "./result.ts";

/** A network with its prefix length; host bits are clear. `port` 0 is any. */
export interface Subnet {
  readonly address: Address;
  readonly bits: number;
  readonly port: number;
}

const DEFAULT = "%default";

/** ttosubnet, with numeric addresses. */
export function parseSubnet(text: string, family: Family): Result<Subnet> {
  const split = splitSubnet(text, family);
  if (!("network" in split)) return split;
  const network = parseAddress(split.network, family);
  if (!network.ok) return refuse(network.error);
  const counted = readMask(network.value, split.mask);
  return "mask" in counted ? maskedSubnet(network.value, counted, parseAddress(counted.mask, family)) : counted;
}

/** ttosubnet, with names for the network and for an IPv4 mask. */
export async function resolveSubnet(text: string, family: Family, lookup: NameLookup): Promise<Result<Subnet>> {
  const split = splitSubnet(text, family);
  if (!("network" in split)) return split;
  const network = await resolveAddress(split.network, family, lookup);
  if (!network.ok) return refuse(network.error);
  const counted = readMask(network.value, split.mask);
  if (!("mask" in counted)) return counted;
  return maskedSubnet(network.value, counted, await resolveAddress(counted.mask, family, lookup));
}

interface SplitSubnet {
  readonly network: string;
  /** All that follows the first slash. */
  readonly mask: string;
}

/** A mask in the form of an address, still to be read. */
interface SplitMask {
  readonly mask: string;
  readonly port: number;
}

function splitSubnet(text: string, family: Family): Result<Subnet> | SplitSubnet {
  if (text === "") return refuse("empty string");
  if (text === DEFAULT) return ok({ address: anyAddress(family), bits: 0, port: 0 });
  const slash = text.indexOf("/");
  if (slash < 0) return refuse("no / in subnet specification");
  // An empty piece is measured anew, to the end of the string; so is the mask below.
  return { network: text.slice(0, slash) || text, mask: text.slice(slash + 1) };
}

function readMask(network: Address, text: string): Result<Subnet> | SplitMask {
  let mask = text;
  let port = 0;
  const colon = text.lastIndexOf(":");
  if (colon >= 0) {
    const parsed = parseNumber(text.slice(colon + 1), 0);
    if (!parsed.ok) return parsed;
    port = parsed.value & 0xffff;
    mask = text.slice(0, colon) || text;
  }
  const count = parseNumber(mask, 10);
  if (!count.ok) {
    return network.family === "inet6" ? refuse("masks are not permitted for IPv6 addresses") : { mask, port };
  }
  if (count.value > network.bytes.length * 8) return refuse("subnet mask bit count too large");
  return ok({ ...subnetOf(network, count.value), port });
}

function maskedSubnet(network: Address, { port }: SplitMask, mask: Result<Address>): Result<Subnet> {
  if (!mask.ok) return refuse(mask.error);
  const bits = maskBits(mask.value.bytes);
  if (bits < 0) return refuse("non-contiguous or otherwise erroneous mask");
  return ok({ ...subnetOf(network, bits), port });
}

/**
 * initsubnet: a network of `bits`.
 *
 * @param hostBits what happens to ones after the prefix: "0" clears them, "x" refuses them
 */
export function makeSubnet(address: Address, bits: number, hostBits: "0" | "x"): Result<Subnet> {
  if (!Number.isInteger(bits) || bits < 0 || bits > address.bytes.length * 8) return refuse("impossible mask count");
  const subnet = subnetOf(address, bits);
  if (hostBits === "x" && !sameAddress(subnet.address, address)) {
    return refuse("improper subnet, host-part bits on");
  }
  return ok(subnet);
}

/** The network of `bits` that an address lies in; host bits are cleared. */
export function subnetOf(address: Address, bits: number): Subnet {
  const mask = { family: address.family, bytes: maskBytes(bits, address.bytes.length) };
  return { address: networkPart(address, mask), bits, port: 0 };
}

/** addrtosubnet: the network of one address. */
export function hostSubnet(address: Address): Subnet {
  return { address, bits: address.bytes.length * 8, port: 0 };
}

/** subnetishost: whether the network has one address only. */
export function isHostSubnet({ address, bits }: Subnet): boolean {
  return bits === address.bytes.length * 8;
}

/** maskof: the mask as an address. */
export function maskOf({ address, bits }: Subnet): Address {
  return makeMask(bits, address.family);
}

/** The last address; the broadcast address of an IPv4 network. */
export function lastAddress(subnet: Subnet): Address {
  return broadcastAddress(subnet.address, maskOf(subnet));
}

/** subnettot: address and bit count. */
export function formatSubnet({ address, bits }: Subnet): string {
  return `${formatAddress(address)}/${bits}`;
}

/** subnetporttot: as {@linkcode formatSubnet}, with the port where there is one. */
export function formatSubnetWithPort(subnet: Subnet): string {
  return formatSubnet(subnet) + (subnet.port ? `:${subnet.port}` : "");
}

/** samesubnet: the port does not count. */
export function sameSubnet(a: Subnet, b: Subnet): boolean {
  return a.bits === b.bits && sameAddress(a.address, b.address);
}

export function addressInSubnet(address: Address, subnet: Subnet): boolean {
  return address.family === subnet.address.family && sameBits(address.bytes, subnet.address.bytes, subnet.bits);
}

/** Whether `inner` lies in `outer`; a subnet contains itself. */
export function subnetInSubnet(inner: Subnet, outer: Subnet): boolean {
  return inner.bits >= outer.bits && addressInSubnet(inner.address, outer);
}
