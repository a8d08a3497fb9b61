/**
 * Powers modulo an odd number in the arithmetic of montgomery_code.ts: for 2048 bits 0.9 us a multiplication, against
 * 1.4 us in BigInt (bench/dh_bench.ts). Which multiplications are done does not depend on the exponent; which lines of
 * the cache they read does.
 */
import { bitLength, inverseModulo } from "./big_number.ts";
import {
  columnStarts,
  layoutOf,
  LIMB_BITS,
  LIMB_MASK,
  limbOffset,
  limbsFor,
  type MontgomeryLayout,
  montgomeryModule,
} from "./montgomery_code.ts";

/** A number in the memory: its offset in bytes. */
type Place = number;
type Multiply = (result: Place, a: Place, b: Place) => void;

const PAGE_BYTES = 65536;
const modules = new Map<number, WebAssembly.Module>();

/**
 * Finds out whether the runtime computes right, too: WebAssembly leaves it open whether a multiply-add is fused, and a
 * processor from before 2013 may have none that is.
 *
 * @returns undefined where this arithmetic cannot be had
 */
export function findMontgomery(limbs: number, places = 0): Montgomery | undefined {
  try {
    const found = new Montgomery(limbs, places);
    const modulus = (1n << BigInt(LIMB_BITS * limbs - 2)) - 1n;
    const base = modulus / 3n * 2n + 5n;
    found.load(modulus);
    return found.power(base, Uint8Array.of(3)) === base ** 3n % modulus ? found : undefined;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** One memory with its functions: for any odd modulus of a length, for one at a time. */
export class Montgomery {
  readonly #layout: MontgomeryLayout;
  readonly #doubles: Float64Array;
  readonly #multiply: Multiply;
  readonly #places: number;
  #modulus = 1n;

  /**
   * @param places for how many numbers there is room, beside those that are needed here
   * @throws {WebAssembly.CompileError} where the runtime has no relaxed vectors, {RangeError} where it grants no memory
   */
  constructor(limbs: number, places = 0) {
    const layout = layoutOf(limbs);
    this.#layout = layout;
    this.#places = OWN_PLACES + places;
    const bytes = layout.free + this.#places * layout.numberBytes;
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
    // One module for each length: V8 optimizes it once for all moduli.
    const module = modules.get(limbs) ?? new WebAssembly.Module(montgomeryModule(layout));
    modules.set(limbs, module);
    const { exports } = new WebAssembly.Instance(module, { "": { "": memory } });
    this.#multiply = exports.m as Multiply;
    this.#doubles = new Float64Array(memory.buffer);
    new BigInt64Array(memory.buffer).set(columnStarts(layout), layout.start / 8);
  }

  /** From now on computes modulo this number: odd, over 1, of a length that the limbs are for. */
  load(modulus: bigint): void {
    const { limbs, inverse } = this.#layout;
    if (modulus < 3n || modulus % 2n === 0n || limbsFor(bitLength(modulus)) > limbs) {
      throw new RangeError("Cannot compute modulo a number that is even, or longer than announced");
    }
    this.#modulus = modulus;
    this.#put(this.#layout.modulus, modulus);
    const r = 1n << BigInt(LIMB_BITS * limbs);
    const limb = 1n << BigInt(LIMB_BITS);
    new BigInt64Array(this.#doubles.buffer)[inverse / 8] = limb - inverseModulo(modulus, limb)!;
    this.#put(this.#place(R_SQUARED), r * r % modulus);
    this.#put(this.#place(ONE), 1n);
  }

  /** base^exponent, four bits at a time; leaves nothing of it behind. @param exponent big-endian; its length is no secret */
  power(base: bigint, exponent: Uint8Array): bigint {
    const result = this.#place(RESULT);
    const entry = (digit: number) => this.#place(TABLE + digit);
    this.#multiply(entry(0), this.#place(ONE), this.#place(R_SQUARED));
    this.enter(entry(1), base);
    for (let digit = 2; digit < 16; digit++) this.#multiply(entry(digit), entry(digit - 1), entry(1));
    this.#multiply(result, this.#place(ONE), this.#place(R_SQUARED));
    for (const byte of exponent) {
      for (const digit of [byte >> 4, byte & 15]) {
        for (let i = 0; i < 4; i++) this.#multiply(result, result, result);
        this.#multiply(result, result, entry(digit));
      }
    }
    const power = this.leave(result);
    this.#forget(result, this.#place(OWN_PLACES));
    return power;
  }

  /** One of the caller's places. */
  place(index: number): Place {
    return this.#place(OWN_PLACES + index);
  }

  /** `place` := number, in Montgomery's form. */
  enter(place: Place, number: bigint): void {
    this.#put(place, number % this.#modulus);
    this.#multiply(place, place, this.#place(R_SQUARED));
  }

  /** `result` := a*b, all in Montgomery's form; may be the same. */
  multiply(result: Place, a: Place, b: Place): void {
    this.#multiply(result, a, b);
  }

  /** The number at `place`, which it loses. */
  leave(place: Place): bigint {
    this.#multiply(place, place, this.#place(ONE));
    const number = this.#take(place);
    return number < this.#modulus ? number : number - this.#modulus;
  }

  /** Forgets modulus and numbers; load() comes next. */
  wipe(): void {
    const { modulus, start } = this.#layout;
    this.#doubles.fill(0, modulus / 8, start / 8);
    this.#forget(this.#place(0), this.#place(this.#places));
    this.#modulus = 1n;
  }

  /** Numbers between two places, and the columns of the last product. */
  #forget(from: Place, to: Place): void {
    const { columns, free } = this.#layout;
    this.#doubles.fill(0, columns / 8, free / 8);
    this.#doubles.fill(0, from / 8, to / 8);
  }

  #place(index: number): Place {
    return this.#layout.free + index * this.#layout.numberBytes;
  }

  #put(place: Place, number: bigint): void {
    for (let limb = 0; limb < 2 * this.#layout.half; limb++, number >>= BigInt(LIMB_BITS)) {
      this.#doubles[(place + limbOffset(this.#layout, limb)) / 8] = Number(number & LIMB_MASK);
    }
  }

  #take(place: Place): bigint {
    let number = 0n;
    for (let limb = this.#layout.limbs - 1; limb >= 0; limb--) {
      const double = this.#doubles[(place + limbOffset(this.#layout, limb)) / 8];
      number = number << BigInt(LIMB_BITS) | BigInt(double);
    }
    return number;
  }
}

const [R_SQUARED, ONE, RESULT, TABLE] = [0, 1, 2, 3];
const OWN_PLACES = TABLE + 16;
