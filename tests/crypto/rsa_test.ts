import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import {
  bitLength,
  bytesToNumber,
  greatestCommonDivisor,
  inverseModulo,
  leastCommonMultiple,
  numberToBytes,
  powerModulo,
} from "../../lib/crypto/big_number.ts";
import { findPrime, isProbablePrime } from "../../lib/crypto/prime.ts";
import {
  checkRsaKey,
  decodeRsaPublicKey,
  encodeRsaPublicKey,
  modulusBits,
  rsaKeyFromPrimes,
  rsaKeyId,
  type RsaPrivateKey,
} from "../../lib/crypto/rsa.ts";
import { generateRsaKey } from "../../lib/crypto/rsa_generate.ts";
import { Secret } from "../../lib/crypto/secret.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const whole = fc.bigInt({ min: 0n, max: 2n ** 200n });
const positive = fc.bigInt({ min: 1n, max: 2n ** 200n });

Deno.test("bytesToNumber() undoes numberToBytes(), in as few bytes as can be", () => {
  fc.assert(fc.property(whole, (n) => {
    const bytes = numberToBytes(n);
    equal(bytesToNumber(bytes), n);
    equal(bytes.length, Math.max(1, Math.ceil(bitLength(n) / 8)));
  }));
  equal(bytesToNumber(new Uint8Array()), 0n);
});

Deno.test("powerModulo() is repeated multiplication", () => {
  const small = fc.bigInt({ min: 0n, max: 300n });
  fc.assert(fc.property(whole, small, positive, (b, e, m) => equal(powerModulo(b, e, m), b ** e % m)));
});

Deno.test("inverseModulo() gives the inverse exactly where there is one", () => {
  fc.assert(fc.property(positive, fc.bigInt({ min: 2n, max: 2n ** 200n }), (a, m) => {
    const inverse = inverseModulo(a, m);
    if (greatestCommonDivisor(a, m) === 1n) equal(a * inverse! % m, 1n);
    else equal(inverse, undefined);
  }));
});

Deno.test("leastCommonMultiple() of 12 and 18 is 36", () => equal(leastCommonMultiple(12n, 18n), 36n));

Deno.test("isProbablePrime() agrees with trial division up to 20000", () => {
  const isPrime = (n: number) => {
    for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
    return n > 1;
  };
  for (let n = 0; n < 20000; n++) equal(isProbablePrime(BigInt(n), 10, random), isPrime(n), `${n}`);
});

const KNOWN: [number: bigint, prime: boolean, what: string][] = [
  [2n ** 127n - 1n, true, "a Mersenne prime"],
  [2n ** 521n - 1n, true, "another Mersenne prime"],
  [2n ** 255n - 19n, true, "the prime of Curve25519"],
  [2n ** 129n - 1n, false, "2**129 - 1"],
  [(2n ** 61n - 1n) * (2n ** 89n - 1n), false, "a product of two large primes"],
  // Smallest strong pseudoprime to the first twelve prime bases (Sorenson and Webster, 2015).
  [318665857834031151167461n, false, "a strong pseudoprime to bases 2 to 37"],
];
for (const [number, prime, what] of KNOWN) {
  Deno.test(`isProbablePrime() knows ${what}`, () => equal(isProbablePrime(number, 30, random), prime));
}

Deno.test("findPrime() takes the first prime that is not 1 modulo 3", () => {
  // Primes after 10000: 10007 = 2 mod 3.
  equal(findPrime(10001n, { rounds: 20, random })!.prime, 10007n);
  // 10009 = 1 mod 3; the next ones are 10037 = 2 mod 3.
  deepEqual(findPrime(10009n, { rounds: 20, random }), { prime: 10037n, tries: 15 });
});

Deno.test("findPrime() does not go past the number of bits that it was given", () => {
  equal(findPrime(2n ** 32n - 3n, { rounds: 20, random }), undefined);
});

for (const bits of [512, 528, 1024, 2048]) {
  Deno.test(`generateRsaKey() makes a sound key of exactly ${bits} bits`, () => {
    const key = generateRsaKey({ bits, seed: random, random });
    deepEqual(checkRsaKey(key), []);
    equal(modulusBits(key.publicKey), bits);
    deepEqual([...key.publicKey.exponent], [3]);
    ok(rsaKeyId(key.publicKey).startsWith("AQ"));
    const [p, q, n] = [key.prime1.reveal(), key.prime2.reveal(), key.publicKey.modulus].map(bytesToNumber);
    ok(p > q);
    ok(isProbablePrime(p, 10, random) && isProbablePrime(q, 10, random));
    const signed = powerModulo(0x1234567n, bytesToNumber(key.privateExponent.reveal()), n);
    equal(powerModulo(signed, 3n, n), 0x1234567n);
  });
}

Deno.test("generateRsaKey() takes bits / 16 bytes for each prime and tells what it does", () => {
  const told: string[] = [];
  generateRsaKey({
    bits: 512,
    random,
    seed: (length) => (told.push(`seed ${length}`), random(length)),
    watcher: {
      searching: (prime) => told.push(`search ${prime}`),
      found: (prime, tries) => told.push(`found ${prime} ${tries > 0}`),
    },
  });
  const each = (prime: number) => ["seed 32", `search ${prime}`, `found ${prime} true`];
  deepEqual(told, [...each(1), ...each(2)]);
});

Deno.test("generateRsaKey() starts anew where the search runs past the largest number", () => {
  const seeds = [new Uint8Array(32).fill(0xff), random(32), random(32)];
  let carries = 0;
  const key = generateRsaKey({ bits: 512, random, seed: () => seeds.shift()!, watcher: { carried: () => carries++ } });
  deepEqual([carries, checkRsaKey(key)], [1, []]);
});

Deno.test("generateRsaKey() refuses a source that repeats itself", () => {
  throws(() => generateRsaKey({ bits: 512, random, seed: (length) => new Uint8Array(length) }), /the same ones twice/);
});

for (const bits of [0, 496, 8208, 1000, 1024.5, NaN]) {
  Deno.test(`generateRsaKey() refuses ${bits} bits`, () => {
    throws(() => generateRsaKey({ bits, seed: random, random }), RangeError);
  });
}

Deno.test("rsaKeyFromPrimes() has d modulo the plain totient on request", () => {
  const plain = rsaKeyFromPrimes(17n, 23n, { plainTotient: true })!;
  const least = rsaKeyFromPrimes(17n, 23n)!;
  const d = (key: RsaPrivateKey) => bytesToNumber(key.privateExponent.reveal());
  deepEqual([d(plain), d(least)], [235n, 59n]); // 3 d = 1 modulo 352 and modulo 176
  deepEqual([checkRsaKey(plain), checkRsaKey(least)], [[], []]);
});

Deno.test("rsaKeyFromPrimes() gives no key for primes that are 1 modulo 3", () => {
  equal(rsaKeyFromPrimes(13n, 23n), undefined);
});

const PARTS = ["privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"] as const;
const COMPLAINTS: [part: typeof PARTS[number], complaint: string][] = [
  ["privateExponent", "(d * e) mod (lcm(p-1, q-1)) != 1"],
  ["prime1", "n != p * q"],
  ["prime2", "n != p * q"],
  ["exponent1", "dP is not congruent to d mod (p-1)"],
  ["exponent2", "dQ is not congruent to d mod (q-1)"],
  ["coefficient", "qInv is not conguent ot (q^-1) mod p"],
];
for (const [part, complaint] of COMPLAINTS) {
  Deno.test(`checkRsaKey() notices another ${part}`, () => {
    const key = rsaKeyFromPrimes(2n ** 127n - 1n, 2n ** 89n - 1n, { e: 65537n })!;
    const other = new Secret(numberToBytes(bytesToNumber(key[part].reveal()) + 2n));
    ok(checkRsaKey({ ...key, [part]: other }).includes(complaint));
  });
}

const HOPELESS: [name: string, change: Partial<RsaPrivateKey>, complaint: string][] = [
  ["no prime", { prime1: new Secret(new Uint8Array()) }, "n != p * q"],
  ["a prime of 1", { prime2: new Secret(Uint8Array.of(1)) }, "n != p * q"],
  [
    "an exponent of 0",
    { publicKey: { exponent: new Uint8Array(), modulus: Uint8Array.of(1) } },
    "public exponent is not an odd number over 1",
  ],
];
for (const [name, change, complaint] of HOPELESS) {
  Deno.test(`checkRsaKey() refuses ${name} without dividing by zero`, () => {
    deepEqual(checkRsaKey({ ...rsaKeyFromPrimes(17n, 23n)!, ...change }), [complaint]);
  });
}

Deno.test("checkRsaKey() notices an exponent that divides p-1 and q-1", () => {
  const secret = (n: bigint) => new Secret(numberToBytes(n));
  const key = rsaKeyFromPrimes(17n, 23n)!;
  const both = {
    ...key,
    prime1: secret(13n),
    prime2: secret(7n),
    publicKey: { ...key.publicKey, modulus: Uint8Array.of(91) },
  };
  deepEqual(checkRsaKey(both).slice(0, 2), ["e divides p-1", "e divides q-1"]);
});

Deno.test("decodeRsaPublicKey() undoes encodeRsaPublicKey(), with short and long exponents (RFC 3110)", () => {
  for (const length of [1, 3, 255, 256, 300]) {
    const key = { exponent: new Uint8Array(length).fill(7), modulus: new Uint8Array(64).fill(0xc1) };
    const blob = encodeRsaPublicKey(key);
    equal(blob.length, length + 64 + (length > 255 ? 3 : 1));
    deepEqual(decodeRsaPublicKey(blob), { ok: true, value: key });
  }
});

const BLOBS: [blob: number[], why: string][] = [
  [[1, 3], "RSA public key blob too short"],
  [[0, 0, 0, 9], "RSA public exponent missing"],
  [[9, 3, 3, 3], "RSA modulus missing"],
  [[1, 3, 0, 0], "RSA modulus missing"],
  [[1, 3, ...new Array(63).fill(0xff)], "RSA modulus too small for security: less than 512 bits"],
  [[1, 3, ...new Array(1025).fill(0xff)], "RSA modulus too large: more than 8192 bits"],
];
for (const [blob, error] of BLOBS) {
  Deno.test(`decodeRsaPublicKey() refuses ${blob.length} bytes: ${error}`, () => {
    deepEqual(decodeRsaPublicKey(Uint8Array.from(blob)), { ok: false, error });
  });
}

Deno.test("an RSA key prints without its secrets", () => {
  const text = Deno.inspect(rsaKeyFromPrimes(2n ** 127n - 1n, 2n ** 89n - 1n, { e: 65537n })!);
  for (const part of PARTS) ok(text.includes(`${part}: <secret, `), part);
});
