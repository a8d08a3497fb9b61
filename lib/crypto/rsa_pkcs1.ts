/** RSA keys as other programs hold them: PKCS #1 in DER (RFC 8017, A.1), which node:crypto and openssl(1) read and write. */
import { refuse, type Result } from "../text/result.ts";
import { modulusBits, refuseSize, type RsaPrivateKey, type RsaPublicKey, secretNumbers, withoutZeroes } from "./rsa.ts";
import { Secret } from "./secret.ts";

const INTEGER = 0x02;
const SEQUENCE = 0x30;
/** A key of two primes. */
const VERSION = Uint8Array.of(0);

/** Holds the secret numbers: the caller wipes it. */
export function encodePrivateKey(key: RsaPrivateKey): Uint8Array<ArrayBuffer> {
  const { publicKey: { modulus, exponent } } = key;
  return encodeIntegers([VERSION, modulus, exponent, ...secretNumbers(key)]);
}

export function encodePublicKey({ modulus, exponent }: RsaPublicKey): Uint8Array<ArrayBuffer> {
  return encodeIntegers([modulus, exponent]);
}

/** The form only: whether the numbers make a key, checkRsaKey() tells. Copies. */
export function decodePrivateKey(der: Uint8Array): Result<RsaPrivateKey> {
  const numbers = decodeIntegers(der);
  if (!numbers) return refuse("is no RSA key in DER");
  const [version, modulus, exponent, ...secrets] = numbers;
  if (version.length !== 0) return refuse("is no RSA key of two primes");
  if (secrets.length !== 6) return refuse("is no RSA private key");
  const publicKey = { modulus, exponent };
  const refusal = refuseSize(modulusBits(publicKey));
  if (refusal) return refuse(refusal);
  const [privateExponent, prime1, prime2, exponent1, exponent2, coefficient] = secrets.map((bytes) => {
    const secret = new Secret(bytes);
    bytes.fill(0);
    return secret;
  });
  return { ok: true, value: { publicKey, privateExponent, prime1, prime2, exponent1, exponent2, coefficient } };
}

/** Copies. */
export function decodePublicKey(der: Uint8Array): Result<RsaPublicKey> {
  const numbers = decodeIntegers(der);
  if (numbers?.length !== 2) return refuse("is no RSA public key in DER");
  const [modulus, exponent] = numbers;
  const refusal = refuseSize(modulusBits({ modulus, exponent }));
  return refusal ? refuse(refusal) : { ok: true, value: { modulus, exponent } };
}

/** @param numbers without leading zero bytes; none is negative */
function encodeIntegers(numbers: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  // A first bit of 1 would make the number negative.
  const paddings = numbers.map((bytes) => bytes.length === 0 || bytes[0] & 0x80 ? 1 : 0);
  const lengths = numbers.map((bytes, i) => encodeLength(bytes.length + paddings[i]));
  const total = numbers.reduce((sum, bytes, i) => sum + 1 + lengths[i].length + paddings[i] + bytes.length, 0);
  const header = [SEQUENCE, ...encodeLength(total)];
  const der = new Uint8Array(header.length + total);
  der.set(header);
  let at = header.length;
  numbers.forEach((bytes, i) => {
    der.set([INTEGER, ...lengths[i]], at);
    at += 1 + lengths[i].length + paddings[i];
    der.set(bytes, at);
    at += bytes.length;
  });
  return der;
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

/** @returns the numbers of one sequence, without leading zero bytes; undefined for anything else, left-over bytes too */
function decodeIntegers(der: Uint8Array): Uint8Array<ArrayBuffer>[] | undefined {
  const whole = decodeElement(der, 0, SEQUENCE);
  if (!whole || whole.end !== der.length) return undefined;
  const numbers: Uint8Array<ArrayBuffer>[] = [];
  for (let at = whole.start; at < der.length;) {
    const one = decodeElement(der, at, INTEGER);
    if (!one || one.start === one.end || der[one.start] & 0x80) return undefined;
    numbers.push(withoutZeroes(der.subarray(one.start, one.end)));
    at = one.end;
  }
  return numbers;
}

/** @returns where the content of the element at `at` lies */
function decodeElement(der: Uint8Array, at: number, tag: number): { start: number; end: number } | undefined {
  if (der[at] !== tag || at + 1 >= der.length) return undefined;
  const first = der[at + 1];
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 2 || first === 0x80) return undefined;
  let length = lengthBytes ? 0 : first;
  const start = at + 2 + lengthBytes;
  for (let i = at + 2; i < start; i++) length = length << 8 | der[i];
  const end = start + length;
  return end <= der.length ? { start, end } : undefined;
}
