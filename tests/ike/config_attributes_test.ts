import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  emptyAttributes,
  NO_SETTINGS,
  readSettings,
  type Settings,
  settingsAttributes,
  WANTED,
} from "../../lib/ike/config_attributes.ts";
import { CFG_ATTRIBUTE } from "../../lib/ike/constants.ts";
import { formatAddress } from "../../lib/text/address.ts";
import { formatSubnet, subnetOf } from "../../lib/text/subnet.ts";

const address = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ({
  family: "inet" as const,
  bytes: new Uint8Array(bytes),
})).filter(({ bytes }) => bytes.some((byte) => byte !== 0));
const settings: fc.Arbitrary<Settings> = fc.record({
  address,
  dns: fc.array(address, { maxLength: 8 }),
  wins: fc.array(address, { maxLength: 8 }),
  subnets: fc.array(fc.tuple(address, fc.nat(32)).map(([at, bits]) => subnetOf(at, bits)), { maxLength: 9 }),
}, { noNullPrototype: true });

Deno.test("readSettings() reads what settingsAttributes() wrote", () => {
  fc.assert(fc.property(settings, (settings) => {
    deepEqual(readSettings(settingsAttributes(settings, undefined)), settings);
  }));
});

Deno.test("readSettings() answers any attributes, and keeps no more than bounded lists", () => {
  const value = fc.oneof(fc.nat(65535), fc.uint8Array({ maxLength: 200 }));
  const type = fc.oneof(fc.nat(32767), fc.constantFrom(...Object.values(CFG_ATTRIBUTE)));
  fc.assert(fc.property(fc.array(fc.record({ type, value }), { maxLength: 60 }), (attributes) => {
    const { dns, wins, subnets } = readSettings(attributes);
    ok(dns.length <= 8 && wins.length <= 8 && subnets.length <= 256);
  }));
});

Deno.test("readSettings() takes a request's empty attributes for nothing", () => {
  for (const names of Object.values(WANTED)) deepEqual(readSettings(emptyAttributes(names)), NO_SETTINGS);
});

/** As Cisco's concentrators send it, two networks in one attribute. */
const SPLIT = "0a000100ffffff00000000000000c0a80000ffff0000000000000000";

Deno.test("readSettings() reads Cisco's split networks, domain and banner", () => {
  const read = readSettings([
    { type: CFG_ATTRIBUTE.INTERNAL_IP4_ADDRESS, value: Uint8Array.fromHex("0a090001") },
    { type: CFG_ATTRIBUTE.UNITY_SPLIT_INCLUDE, value: Uint8Array.fromHex(SPLIT) },
    { type: CFG_ATTRIBUTE.UNITY_DEF_DOMAIN, value: new TextEncoder().encode("example.com\0") },
    { type: CFG_ATTRIBUTE.UNITY_BANNER, value: new TextEncoder().encode("Welcome") },
  ]);
  equal(read.address && formatAddress(read.address), "10.9.0.1");
  deepEqual(read.subnets.map(formatSubnet), ["10.0.1.0/24", "192.168.0.0/16"]);
  deepEqual([read.domain, read.banner], ["example.com", "Welcome"]);
});

Deno.test("settingsAttributes() answers only what was asked for", () => {
  const all = readSettings([
    { type: CFG_ATTRIBUTE.INTERNAL_IP4_ADDRESS, value: Uint8Array.fromHex("0a090001") },
    { type: CFG_ATTRIBUTE.INTERNAL_IP4_DNS, value: Uint8Array.fromHex("0a000101") },
    { type: CFG_ATTRIBUTE.INTERNAL_IP4_NBNS, value: Uint8Array.fromHex("0a000102") },
  ]);
  const wanted = new Set<number>([CFG_ATTRIBUTE.INTERNAL_IP4_ADDRESS, CFG_ATTRIBUTE.INTERNAL_IP4_NBNS]);
  deepEqual(settingsAttributes(all, wanted).map(({ type }) => type), [...wanted]);
});
