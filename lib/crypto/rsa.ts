/** RSA keys as numbers: parts, their relations (RFC 8017 §3), and the public key as DNS and ipsec.conf write it. */
import { formatSplitKeyId } from "../text/key_id.ts";
import { refuse, type Result } from "../text/result.ts";
import {
  bitLength,
  bytesToNumber,
  greatestCommonDivisor,
  inverseModulo,
  leastCommonMultiple,
  numberToBytes,
} from "./big_number.ts";
import { Secret } from "./secret.ts";

/** FreeS/WAN's limits for keys that it accepts; ours reach twice as high. */
export const RSA_BITS = { least: 512, most: 8192 } as const;

/** Numbers without leading zero bytes. */
export interface RsaPublicKey {
  readonly exponent: Uint8Array<ArrayBuffer>;
  readonly modulus: Uint8Array<ArrayBuffer>;
}

/** The names are those of ipsec.secrets; RFC 8017 calls them d, p, q, dP, dQ and qInv. */
export interface RsaPrivateKey {
  readonly publicKey: RsaPublicKey;
  readonly privateExponent: Secret;
  readonly prime1: Secret;
  readonly prime2: Secret;
  readonly exponent1: Secret;
  readonly exponent2: Secret;
  readonly coefficient: Secret;
}

export function modulusBits({ modulus }: RsaPublicKey): number {
  return bitLength(bytesToNumber(modulus));
}

/** The nine characters that logs and listings show. */
export function rsaKeyId({ exponent, modulus }: RsaPublicKey): string {
  return formatSplitKeyId(exponent, modulus)!;
}

/** Length of the exponent in one byte, or for 256 and more in a zero and two bytes; exponent; modulus (RFC 3110 §2). */
export function encodeRsaPublicKey({ exponent, modulus }: RsaPublicKey): Uint8Array<ArrayBuffer> {
  const length = exponent.length;
  const lengthBytes = length > 0xff ? [0, length >> 8, length & 0xff] : [length];
  return Uint8Array.from([...lengthBytes, ...exponent, ...modulus]);
}

export function decodeRsaPublicKey(blob: Uint8Array): Result<RsaPublicKey> {
  if (blob.length < 3) return refuse("RSA public key blob too short");
  const long = blob[0] === 0;
  const length = long ? blob[1] << 8 | blob[2] : blob[0];
  const start = long ? 3 : 1;
  const exponent = withoutZeroes(blob.subarray(start, start + length));
  const modulus = withoutZeroes(blob.subarray(start + length));
  if (exponent.length === 0) return refuse("RSA public exponent missing");
  if (modulus.length === 0) return refuse("RSA modulus missing");
  const key = { exponent, modulus };
  const refusal = refuseSize(modulusBits(key));
  return refusal ? refuse(refusal) : { ok: true, value: key };
}

/** @returns FreeS/WAN's words for a modulus of a size that is not accepted */
export function refuseSize(bits: number): string | undefined {
  if (bits < RSA_BITS.least) return `RSA modulus too small for security: less than ${RSA_BITS.least} bits`;
  if (bits > RSA_BITS.most) return `RSA modulus too large: more than ${RSA_BITS.most} bits`;
  return undefined;
}

/** Copies. */
export function withoutZeroes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const first = bytes.findIndex((byte) => byte !== 0);
  return new Uint8Array(first < 0 ? [] : bytes.subarray(first));
}

export interface PrivateKeyOptions {
  /** Public exponent; odd. */
  readonly e?: bigint;
  /** d modulo (p-1)(q-1) in place of their least common multiple, as older programs had it. */
  readonly plainTotient?: boolean;
}

/** The whole key from its primes, the larger first; undefined where e has no inverse. */
export function rsaKeyFromPrimes(
  one: bigint,
  other: bigint,
  { e = 3n, plainTotient = false }: PrivateKeyOptions = {},
): RsaPrivateKey | undefined {
  const [p, q] = one > other ? [one, other] : [other, one];
  const totient = plainTotient ? (p - 1n) * (q - 1n) : leastCommonMultiple(p - 1n, q - 1n);
  const d = inverseModulo(e, totient), qInv = inverseModulo(q, p);
  if (d === undefined || qInv === undefined) return undefined;
  const secret = (number: bigint) => new Secret(numberToBytes(number));
  return {
    publicKey: { exponent: numberToBytes(e), modulus: numberToBytes(p * q) },
    privateExponent: secret(d),
    prime1: secret(p),
    prime2: secret(q),
    exponent1: secret(d % (p - 1n)),
    exponent2: secret(d % (q - 1n)),
    coefficient: secret(qInv),
  };
}

/** d, p, q, dP, dQ, qInv, in this order of RFC 8017 appendix A.1.2; borrowed from the key. */
export function secretNumbers(key: RsaPrivateKey): Uint8Array[] {
  const { privateExponent, prime1, prime2, exponent1, exponent2, coefficient } = key;
  return [privateExponent, prime1, prime2, exponent1, exponent2, coefficient].map((secret) => secret.reveal());
}

/** @returns what is wrong with the numbers, in FreeS/WAN's words, spelling included; empty for a sound key */
export function checkRsaKey(key: RsaPrivateKey): string[] {
  const [n, e] = [key.publicKey.modulus, key.publicKey.exponent].map(bytesToNumber);
  const [d, p, q, dP, dQ, qInv] = secretNumbers(key).map(bytesToNumber);
  // Ours: divisions below would fail on such numbers, and no key has them.
  if (e < 3n || e % 2n === 0n) return ["public exponent is not an odd number over 1"];
  if (p < 3n || q < 3n) return ["n != p * q"];
  const checks: [holds: boolean, complaint: string][] = [
    [n === p * q, "n != p * q"],
    [greatestCommonDivisor(p - 1n, e) !== e, "e divides p-1"],
    [greatestCommonDivisor(q - 1n, e) !== e, "e divides q-1"],
    [d * e % leastCommonMultiple(p - 1n, q - 1n) === 1n, "(d * e) mod (lcm(p-1, q-1)) != 1"],
    [dP === d % (p - 1n), "dP is not congruent to d mod (p-1)"],
    [dQ === d % (q - 1n), "dQ is not congruent to d mod (q-1)"],
    [qInv < p && qInv * q % p === 1n, "qInv is not conguent ot (q^-1) mod p"],
  ];
  return checks.filter(([holds]) => !holds).map(([, complaint]) => complaint);
}
