/** Random numbers that a seed repeats (xorshift128 of Marsaglia, 2003). Good enough to choose by, and fast. */
export class Chance {
  #x: number;
  #y = 362436069;
  #z = 521288629;
  #w = 88675123;

  constructor(seed: number) {
    this.#x = seed | 0 || 123456789;
    for (let i = 0; i < 16; i++) this.word();
  }

  /** 32 random bits, signed. */
  word(): number {
    const t = this.#x ^ this.#x << 11;
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    return this.#w = this.#w ^ this.#w >>> 19 ^ t ^ t >>> 8;
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return (this.word() >>> 0) % limit;
  }

  /** True once in `n` calls. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(choices: ArrayLike<T>): T {
    return choices[this.below(choices.length)];
  }

  fill(bytes: Uint8Array, start = 0, end = bytes.length): void {
    for (let i = start; i < end; i++) bytes[i] = this.word();
  }
}
