/** Diffie-Hellman modulo a prime (RFC 2409 §6.2, RFC 3526), with the generator 2. */
import { bytesToNumber, numberToBytes, powerModulo } from "./big_number.ts";
import type { DhKey } from "./dh_key.ts";
import { GROUPS } from "./dh_groups.ts";
import { type ModpName, modpPrime } from "./modp_prime.ts";
import type { RandomBytes } from "./prime.ts";
import { Secret } from "./secret.ts";

/**
 * Exponents, in bits: twice the strength of the group by RFC 7919 §5.2 and by the lower estimates of RFC 3526 §8, and
 * never under FreeS/WAN's 256. In a group of a safe prime longer ones only cost time.
 */
const EXPONENT_BITS: Record<ModpName, number> = {
  modp1024: 256,
  modp1536: 256,
  modp2048: 256,
  modp3072: 288,
  modp4096: 352,
  modp6144: 384,
  modp8192: 416,
};

const primes = new Map<ModpName, bigint>();

function primeOf(group: ModpName): bigint {
  const prime = primes.get(group) ?? modpPrime(group);
  primes.set(group, prime);
  return prime;
}

export function makeModp(group: ModpName, random: RandomBytes): DhKey {
  const drawn = random(EXPONENT_BITS[group] / 8);
  const exponent = new Secret(drawn);
  drawn.fill(0);
  if (bytesToNumber(exponent.reveal()) === 0n) {
    throw new RangeError("Cannot make a key for Diffie-Hellman: the source of random bytes gives zeros");
  }
  const prime = primeOf(group);
  const { publicBytes } = GROUPS[group];
  return {
    group,
    publicValue: fixedBytes(powerModulo(2n, bytesToNumber(exponent.reveal()), prime), publicBytes),
    agree(peerPublic) {
      if (peerPublic.length !== publicBytes) return undefined;
      const y = bytesToNumber(peerPublic);
      const x = bytesToNumber(exponent.reveal());
      if (x === 0n) return undefined; // wiped
      // p is a safe prime: 1 and p-1 alone have a small order.
      if (y < 2n || y > prime - 2n) return undefined;
      const gxy = fixedBytes(powerModulo(y, x, prime), publicBytes);
      const secret = new Secret(gxy);
      gxy.fill(0);
      return secret;
    },
    wipe: () => exponent.wipe(),
  };
}

/** Leading zero bytes count (RFC 2409 §5: the full length of the prime). */
function fixedBytes(number: bigint, length: number): Uint8Array<ArrayBuffer> {
  const bytes = numberToBytes(number);
  const fixed = new Uint8Array(length);
  fixed.set(bytes, length - bytes.length);
  bytes.fill(0);
  return fixed;
}
