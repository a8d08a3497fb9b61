import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { type DataBase, type DataFormat, formatData, parseData } from "../../lib/text/data.ts";
import { aText } from "./_arbitraries.ts";

const TOO_SHORT = "input too short to be valid";
const NO_PREFIX = "input does not begin with format prefix";
const BAD_PREFIX = "unknown format prefix";
const NO_DATA = "no data bytes specified by input";
const MID_BYTE = "input ends in mid-byte, perhaps truncated";
const BAD_PADDING = "bad (non-zero) padding at end of base64 input";
const unknown = (shown: string) => `unknown character (\`${shown}') in input`;

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Vectors: text-forms.md §7, checked there against the original. */
const READ: [text: string, base: DataBase, bytes: string][] = [
  ["0xab", 0, "ab"],
  ["0XAB", 0, "ab"],
  ["0x0123456789", 0, "0123456789"],
  ["0x01_02", 0, "0102"],
  ["0XaBc0eEd81f", 0, "abc0eed81f"],
  ["0XaBc0_eEd8", 0, "abc0eed8"],
  ["aBc0eEd8", 16, "abc0eed8"],
  ["0sDCBA", 0, "0c2040"],
  ["0SDCBA", 0, "0c2040"],
  ["0sDA==", 0, "0c"],
  ["0sDCA=", 0, "0c20"],
  ["0sDA==DCBA", 0, "0c0c2040"],
  ["0sDCAZ", 0, "0c2019"],
  ["0sDCAa", 0, "0c201a"],
  ["0sDCAz", 0, "0c2033"],
  ["0sDCA0", 0, "0c2034"],
  ["0sDCA9", 0, "0c203d"],
  ["0sDCA+", 0, "0c203e"],
  ["0sDCA/", 0, "0c203f"],
  ["0sAbraCadabra+", 0, "01bada09a75a6eb6be"],
  ["AbraCadabra+", 64, "01bada09a75a6eb6be"],
  ["0tabc_xyz", 0, "6162635f78797a"],
  ["0T\\n ", 0, "5c6e20"],
  ["abc_xyz", 256, "6162635f78797a"],
  ["0té", 0, "c3a9"],
];
for (const [text, base, bytes] of READ) {
  Deno.test(`parseData() reads ${text} in base ${base} as ${bytes}`, () => {
    const data = parseData(text, base);
    equal(data.ok ? hex(data.value) : data.error, bytes);
  });
}

const REFUSED: [text: string, base: DataBase, error: string][] = [
  ["", 0, TOO_SHORT],
  ["0", 0, TOO_SHORT],
  ["1x12", 0, NO_PREFIX],
  ["abc", 0, NO_PREFIX],
  ["0b11", 0, BAD_PREFIX],
  ["0\u{1F600}", 0, BAD_PREFIX],
  ["0x", 0, NO_DATA],
  ["0s", 0, NO_DATA],
  ["0t", 0, NO_DATA],
  ["", 16, NO_DATA],
  ["", 64, NO_DATA],
  ["", 256, NO_DATA],
  ["0xa", 0, MID_BYTE],
  ["0xabc", 0, MID_BYTE],
  ["0x01x", 0, MID_BYTE],
  ["0XaBc0_", 0, MID_BYTE],
  ["0sA", 0, MID_BYTE],
  ["0sBA", 0, MID_BYTE],
  ["0sCBA", 0, MID_BYTE],
  ["0sDCBA ", 0, MID_BYTE],
  ["0X_aBc0", 0, unknown("_")],
  ["0Xa_Bc0", 0, unknown("_")],
  ["0x12__34", 0, unknown("_")],
  ["0x12 34", 0, unknown(" ")],
  ["0xg1", 0, unknown("g")],
  ["0x1g", 0, unknown("g")],
  ["0xab", 16, unknown("x")],
  ["0x1\t", 0, unknown("\\011")],
  ["0x\x7f1", 0, unknown("\\177")],
  ["0xé", 0, unknown("\\703")],
  ["0sDC==", 0, BAD_PADDING],
  ["0sDCB=", 0, BAD_PADDING],
  ["0sD===", 0, unknown("=")],
  ["0s====", 0, unknown("=")],
  ["0sDA=A", 0, unknown("=")],
  ["0sD=AA", 0, unknown("=")],
  ["0sDC-A", 0, unknown("-")],
  ["0sDC BA__", 0, unknown(" ")],
  ["ab", 8 as DataBase, "unknown base"],
];
for (const [text, base, error] of REFUSED) {
  Deno.test(`parseData() refuses ${JSON.stringify(text)} in base ${base}: ${error}`, () => {
    deepEqual(parseData(text, base), { ok: false, error });
  });
}

Deno.test("parseData() with ignoreSpace skips blanks and tabs anywhere after the prefix of base64", () => {
  const text = "AbraCadabra+";
  for (let at = 0; at <= text.length; at++) {
    for (const space of [" ", "\t", " \t "]) {
      const data = parseData(`0s${text.slice(0, at)}${space}${text.slice(at)}`, 0, { ignoreSpace: true });
      equal(data.ok ? hex(data.value) : data.error, "01bada09a75a6eb6be");
    }
  }
});

const SPACED: [text: string, outcome: string][] = [
  ["0x12 34", unknown(" ")],
  ["0t1 2", "312032"],
  [" 0sDCBA", NO_PREFIX],
  ["0s \t", NO_DATA],
  ["0sDC\nBA==", unknown("\\012")],
];
for (const [text, outcome] of SPACED) {
  Deno.test(`parseData() with ignoreSpace gives ${outcome} for ${JSON.stringify(text)}`, () => {
    const data = parseData(text, 0, { ignoreSpace: true });
    equal(data.ok ? hex(data.value) : data.error, outcome);
  });
}

const WRITTEN: [bytes: number[], format: DataFormat, text: string | undefined][] = [
  [[1, 2, 3, 4, 5, 6], "h", "0x01020304_0506"],
  [[1, 2, 3, 4, 5, 6], 0, "0x01020304_0506"],
  [[1, 2, 3, 4], "h", "0x01020304"],
  [[1, 2, 3, 4, 5, 6], "x", "0x010203040506"],
  [[1, 2, 0xff], ":", "01:02:ff"],
  [[0xab, 0xc0, 0xee, 0xd8, 0x1f], 16, "abc0eed81f"],
  [[0x0c], "s", "0sDA=="],
  [[0x0c, 0x20], "s", "0sDCA="],
  [[0x0c, 0x20, 0x40], 64, "DCBA"],
  [[0x0c], 64, "DA=="],
  [[], "h", undefined],
  [[], 64, undefined],
];
for (const [bytes, format, text] of WRITTEN) {
  Deno.test(`formatData() writes ${bytes.length} bytes in format ${format} as ${text}`, () => {
    equal(formatData(Uint8Array.from(bytes), format), text);
  });
}

const BYTES = fc.uint8Array({ minLength: 1, maxLength: 70 });
const BASES: [format: DataFormat, base: DataBase][] = [[0, 0], ["h", 0], ["x", 0], ["s", 0], [16, 16], [64, 64]];
for (const [format, base] of BASES) {
  Deno.test(`parseData() in base ${base} reads what formatData() wrote in format ${format}`, () => {
    fc.assert(fc.property(BYTES, (bytes) => {
      const data = parseData(formatData(bytes, format)!, base);
      equal(data.ok ? hex(data.value) : data.error, hex(bytes));
    }));
  });
}

Deno.test("formatData() writes the base64 of the runtime", () => {
  fc.assert(fc.property(BYTES, (bytes) => equal(formatData(bytes, 64), btoa(String.fromCharCode(...bytes)))));
});

Deno.test("parseData() answers any text, and what it reads it writes and reads again", () => {
  const texts = aText("0x", "0s", "0t", "ab", "a", "_", "DCBA", "=", "==", " ", "\t", "\n", "é");
  const bases = fc.constantFrom<DataBase>(0, 16, 64, 256);
  fc.assert(fc.property(texts, bases, fc.boolean(), (text, base, ignoreSpace) => {
    const data = parseData(text, base, { ignoreSpace });
    if (!data.ok) return equal(typeof data.error, "string");
    deepEqual(parseData(formatData(data.value, "s")!, 0), data);
  }));
});
