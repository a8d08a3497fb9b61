import { deepStrictEqual as deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { ReplayWindow } from "../../lib/packet/replay_window.ts";

const HALF = 1n << 32n;

/** RFC 4303 §3.4.3 said plainly: a set of all the numbers seen. */
class NaiveWindow {
  readonly seen = new Set<bigint>();
  highest = 0n;
  constructor(readonly size: bigint) {}

  mayAccept(number: bigint): boolean {
    return number > 0n && number > this.highest - this.size && !this.seen.has(number);
  }

  markAuthentic(number: bigint): void {
    this.seen.add(number);
    if (number > this.highest) this.highest = number;
  }

  /** RFC 4303 appendix A2.1 in whole numbers: the one number with these low bits in the window or next after it. */
  guess(low: bigint): bigint {
    const bottom = this.highest - this.size + 1n;
    const base = this.highest / HALF;
    const candidates = [base - 1n, base, base + 1n].map((high) => high * HALF + low);
    return candidates.find((number) => number >= bottom)!;
  }
}

const split = (number: bigint): [high: number, low: number] => [Number(number / HALF), Number(number % HALF)];

const SIZE = fc.oneof(fc.integer({ min: 1, max: 64 }), fc.constantFrom(96, 127, 128, 129, 256, 1000, 1024));
/** Steps relative to the highest number so far: mostly small ones, at times far ones. */
const STEP = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -80, max: 40 }) },
  { weight: 2, arbitrary: fc.integer({ min: -1100, max: 1100 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0x7fffffff }) },
);
const STARTS: [name: string, start: bigint][] = [
  ["from the start", 0n],
  ["shortly before 2^31", HALF / 2n - 40n],
  ["shortly before 2^32", HALF - 40n],
  ["shortly before 2^40", (1n << 40n) - 40n],
  ["shortly before 2^53", (1n << 53n) - 4_000_000_000n],
];

for (const [name, start] of STARTS) {
  Deno.test(`ReplayWindow accepts what a set of all numbers would, ${name}`, () => {
    fc.assert(fc.property(SIZE, fc.array(STEP, { maxLength: 200 }), (size, steps) => {
      const window = new ReplayWindow(size), naive = new NaiveWindow(BigInt(size));
      if (start > 0n) {
        window.markAuthentic(...split(start));
        naive.markAuthentic(start);
      }
      for (const step of steps) {
        const number = naive.highest + BigInt(step);
        if (number < 0n || number >= 1n << 53n) continue;
        const [high, low] = split(number);
        equal(window.mayAccept(high, low), naive.mayAccept(number), `${number} after ${naive.highest}, size ${size}`);
        if (!naive.mayAccept(number)) continue;
        window.markAuthentic(high, low);
        naive.markAuthentic(number);
        equal(window.mayAccept(high, low), false, "the same number twice");
      }
      deepEqual([window.high, window.low], split(naive.highest));
    }));
  });

  Deno.test(`guessHigh() finds the high half as RFC 4303 appendix A2 does, ${name}`, () => {
    fc.assert(fc.property(SIZE, fc.nat(2000), STEP, (size, first, step) => {
      const window = new ReplayWindow(size), naive = new NaiveWindow(BigInt(size));
      const highest = start + BigInt(first) + 1n;
      window.markAuthentic(...split(highest));
      naive.markAuthentic(highest);
      const number = highest + BigInt(step);
      if (number < 0n) return;
      const low = number % HALF;
      const guess = naive.guess(low);
      // Below the first 2^32 numbers there is no earlier subspace to fall into.
      equal(window.guessHigh(Number(low)), Number(guess / HALF < 0n ? 0n : guess / HALF));
    }));
  });
}

Deno.test("bitmap() shows the newest packet in the lowest bit", () => {
  fc.assert(fc.property(SIZE, fc.array(STEP, { maxLength: 60 }), (size, steps) => {
    const window = new ReplayWindow(size), naive = new NaiveWindow(BigInt(size));
    for (const step of steps) {
      const number = naive.highest + BigInt(step);
      if (!naive.mayAccept(number) || number >= HALF) continue;
      window.markAuthentic(0, Number(number));
      naive.markAuthentic(number);
    }
    let expected = 0n;
    for (let i = 0n; i < BigInt(size); i++) if (naive.seen.has(naive.highest - i)) expected |= 1n << i;
    equal(window.bitmap(), expected.toString(16));
  }));
});

const GAPS: [name: string, numbers: number[], gap: number][] = [
  ["nothing was lost", [1, 2, 3, 4], 0],
  ["packets came late only", [1, 2, 5, 3, 4], 2],
  ["the first packet is not number 1", [10], 9],
  ["the largest gap came first", [100, 101, 110], 99],
];
for (const [name, numbers, gap] of GAPS) {
  Deno.test(`largestGap is ${gap} where ${name}`, () => {
    const window = new ReplayWindow(64);
    for (const number of numbers) window.markAuthentic(0, number);
    equal(window.largestGap, gap);
  });
}

Deno.test("a window of the full 64 packets tracks each of them", () => {
  const window = new ReplayWindow(64);
  window.markAuthentic(0, 100);
  for (let number = 37; number < 100; number++) equal(window.mayAccept(0, number), true, `${number}`);
  equal(window.mayAccept(0, 36), false);
  window.markAuthentic(0, 40);
  equal(window.mayAccept(0, 40), false);
  equal(window.mayAccept(0, 41), true);
});

Deno.test("a forged far-ahead number changes nothing before it is authentic", () => {
  const window = new ReplayWindow(32);
  window.markAuthentic(0, 5);
  equal(window.mayAccept(0, 0xffffffff), true);
  equal(window.mayAccept(0, 6), true);
  equal(window.mayAccept(0, 5), false);
});
