/** Whole numbers of any size as RSA needs them: big-endian bytes (RFC 8017 §4), powers and inverses modulo a number. */

/** OS2IP: big-endian bytes as a number; none is 0. */
export function bytesToNumber(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toHex()}`);
}

/** I2OSP in as few bytes as hold `number`, which must not be negative; one zero byte for 0. */
export function numberToBytes(number: bigint): Uint8Array<ArrayBuffer> {
  const hex = number.toString(16);
  return Uint8Array.fromHex(hex.length % 2 ? `0${hex}` : hex);
}

/** I2OSP: exactly `length` bytes, which must be enough for `number`. */
export function fixedBytes(number: bigint, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(number.toString(16).padStart(2 * length, "0"));
}

/** @returns 0 for 0 */
export function bitLength(number: bigint): number {
  return number === 0n ? 0 : number.toString(2).length;
}

/** `base ** exponent mod modulus`, four bits of the exponent at a time. Not in constant time. */
export function powerModulo(base: bigint, exponent: bigint, modulus: bigint): bigint {
  const powers = [1n % modulus];
  for (let i = 1; i < 16; i++) powers.push(powers[i - 1] * base % modulus);
  let result = powers[0];
  for (const digit of exponent.toString(16)) {
    for (let i = 0; i < 4; i++) result = result * result % modulus;
    result = result * powers[parseInt(digit, 16)] % modulus;
  }
  return result;
}

export function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b) [a, b] = [b, a % b];
  return a;
}

export function leastCommonMultiple(a: bigint, b: bigint): bigint {
  return a / greatestCommonDivisor(a, b) * b;
}

/** @returns x with `a * x mod modulus` = 1; undefined where `a` and `modulus` have a common divisor */
export function inverseModulo(a: bigint, modulus: bigint): bigint | undefined {
  let [r, next] = [modulus, a % modulus], [x, nextX] = [0n, 1n];
  while (next) {
    const quotient = r / next;
    [r, next] = [next, r - quotient * next];
    [x, nextX] = [nextX, x - quotient * nextX];
  }
  return r === 1n ? (x + modulus) % modulus : undefined;
}
