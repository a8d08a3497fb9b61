import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { compareAddresses, formatAddress, parseAddress } from "../../lib/text/address.ts";
import {
  addressAfter,
  addressInRange,
  addressNumber,
  formatPoolRange,
  isPoolRange,
  parsePoolRange,
  rangeSize,
  rangesOverlap,
} from "../../lib/text/pool_range.ts";
import { anAddress, unwrap } from "./_arbitraries.ts";

const range = (text: string) => unwrap(parsePoolRange(text));

const RANGES: [text: string, range: string, size: bigint][] = [
  ["10.3.0.10-10.3.0.99", "10.3.0.10-10.3.0.99", 90n],
  ["10.3.0.10 - 10.3.0.99", "10.3.0.10-10.3.0.99", 90n],
  ["10.3.0.7-10.3.0.7", "10.3.0.7-10.3.0.7", 1n],
  ["10.3.0.0/24", "10.3.0.1-10.3.0.254", 254n],
  ["10.3.0.0/255.255.255.0", "10.3.0.1-10.3.0.254", 254n],
  ["10.3.0.0/30", "10.3.0.1-10.3.0.2", 2n],
  ["10.3.0.0/31", "10.3.0.0-10.3.0.1", 2n],
  ["10.3.0.7/32", "10.3.0.7-10.3.0.7", 1n],
  ["fd00::10-fd00::1f", "fd00::10-fd00::1f", 16n],
  ["fd00:3::/64", "fd00:3::1-fd00:3::ffff:ffff:ffff:ffff", 2n ** 64n - 1n],
];
for (const [text, expected, size] of RANGES) {
  Deno.test(`parsePoolRange() reads ${text}`, () => {
    deepEqual([formatPoolRange(range(text)), rangeSize(range(text))], [expected, size]);
  });
}

const INVALID: [text: string, error: string][] = [
  ["10.3.0.99-10.3.0.10", "is empty: its first address comes after its last"],
  ["10.3.0.7", "must be two addresses with a - between them, or a network (10.3.0.0/24)"],
  ["10.3.0.1-10.3.0.2-10.3.0.3", "must be two addresses with a - between them, or a network (10.3.0.0/24)"],
  ["10.3.0.10-", "empty string"],
  ["10.3.0.10-10.3.0.256", "byte overflow in dotted-decimal address"],
  ["10.3.0.10-gate", "does not look numeric and name lookup failed"],
  ["10.3.0.10-fd00::1", "does not look numeric and name lookup failed"],
  ["10.3.0.0/33", "subnet mask bit count too large"],
  ["10.3.0.0/24:80", "must not have a port"],
  ["0.0.0.0-0.0.0.9", "must not begin with the unspecified address"],
];
for (const [text, error] of INVALID) {
  Deno.test(`parsePoolRange() refuses ${text}`, () => {
    const parsed = parsePoolRange(text);
    equal(parsed.ok ? "nothing" : parsed.error, error);
  });
}

const MEANT: [text: string, isPool: boolean][] = [
  ["10.3.0.0/24", true],
  ["10.3.0.10-10.3.0.99", true],
  ["10.3.0.99-10.3.0.10", true],
  ["fd00::1-fd00::2", true],
  ["10.3.0.7", false],
  ["my-gateway", false],
  ["%config", false],
];
for (const [text, isPool] of MEANT) Deno.test(`isPoolRange(${text})`, () => equal(isPoolRange(text), isPool));

const OVERLAPS: [a: string, b: string, overlap: boolean][] = [
  ["10.3.0.10-10.3.0.20", "10.3.0.20-10.3.0.30", true],
  ["10.3.0.10-10.3.0.20", "10.3.0.21-10.3.0.30", false],
  ["10.3.0.0/24", "10.3.0.7-10.3.0.7", true],
  ["10.3.0.0/24", "fd00::/64", false],
];
for (const [a, b, overlap] of OVERLAPS) {
  Deno.test(`rangesOverlap() of ${a} and ${b}`, () => {
    deepEqual([rangesOverlap(range(a), range(b)), rangesOverlap(range(b), range(a))], [overlap, overlap]);
  });
}

Deno.test("addressAfter() leads from the first address to any other of a range", () => {
  fc.assert(fc.property(anAddress("inet6"), anAddress("inet6"), (a, b) => {
    const [from, to] = [a, b].toSorted(compareAddresses);
    const other = addressAfter(from, addressNumber(to) - addressNumber(from));
    equal(formatAddress(other), formatAddress(to));
    equal(addressInRange(other, { from, to }), true);
  }));
  const last = addressAfter(unwrap(parseAddress("10.3.0.255", 0)), 1n);
  equal(formatAddress(last), "10.3.1.0");
});
