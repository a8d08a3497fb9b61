import { deepEqual, equal } from "node:assert/strict";
import { numberPrefix, readNumber } from "../../lib/text/c_number.ts";

const WHOLE: [text: string, value: number | undefined][] = [
  ["256", 256],
  ["0x1F", 31],
  ["0Xff", 255],
  ["010", 8],
  ["0", 0],
  ["", 0],
  [" \t+7", 7],
  ["-3", -3],
  ["-0", 0],
  ["0xffffffffff", 0xffffffffff],
  ["08", undefined],
  ["0x", undefined],
  ["7 ", undefined],
  ["x", undefined],
  ["1e3", undefined],
];
for (const [text, value] of WHOLE) {
  Deno.test(`readNumber() gives ${value} for "${text}"`, () => equal(readNumber(text), value));
}

const PREFIXES: [text: string, value: number, length: number][] = [
  ["12,soft", 12, 2],
  ["0x", 0, 1],
  ["09", 0, 1],
  [" 5x", 5, 2],
  ["none", 0, 0],
];
for (const [text, value, length] of PREFIXES) {
  Deno.test(`numberPrefix() reads ${length} characters of "${text}"`, () =>
    deepEqual(numberPrefix(text), { value, length }));
}
