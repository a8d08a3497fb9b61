/**
 * Portable ciphers in TypeScript: the reference that the other providers are compared with, and what is left where
 * neither a system library nor the runtime can be used. Allocates per packet.
 */
import { cbc, gcm } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hmac } from "@noble/hashes/hmac.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import type { PacketMemory } from "../packet/memory.ts";
import { AUTHENTICATORS, type AuthName, CIPHERS } from "./algorithms.ts";
import { checkAuthKey, checkBlocks, checkCipherKey, checkRange } from "./checks.ts";
import { equalAt } from "./constant_time.ts";
import type { Aead, Cbc, Mac, Provider } from "./provider.ts";
import { TripleDesCbc } from "./triple_des.ts";

const TAG_BYTES = 16;
const NONCE_BYTES = 12;

const AEADS = { aes128gcm16: gcm, aes256gcm16: gcm, chacha20poly1305 } as const;
const HASHES = {
  "md5-96": md5,
  "sha1-96": sha1,
  "sha2_256-128": sha256,
  "sha2_384-192": sha384,
  "sha2_512-256": sha512,
} as const satisfies Record<AuthName, unknown>;

export const nobleProvider: Provider = {
  name: "noble",
  description: "@noble/ciphers and @noble/hashes 2",
  cbc(cipher, key, memory) {
    checkCipherKey(cipher, key);
    return cipher === "3des" ? new TripleDes(key, memory) : new NobleCbc(key, memory);
  },
  aead(cipher, key, memory) {
    checkCipherKey(cipher, key);
    return new NobleAead(AEADS[cipher], key, memory);
  },
  mac(auth, key, memory) {
    checkAuthKey(auth, key);
    return new NobleMac(auth, key, memory);
  },
};

class TripleDes implements Cbc {
  readonly #cipher: TripleDesCbc;
  readonly #memory: PacketMemory;

  constructor(key: Uint8Array, memory: PacketMemory) {
    this.#cipher = new TripleDesCbc(key);
    this.#memory = memory;
  }

  encrypt(iv: number, at: number, length: number): void {
    checkRange(this.#memory.bytes.length, at, length);
    this.#cipher.encrypt(this.#memory.view, iv, at, length);
  }

  decrypt(iv: number, at: number, length: number): void {
    checkRange(this.#memory.bytes.length, at, length);
    this.#cipher.decrypt(this.#memory.view, iv, at, length);
  }

  wipe(): void {
    this.#cipher.wipe();
  }
}

class NobleCbc implements Cbc {
  readonly #key: Uint8Array;
  readonly #bytes: Uint8Array;

  constructor(key: Uint8Array, memory: PacketMemory) {
    this.#key = new Uint8Array(key);
    this.#bytes = memory.bytes;
  }

  encrypt(iv: number, at: number, length: number): void {
    this.#bytes.set(this.#cipher(iv, at, length).encrypt(this.#bytes.subarray(at, at + length)), at);
  }

  decrypt(iv: number, at: number, length: number): void {
    this.#bytes.set(this.#cipher(iv, at, length).decrypt(this.#bytes.subarray(at, at + length)), at);
  }

  wipe(): void {
    this.#key.fill(0);
  }

  #cipher(iv: number, at: number, length: number): ReturnType<typeof cbc> {
    checkBlocks(CIPHERS.aes128.blockBytes, length);
    checkRange(this.#bytes.length, iv, CIPHERS.aes128.ivBytes);
    checkRange(this.#bytes.length, at, length);
    // A copy: the IV may stand right before the text, and the cipher object keeps what it is given.
    return cbc(this.#key, this.#bytes.slice(iv, iv + CIPHERS.aes128.ivBytes), { disablePadding: true });
  }
}

class NobleAead implements Aead {
  readonly #make: typeof gcm | typeof chacha20poly1305;
  readonly #key: Uint8Array;
  readonly #bytes: Uint8Array;

  constructor(make: typeof gcm | typeof chacha20poly1305, key: Uint8Array, memory: PacketMemory) {
    this.#make = make;
    this.#key = new Uint8Array(key);
    this.#bytes = memory.bytes;
  }

  seal(nonce: number, aad: number, aadLength: number, at: number, length: number): void {
    const cipher = this.#cipher(nonce, aad, aadLength, at, length);
    this.#bytes.set(cipher.encrypt(this.#bytes.subarray(at, at + length)), at);
  }

  open(nonce: number, aad: number, aadLength: number, at: number, length: number): boolean {
    const cipher = this.#cipher(nonce, aad, aadLength, at, length);
    try {
      this.#bytes.set(cipher.decrypt(this.#bytes.subarray(at, at + length + TAG_BYTES)), at);
      return true;
    } catch {
      return false; // lengths were checked: only the tag is left to be wrong
    }
  }

  wipe(): void {
    this.#key.fill(0);
  }

  #cipher(nonce: number, aad: number, aadLength: number, at: number, length: number): ReturnType<typeof gcm> {
    const size = this.#bytes.length;
    checkRange(size, nonce, NONCE_BYTES);
    checkRange(size, aad, aadLength);
    checkRange(size, at, length);
    checkRange(size, at + length, TAG_BYTES);
    return this.#make(
      this.#key,
      this.#bytes.slice(nonce, nonce + NONCE_BYTES),
      this.#bytes.slice(aad, aad + aadLength),
    );
  }
}

class NobleMac implements Mac {
  readonly #keyed: ReturnType<typeof hmac.create>;
  readonly #icvBytes: number;
  readonly #bytes: Uint8Array;

  constructor(auth: AuthName, key: Uint8Array, memory: PacketMemory) {
    this.#keyed = hmac.create(HASHES[auth], key);
    this.#icvBytes = AUTHENTICATORS[auth].icvBytes;
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
    this.#keyed.destroy();
  }

  #digest(at: number, length: number, icv: number): Uint8Array {
    checkRange(this.#bytes.length, at, length);
    checkRange(this.#bytes.length, icv, this.#icvBytes);
    return this.#keyed.clone().update(this.#bytes.subarray(at, at + length)).digest();
  }
}
