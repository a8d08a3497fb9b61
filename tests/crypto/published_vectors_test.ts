/**
 * Published vectors, for every provider, out of Debian's python3-cryptography-vectors: NIST CAVP for AES-CBC, 3DES-CBC
 * and AES-GCM, RFC 2202 and 4231 for HMAC, BoringSSL's and OpenSSL's for ChaCha20-Poly1305.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type AeadName, AUTHENTICATORS, type AuthName, type CbcName } from "../../lib/crypto/algorithms.ts";
import { nobleProvider } from "../../lib/crypto/noble_provider.ts";
import type { Provider } from "../../lib/crypto/provider.ts";
import { runtimeProvider } from "../../lib/crypto/runtime_provider.ts";
import { openLibcrypto } from "../../lib/ffi/libcrypto.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { type NeedName, testWith } from "../interop/_needs.ts";
import { field, publishedRecords, type VectorRecord } from "./_published_files.ts";

const AES_KINDS = ["GFSbox", "KeySbox", "VarKey", "VarTxt", "MMT"];
const CBC_FILES: readonly [cipher: CbcName, file: string][] = [
  ...(["128", "192", "256"] as const).flatMap((bits) =>
    AES_KINDS.map((kind): [CbcName, string] => [`aes${bits}`, `ciphers/AES/CBC/CBC${kind}${bits}.rsp`])
  ),
  // The other files of 3DES have three equal keys, which is single DES and refused, or interleave three messages.
  ["3des", "ciphers/3DES/CBC/TCBCMMT2.rsp"],
  ["3des", "ciphers/3DES/CBC/TCBCMMT3.rsp"],
];
const AEAD_FILES: readonly [cipher: AeadName, file: string, forged: boolean][] = [
  ["aes128gcm16", "ciphers/AES/GCM/gcmEncryptExtIV128.rsp", false],
  ["aes128gcm16", "ciphers/AES/GCM/gcmDecrypt128.rsp", true],
  ["aes256gcm16", "ciphers/AES/GCM/gcmEncryptExtIV256.rsp", false],
  ["aes256gcm16", "ciphers/AES/GCM/gcmDecrypt256.rsp", true],
  ["chacha20poly1305", "ciphers/ChaCha20Poly1305/boringssl.txt", false],
  ["chacha20poly1305", "ciphers/ChaCha20Poly1305/openssl.txt", true],
];
const MAC_FILES: readonly [auth: AuthName, file: string][] = [
  ["md5-96", "HMAC/rfc-2202-md5.txt"],
  ["sha1-96", "HMAC/rfc-2202-sha1.txt"],
  ["sha2_256-128", "HMAC/rfc-4231-sha256.txt"],
  ["sha2_384-192", "HMAC/rfc-4231-sha384.txt"],
  ["sha2_512-256", "HMAC/rfc-4231-sha512.txt"],
];
const HASHES: Record<AuthName, [name: string, blockBytes: number]> = {
  "md5-96": ["md5", 64],
  "sha1-96": ["sha1", 64],
  "sha2_256-128": ["sha256", 64],
  "sha2_384-192": ["sha384", 128],
  "sha2_512-256": ["sha512", 128],
};

// Layout of the packet memory.
const IV = 0;
const AAD = 64;
const TEXT = 2048;
const MEMORY_BYTES = 8192;
const NONCE_DIGITS = 24;
const TAG_DIGITS = 32;

const PROVIDERS: readonly [name: Provider["name"], needs: readonly NeedName[], open: () => Provider][] = [
  ["libcrypto", ["openssl"], openLibcrypto], // the command comes with the library
  ["runtime", [], () => runtimeProvider],
  ["noble", [], () => nobleProvider],
];
for (const [name, needs, open] of PROVIDERS) {
  testWith(
    ["cryptography-vectors", ...needs],
    `${name} agrees with published vectors`,
    (t) => publishedSuite(t, open()),
  );
}

async function publishedSuite(t: Deno.TestContext, provider: Provider): Promise<void> {
  const memory = new PacketMemory(MEMORY_BYTES);
  for (const [cipher, file] of CBC_FILES) {
    await t.step(`${cipher}: ${file}`, () => checkCbc(provider, memory, cipher, publishedRecords(file)));
  }
  for (const [cipher, file, forged] of AEAD_FILES) {
    await t.step(`${cipher}: ${file}`, () => checkAead(provider, memory, cipher, publishedRecords(file), forged));
  }
  for (const [auth, file] of MAC_FILES) {
    await t.step(`${auth}: ${file}`, () => checkMac(provider, memory, auth, publishedRecords(file)));
  }
}

function put(memory: PacketMemory, at: number, hex: string): number {
  return memory.bytes.subarray(at).setFromHex(hex).written;
}

const taken = (memory: PacketMemory, length: number) => memory.bytes.subarray(TEXT, TEXT + length).toHex();
const label = (record: VectorRecord) => JSON.stringify(Object.fromEntries(record));

function checkCbc(provider: Provider, memory: PacketMemory, cipher: CbcName, records: readonly VectorRecord[]): void {
  assert.ok(records.length > 0, "vectors run");
  for (const record of records) {
    const key = cipher === "3des"
      ? field(record, "key1") + field(record, "key2") + field(record, "key3")
      : field(record, "key");
    const plain = field(record, "plaintext");
    const cbc = provider.cbc(cipher, Uint8Array.fromHex(key), memory);
    put(memory, IV, field(record, "iv"));
    const length = put(memory, TEXT, plain);
    cbc.encrypt(IV, TEXT, length);
    assert.equal(taken(memory, length), field(record, "ciphertext"), label(record));
    cbc.decrypt(IV, TEXT, length);
    assert.equal(taken(memory, length), plain, label(record));
    cbc.wipe();
  }
}

/** @param forged whether the file has vectors that must be refused */
function checkAead(
  provider: Provider,
  memory: PacketMemory,
  cipher: AeadName,
  records: readonly VectorRecord[],
  forged: boolean,
): void {
  let [opened, refused] = [0, 0];
  for (const record of records) {
    const [nonce, tag] = [field(record, "iv", "nonce"), field(record, "tag")];
    if (nonce.length !== NONCE_DIGITS || tag.length !== TAG_DIGITS) continue; // no other lengths in ESP
    const sealed = field(record, "ct", "ciphertext");
    const aead = provider.aead(cipher, Uint8Array.fromHex(field(record, "key")), memory);
    put(memory, IV, nonce);
    const aadLength = put(memory, AAD, field(record, "aad", "ad"));
    const length = put(memory, TEXT, sealed);
    put(memory, TEXT + length, tag);
    const bad = record.has("fail") || record.has("result");
    assert.equal(aead.open(IV, AAD, aadLength, TEXT, length), !bad, label(record));
    if (bad) refused++;
    else {
      opened++;
      assert.equal(taken(memory, length), field(record, "pt", "plaintext", "in"), label(record));
      aead.seal(IV, AAD, aadLength, TEXT, length);
      assert.equal(taken(memory, length + TAG_DIGITS / 2), sealed + tag, label(record));
    }
    aead.wipe();
  }
  assert.ok(opened > 0, "vectors run");
  assert.equal(refused > 0, forged, "forged vectors run");
}

/**
 * A key of our length that HMAC takes for the same as `key` (RFC 2104 §2): it fills short ones up with zeros, and
 * hashes those that are longer than the hash's block. Undefined for a key between the two.
 */
function sameKey(auth: AuthName, key: Uint8Array): Uint8Array | undefined {
  const bytes = AUTHENTICATORS[auth].keyBits / 8;
  const [hash, blockBytes] = HASHES[auth];
  if (key.length > blockBytes) return createHash(hash).update(key).digest();
  return key.length <= bytes ? Uint8Array.from({ length: bytes }, (_, i) => key[i] ?? 0) : undefined;
}

function checkMac(provider: Provider, memory: PacketMemory, auth: AuthName, records: readonly VectorRecord[]): void {
  const { icvBytes } = AUTHENTICATORS[auth];
  let [short, long] = [0, 0];
  for (const record of records) {
    const published = Uint8Array.fromHex(field(record, "key"));
    const key = sameKey(auth, published);
    if (!key) continue;
    if (published.length > key.length) long++;
    else short++;
    const mac = provider.mac(auth, key, memory);
    const length = put(memory, AAD, field(record, "msg"));
    mac.sign(AAD, length, TEXT);
    assert.equal(taken(memory, icvBytes), field(record, "md").slice(0, icvBytes * 2), label(record));
    assert.ok(mac.verify(AAD, length, TEXT), label(record));
    mac.wipe();
  }
  assert.ok(short > 0 && long > 0, "vectors run");
}
