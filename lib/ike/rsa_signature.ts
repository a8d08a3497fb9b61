/**
 * Signatures of IKEv1 with RSA (RFC 2409 §5.1): HASH_I or HASH_R itself, without the name of a hash algorithm, padded as
 * block type 1 of PKCS #1 (RFC 8017 §9.2 has the form with a name).
 *
 * FreeS/WAN accepts block type 2 too, and strangers' bytes as its padding. With the public exponent 3, which its keys
 * have, anybody can make such a "signature" in no time; here the block must be the only one that a signer makes.
 */
import { equalBytes } from "../crypto/constant_time.ts";
import type { RandomBytes } from "../crypto/prime.ts";
import type { RsaPrivateKey, RsaPublicKey } from "../crypto/rsa.ts";
import { modulusBytes, rsaPrivatePower, rsaPublicPower } from "../crypto/rsa_power.ts";

/** 00 01, eight bytes ff at least, 00. */
const LEAST_PADDING = 11;

/**
 * @returns SIG, as long as the modulus; undefined where the modulus is too short for the hash
 * @throws {RangeError} for a key whose numbers do not fit together
 */
export function signHash(
  key: RsaPrivateKey,
  hash: Uint8Array,
  random: RandomBytes,
): Uint8Array<ArrayBuffer> | undefined {
  const block = padHash(hash, modulusBytes(key.publicKey));
  return block && rsaPrivatePower(key, block, random);
}

/** @param signature any bytes from anybody */
export function verifySignature(key: RsaPublicKey, hash: Uint8Array, signature: Uint8Array): boolean {
  const block = padHash(hash, modulusBytes(key));
  const opened = rsaPublicPower(key, signature);
  return block !== undefined && opened !== undefined && equalBytes(block, opened);
}

/** 00 01 ff ... ff 00 HASH */
function padHash(hash: Uint8Array, length: number): Uint8Array<ArrayBuffer> | undefined {
  if (hash.length + LEAST_PADDING > length) return undefined;
  const block = new Uint8Array(length).fill(0xff);
  block[0] = 0x00;
  block[1] = 0x01;
  block[length - hash.length - 1] = 0x00;
  block.set(hash, length - hash.length);
  return block;
}
