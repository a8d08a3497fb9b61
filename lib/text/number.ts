/** Unsigned numbers of 32 bits, as text (text-forms.md §2). */
import { ok, refuse, type Result } from "./result.ts";

const LARGEST = 0xffffffff;
/** Hex digits of the largest number; more are refused even where they are zeroes. */
const HEX_DIGITS = 8;

export type NumberBase = 0 | 8 | 10 | 16;

/** @param base 0 lets the prefix decide: 0x hexadecimal, 0 octal, else decimal */
export function parseNumber(text: string, base: NumberBase): Result<number> {
  if (text === "") return refuse("empty string");
  if (base === 0) {
    if (/^0[xX]./s.test(text)) return parseNumber(text.slice(2), 16);
    return /^0./s.test(text) ? parseNumber(text.slice(1), 8) : parseNumber(text, 10);
  }
  if (base === 16) {
    if (!/^[0-9a-fA-F]+$/.test(text)) return refuse("non-hex digit in hex number");
    return text.length > HEX_DIGITS ? refuse("hex number too long") : ok(parseInt(text, 16));
  }
  if (base !== 8 && base !== 10) return refuse("unsupported number base");
  if (!(base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(text)) return refuse("non-digit in number");
  const value = parseInt(text, base);
  return value > LARGEST ? refuse("unsigned-long overflow") : ok(value);
}

/** Formats of ultot: bases, padded hex (17), and with prefix ("x", "o", "d"). */
export type NumberFormat = 8 | 10 | 16 | 17 | "d" | "x" | "o";

export function formatNumber(value: number, format: NumberFormat): string {
  switch (format) {
    case 10:
    case "d":
      return value.toString();
    case 16:
      return value.toString(16);
    case 17:
      return value.toString(16).padStart(8, "0");
    case "x":
      return `0x${value.toString(16)}`;
    case 8:
      return value.toString(8);
    case "o":
      return `0${value.toString(8)}`;
  }
}
