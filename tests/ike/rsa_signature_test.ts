import { equal, ok, throws } from "node:assert/strict";
import { createPrivateKey, publicDecrypt } from "node:crypto";
import { Buffer } from "node:buffer";
import { bytesToNumber, numberToBytes, powerModulo } from "../../lib/crypto/big_number.ts";
import { hash, HASHES, type HashName } from "../../lib/crypto/hash.ts";
import {
  rsaKeyFromPrimes,
  type RsaPrivateKey,
  type RsaPublicKey,
  secretNumbers,
  withoutZeroes,
} from "../../lib/crypto/rsa.ts";
import { generateRsaKey } from "../../lib/crypto/rsa_generate.ts";
import { toPrivateJwk } from "../../lib/crypto/rsa_jwk.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import { signHash, verifySignature } from "../../lib/ike/rsa_signature.ts";
import { field, publishedRecords } from "../crypto/_published_files.ts";
import { publishedRsaKeys } from "../crypto/_published_rsa.ts";
import { testWith } from "../interop/_needs.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const keys = new Map<number, RsaPrivateKey>();

/** Made once for each size. */
function keyOf(bits: number): RsaPrivateKey {
  const key = keys.get(bits) ?? generateRsaKey({ bits, rounds: 2, seed: random, random });
  keys.set(bits, key);
  return key;
}

for (const bits of [512, 1024, 1040, 2048]) {
  for (const name of Object.keys(HASHES) as HashName[]) {
    const { bytes } = HASHES[name];
    if (bytes + 11 > bits / 8) continue;
    Deno.test(`a HASH of ${name} is signed with ${bits} bits, verified, and nothing else passes`, () => {
      const key = keyOf(bits);
      const digest = random(bytes);
      const signature = signHash(key, digest, random)!;
      equal(signature.length, bits / 8);
      ok(verifySignature(key.publicKey, digest, signature));
      for (const at of [0, bytes - 1]) {
        const other = new Uint8Array(digest);
        other[at] ^= 1;
        ok(!verifySignature(key.publicKey, other, signature), `byte ${at} of the hash`);
      }
      for (const at of [0, bits / 16, bits / 8 - 1]) {
        const other = new Uint8Array(signature);
        other[at] ^= 1;
        ok(!verifySignature(key.publicKey, digest, other), `byte ${at} of the signature`);
      }
    });
  }
}

Deno.test("signHash() pads as node:crypto expects it, without the name of a hash", () => {
  const key = keyOf(1024);
  const digest = random(20);
  const node = createPrivateKey({ key: { ...toPrivateJwk(key) }, format: "jwk" });
  const opened = publicDecrypt(node.export({ type: "pkcs1", format: "pem" }), signHash(key, digest, random)!);
  equal(opened.toString("hex"), digest.toHex());
  ok(Buffer.isBuffer(opened));
});

Deno.test("signHash() gives nothing where the hash does not fit into the modulus", () => {
  equal(signHash(keyOf(512), random(54), random), undefined);
  ok(signHash(keyOf(512), random(53), random));
  ok(!verifySignature(keyOf(512).publicKey, random(54), random(64)));
});

Deno.test("signHash() never gives a signature with an error in it, which would tell the primes", () => {
  const key = keyOf(1024);
  for (const part of ["exponent1", "exponent2", "coefficient", "prime2"] as const) {
    const bytes = new Uint8Array(key[part].reveal());
    bytes[bytes.length - 1] ^= 2;
    throws(() => signHash({ ...key, [part]: new Secret(bytes) }, random(20), random), RangeError, part);
  }
});

/** What a signer would have to make of `block`, whatever it is. */
function signBlock(key: RsaPrivateKey, block: Uint8Array): Uint8Array {
  const [d] = secretNumbers(key).map(bytesToNumber);
  return fixed(powerModulo(bytesToNumber(block), d, bytesToNumber(key.publicKey.modulus)), block.length);
}

function fixed(number: bigint, length: number): Uint8Array {
  const bytes = numberToBytes(number);
  return Uint8Array.from({ length }, (_, i) => bytes[i - length + bytes.length] ?? 0);
}

const DIGEST = random(20);
const DIGEST_INFO = Uint8Array.fromHex("3021300906052b0e03021a05000414");
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
/** Blocks of 128 bytes that a holder of the key could sign. */
const REFUSED_BLOCKS: [what: string, parts: (number | Uint8Array)[]][] = [
  ["block type 2", [0, 2, filled(105, 0xff), 0, DIGEST]],
  ["block type 0", [0, 0, filled(105, 0xff), 0, DIGEST]],
  ["padding with another byte in it", [0, 1, filled(50, 0xff), 0xfe, filled(54, 0xff), 0, DIGEST]],
  ["a name of the hash before it", [0, 1, filled(90, 0xff), 0, DIGEST_INFO, DIGEST]],
  ["the hash moved forward, bytes behind it", [0, 1, filled(8, 0xff), 0, DIGEST, filled(97, 0x42)]],
  ["no zero before the hash", [0, 1, filled(106, 0xff), DIGEST]],
  ["a first byte that is not zero", [1, 1, filled(105, 0xff), 0, DIGEST]],
];
for (const [what, parts] of REFUSED_BLOCKS) {
  Deno.test(`verifySignature() refuses ${what}`, () => {
    const block = Uint8Array.from(parts.flatMap((part) => typeof part === "number" ? [part] : [...part]));
    equal(block.length, 128);
    const key = keyOf(1024);
    ok(!verifySignature(key.publicKey, DIGEST, signBlock(key, block)));
  });
}

Deno.test("verifySignature() refuses what a stranger can make for a key with the exponent 3: block type 2", () => {
  const { publicKey } = keyOf(2048);
  const digest = new Uint8Array(DIGEST);
  digest[19] |= 1; // has a cube root modulo a power of 2 then
  // s ends so that s^3 ends in 00 HASH; its front makes s^3 begin with 00 02; what is between becomes padding.
  const wanted = bytesToNumber(Uint8Array.of(0, ...digest)), low = 1n << 168n;
  let end = 1n;
  for (let bit = 1n; bit < 168n; bit++) if ((end ** 3n - wanted) >> bit & 1n) end |= 1n << bit;
  equal(end ** 3n % low, wanted);
  let forged: Uint8Array | undefined;
  const wish = cubeRoot(bytesToNumber(Uint8Array.of(0, 2, ...filled(254, 0x5a))));
  for (let front = wish >> 168n; !forged; front++) {
    const s = front << 168n | end;
    const block = fixed(s ** 3n, 256);
    if (block[1] === 2 && !block.subarray(2, 235).includes(0)) forged = fixed(s, 256);
  }
  // FreeS/WAN would have taken it.
  const opened = fixed(powerModulo(bytesToNumber(forged), 3n, bytesToNumber(publicKey.modulus)), 256);
  equal(opened.subarray(235).toHex(), `00${digest.toHex()}`);
  ok(!verifySignature(publicKey, digest, forged));
});

function cubeRoot(n: bigint): bigint {
  let root = 0n;
  for (let bit = 700n; bit >= 0n; bit--) if ((root | 1n << bit) ** 3n <= n) root |= 1n << bit;
  return root;
}

Deno.test("verifySignature() refuses signatures of another length, and numbers from the modulus on", () => {
  const key = keyOf(1024);
  const signature = signHash(key, DIGEST, random)!;
  const n = bytesToNumber(key.publicKey.modulus);
  const wrong = [
    new Uint8Array(),
    signature.subarray(1),
    Uint8Array.of(0, ...signature),
    Uint8Array.of(...signature, 0),
    filled(128, 0),
    filled(128, 0xff),
    fixed(n, 128),
    fixed(n - 1n, 128),
  ];
  for (const one of wrong) ok(!verifySignature(key.publicKey, DIGEST, one), one.toHex());
  // s + n is the same number modulo n, and may have as many bytes.
  const twin = bytesToNumber(signature) + n;
  if (twin < 1n << 1024n) ok(!verifySignature(key.publicKey, DIGEST, fixed(twin, 128)));
});

Deno.test("verifySignature() refuses keys with which anybody could sign", () => {
  const { publicKey: { modulus } } = keyOf(1024);
  const block = Uint8Array.of(0, 1, ...filled(128 - 3 - DIGEST.length, 0xff), 0, ...DIGEST);
  for (const exponent of [1, 2, 4]) ok(!verifySignature({ modulus, exponent: Uint8Array.of(exponent) }, DIGEST, block));
});

/** DER of a hash's name, as it stands before it in signatures of PKCS #1 (RFC 8017 §9.2). */
const NAMES: Record<string, [name: HashName, prefix: Uint8Array]> = {
  SHA1: ["sha1", DIGEST_INFO],
  SHA256: ["sha2_256", Uint8Array.fromHex("3031300d060960864801650304020105000420")],
  SHA384: ["sha2_384", Uint8Array.fromHex("3041300d060960864801650304020205000430")],
  SHA512: ["sha2_512", Uint8Array.fromHex("3051300d060960864801650304020305000440")],
};

/** With a name before the hash, what is signed is the same as in PKCS #1, for which there are published vectors. */
function named(algorithm: string, message: Uint8Array): Uint8Array {
  const [name, prefix] = NAMES[algorithm];
  return Uint8Array.of(...prefix, ...hash(name, message));
}

testWith(["cryptography-vectors"], "signHash() makes the signatures of RSA Security's vectors", async (t) => {
  const published = publishedRsaKeys();
  equal(published.length, 15);
  for (const { bits, modulus, exponent, prime1, prime2, signed } of published) {
    await t.step(`${bits} bits`, () => {
      const key = rsaKeyFromPrimes(prime1, prime2, { e: exponent })!;
      equal(bytesToNumber(key.publicKey.modulus), modulus);
      equal(signed.length, 20);
      for (const { message, signature } of signed) {
        equal(signHash(key, named("SHA1", message), random)!.toHex(), signature.toHex());
        ok(verifySignature(key.publicKey, named("SHA1", message), signature));
      }
    });
  }
});

testWith(["cryptography-vectors"], "verifySignature() agrees with NIST CAVP, forged paddings too", async (t) => {
  const seen = { P: 0, F: 0 };
  let modulus = new Uint8Array();
  for (const record of publishedRecords("asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp")) {
    if (record.has("n")) modulus = Uint8Array.fromHex(field(record, "n"));
    if (!record.has("s") || !(field(record, "shaalg") in NAMES)) continue;
    const key: RsaPublicKey = { modulus, exponent: withoutZeroes(Uint8Array.fromHex(field(record, "e"))) };
    const digest = named(field(record, "shaalg"), Uint8Array.fromHex(field(record, "msg")));
    const result = field(record, "result");
    const verified = verifySignature(key, digest, Uint8Array.fromHex(field(record, "s")));
    equal(verified, result.startsWith("P"), `${modulus.length * 8} bits, ${field(record, "shaalg")}: ${result}`);
    seen[verified ? "P" : "F"]++;
  }
  await t.step(`${seen.P} passed, ${seen.F} failed`, () => ok(seen.P > 0 && seen.F > 3 * seen.P));
});
