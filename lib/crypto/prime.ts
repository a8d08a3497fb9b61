/** Search for large primes: Miller and Rabin's test (FIPS 186-5, B.3.1) after trial division by small primes. */
import { bitLength, bytesToNumber, powerModulo } from "./big_number.ts";

/** @returns so many random bytes */
export type RandomBytes = (length: number) => Uint8Array;

/** Trial division up to here leaves one odd number in seven to the costly test. */
const SMALL_PRIMES = primesBelow(2000);

function primesBelow(limit: number): readonly number[] {
  const primes: number[] = [];
  for (let n = 2; n < limit; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  return primes;
}

/** @param rounds each lets a composite number pass with a probability of 1/4 at most */
export function isProbablePrime(n: bigint, rounds: number, random: RandomBytes): boolean {
  if (n < 2n) return false;
  for (const prime of SMALL_PRIMES) if (n % BigInt(prime) === 0n) return n === BigInt(prime);
  return passesMillerRabin(n, rounds, random);
}

/** n is odd and greater than 3. */
function passesMillerRabin(n: bigint, rounds: number, random: RandomBytes): boolean {
  const last = n - 1n;
  let odd = last, halvings = 0;
  while ((odd & 1n) === 0n) [odd, halvings] = [odd >> 1n, halvings + 1];
  const bytes = Math.ceil(bitLength(n) / 8);
  rounds: for (let i = 0; i < rounds; i++) {
    const base = 2n + bytesToNumber(random(bytes)) % (n - 3n);
    let x = powerModulo(base, odd, n);
    if (x === 1n || x === last) continue;
    for (let k = 1; k < halvings; k++) {
      x = x * x % n;
      if (x === last) continue rounds;
    }
    return false;
  }
  return true;
}

export interface PrimeSearch {
  readonly rounds: number;
  /** Bases for the test; the start is the caller's. */
  readonly random: RandomBytes;
  /** Called before each costly test with the number of candidates looked at so far. */
  readonly onTry?: (tries: number) => void;
}

export interface FoundPrime {
  readonly prime: bigint;
  readonly tries: number;
}

/**
 * The first probable prime at or after `start` (odd, over 2000) that is not 1 modulo 3, so that 3 can be the public
 * exponent.
 *
 * @returns undefined where it would have more bits than `start`
 */
export function findPrime(start: bigint, { rounds, random, onTry }: PrimeSearch): FoundPrime | undefined {
  const bits = bitLength(start);
  // Remainders are kept as small numbers and stepped along: dividing the large number each time costs ten times as much.
  const divisors = SMALL_PRIMES.slice(1);
  const remainders = divisors.map((prime) => Number(start % BigInt(prime)));
  const step = () => {
    for (let i = 0; i < divisors.length; i++) remainders[i] = (remainders[i] + 2) % divisors[i];
  };
  for (let tries = 1, n = start;; tries++, n += 2n, step()) {
    // divisors[0] is 3
    if (remainders[0] === 1 || remainders.includes(0)) continue;
    if (bitLength(n) > bits) return undefined;
    onTry?.(tries);
    if (passesMillerRabin(n, rounds, random)) return { prime: n, tries };
  }
}
