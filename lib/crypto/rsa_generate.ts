/**
 * New RSA keys with the public exponent 3, which is what the short form of FreeS/WAN's keys and its listings are made
 * for. Signatures pad to the full length (RFC 8017 §8.2), so that a small exponent is no weakness there.
 */
import { bytesToNumber } from "./big_number.ts";
import { findPrime, type RandomBytes } from "./prime.ts";
import { RSA_BITS, rsaKeyFromPrimes, type RsaPrivateKey } from "./rsa.ts";

export const BITS_STEP = 16;
/** Primes that differ in none of these upper bits are found from their product (FIPS 186-5, A.1.3). */
const DIFFERING_BITS = 100;

/** What the search tells as it goes. */
export interface GenerateWatcher {
  /** Random bytes are wanted; `prime` is 1 or 2. */
  seeding?(prime: number, bytes: number): void;
  searching?(prime: number): void;
  trying?(prime: number, tries: number): void;
  /** The search ran past the largest number of so many bits and starts anew. */
  carried?(prime: number): void;
  found?(prime: number, tries: number): void;
}

export interface GenerateOptions {
  /** Bits of the modulus, exactly; a multiple of {@linkcode BITS_STEP} within {@linkcode RSA_BITS}. */
  readonly bits: number;
  /** Rounds of the primality test. */
  readonly rounds?: number;
  /** Where both primes start: bits / 16 bytes are taken for each. */
  readonly seed: RandomBytes;
  /** Bases of the primality test. */
  readonly random: RandomBytes;
  readonly plainTotient?: boolean;
  readonly watcher?: GenerateWatcher;
}

/** @throws {RangeError} for a size that is not possible, and where `seed` gives the same bytes twice */
export function generateRsaKey(
  { bits, rounds = 30, seed, random, plainTotient, watcher }: GenerateOptions,
): RsaPrivateKey {
  if (!(bits >= RSA_BITS.least && bits <= RSA_BITS.most && bits % BITS_STEP === 0)) {
    throw new RangeError(`Cannot make an RSA key of ${bits} bits`);
  }
  const [p, q] = [1, 2].map((which) => {
    for (;;) {
      watcher?.seeding?.(which, bits / 16);
      const start = primeStart(seed(bits / 16), bits / 2);
      watcher?.searching?.(which);
      const found = findPrime(start, { rounds, random, onTry: (tries) => watcher?.trying?.(which, tries) });
      if (found) {
        watcher?.found?.(which, found.tries);
        return found.prime;
      }
      watcher?.carried?.(which);
    }
  });
  if ((p ^ q) >> BigInt(bits / 2 - DIFFERING_BITS) === 0n) {
    throw new RangeError("the source of random bytes gave the same ones twice");
  }
  return rsaKeyFromPrimes(p, q, { plainTotient })!;
}

/** Odd, and with two bits on top set: the product of two such numbers never comes out a bit short. */
function primeStart(bytes: Uint8Array, bits: number): bigint {
  return bytesToNumber(bytes) | 3n << BigInt(bits - 2) | 1n;
}
