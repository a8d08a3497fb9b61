/**
 * Ranges from which a Mode Config server gives addresses: `10.3.0.10-10.3.0.99`, or a network. Addresses are counted as
 * bigints, since a range of IPv6 may have more of them than a number can tell apart.
 */
import {
  type Address,
  compareAddresses,
  type Family,
  formatAddress,
  parseAddress,
  parseNumericAddress,
} from "./address.ts";
import { type AddressRange, subnetToRange } from "./range.ts";
import { ok, refuse, type Result } from "./result.ts";
import { parseSubnet } from "./subnet.ts";

/**
 * Of a network in IPv4 the first and the last address are left out, which some hosts take for broadcasts; in IPv6 the first
 * one, which is for all routers (RFC 4291 §2.6.1). A network of one or two addresses is given as it is.
 */
export function parsePoolRange(text: string): Result<AddressRange> {
  // behind the slash a colon begins a port
  const family = text.split("/")[0].includes(":") ? "inet6" : "inet";
  if (text.includes("/")) return parseNetwork(text, family);
  const ends = text.split("-");
  if (ends.length !== 2) return refuse("must be two addresses with a - between them, or a network (10.3.0.0/24)");
  const [from, to] = ends.map((end) => parseAddress(end.trim(), family));
  if (!from.ok) return refuse(from.error);
  if (!to.ok) return refuse(to.error);
  if (compareAddresses(from.value, to.value) > 0) return refuse("is empty: its first address comes after its last");
  return bounded({ from: from.value, to: to.value });
}

/** Whether a text is meant as a range or a network, and not as an address or a name: names may have a dash. */
export function isPoolRange(text: string): boolean {
  if (text.includes("/")) return true;
  const ends = text.split("-");
  return ends.length === 2 && ends.every((end) => parseNumericAddress(end.trim(), 0).ok);
}

function parseNetwork(text: string, family: Family): Result<AddressRange> {
  const subnet = parseSubnet(text, family);
  if (!subnet.ok) return subnet;
  if (subnet.value.port) return refuse("must not have a port");
  const range = subnetToRange(subnet.value);
  if (rangeSize(range) <= 2n) return bounded(range);
  const to = family === "inet" ? addressAfter(range.to, -1n) : range.to;
  return bounded({ from: addressAfter(range.from, 1n), to });
}

/** No client can have the unspecified address, which stands for none. */
function bounded(range: AddressRange): Result<AddressRange> {
  return addressNumber(range.from) === 0n ? refuse("must not begin with the unspecified address") : ok(range);
}

/** `A-B` */
export function formatPoolRange({ from, to }: AddressRange): string {
  return `${formatAddress(from)}-${formatAddress(to)}`;
}

export function rangeSize({ from, to }: AddressRange): bigint {
  return addressNumber(to) - addressNumber(from) + 1n;
}

export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.from.family === b.from.family && compareAddresses(a.from, b.to) <= 0 && compareAddresses(b.from, a.to) <= 0;
}

export function addressInRange(address: Address, range: AddressRange): boolean {
  return rangesOverlap({ from: address, to: address }, range);
}

export function addressNumber({ bytes }: Address): bigint {
  return BigInt(`0x${bytes.toHex()}`);
}

/** The address so many places further on; `count` must not lead out of the family's addresses. */
export function addressAfter(address: Address, count: bigint): Address {
  const { family, bytes } = address;
  const text = (addressNumber(address) + count).toString(16).padStart(2 * bytes.length, "0");
  return { family, bytes: Uint8Array.fromHex(text) };
}
