/** The two operations of RSA on numbers (RFC 8017 §5.2): what signs, and what verifies. */
import { bitLength, bytesToNumber, fixedBytes, inverseModulo, powerModulo } from "./big_number.ts";
import { findMontgomery, type Montgomery } from "./montgomery.ts";
import { limbsFor } from "./montgomery_code.ts";
import type { RandomBytes } from "./prime.ts";
import { type RsaPrivateKey, type RsaPublicKey, secretNumbers } from "./rsa.ts";

/** Of the number that blinds: enough that nobody guesses it, and few enough that its inverse is found quickly. */
const BLINDING_BYTES = 16;

/** Over so many bits of the modulus (OpenSSL's limits, too) ... */
const COSTLY_BITS = 3072;
/** ... a public exponent has no more than these. */
const COSTLY_EXPONENT_BITS = 64;

/** Bytes of the modulus: what signatures are long. */
export function modulusBytes({ modulus }: RsaPublicKey): number {
  return modulus.length;
}

/**
 * RSAVP1: s^e mod n.
 *
 * @param signature of {@linkcode modulusBytes}
 * @returns as many bytes; undefined for another length, for a number that is not less than the modulus, for an exponent of
 * 1, with which every block is its own signature, or an even one; and for a key that would cost a second: it may come from
 * a stranger's DNS
 */
export function rsaPublicPower(key: RsaPublicKey, signature: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const [s, e, n] = [signature, key.exponent, key.modulus].map(bytesToNumber);
  if (signature.length !== modulusBytes(key) || s >= n || e >= n) return undefined;
  if (e < 3n || e % 2n === 0n) return undefined;
  if (bitLength(n) > COSTLY_BITS && bitLength(e) > COSTLY_EXPONENT_BITS) return undefined;
  return fixedBytes(publicPower(s, e, n), modulusBytes(key));
}

/** Bit by bit: public exponents have few bits, and fewer that are set. */
function publicPower(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = result * result % modulus;
    if (bit === "1") result = result * base % modulus;
  }
  return result;
}

/**
 * RSASP1: m^d mod n by the Chinese remainder theorem. The message is blinded, as the powers are not wholly in constant
 * time; and the result is verified, as one with an error in it would tell the primes.
 *
 * @param message of {@linkcode modulusBytes}, less than the modulus
 * @throws {RangeError} for a key whose numbers do not fit together
 */
export function rsaPrivatePower(
  key: RsaPrivateKey,
  message: Uint8Array,
  random: RandomBytes,
): Uint8Array<ArrayBuffer> {
  const [e, n, m] = [key.publicKey.exponent, key.publicKey.modulus, message].map(bytesToNumber);
  const [, p, q, , , qInv] = secretNumbers(key).map(bytesToNumber);
  const r = bytesToNumber(random(BLINDING_BYTES)) | 1n;
  const rInverse = inverseModulo(r, n);
  if (rInverse !== undefined && p > 2n && q > 2n && p % 2n === 1n && q % 2n === 1n) {
    const blinded = m * publicPower(r, e, n) % n;
    const s1 = secretPower(blinded % p, key.exponent1.reveal(), p);
    const s2 = secretPower(blinded % q, key.exponent2.reveal(), q);
    // h = (s1 - s2) qInv mod p; s = s2 + q h
    const h = (s1 + p - s2 % p) * qInv % p;
    const s = (s2 + q * h) * rInverse % n;
    if (publicPower(s, e, n) === m) return fixedBytes(s, modulusBytes(key.publicKey));
  }
  throw new RangeError("Cannot sign: the numbers of the RSA key do not fit together");
}

/** By the length of primes; undefined where the runtime cannot do better than BigInt. */
const arithmetics = new Map<number, Montgomery | undefined>();

function secretPower(base: bigint, exponent: Uint8Array, prime: bigint): bigint {
  const limbs = limbsFor(bitLength(prime));
  if (!arithmetics.has(limbs)) arithmetics.set(limbs, findMontgomery(limbs));
  const arithmetic = arithmetics.get(limbs);
  if (!arithmetic) return powerModulo(base, bytesToNumber(exponent), prime);
  arithmetic.load(prime);
  const power = arithmetic.power(base, exponent);
  arithmetic.wipe();
  return power;
}
