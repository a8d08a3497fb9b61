/**
 * Montgomery multiplication of large numbers as WebAssembly, assembled for one length of the modulus: a*b/R modulo n.
 *
 * Numbers are limbs of 51 bits in doubles. A fused multiply-add gives both halves of a product of two limbs exactly:
 *
 *     hi = a*b + 2^103                  its last bit is worth 2^51: the upper half, rounded, stands in its bits
 *     lo = a*b + (2^103 + 3*2^51 - hi)  what was rounded off, -2^50 to 2^50, plus 3*2^51: in its bits again
 *
 * so that bits are added as integers of 64 bits, and the constants' bits are taken off in advance. Two limbs are done at
 * once: a vector holds limb k and limb k + half, which keeps every load and store aligned. One pass over the vectors for
 * each limb of `a` adds its products, and the multiple of n that makes the lowest column vanish (CIOS in Koc, Acar,
 * Kaliski, "Analyzing and Comparing Montgomery Multiplication Algorithms").
 *
 * The way of doubles is Emmart's, who has it for processors; limbs of 51 bits instead of 52 are what makes the sums exact
 * when rounding to nearest, which is all that WebAssembly has. Not chosen: limbs of 32 bits with 64-bit products (three
 * times as many instructions), and BigInt (bench/dh_bench.ts).
 */
import { code, section, signed, unsigned, wasmModule } from "../packet/wasm_module.ts";

export const LIMB_BITS = 51;
export const LIMB_MASK = (1n << 51n) - 1n;

/** Where things lie in the memory, in bytes. */
export interface MontgomeryLayout {
  readonly limbs: number;
  /** Vectors of a number. */
  readonly half: number;
  readonly numberBytes: number;
  /** -1/n modulo 2^51. */
  readonly inverse: number;
  readonly modulus: number;
  /** What columns begin with: the bits of the constants, taken off. */
  readonly start: number;
  readonly columns: number;
  /** From here on numbers of the caller's. */
  readonly free: number;
}

/**
 * Products stay below 2n where R is over 4n, so that nothing need be subtracted after each. Both loops over rows run once
 * at least, hence two limbs.
 */
export function limbsFor(modulusBits: number): number {
  return Math.max(2, Math.ceil((modulusBits + 2) / LIMB_BITS));
}

export function layoutOf(limbs: number): MontgomeryLayout {
  const half = Math.ceil(limbs / 2);
  const columnBytes = 16 * (limbs + half);
  const modulus = 16, start = modulus + 16 * half, columns = start + columnBytes;
  return { limbs, half, numberBytes: 16 * half, inverse: 0, modulus, start, columns, free: columns + columnBytes };
}

/** Offset of a limb within a number. */
export function limbOffset({ half }: MontgomeryLayout, limb: number): number {
  return limb < half ? 16 * limb : 16 * (limb - half) + 8;
}

const TO_HI = 2 ** 103;
const TO_LO = 2 ** 103 + 3 * 2 ** 51;
const LO = 3 * 2 ** 51;

const bitsOf = (double: number) => new BigInt64Array(Float64Array.of(double).buffer)[0];

/** The start of each column, the same for both lanes: minus the constants of all the halves that come to it. */
export function columnStarts({ limbs, half }: MontgomeryLayout): BigInt64Array {
  // Of a*b and of q*n alike: lower halves of row + j = column, upper ones of the column before.
  const halves = (column: number) => BigInt(2 * Math.max(0, Math.min(column + 1, half, limbs + half - 1 - column)));
  const starts = new BigInt64Array(2 * (limbs + half));
  for (let column = 0; column < limbs + half; column++) {
    const start = -halves(column) * bitsOf(LO) - halves(column - 1) * bitsOf(TO_HI);
    starts.fill(start, 2 * column, 2 * column + 2);
  }
  return starts;
}

const I32 = 0x7f, I64 = 0x7e, V128 = 0x7b;
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const i32 = (number: number) => [0x41, ...signed(BigInt(number))];
const i64 = (number: bigint) => [0x42, ...signed(number)];
const I32_ADD = 0x6a, I32_LESS = 0x49, I64_ADD = 0x7c, I64_MUL = 0x7e, I64_AND = 0x83, I64_SHIFT = 0x87;
const TO_DOUBLE = 0xb9;
const i64Load = (offset: number) => [0x29, 3, ...unsigned(offset)];
const f64Store = (offset: number) => [0x39, 3, ...unsigned(offset)];
const vector = (operation: number) => [0xfd, ...unsigned(operation)];
const vLoad = (offset: number) => [...vector(0x00), 4, ...unsigned(offset)];
const vStore = (offset: number) => [...vector(0x0b), 4, ...unsigned(offset)];
const vConst = (double: number) => [...vector(0x0c), ...new Uint8Array(Float64Array.of(double, double).buffer)];
const LOAD_TWICE = [...vector(0x0a), 3, 0], TWICE = vector(0x14), LOWER_LANE = [...vector(0x1d), 0];
const V_ADD = vector(0xce), V_SUB = vector(0xf1), MULTIPLY_ADD = vector(0x107);
const NULL = i32(0);

// Parameters: where the result goes, and the factors; then the locals.
const [RESULT, A, B, ROW, STOP, CARRY, SUM, Ai, Q, HI_CONST, LO_CONST, HI_AB, HI_QN, Bj, Nj, COLUMN] = Array(16).keys();
const LOCALS = [3, 2, I32, 2, I64, 9, V128];

/** The lower half of x*y, as bits; the upper goes to the local `hi`. */
const product = (x: number, y: number, hi: number) => [
  ...[...get(x), ...get(y), ...get(HI_CONST), ...MULTIPLY_ADD, ...set(hi)],
  ...[...get(x), ...get(y), ...get(LO_CONST), ...get(hi), ...V_SUB, ...MULTIPLY_ADD],
];

/** `upper`: limbs of `a` in the second lanes, whose lowest column has a part in a second lane too. */
function row({ half, inverse, modulus, start, columns }: MontgomeryLayout, upper: boolean): number[] {
  const instructions = [
    ...[...get(A), ...LOAD_TWICE, ...set(Ai)],
    ...[...get(B), ...vLoad(0), ...set(Bj)],
    ...[...product(Ai, Bj, HI_AB), ...get(ROW), ...vLoad(columns), ...V_ADD, ...set(COLUMN)],
    ...(upper ? [...get(CARRY), ...get(ROW), ...i64Load(columns - 16 * half + 8), I64_ADD, ...set(CARRY)] : []),
    // q = column * inverse mod 2^51
    ...[...get(COLUMN), ...LOWER_LANE, ...get(CARRY), I64_ADD, ...NULL, ...i64Load(inverse), I64_MUL],
    ...[...i64(LIMB_MASK), I64_AND, TO_DOUBLE, ...TWICE, ...set(Q)],
    ...[...NULL, ...vLoad(modulus), ...set(Nj)],
    ...[...get(ROW), ...product(Q, Nj, HI_QN), ...get(COLUMN), ...V_ADD, ...tee(COLUMN), ...vStore(columns)],
    ...[...get(COLUMN), ...LOWER_LANE, ...get(CARRY), I64_ADD, ...i64(51n), I64_SHIFT, ...set(CARRY)],
  ];
  for (let at = 16; at < 16 * half; at += 16) {
    instructions.push(
      ...[...get(ROW), ...get(HI_AB), ...get(HI_QN), ...V_ADD, ...get(ROW), ...vLoad(columns + at), ...V_ADD],
      ...[...get(B), ...vLoad(at), ...set(Bj), ...product(Ai, Bj, HI_AB), ...V_ADD],
      ...[...NULL, ...vLoad(modulus + at), ...set(Nj), ...product(Q, Nj, HI_QN), ...V_ADD, ...vStore(columns + at)],
    );
  }
  return [
    ...instructions,
    ...[...get(ROW), ...get(HI_AB), ...get(HI_QN), ...V_ADD],
    ...[...get(ROW), ...vLoad(start + 16 * half), ...V_ADD, ...vStore(columns + 16 * half)],
  ];
}

/** Rows until ROW, the offset of the row's lowest column, is at `stop`. */
const rows = (stop: number, body: number[]) => [
  ...[...i32(stop), ...set(STOP), 0x03, 0x40, ...body],
  ...[...get(A), ...i32(16), I32_ADD, ...set(A), ...get(ROW), ...i32(16), I32_ADD, ...tee(ROW)],
  ...[...get(STOP), I32_LESS, 0x0d, 0, 0x0b],
];

/** Columns from `limbs` on are the result; their carries go through, one limb after the other. */
function result(layout: MontgomeryLayout): number[] {
  const { limbs, half, columns } = layout;
  return Array.from({ length: limbs }, (_, limb) => [
    ...[...get(RESULT), ...NULL, ...i64Load(columns + 16 * (limbs + limb - half) + 8), ...get(CARRY), I64_ADD],
    ...(limb < half ? [...NULL, ...i64Load(columns + 16 * (limbs + limb)), I64_ADD] : []),
    ...[...tee(SUM), ...i64(LIMB_MASK), I64_AND, TO_DOUBLE, ...f64Store(limbOffset(layout, limb))],
    ...[...get(SUM), ...i64(51n), I64_SHIFT, ...set(CARRY)],
  ]).flat();
}

/** Imports a memory "" "", exports "m" with the parameters (result, a, b): offsets of numbers in it. */
export function montgomeryModule(layout: MontgomeryLayout): Uint8Array<ArrayBuffer> {
  const { limbs, half, start, columns } = layout;
  const begin = Array.from({ length: half }, (_, k) => [
    ...[...NULL, ...NULL, ...vLoad(start + 16 * k), ...vStore(columns + 16 * k)],
  ]).flat();
  const body = [
    ...LOCALS,
    ...[...vConst(TO_HI), ...set(HI_CONST), ...vConst(TO_LO), ...set(LO_CONST)],
    ...begin,
    ...rows(16 * half, row(layout, false)),
    ...[...get(A), ...i32(8 - 16 * half), I32_ADD, ...set(A)],
    ...rows(16 * limbs, row(layout, true)),
    ...result(layout),
    0x0b,
  ];
  return wasmModule(
    section(1, 1, 0x60, 3, I32, I32, I32, 0),
    section(2, 1, 0, 0, 2, 0, 1),
    section(3, 1, 0),
    section(7, 1, 1, 0x6d, 0, 0),
    section(10, 1, ...code(body)),
  );
}
