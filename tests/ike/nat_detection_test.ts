import { deepStrictEqual as deepEqual, equal } from "node:assert/strict";
import { hash } from "../../lib/crypto/hash.ts";
import { detectNat, type Endpoint, natPayloads, type NatQuestion, natResult } from "../../lib/ike/nat_detection.ts";
import { address } from "../klips/_gateway.ts";

const WEST: Endpoint = { address: address("192.0.2.1"), port: 500 };
const EAST: Endpoint = { address: address("198.51.100.2"), port: 4500 };
const COOKIES = {
  initiatorCookie: Uint8Array.fromHex("0102030405060708"),
  responderCookie: Uint8Array.fromHex("1112131415161718"),
};

const asked = (local: Endpoint, remote: Endpoint): NatQuestion => ({
  hash: (...pieces) => hash("sha1", ...pieces),
  ...COOKIES,
  local,
  remote,
});

Deno.test("natPayloads() has the receiver's hash before the sender's", () => {
  // By sha1sum of the cookies, c0000201 01f4 and c6336402 1194.
  deepEqual(natPayloads(asked(WEST, EAST)), [
    { type: "NAT-D", data: Uint8Array.fromHex("f574d2c866f7fa5e231217325d5dcde42e7be277") },
    { type: "NAT-D", data: Uint8Array.fromHex("d798d986143f878f70765e0e869c80bbc375f701") },
  ]);
  equal(natPayloads(asked(WEST, EAST), { draft: true })[0].draft, true);
});

const NAT: Endpoint = { address: address("203.0.113.9"), port: 1024 };
const OTHER: Endpoint = { address: address("10.2.0.1"), port: 4500 };
/** What east finds in west's payloads. */
const WAYS: [why: string, west: NatQuestion, east: NatQuestion, result: string][] = [
  ["no NAT", asked(WEST, EAST), asked(EAST, WEST), "no NAT detected"],
  ["west behind NAT", asked(WEST, EAST), asked(EAST, NAT), "peer is NATed"],
  ["another port only", asked(WEST, EAST), asked(EAST, { ...WEST, port: 4500 }), "peer is NATed"],
  ["east behind NAT", asked(WEST, NAT), asked(OTHER, WEST), "i am NATed"],
  ["both behind NAT", asked(WEST, NAT), asked(OTHER, NAT), "both are NATed"],
];
for (const [why, west, east, result] of WAYS) {
  Deno.test(`detectNat() finds ${why}`, () => equal(natResult(detectNat(natPayloads(west), east)!), result));
}

Deno.test("detectNat() compares every address that the peer may have", () => {
  const [receiver, sender] = natPayloads(asked(WEST, EAST));
  const [, other] = natPayloads(asked(OTHER, EAST));
  deepEqual(detectNat([receiver, other, sender], asked(EAST, WEST)), { ours: false, peers: false });
});

Deno.test("detectNat() knows nothing where there are not two payloads", () => {
  const [receiver] = natPayloads(asked(WEST, EAST));
  equal(detectNat([], asked(EAST, WEST)), undefined);
  equal(detectNat([receiver, { type: "VID", data: new Uint8Array() }], asked(EAST, WEST)), undefined);
});

Deno.test("natPayloads() lets the peer find a NAT that is not there", () => {
  const payloads = natPayloads(asked(WEST, EAST), { fake: new Uint8Array(64).fill(7) });
  equal(payloads[1].data.length, 20);
  deepEqual(detectNat(payloads, asked(EAST, WEST)), { ours: false, peers: true });
});
