/** The two operations of RSA on numbers (RFC 8017 §5.2): what signs, and what verifies. */
import { bytesToNumber, inverseModulo, numberToBytes, powerModulo } from "./big_number.ts";
import type { RandomBytes } from "./prime.ts";
import { type RsaPrivateKey, type RsaPublicKey, secretNumbers } from "./rsa.ts";

/** Bytes of the modulus: what signatures are long. */
export function modulusBytes({ modulus }: RsaPublicKey): number {
  return modulus.length;
}

/**
 * RSAVP1: s^e mod n.
 *
 * @param signature of {@linkcode modulusBytes}
 * @returns as many bytes; undefined for a number that is not less than the modulus
 */
export function rsaPublicPower(key: RsaPublicKey, signature: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const [s, e, n] = [signature, key.exponent, key.modulus].map(bytesToNumber);
  if (signature.length !== modulusBytes(key) || s >= n) return undefined;
  return fixedBytes(powerModulo(s, e, n), modulusBytes(key));
}

/**
 * RSASP1: m^d mod n by the Chinese remainder theorem. The message is blinded, as the powers are not in constant time; and
 * the result is verified, as one with an error in it would tell the primes.
 *
 * @param message of {@linkcode modulusBytes}, less than the modulus
 * @throws {RangeError} for a key that is none
 */
export function rsaPrivatePower(
  key: RsaPrivateKey,
  message: Uint8Array,
  random: RandomBytes,
): Uint8Array<ArrayBuffer> {
  const [e, n, m] = [key.publicKey.exponent, key.publicKey.modulus, message].map(bytesToNumber);
  const [, p, q, dP, dQ, qInv] = secretNumbers(key).map(bytesToNumber);
  const r = 2n + bytesToNumber(random(modulusBytes(key.publicKey))) % (n - 2n);
  const rInverse = inverseModulo(r, n);
  const blinded = m * powerModulo(r, e, n) % n;
  const s1 = powerModulo(blinded % p, dP, p);
  const s2 = powerModulo(blinded % q, dQ, q);
  // h = (s1 - s2) qInv mod p; s = s2 + q h
  const h = (s1 + p - s2 % p) * qInv % p;
  const s = (s2 + q * h) * (rInverse ?? 0n) % n;
  if (powerModulo(s, e, n) !== m) throw new RangeError("Cannot sign: the numbers of the RSA key do not fit together");
  return fixedBytes(s, modulusBytes(key.publicKey));
}

function fixedBytes(number: bigint, length: number): Uint8Array<ArrayBuffer> {
  const bytes = numberToBytes(number);
  const fixed = new Uint8Array(length);
  fixed.set(bytes, length - bytes.length);
  return fixed;
}
