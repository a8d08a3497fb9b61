import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { formatNumber, type NumberBase, type NumberFormat, parseNumber } from "../../lib/text/number.ts";
import { aText } from "./_arbitraries.ts";

const NON_DIGIT = "non-digit in number";
const NON_HEX = "non-hex digit in hex number";
const TOO_LONG = "hex number too long";
const OVERFLOW = "unsigned-long overflow";

/** Vectors: text-forms.md §2, with the limits of 32 bits. */
const READ: [text: string, base: NumberBase, value: number][] = [
  ["0", 0, 0],
  ["00", 0, 0],
  ["010", 0, 8],
  ["0X1f", 0, 31],
  ["0x1F", 0, 31],
  ["31", 0, 31],
  ["4294967295", 0, 4294967295],
  ["0xffffffff", 0, 4294967295],
  ["037777777777", 0, 4294967295],
  ["0000000000031", 10, 31],
  ["010", 10, 10],
  ["37", 8, 31],
  ["010", 8, 8],
  ["1f", 16, 31],
  ["0000001F", 16, 31],
];
for (const [text, base, value] of READ) {
  Deno.test(`parseNumber() reads ${text} in base ${base} as ${value}`, () => {
    deepEqual(parseNumber(text, base), { ok: true, value });
  });
}

const REFUSED: [text: string, base: NumberBase, error: string][] = [
  ["", 0, "empty string"],
  ["", 16, "empty string"],
  ["1", 2 as NumberBase, "unsupported number base"],
  ["08", 0, NON_DIGIT],
  ["0x", 0, NON_DIGIT],
  ["-1", 0, NON_DIGIT],
  ["+1", 0, NON_DIGIT],
  [" 1", 0, NON_DIGIT],
  ["1 ", 0, NON_DIGIT],
  ["1\n", 0, NON_DIGIT],
  ["1x", 0, NON_DIGIT],
  ["1_000", 10, NON_DIGIT],
  ["1e3", 10, NON_DIGIT],
  ["0x10", 10, NON_DIGIT],
  ["8", 8, NON_DIGIT],
  ["٣", 10, NON_DIGIT],
  ["0xg", 0, NON_HEX],
  ["0x 1", 0, NON_HEX],
  ["0x1f", 16, NON_HEX],
  ["0x\n", 0, NON_HEX],
  ["0x12345678g", 0, NON_HEX],
  ["0x000000001", 0, TOO_LONG],
  ["123456789", 16, TOO_LONG],
  ["4294967296", 0, OVERFLOW],
  ["040000000000", 0, OVERFLOW],
  ["9".repeat(400), 10, OVERFLOW],
];
for (const [text, base, error] of REFUSED) {
  Deno.test(`parseNumber() refuses ${JSON.stringify(text.slice(0, 20))} in base ${base}: ${error}`, () => {
    deepEqual(parseNumber(text, base), { ok: false, error });
  });
}

const WRITTEN: [format: NumberFormat, of31: string, of0: string, largest: string][] = [
  [10, "31", "0", "4294967295"],
  ["d", "31", "0", "4294967295"],
  [16, "1f", "0", "ffffffff"],
  [17, "0000001f", "00000000", "ffffffff"],
  ["x", "0x1f", "0x0", "0xffffffff"],
  [8, "37", "0", "37777777777"],
  ["o", "037", "00", "037777777777"],
];
for (const [format, ...texts] of WRITTEN) {
  Deno.test(`formatNumber() writes 31, 0 and the largest number in format ${format}`, () => {
    deepEqual([31, 0, 0xffffffff].map((value) => formatNumber(value, format)), texts);
  });
}

const NUMBERS = fc.oneof(fc.nat(300), fc.nat(0xffffffff));
const BASES: [format: NumberFormat, base: NumberBase][] = [
  [10, 10],
  [10, 0],
  ["d", 0],
  [16, 16],
  [17, 16],
  ["x", 0],
  [8, 8],
  ["o", 0],
];
for (const [format, base] of BASES) {
  Deno.test(`parseNumber() in base ${base} reads what formatNumber() wrote in format ${format}`, () => {
    fc.assert(fc.property(NUMBERS, (value) => {
      deepEqual(parseNumber(formatNumber(value, format), base), { ok: true, value });
    }));
  });
}

Deno.test("parseNumber() gives any text a number of 32 bits or a reason", () => {
  const texts = aText("0", "1", "7", "9", "x", "X", "f", "-", " ", "_", "99999");
  fc.assert(fc.property(texts, fc.constantFrom<NumberBase>(0, 8, 10, 16), (text, base) => {
    const parsed = parseNumber(text, base);
    if (!parsed.ok) return equal(typeof parsed.error, "string");
    equal(parsed.value >>> 0, parsed.value);
  }));
});
