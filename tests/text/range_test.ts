import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import {
  type Address,
  compareAddresses,
  type Family,
  type NameLookup,
  parseAddress,
  sameAddress,
} from "../../lib/text/address.ts";
import {
  type AddressRange,
  type AddressSet,
  formatAddressSet,
  formatRange,
  parseAddressSet,
  rangeToSubnet,
  resolveAddressSet,
  subnetToRange,
} from "../../lib/text/range.ts";
import { addressInSubnet, formatSubnet } from "../../lib/text/subnet.ts";
import { anAddress, aSubnet, aText, unwrap } from "./_arbitraries.ts";

function range(from: string, to: string): AddressRange {
  return { from: unwrap(parseAddress(from, 0)), to: unwrap(parseAddress(to, 0)) };
}

function sameFamilyPair(): fc.Arbitrary<[Address, Address]> {
  return fc.constantFrom<Family>("inet", "inet6").chain((family) => fc.tuple(anAddress(family), anAddress(family)));
}

const INVALID = "not a valid subnet";
const INVALID_LATER = "invalid subnet";

/** Vectors: text-forms.md §5. */
const SUBNETS: [from: string, to: string, outcome: string][] = [
  ["1.2.3.0", "1.2.3.255", "1.2.3.0/24"],
  ["1.2.3.0", "1.2.3.7", "1.2.3.0/29"],
  ["1.2.3.240", "1.2.3.255", "1.2.3.240/28"],
  ["0.0.0.0", "255.255.255.255", "0.0.0.0/0"],
  ["1.2.3.4", "1.2.3.4", "1.2.3.4/32"],
  ["1.2.3.4", "1.2.3.5", "1.2.3.4/31"],
  ["1.2.0.0", "1.2.255.255", "1.2.0.0/16"],
  ["1.2.0.0", "1.2.0.255", "1.2.0.0/24"],
  ["1.2.255.0", "1.2.255.255", "1.2.255.0/24"],
  ["1.2.3.0", "1.2.3.254", INVALID],
  ["1.2.3.0", "1.2.3.126", INVALID],
  ["1.2.3.0", "1.2.3.125", INVALID],
  ["1.2.255.0", "1.2.254.255", INVALID],
  ["1.2.255.1", "1.2.255.255", INVALID],
  ["1.2.3.5", "1.2.3.4", INVALID],
  ["1.2.0.1", "1.2.255.255", INVALID_LATER],
  ["1.2.0.0", "1.2.255.254", INVALID_LATER],
  ["1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:ffff", "1:2:3:4:5:6:7:0/112"],
  ["1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:fff", "1:2:3:4:5:6:7:0/116"],
  ["1:2:3:4:5:6:7:f0", "1:2:3:4:5:6:7:ff", "1:2:3:4:5:6:7:f0/124"],
  ["::1", "::1", "::1/128"],
  ["0.0.0.0", "::", "mismatched address types"],
];
for (const [from, to, outcome] of SUBNETS) {
  Deno.test(`rangeToSubnet() of ${from} to ${to} gives ${outcome}`, () => {
    const subnet = rangeToSubnet(range(from, to));
    equal(subnet.ok ? formatSubnet(subnet.value) : subnet.error, outcome);
  });
}

Deno.test("rangeToSubnet() gives back what subnetToRange() spread out", () => {
  fc.assert(fc.property(aSubnet(), (subnet) => {
    deepEqual(rangeToSubnet(subnetToRange(subnet)), { ok: true, value: { ...subnet, port: 0 } });
  }));
});

Deno.test("rangeToSubnet() takes a range only if the subnet's ends are the range's", () => {
  fc.assert(fc.property(sameFamilyPair(), ([from, to]) => {
    const subnet = rangeToSubnet({ from, to });
    if (!subnet.ok) return equal([INVALID, INVALID_LATER].includes(subnet.error), true);
    const ends = subnetToRange(subnet.value);
    equal(sameAddress(ends.from, from) && sameAddress(ends.to, to), true);
    equal(addressInSubnet(to, subnet.value), true);
  }));
});

const BACKWARDS = "invalid range, begin > end";
const NAME_FAILED = "does not look numeric and name lookup failed";

const SETS: [family: Family, text: string, kind: AddressSet["kind"], written: string][] = [
  ["inet", "1.2.3.4", "address", "1.2.3.4"],
  ["inet", "1.2.3.4/24", "subnet", "1.2.3.0/24"],
  ["inet", "1.2.3.4/24:80", "subnet", "1.2.3.0/24:80"],
  ["inet", "1.2.3.0...1.2.3.5", "range", "1.2.3.0...1.2.3.5"],
  ["inet", "1.2.3.4...1.2.3.4", "range", "1.2.3.4...1.2.3.4"],
  ["inet", "1.2.3....1.2.4", "range", "1.2.3.0...1.2.4.0"],
  ["inet", "0x01020304...0x01020305", "range", "1.2.3.4...1.2.3.5"],
  ["inet6", "::1", "address", "::1"],
  ["inet6", "1::2/64", "subnet", "1::/64"],
  ["inet6", "1::...1::ffff", "range", "1::...1::ffff"],
];
for (const [family, text, kind, written] of SETS) {
  Deno.test(`parseAddressSet() reads ${text} as a ${kind}, ${written}`, () => {
    const set = unwrap(parseAddressSet(text, family));
    deepEqual([set.kind, formatAddressSet(set)], [kind, written]);
  });
}

const REFUSED: [text: string, error: string][] = [
  ["", "empty string"],
  ["1.2.3.4...", "empty string"],
  ["1.2.3.4....", "extra garbage on end of dotted-decimal address"],
  ["...1.2.3.4", NAME_FAILED],
  ["1.2.3.5...1.2.3.4", BACKWARDS],
  ["1.2.3.4.....1.2.3.5", "extra garbage on end of dotted-decimal address"],
  ["1.2.3.4..1.2.3.5", "extra garbage on end of dotted-decimal address"],
  ["1.2.3.4...1.2.3.256", "byte overflow in dotted-decimal address"],
  ["1.2.3.0/24...1.2.4.0/24", "illegal (non-DNS-name) character in name"],
  ["1.2.3.4/33", "subnet mask bit count too large"],
];
for (const [text, error] of REFUSED) {
  Deno.test(`parseAddressSet() refuses "${text}": ${error}`, () => {
    const set = parseAddressSet(text, "inet");
    equal(set.ok ? formatAddressSet(set.value) : set.error, error);
  });
}

const HOSTS: Record<string, number[]> = { localhost: [127, 0, 0, 1], "east.example.": [192, 0, 2, 2] };
const lookup: NameLookup = (name) => Promise.resolve(HOSTS[name] && Uint8Array.from(HOSTS[name]));

const RESOLVED: [text: string, outcome: string][] = [
  ["localhost", "127.0.0.1"],
  ["localhost/8", "127.0.0.0/8"],
  ["localhost...127.0.0.3", "127.0.0.1...127.0.0.3"],
  ["127.0.0.3...localhost", BACKWARDS],
  ["east.example....192.0.2.9", "192.0.2.2...192.0.2.9"],
  ["east.example...192.0.2.9", NAME_FAILED],
  ["none", NAME_FAILED],
  ["none/8", NAME_FAILED],
  ["1.2.3.4...none", NAME_FAILED],
];
for (const [text, outcome] of RESOLVED) {
  Deno.test(`resolveAddressSet() of ${text} gives ${outcome}`, async () => {
    const set = await resolveAddressSet(text, "inet", lookup);
    equal(set.ok ? formatAddressSet(set.value) : set.error, outcome);
  });
}

Deno.test("formatRange() joins the ends by three dots", () => {
  equal(formatRange(range("1.2.3.0", "1.2.3.5")), "1.2.3.0...1.2.3.5");
});

const ADDRESS_SETS: fc.Arbitrary<AddressSet> = fc.oneof(
  anAddress().map((address): AddressSet => ({ kind: "address", address })),
  aSubnet().map((subnet): AddressSet => ({ kind: "subnet", subnet })),
  sameFamilyPair().map((pair): AddressSet => {
    const [from, to] = pair.toSorted(compareAddresses);
    return { kind: "range", range: { from, to } };
  }),
);

Deno.test("parseAddressSet() reads what formatAddressSet() wrote", () => {
  fc.assert(fc.property(ADDRESS_SETS, (set) => {
    const text = formatAddressSet(set);
    deepEqual(parseAddressSet(text, /:.*:/.test(text) ? "inet6" : "inet"), { ok: true, value: set });
  }));
});

Deno.test("parseAddressSet() answers any text", () => {
  const texts = aText(".", "...", "....", "1.2.3.4", "10", "/", "24", "::", "1:", "a", "%", " ");
  fc.assert(fc.property(texts, fc.constantFrom<Family>("inet", "inet6"), (text, family) => {
    const set = parseAddressSet(text, family);
    if (!set.ok) return equal(typeof set.error, "string");
    deepEqual(parseAddressSet(formatAddressSet(set.value), family), set);
  }));
});
