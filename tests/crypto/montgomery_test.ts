import { equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { bitLength, bytesToNumber, powerModulo } from "../../lib/crypto/big_number.ts";
import { Comb, COMB_PLACES } from "../../lib/crypto/comb.ts";
import { EXPONENT_BITS, fastModp, plainModp } from "../../lib/crypto/modp.ts";
import type { ModpName } from "../../lib/crypto/modp_prime.ts";
import { findMontgomery, Montgomery } from "../../lib/crypto/montgomery.ts";
import { limbsFor } from "../../lib/crypto/montgomery_code.ts";

/** From one limb on; 2048 bits and its neighbours; lengths of primes of RSA. */
const BITS = [2, 49, 50, 100, 101, 256, 512, 520, 1023, 1024, 1025, 1096, 2048, 2049, 3072, 4096];

/** Odd moduli of exactly so many bits: random ones, and those whose limbs are all ones or nearly all zeros. */
function moduli(bits: number): fc.Arbitrary<bigint> {
  const top = 1n << BigInt(bits - 1);
  const extremes = [top | 1n, 2n * top - 1n].filter((n) => n >= 3n);
  return fc.oneof(fc.constantFrom(...extremes), fc.bigInt({ min: top, max: 2n * top - 1n }).map((n) => n | top | 1n));
}

/** Below the modulus, at its edges more often than chance would have it. */
const numbers = (modulus: bigint) =>
  fc.oneof(
    fc.constantFrom(0n, 1n, modulus - 1n, modulus - 2n, modulus >> 1n),
    fc.bigInt({ min: 0n, max: modulus - 1n }),
  );

/** Fused multiply-add, without which the arithmetic is BigInt's, and nothing here applies. */
const HAS_FMA = Deno.build.arch === "aarch64" || /^flags\s*:.*\bfma\b/m.test(Deno.readTextFileSync("/proc/cpuinfo"));
const test = HAS_FMA ? Deno.test : Deno.test.ignore;

Deno.test("the arithmetic is there where the processor has fused multiply-add, and only there", () => {
  equal(findMontgomery(limbsFor(2048)) instanceof Montgomery, HAS_FMA);
});

for (const bits of BITS) {
  const arithmetic = findMontgomery(limbsFor(bits), 2)!;

  const pairs = moduli(bits).chain((n) => fc.tuple(fc.constant(n), numbers(n), numbers(n)));
  test(`Montgomery multiplies and squares as BigInt does, modulo numbers of ${bits} bits`, () => {
    const [a, b] = [arithmetic.place(0), arithmetic.place(1)];
    fc.assert(fc.property(pairs, fc.boolean(), ([n, x, y], same) => {
      equal(bitLength(n), bits);
      arithmetic.load(n);
      arithmetic.enter(a, x);
      arithmetic.enter(b, y);
      arithmetic.multiply(a, a, same ? a : b);
      equal(arithmetic.leave(a), x * (same ? x : y) % n);
      equal(arithmetic.leave(b), y);
    }));
  });

  const exponents = fc.uint8Array({ maxLength: 9 });
  test(`Montgomery raises to powers as powerModulo() does, modulo numbers of ${bits} bits`, () => {
    fc.assert(fc.property(pairs, exponents, ([n, x, y], exponent) => {
      arithmetic.load(n);
      for (const base of [x, y + n]) {
        equal(arithmetic.power(base, exponent), powerModulo(base, bytesToNumber(exponent), n));
      }
    }));
  });
}

test("long chains of multiplications do not drift", () => {
  const arithmetic = findMontgomery(limbsFor(2048), 1)!;
  const { prime } = plainModp("modp2048");
  arithmetic.load(prime);
  const place = arithmetic.place(0);
  arithmetic.enter(place, prime - 3n);
  for (let i = 0; i < 5000; i++) arithmetic.multiply(place, place, place);
  let expected = prime - 3n;
  for (let i = 0; i < 5000; i++) expected = expected * expected % prime;
  equal(arithmetic.leave(place), expected);
});

const COMB_EXPONENTS = fc.uint8Array({ minLength: 6, maxLength: 6 });
test("a comb gives the powers of its base", () => {
  const arithmetic = findMontgomery(limbsFor(256), COMB_PLACES)!;
  fc.assert(
    fc.property(moduli(256), (n) => {
      arithmetic.load(n);
      for (const base of [2n, n - 1n, 12345n]) {
        const comb = new Comb(arithmetic, base, 6);
        fc.assert(
          fc.property(COMB_EXPONENTS, (exponent) => {
            equal(comb.power(exponent), powerModulo(base, bytesToNumber(exponent), n));
          }),
          { numRuns: 10 },
        );
      }
    }),
    { numRuns: 10 },
  );
});

for (const name of ["modp1024", "modp1536", "modp2048", "modp3072"] as ModpName[]) {
  test(`${name} computes the same in WebAssembly and in BigInt`, () => {
    const [fast, plain] = [fastModp(name)!, plainModp(name)];
    equal(fast.prime, plain.prime);
    const bytes = EXPONENT_BITS[name] / 8;
    const exponents = fc.oneof(
      fc.uint8Array({ minLength: bytes, maxLength: bytes }),
      fc.constantFrom(...[0, 1, 0x80, 0xff].map((byte) => new Uint8Array(bytes).fill(byte))),
    );
    fc.assert(
      fc.property(numbers(plain.prime), exponents, (base, exponent) => {
        equal(fast.power(base, exponent), plain.power(base, exponent));
        equal(fast.powerOfTwo(exponent), plain.powerOfTwo(exponent));
      }),
      { numRuns: 25 },
    );
  });
}

test("load() refuses even numbers, numbers under 3, and numbers that are too long", () => {
  const arithmetic = findMontgomery(limbsFor(256))!;
  for (const modulus of [-3n, 0n, 1n, 2n, 1n << 200n, (1n << 305n) + 1n]) {
    throws(() => arithmetic.load(modulus), RangeError, `${modulus}`);
  }
});

test("after wipe() another modulus can be loaded", () => {
  const arithmetic = findMontgomery(limbsFor(256))!;
  for (const modulus of [(1n << 255n) + 95n, (1n << 100n) + 7n]) {
    arithmetic.load(modulus);
    equal(arithmetic.power(3n, Uint8Array.of(1, 1)), powerModulo(3n, 257n, modulus));
    arithmetic.wipe();
  }
});
