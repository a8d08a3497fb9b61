import type { PacketMemory } from "../packet/memory.ts";
import type { AeadName, AuthName, CbcName } from "./algorithms.ts";

/**
 * What an SA needs of a cryptographic library. Every transform is made once per SA, bound to one packet memory, and
 * works in place: all positions are offsets in bytes into that memory. The caller has checked lengths and bounds.
 */
export interface Provider {
  readonly name: "libcrypto" | "runtime" | "noble";
  /** For `ipsec --version` and `ipsec look`: name and version of the library. */
  readonly description: string;
  /** @param key of exactly `CIPHERS[cipher].keyBits`; copied, the caller may wipe it */
  cbc(cipher: CbcName, key: Uint8Array, memory: PacketMemory): Cbc;
  /** @param key without the salt; copied */
  aead(cipher: AeadName, key: Uint8Array, memory: PacketMemory): Aead;
  /** @param key of exactly `AUTHENTICATORS[auth].keyBits`; copied */
  mac(auth: AuthName, key: Uint8Array, memory: PacketMemory): Mac;
}

export interface Cbc {
  /** Encrypts `length` bytes (whole blocks) at `at` in place, IV at `iv`. */
  encrypt(iv: number, at: number, length: number): void;
  decrypt(iv: number, at: number, length: number): void;
  /** Wipes the key and frees what is native; the transform is not used again. */
  wipe(): void;
}

export interface Aead {
  /** Encrypts in place and writes the 16-byte tag at `at + length`. `nonce` is the offset of 12 bytes. */
  seal(nonce: number, aad: number, aadLength: number, at: number, length: number): void;
  /** @returns whether the tag at `at + length` was right; the text is undefined where it was not */
  open(nonce: number, aad: number, aadLength: number, at: number, length: number): boolean;
  wipe(): void;
}

export interface Mac {
  /** Writes the truncated ICV over `length` bytes at `at` to `icv`; may overlap nothing of the input but its end. */
  sign(at: number, length: number, icv: number): void;
  /** Compares in constant time. */
  verify(at: number, length: number, icv: number): boolean;
  wipe(): void;
}
