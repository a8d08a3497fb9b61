import { equal } from "node:assert/strict";
import fc from "fast-check";
import { sanitizeText } from "../../lib/text/sanitize.ts";

/** Rules: text-forms.md §14. */
const CLEANED: [text: string | Uint8Array, clean: string, longest?: number][] = [
  ["", ""],
  ["east.example ~!", "east.example ~!"],
  ["a\r\nb", "a  b"],
  ["a\tb", "a\\011b"],
  ["a\\b", "a\\134b"],
  ["\x1b[31m\x7f\0", "\\033[31m\\177\\000"],
  ["é", "\\303\\251"],
  [Uint8Array.of(0x41, 0xff, 0x0a), "A\\377 "],
  ["abcdef", "abc", 3],
  ["ab\tc", "ab\\011", 6],
  ["ab\tc", "ab", 5],
  ["ab\tc", "ab", 3],
  ["\t", "", 0],
];
for (const [text, clean, longest] of CLEANED) {
  Deno.test(`sanitizeText() makes ${JSON.stringify(clean)} of ${JSON.stringify(text)}, at most ${longest}`, () => {
    equal(sanitizeText(text, longest), clean);
  });
}

Deno.test("sanitizeText() gives printable ASCII only, as long as asked for less three at most", () => {
  fc.assert(fc.property(fc.uint8Array(), fc.nat(40), (bytes, longest) => {
    const clean = sanitizeText(bytes, longest);
    equal(/^[ -~]*$/.test(clean), true);
    equal(clean.length <= longest, true);
    const whole = sanitizeText(bytes);
    equal(whole.startsWith(clean), true);
    equal(clean === whole || clean.length >= longest - 3, true);
  }));
});

Deno.test("sanitizeText() keeps every byte but line ends readable", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    const back = sanitizeText(bytes).replace(
      /\\([0-7]{3})/g,
      (_, octal) => String.fromCharCode(parseInt(octal, 8)),
    );
    equal(back, String.fromCharCode(...bytes.map((byte) => byte === 0x0a || byte === 0x0d ? 0x20 : byte)));
  }));
});

Deno.test("sanitizeText() makes of a string what it makes of its bytes", () => {
  const texts = fc.oneof(fc.string({ unit: "grapheme-ascii" }), fc.string({ unit: "binary" }));
  fc.assert(fc.property(texts, fc.nat(40), (text, longest) => {
    equal(sanitizeText(text, longest), sanitizeText(new TextEncoder().encode(text), longest));
  }));
});
