/** Diffie-Hellman modulo a prime (RFC 2409 §6.2, RFC 3526), with the generator 2. */
import { bytesToNumber, fixedBytes, powerModulo } from "./big_number.ts";
import { Comb, COMB_PLACES } from "./comb.ts";
import { GROUPS } from "./dh_groups.ts";
import type { DhKey } from "./dh_key.ts";
import { type ModpName, modpPrime } from "./modp_prime.ts";
import { findMontgomery } from "./montgomery.ts";
import { limbsFor } from "./montgomery_code.ts";
import type { RandomBytes } from "./prime.ts";
import { Secret } from "./secret.ts";

/**
 * Bits of exponents: twice the strength of the group by RFC 7919 §5.2 and by the lower estimates of RFC 3526 §8, and
 * never under FreeS/WAN's 256. In a group of a safe prime longer ones only cost time.
 */
export const EXPONENT_BITS: Record<ModpName, number> = {
  modp1024: 256,
  modp1536: 256,
  modp2048: 256,
  modp3072: 288,
  modp4096: 352,
  modp6144: 384,
  modp8192: 416,
};

/** Powers modulo the prime of a group. */
export interface Modp {
  readonly prime: bigint;
  power(base: bigint, exponent: Uint8Array): bigint;
  /** @param exponent of the group's own length */
  powerOfTwo(exponent: Uint8Array): bigint;
}

const groups = new Map<ModpName, Modp>();

/** Made when first used: takes some 5 ms for modp2048, 30 ms for modp8192. */
function groupOf(name: ModpName): Modp {
  const group = groups.get(name) ?? fastModp(name) ?? plainModp(name);
  groups.set(name, group);
  return group;
}

/** @returns undefined where the runtime lacks what montgomery.ts needs */
export function fastModp(name: ModpName): Modp | undefined {
  const arithmetic = findMontgomery(limbsFor(8 * GROUPS[name].publicBytes), COMB_PLACES);
  if (!arithmetic) return undefined;
  const prime = modpPrime(name);
  arithmetic.load(prime);
  const comb = new Comb(arithmetic, 2n, EXPONENT_BITS[name] / 8);
  return {
    prime,
    power: (base, exponent) => arithmetic.power(base, exponent),
    powerOfTwo: (exponent) => comb.power(exponent),
  };
}

export function plainModp(name: ModpName): Modp {
  const prime = modpPrime(name);
  const power = (base: bigint, exponent: Uint8Array) => powerModulo(base, bytesToNumber(exponent), prime);
  return { prime, power, powerOfTwo: (exponent) => power(2n, exponent) };
}

export function makeModp(group: ModpName, random: RandomBytes): DhKey {
  const { publicBytes } = GROUPS[group];
  const { prime, power, powerOfTwo } = groupOf(group);
  const exponent = drawExponent(EXPONENT_BITS[group] / 8, random);
  let wiped = false;
  return {
    group,
    publicValue: fixedBytes(powerOfTwo(exponent.reveal()), publicBytes),
    agree(peerPublic) {
      if (wiped || peerPublic.length !== publicBytes) return undefined;
      const y = bytesToNumber(peerPublic);
      // p is a safe prime: 1 and p-1 alone have a small order.
      if (y < 2n || y > prime - 2n) return undefined;
      // The number itself cannot be wiped, as BigInts cannot; it is gone with the next collection.
      const gxy = fixedBytes(power(y, exponent.reveal()), publicBytes);
      const secret = new Secret(gxy);
      gxy.fill(0);
      return secret;
    },
    wipe() {
      wiped = true;
      exponent.wipe();
    },
  };
}

function drawExponent(bytes: number, random: RandomBytes): Secret {
  const drawn = random(bytes);
  if (drawn.every((byte) => byte === 0)) {
    throw new RangeError("Cannot make a key for Diffie-Hellman: the source of random bytes gives zeros");
  }
  const exponent = new Secret(drawn);
  drawn.fill(0);
  return exponent;
}
