import { equal } from "node:assert/strict";
import fc from "fast-check";
import { parseData } from "../../lib/text/data.ts";
import { formatKeyId, formatSplitKeyId } from "../../lib/text/key_id.ts";
import { unwrap } from "./_arbitraries.ts";

function bytes(hex: string): Uint8Array {
  return hex === "" ? new Uint8Array(0) : unwrap(parseData(hex, 16));
}

/** The vector with an ID: text-forms.md §11. */
const IDS: [key: string, id: string][] = [
  ["010385f2d6769b0359b62152", "AQOF8tZ2m"],
  ["010385f2d6769b", "AQOF8tZ2m"],
  ["010385f2d676", "?len=6?"],
  ["", "?len=0?"],
];
for (const [key, id] of IDS) {
  Deno.test(`formatKeyId() of ${key.length / 2} bytes is ${id}`, () => equal(formatKeyId(bytes(key)), id));
}

Deno.test("formatSplitKeyId() is the ID of the key that has these parts", () => {
  equal(formatSplitKeyId(bytes("03"), bytes("85f2d6769b0359b62152ef85")), "AQOF8tZ2m");
  equal(formatSplitKeyId(bytes("010001"), bytes("85f2d6769b0359b62152ef85")), formatKeyId(bytes("0301000185f2d6")));
  equal(formatSplitKeyId(bytes("03"), bytes("85f2")), "?len=4?");
});

const EXPONENTS: [length: number, lead: string | undefined][] = [
  [255, "ff01010101010101"],
  [256, "0001000101010101"],
  [65535, "00ffff0101010101"],
  [65536, undefined],
];
for (const [length, lead] of EXPONENTS) {
  Deno.test(`formatSplitKeyId() with an exponent of ${length} bytes`, () => {
    const id = formatSplitKeyId(new Uint8Array(length).fill(1), bytes("85f2"));
    equal(id, lead && formatKeyId(bytes(lead)));
  });
}

Deno.test("formatKeyId() depends on nothing after seven bytes, and is base64", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 7, maxLength: 40 }), (key) => {
    equal(formatKeyId(key), formatKeyId(key.subarray(0, 7)));
    equal(btoa(String.fromCharCode(...key)).startsWith(formatKeyId(key)), true);
  }));
});
