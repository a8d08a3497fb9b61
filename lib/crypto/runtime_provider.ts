/**
 * The ciphers of the runtime, by `node:crypto`. Allocates per packet, and keys a cipher anew for each; what the
 * runtime does not have (Deno 2.9 knows no AES-192-CBC) comes from the portable provider.
 */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { versions } from "node:process";
import type { PacketMemory } from "../packet/memory.ts";
import { type AeadName, AUTHENTICATORS, type AuthName, type CbcName, CIPHERS } from "./algorithms.ts";
import { checkAuthKey, checkBlocks, checkCipherKey, checkRange } from "./checks.ts";
import { equalAt } from "./constant_time.ts";
import { nobleProvider } from "./noble_provider.ts";
import type { Aead, Cbc, Mac, Provider } from "./provider.ts";

const TAG_BYTES = 16;
const NONCE_BYTES = 12;

const CBC_NAMES: Record<Exclude<CbcName, "aes192">, string> = {
  "3des": "des-ede3-cbc",
  aes128: "aes-128-cbc",
  aes256: "aes-256-cbc",
};
/** The types of node:crypto tie `getAuthTag` to a name of GCM; at run time ChaCha20-Poly1305 takes the same calls. */
const AEAD_NAMES: Record<AeadName, "aes-128-gcm"> = {
  aes128gcm16: "aes-128-gcm",
  aes256gcm16: "aes-256-gcm" as "aes-128-gcm",
  chacha20poly1305: "chacha20-poly1305" as "aes-128-gcm",
};
const HASH_NAMES: Record<AuthName, string> = {
  "md5-96": "md5",
  "sha1-96": "sha1",
  "sha2_256-128": "sha256",
  "sha2_384-192": "sha384",
  "sha2_512-256": "sha512",
};

export const runtimeProvider: Provider = {
  name: "runtime",
  description: "deno" in versions ? `node:crypto of Deno ${versions.deno}` : `node:crypto of Node ${versions.node}`,
  cbc(cipher, key, memory) {
    if (cipher === "aes192") return nobleProvider.cbc(cipher, key, memory);
    checkCipherKey(cipher, key);
    return new RuntimeCbc(cipher, key, memory);
  },
  aead(cipher, key, memory) {
    checkCipherKey(cipher, key);
    return new RuntimeAead(AEAD_NAMES[cipher], key, memory);
  },
  mac(auth, key, memory) {
    checkAuthKey(auth, key);
    return new RuntimeMac(auth, key, memory);
  },
};

class RuntimeCbc implements Cbc {
  readonly #cipher: keyof typeof CBC_NAMES;
  readonly #key: Uint8Array;
  readonly #bytes: Uint8Array;

  constructor(cipher: keyof typeof CBC_NAMES, key: Uint8Array, memory: PacketMemory) {
    this.#cipher = cipher;
    this.#key = new Uint8Array(key);
    this.#bytes = memory.bytes;
  }

  encrypt(iv: number, at: number, length: number): void {
    this.#run(createCipheriv, iv, at, length);
  }

  decrypt(iv: number, at: number, length: number): void {
    this.#run(createDecipheriv, iv, at, length);
  }

  wipe(): void {
    this.#key.fill(0);
  }

  #run(make: typeof createCipheriv | typeof createDecipheriv, iv: number, at: number, length: number): void {
    const { ivBytes, blockBytes } = CIPHERS[this.#cipher];
    checkBlocks(blockBytes, length);
    checkRange(this.#bytes.length, iv, ivBytes);
    checkRange(this.#bytes.length, at, length);
    const cipher = make(CBC_NAMES[this.#cipher], this.#key, this.#bytes.subarray(iv, iv + ivBytes));
    cipher.setAutoPadding(false);
    const head = cipher.update(this.#bytes.subarray(at, at + length));
    const tail = cipher.final();
    this.#bytes.set(head, at);
    this.#bytes.set(tail, at + head.length);
  }
}

class RuntimeAead implements Aead {
  readonly #name: "aes-128-gcm";
  readonly #key: Uint8Array;
  readonly #bytes: Uint8Array;

  constructor(name: "aes-128-gcm", key: Uint8Array, memory: PacketMemory) {
    this.#name = name;
    this.#key = new Uint8Array(key);
    this.#bytes = memory.bytes;
  }

  seal(nonce: number, aad: number, aadLength: number, at: number, length: number): void {
    this.#check(nonce, aad, aadLength, at, length);
    const bytes = this.#bytes;
    const iv = bytes.subarray(nonce, nonce + NONCE_BYTES);
    const cipher = createCipheriv(this.#name, this.#key, iv, { authTagLength: TAG_BYTES });
    if (aadLength > 0) cipher.setAAD(bytes.subarray(aad, aad + aadLength));
    const text = cipher.update(bytes.subarray(at, at + length));
    cipher.final();
    bytes.set(text, at);
    bytes.set(cipher.getAuthTag(), at + length);
  }

  open(nonce: number, aad: number, aadLength: number, at: number, length: number): boolean {
    this.#check(nonce, aad, aadLength, at, length);
    const bytes = this.#bytes;
    const iv = bytes.subarray(nonce, nonce + NONCE_BYTES);
    const cipher = createDecipheriv(this.#name, this.#key, iv, { authTagLength: TAG_BYTES });
    if (aadLength > 0) cipher.setAAD(bytes.subarray(aad, aad + aadLength));
    cipher.setAuthTag(bytes.slice(at + length, at + length + TAG_BYTES));
    const text = cipher.update(bytes.subarray(at, at + length));
    try {
      cipher.final();
    } catch {
      return false; // with all lengths checked, only the tag is left to be wrong
    }
    bytes.set(text, at);
    return true;
  }

  wipe(): void {
    this.#key.fill(0);
  }

  #check(nonce: number, aad: number, aadLength: number, at: number, length: number): void {
    const size = this.#bytes.length;
    checkRange(size, nonce, NONCE_BYTES);
    checkRange(size, aad, aadLength);
    checkRange(size, at, length);
    checkRange(size, at + length, TAG_BYTES);
  }
}

class RuntimeMac implements Mac {
  readonly #hash: string;
  readonly #icvBytes: number;
  readonly #key: Uint8Array;
  readonly #bytes: Uint8Array;

  constructor(auth: AuthName, key: Uint8Array, memory: PacketMemory) {
    this.#hash = HASH_NAMES[auth];
    this.#icvBytes = AUTHENTICATORS[auth].icvBytes;
    this.#key = new Uint8Array(key);
    this.#bytes = memory.bytes;
  }

  sign(at: number, length: number, icv: number): void {
    const digest = this.#digest(at, length, icv);
    for (let i = 0; i < this.#icvBytes; i++) this.#bytes[icv + i] = digest[i];
  }

  verify(at: number, length: number, icv: number): boolean {
    return equalAt(this.#digest(at, length, icv), 0, this.#bytes, icv, this.#icvBytes);
  }

  wipe(): void {
    this.#key.fill(0);
  }

  #digest(at: number, length: number, icv: number): Uint8Array {
    checkRange(this.#bytes.length, at, length);
    checkRange(this.#bytes.length, icv, this.#icvBytes);
    return createHmac(this.#hash, this.#key).update(this.#bytes.subarray(at, at + length)).digest();
  }
}
