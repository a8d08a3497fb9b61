import { AUTHENTICATORS, type AuthName, type CipherName, CIPHERS } from "./algorithms.ts";

/** @throws {RangeError} unless `key` has the length that the cipher needs, the salt of an AEAD not counted */
export function checkCipherKey(cipher: CipherName, key: Uint8Array): void {
  checkKeyBytes(cipher, key, CIPHERS[cipher].keyBits / 8 - CIPHERS[cipher].saltBytes);
}

/** @throws {RangeError} unless `key` has the length that the authenticator needs (RFC 2403, 2404, 4868) */
export function checkAuthKey(auth: AuthName, key: Uint8Array): void {
  checkKeyBytes(auth, key, AUTHENTICATORS[auth].keyBits / 8);
}

function checkKeyBytes(name: string, key: Uint8Array, bytes: number): void {
  if (key.length !== bytes) throw new RangeError(`Cannot use key for ${name}: needs ${bytes} bytes, has ${key.length}`);
}

/**
 * A last guard under the caller's own checks: native code past the end of the memory would corrupt it, and `subarray`
 * would clamp in silence. Costs nothing measurable. Written so that NaN is refused too.
 *
 * @throws {RangeError} unless `length` bytes at `at` lie within `size` bytes
 */
export function checkRange(size: number, at: number, length: number): void {
  if (!(at >= 0 && length >= 0 && at + length <= size)) {
    throw new RangeError(`Cannot use ${length} bytes at offset ${at}: the packet memory has ${size}`);
  }
}

/** @throws {RangeError} unless `length` is whole blocks */
export function checkBlocks(blockBytes: number, length: number): void {
  if (length % blockBytes !== 0) {
    throw new RangeError(`Cannot use ${length} bytes: the cipher needs whole blocks of ${blockBytes}`);
  }
}
