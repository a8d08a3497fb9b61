import { deepStrictEqual as deepEqual, equal } from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import {
  bestNattMethod,
  encodeVendorId,
  findVendorId,
  NATT_METHODS,
  VENDOR_IDS,
  vendorIdText,
  type VendorName,
} from "../../lib/ike/vendor_ids.ts";

const md5 = (text: string) => createHash("md5").update(text).digest("hex");
const NAMES = Object.keys(VENDOR_IDS) as VendorName[];

/** Texts whose MD5 sum, or the beginning of it, is the ID. */
const SUMS: [name: VendorName, text: string][] = [
  ["rfc3947", "RFC 3947"],
  ["draft", "draft-ietf-ipsec-nat-t-ike"],
  ["draft00", "draft-ietf-ipsec-nat-t-ike-00"],
  ["draft01", "draft-ietf-ipsec-nat-t-ike-01"],
  ["draft02", "draft-ietf-ipsec-nat-t-ike-02"],
  ["draft02n", "draft-ietf-ipsec-nat-t-ike-02\n"],
  ["draft03", "draft-ietf-ipsec-nat-t-ike-03"],
  ["draft04", "draft-ietf-ipsec-nat-t-ike-04"],
  ["draft05", "draft-ietf-ipsec-nat-t-ike-05"],
  ["draft06", "draft-ietf-ipsec-nat-t-ike-06"],
  ["draft07", "draft-ietf-ipsec-nat-t-ike-07"],
  ["draft08", "draft-ietf-ipsec-nat-t-ike-08"],
  ["fragmentation", "FRAGMENTATION"],
  ["unity", "CISCO-UNITY"],
  ["xauth", "draft-ietf-ipsra-isakmp-xauth-06.txt"],
  ["windows", "MS NT5 ISAKMPOAKLEY"],
  ["strongSwan", "strongSwan"],
  ["racoon", "KAME/racoon"],
  ["ciscoVpn", "ALTIGA GATEWAY"],
];
for (const [name, text] of SUMS) {
  Deno.test(`the vendor ID ${name} is the MD5 sum of ${JSON.stringify(text)}`, () => {
    const { hex } = VENDOR_IDS[name];
    equal(hex, md5(text).slice(0, hex.length));
  });
}

const TEXTS: [name: VendorName, text: string][] = [
  ["libreswan", "OE-Libreswan-4.10"],
  ["openPgp", "OpenPGP10171"],
  ["heartBeat", "HeartBeat_Notify8k\x01\x00"],
  ["openswan", "OEh@|[bcdefg"],
];
for (const [name, text] of TEXTS) {
  Deno.test(`findVendorId() knows the text ${JSON.stringify(text)}`, () => {
    equal(findVendorId(new TextEncoder().encode(text)), name);
  });
}

for (const name of NAMES.filter((name) => name !== "openswan")) {
  Deno.test(`findVendorId() finds ${name}, with more behind it where that may be`, () => {
    equal(findVendorId(encodeVendorId(name)), name);
    const more = new Uint8Array([...encodeVendorId(name), 0x80, 0, 0, 0]);
    equal(findVendorId(more), "isPrefix" in VENDOR_IDS[name] ? name : undefined);
    equal(findVendorId(encodeVendorId(name).slice(0, -2)), undefined);
  });
}

const FRAGMENTATION = VENDOR_IDS.fragmentation.hex;
const CAPABILITIES: [why: string, hex: string, name: VendorName | undefined][] = [
  ["none", "", "fragmentation"],
  ["those of strongSwan", "80000000", "fragmentation"],
  ["those of Cisco", "c0000000", "fragmentation"],
  ["fragments of other messages only", "40000000", undefined],
  ["a word cut off", "8000", undefined],
];
for (const [why, hex, name] of CAPABILITIES) {
  Deno.test(`findVendorId() reads the capabilities of FRAGMENTATION: ${why}`, () => {
    equal(findVendorId(Uint8Array.fromHex(FRAGMENTATION + hex)), name);
  });
}

Deno.test("findVendorId() takes any bytes, and nothing for a known ID that is not", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (data) => {
    const name = findVendorId(data);
    if (name) equal(data.toHex().startsWith(VENDOR_IDS[name].hex), true);
  }));
  equal(findVendorId(new Uint8Array()), undefined);
});

Deno.test("bestNattMethod() takes the RFC before the drafts, and nothing before nothing", () => {
  equal(bestNattMethod(new Set(["draft02", "rfc3947", "draft03"] as const)), "rfc3947");
  equal(bestNattMethod(new Set(["draft02", "draft03", "draft02n"] as const)), "draft03");
  equal(bestNattMethod(new Set(["draft02", "dpd"] as const)), "draft02");
  equal(bestNattMethod(new Set(["draft00", "draft08"] as const)), undefined);
  for (const method of Object.keys(NATT_METHODS) as (keyof typeof NATT_METHODS)[]) {
    equal(VENDOR_IDS[method].hex, NATT_METHODS[method].hex);
  }
});

Deno.test("vendorIdText() shows 47 bytes, without their high bits, and no control characters", () => {
  deepEqual(vendorIdText(Uint8Array.of(0x4f, 0xc5, 0x0a, 0x07, 0xff)), "OE \\007\\177");
  equal(vendorIdText(new Uint8Array(100).fill(0x41)), "A".repeat(47));
});
