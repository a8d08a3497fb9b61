/** Ranges of addresses, and texts that may be an address, a subnet or a range (text-forms.md §5). */
import {
  type Address,
  compareAddresses,
  type Family,
  formatAddress,
  type NameLookup,
  parseAddress,
  resolveAddress,
} from "./address.ts";
import { maskBytes } from "./mask.ts";
import { ok, refuse, type Result } from "./result.ts";
import {
  formatSubnetWithPort,
  hostSubnet,
  lastAddress,
  parseSubnet,
  resolveSubnet,
  type Subnet,
  subnetOf,
} from "./subnet.ts";

/** Both ends belong to it. */
export interface AddressRange {
  readonly from: Address;
  readonly to: Address;
}

/** rangetosubnet: the network that has exactly these addresses. */
export function rangeToSubnet({ from, to }: AddressRange): Result<Subnet> {
  if (from.family !== to.family) return refuse("mismatched address types");
  const differs = from.bytes.findIndex((byte, i) => byte !== to.bytes[i]);
  if (differs < 0) return ok(hostSubnet(from));
  const bits = 8 * differs + Math.clz32(from.bytes[differs] ^ to.bytes[differs]) - 24;
  const mask = maskBytes(bits, from.bytes.length);
  for (let i = differs; i < mask.length; i++) {
    const host = 0xff & ~mask[i];
    if ((from.bytes[i] & host) === 0 && (to.bytes[i] & host) === host) continue;
    return refuse(i === differs ? "not a valid subnet" : "invalid subnet");
  }
  return ok(subnetOf(from, bits));
}

/** All addresses of a network, from the first to the last. */
export function subnetToRange(subnet: Subnet): AddressRange {
  return { from: subnet.address, to: lastAddress(subnet) };
}

/** rangetoa: `A...B`. */
export function formatRange({ from, to }: AddressRange): string {
  return `${formatAddress(from)}...${formatAddress(to)}`;
}

/** What atoasr reads: an address, a subnet or a range. */
export type AddressSet =
  | { readonly kind: "address"; readonly address: Address }
  | { readonly kind: "subnet"; readonly subnet: Subnet }
  | { readonly kind: "range"; readonly range: AddressRange };

/** atoasr, for both families, with numeric addresses. */
export function parseAddressSet(text: string, family: Family): Result<AddressSet> {
  if (text.includes("/")) return asSubnet(parseSubnet(text, family));
  const ends = splitRange(text);
  if (!ends) return asAddress(parseAddress(text, family));
  const from = parseAddress(ends.from, family);
  return from.ok ? asRange(from.value, parseAddress(ends.to, family)) : refuse(from.error);
}

/** atoasr, for both families, with names. */
export async function resolveAddressSet(text: string, family: Family, lookup: NameLookup): Promise<Result<AddressSet>> {
  if (text.includes("/")) return asSubnet(await resolveSubnet(text, family, lookup));
  const ends = splitRange(text);
  if (!ends) return asAddress(await resolveAddress(text, family, lookup));
  const from = await resolveAddress(ends.from, family, lookup);
  return from.ok ? asRange(from.value, await resolveAddress(ends.to, family, lookup)) : refuse(from.error);
}

/** The first of four dots belongs to what stands before them: a name may end in a dot. */
function splitRange(text: string): { readonly from: string; readonly to: string } | undefined {
  const found = /\.\.\.\.?/.exec(text);
  if (!found) return undefined;
  const end = found.index + found[0].length;
  // An empty piece is measured anew, to the end of the string.
  return { from: text.slice(0, end - 3) || text, to: text.slice(end) };
}

function asAddress(address: Result<Address>): Result<AddressSet> {
  return address.ok ? ok({ kind: "address", address: address.value }) : refuse(address.error);
}

function asSubnet(subnet: Result<Subnet>): Result<AddressSet> {
  return subnet.ok ? ok({ kind: "subnet", subnet: subnet.value }) : subnet;
}

function asRange(from: Address, to: Result<Address>): Result<AddressSet> {
  if (!to.ok) return refuse(to.error);
  if (compareAddresses(from, to.value) > 0) return refuse("invalid range, begin > end");
  return ok({ kind: "range", range: { from, to: to.value } });
}

export function formatAddressSet(set: AddressSet): string {
  switch (set.kind) {
    case "address":
      return formatAddress(set.address);
    case "subnet":
      return formatSubnetWithPort(set.subnet);
    case "range":
      return formatRange(set.range);
  }
}
