/** Keys that leave for node:crypto and come from it: it signs and verifies with them, and gives the same numbers back. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { checkRsaKey, modulusBits, type RsaPrivateKey, type RsaPublicKey } from "../../lib/crypto/rsa.ts";
import { generateRsaKey } from "../../lib/crypto/rsa_generate.ts";
import { fromPrivateJwk, fromPublicJwk, toPrivateJwk, toPublicJwk } from "../../lib/crypto/rsa_jwk.ts";
import { decodePrivateKey, decodePublicKey, encodePrivateKey, encodePublicKey } from "../../lib/crypto/rsa_pkcs1.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const TEXT = new TextEncoder().encode("the quick brown fox");
const [OURS, OTHER] = [0, 1].map(() => generateRsaKey({ bits: 1024, seed: random, random }));

/** Every number of a key, in plain bytes. */
function numbers({ publicKey, ...secrets }: RsaPrivateKey): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, secret.reveal().toHex()])),
    modulus: publicKey.modulus.toHex(),
    exponent: publicKey.exponent.toHex(),
  };
}

const FORMS: [
  name: string,
  privateKey: (key: RsaPrivateKey) => ReturnType<typeof createPrivateKey>,
  publicKey: (key: RsaPublicKey) => ReturnType<typeof createPublicKey>,
][] = [
  [
    "PKCS #1",
    (key) => createPrivateKey({ key: Buffer.from(encodePrivateKey(key)), format: "der", type: "pkcs1" }),
    (key) => createPublicKey({ key: Buffer.from(encodePublicKey(key)), format: "der", type: "pkcs1" }),
  ],
  [
    "JWK",
    (key) => createPrivateKey({ key: { ...toPrivateJwk(key) }, format: "jwk" }),
    (key) => createPublicKey({ key: { ...toPublicJwk(key) }, format: "jwk" }),
  ],
];
for (const [name, privateKey, publicKey] of FORMS) {
  Deno.test(`node:crypto signs and verifies with our key in ${name}`, () => {
    const signature = sign("sha256", TEXT, privateKey(OURS));
    ok(verify("sha256", TEXT, publicKey(OURS.publicKey), signature));
    equal(verify("sha256", TEXT, publicKey(OTHER.publicKey), signature), false);
  });
}

for (const exponent of [3, 65537]) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024, publicExponent: exponent });

  Deno.test(`decodePrivateKey() and fromPrivateJwk() read a key of node:crypto with exponent ${exponent}`, () => {
    const der = new Uint8Array(privateKey.export({ format: "der", type: "pkcs1" }));
    const one = decodePrivateKey(der), other = fromPrivateJwk({ ...privateKey.export({ format: "jwk" }) });
    ok(one.ok && other.ok);
    deepEqual(checkRsaKey(one.value), []);
    equal(modulusBits(one.value.publicKey), 1024);
    deepEqual(numbers(one.value), numbers(other.value));
    deepEqual(encodePrivateKey(one.value), der);
  });

  Deno.test(`decodePublicKey() and fromPublicJwk() read a key of node:crypto with exponent ${exponent}`, () => {
    const der = new Uint8Array(publicKey.export({ format: "der", type: "pkcs1" }));
    const one = decodePublicKey(der), other = fromPublicJwk({ ...publicKey.export({ format: "jwk" }) });
    ok(one.ok && other.ok);
    deepEqual(one.value, other.value);
    deepEqual(encodePublicKey(one.value), der);
  });
}

Deno.test("the forms of a key come back as they were", () => {
  const der = decodePrivateKey(encodePrivateKey(OURS)), jwk = fromPrivateJwk({ ...toPrivateJwk(OURS) });
  ok(der.ok && jwk.ok);
  deepEqual(numbers(der.value), numbers(OURS));
  deepEqual(numbers(jwk.value), numbers(OURS));
});

const DER = encodePrivateKey(OURS);
Deno.test("decodePrivateKey() gives a key or a reason for any bytes, and for a key changed anywhere", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
    const [one, other] = [decodePrivateKey(bytes), decodePublicKey(bytes)];
    ok(one.ok || one.error);
    ok(other.ok || other.error);
  }));
  fc.assert(fc.property(fc.nat(DER.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
    const bytes = DER.slice();
    bytes[at] ^= flip;
    const key = decodePrivateKey(bytes);
    // Whatever is still read is another key, or none at all.
    if (key.ok) ok(checkRsaKey(key.value).length > 0 || numbers(key.value).modulus !== numbers(OURS).modulus);
    else ok(key.error);
  }));
});
Deno.test("decodePrivateKey() refuses a key that is cut off, or with a byte too many", () => {
  for (let length = 0; length < DER.length; length++) equal(decodePrivateKey(DER.slice(0, length)).ok, false);
  equal(decodePrivateKey(Uint8Array.from([...DER, 0])).ok, false);
});

const REFUSED: [name: string, jwk: Record<string, unknown>, error: string][] = [
  ["another kind of key", { ...toPrivateJwk(OURS), kty: "EC" }, "is no RSA key in JSON"],
  ["no modulus", { ...toPrivateJwk(OURS), n: undefined }, "is no RSA key in JSON"],
  ["a modulus in plain base64", { ...toPrivateJwk(OURS), n: "+/==" }, "is no RSA key in JSON"],
  ["no primes", { ...toPrivateJwk(OURS), p: undefined }, "is no RSA private key with its primes"],
  ["a small modulus", { ...toPrivateJwk(OURS), n: "AQAB" }, "RSA modulus too small for security: less than 512 bits"],
];
for (const [name, jwk, error] of REFUSED) {
  Deno.test(`fromPrivateJwk() refuses ${name}`, () => deepEqual(fromPrivateJwk(jwk), { ok: false, error }));
}
