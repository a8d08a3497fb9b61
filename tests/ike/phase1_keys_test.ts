/** What phase 1 makes of the public values. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { makeDh } from "../../lib/crypto/dh.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import { agree } from "../../lib/ike/phase1_keys.ts";
import type { IkeSuite } from "../../lib/ike/suite.ts";

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
const SUITE: IkeSuite = { cipher: "aes", keyBits: 128, hash: "sha2_256", group: "ecp256" };
const PSK = new Secret(new TextEncoder().encode("how now brown cow"));

function agreeing(ours: ReturnType<typeof makeDh>, peerKe: Uint8Array) {
  const cookie = new Uint8Array(8).fill(1), nonce = new Uint8Array(32);
  const cookies = { initiatorCookie: cookie, responderCookie: cookie };
  const values = { ...cookies, gxi: ours.publicValue, gxr: peerKe, ni: nonce, nr: nonce };
  return agree({ suite: SUITE, auth: "psk" }, ours, peerKe, values, PSK);
}

Deno.test("agree() makes keys with another's public value, and none with our own", () => {
  const ours = makeDh("ecp256", random), peers = makeDh("ecp256", random);
  const agreed = agreeing(ours, peers.publicValue);
  ok("keys" in agreed);
  equal(agreed.keys.encryptionKey.length, 16);
  deepEqual(agreeing(ours, ours.publicValue), {
    kind: "fail",
    notify: 17,
    text: "KE is our own, sent back to us",
    lines: [],
  });
});
