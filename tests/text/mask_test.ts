import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { type Address, formatAddress, parseAddress } from "../../lib/text/address.ts";
import { broadcastAddress, hostPart, isMask, makeMask, maskBits, maskBytes, networkPart } from "../../lib/text/mask.ts";
import { unwrap } from "./_arbitraries.ts";

function address(text: string): Address {
  return unwrap(parseAddress(text, 0));
}

const BITS: [mask: string, bits: number][] = [
  ["0.0.0.0", 0],
  ["128.0.0.0", 1],
  ["255.255.255.240", 28],
  ["255.255.255.255", 32],
  ["255.255.127.0", -1],
  ["255.0.255.255", -1],
  ["0.0.0.1", -1],
  ["::", 0],
  ["ffff:ffff:fff0::", 44],
  ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128],
  ["ffff::1", -1],
];
for (const [mask, bits] of BITS) {
  Deno.test(`maskBits() of ${mask} is ${bits}`, () => equal(maskBits(address(mask).bytes), bits));
  Deno.test(`isMask() of ${mask} is ${bits >= 0}`, () => equal(isMask(address(mask).bytes), bits >= 0));
}

const MASKS: [bits: number, family: "inet" | "inet6", mask: string][] = [
  [0, "inet", "0.0.0.0"],
  [9, "inet", "255.128.0.0"],
  [32, "inet", "255.255.255.255"],
  [33, "inet", "0.0.0.0"],
  [-1, "inet", "0.0.0.0"],
  [0, "inet6", "::"],
  [33, "inet6", "ffff:ffff:8000::"],
  [129, "inet6", "::"],
];
for (const [bits, family, mask] of MASKS) {
  Deno.test(`makeMask() of ${bits} bits in ${family} is ${mask}`, () => {
    equal(formatAddress(makeMask(bits, family)), mask);
  });
}

const PARTS: [address: string, mask: string, network: string, host: string, broadcast: string][] = [
  ["192.0.2.77", "255.255.255.0", "192.0.2.0", "0.0.0.77", "192.0.2.255"],
  ["192.0.2.77", "255.255.255.192", "192.0.2.64", "0.0.0.13", "192.0.2.127"],
  ["192.0.2.77", "0.0.0.0", "0.0.0.0", "192.0.2.77", "255.255.255.255"],
  ["192.0.2.77", "255.255.255.255", "192.0.2.77", "0.0.0.0", "192.0.2.77"],
  ["2001:db8::7", "ffff:ffff::", "2001:db8::", "::7", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
];
for (const [whole, mask, network, host, broadcast] of PARTS) {
  Deno.test(`networkPart(), hostPart() and broadcastAddress() of ${whole} under ${mask}`, () => {
    const parts = [networkPart, hostPart, broadcastAddress].map((of) =>
      formatAddress(of(address(whole), address(mask)))
    );
    deepEqual(parts, [network, host, broadcast]);
  });
}

Deno.test("maskBits() counts what maskBytes() made", () => {
  fc.assert(fc.property(fc.constantFrom(4, 16), fc.nat(128), (length, some) => {
    const bits = Math.min(some, length * 8);
    equal(maskBits(maskBytes(bits, length)), bits);
  }));
});

Deno.test("maskBits() agrees with a mask written out in ones and zeroes", () => {
  const bytes = fc.array(fc.constantFrom(0xff, 0xff, 0xff, 0xfe, 0xf0, 0x80, 0, 0, 1), { minLength: 4, maxLength: 4 });
  fc.assert(fc.property(bytes, (bytes) => {
    const digits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
    const ones = /^(1*)0*$/.exec(digits);
    equal(maskBits(Uint8Array.from(bytes)), ones ? ones[1].length : -1);
  }));
});
