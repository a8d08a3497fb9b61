/** Keys and other bytes as text (text-forms.md §7). */
import { ok, refuse, type Result } from "./result.ts";

export type DataBase = 0 | 16 | 64 | 256;

const PREFIXES: Readonly<Record<string, DataBase>> = { x: 16, s: 64, t: 256 };
const HEX = "0123456789abcdef";
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const UNDERSCORE = "_".charCodeAt(0);
const PADDING = "=".charCodeAt(0);

const encoder = new TextEncoder();

export interface DataOptions {
  /** Skip blanks and tabs within base64. */
  readonly ignoreSpace?: boolean;
}

/** ttodata and ttodatav. @param base 0 lets the prefix decide: 0x hexadecimal, 0s base64, 0t text */
export function parseData(text: string, base: DataBase, options: DataOptions = {}): Result<Uint8Array<ArrayBuffer>> {
  let body = text;
  if (base === 0) {
    if (text.length < 2) return refuse("input too short to be valid");
    if (text[0] !== "0") return refuse("input does not begin with format prefix");
    const found = PREFIXES[text[1].toLowerCase()];
    if (!found) return refuse("unknown format prefix");
    base = found;
    body = text.slice(2);
  }
  switch (base) {
    case 16:
      return parseHex(encoder.encode(body));
    case 64:
      return parseBase64(encoder.encode(options.ignoreSpace ? body.replace(/[ \t]/g, "") : body));
    case 256:
      return body === "" ? refuse(NO_DATA) : ok(encoder.encode(body));
    default:
      return refuse("unknown base");
  }
}

const NO_DATA = "no data bytes specified by input";
const MID_BYTE = "input ends in mid-byte, perhaps truncated";

function unknown(byte: number): { readonly ok: false; readonly error: string } {
  const printable = byte >= 0x20 && byte <= 0x7e;
  // The original extends the sign of bytes over 0x7f, which shows in the first of three digits.
  const octal = (byte > 0x7f ? byte | 0x100 : byte).toString(8).padStart(3, "0");
  return refuse(`unknown character (\`${printable ? String.fromCharCode(byte) : `\\${octal}`}') in input`);
}

function parseHex(text: Uint8Array): Result<Uint8Array<ArrayBuffer>> {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 2) {
    if (text[at] === UNDERSCORE && bytes.length > 0) at++;
    if (at + 2 > text.length) return refuse(MID_BYTE);
    const digits = [text[at], text[at + 1]].map((byte) => HEX.indexOf(String.fromCharCode(byte).toLowerCase()));
    const bad = digits.indexOf(-1);
    if (bad >= 0) return unknown(text[at + bad]);
    bytes.push(digits[0] << 4 | digits[1]);
  }
  return bytes.length === 0 ? refuse(NO_DATA) : ok(Uint8Array.from(bytes));
}

function parseBase64(text: Uint8Array): Result<Uint8Array<ArrayBuffer>> {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 4) {
    if (at + 4 > text.length) return refuse(MID_BYTE);
    const padding = text[at + 3] !== PADDING ? 0 : text[at + 2] !== PADDING ? 1 : 2;
    let word = 0;
    for (let i = 0; i < 4 - padding; i++) {
      const digit = BASE64.indexOf(String.fromCharCode(text[at + i]));
      if (digit < 0) return unknown(text[at + i]);
      word |= digit << 18 - 6 * i;
    }
    if ((word & (1 << 8 * padding) - 1) !== 0) return refuse("bad (non-zero) padding at end of base64 input");
    for (let i = 0; i < 3 - padding; i++) bytes.push(word >> 16 - 8 * i & 0xff);
  }
  return bytes.length === 0 ? refuse(NO_DATA) : ok(Uint8Array.from(bytes));
}

/** Formats of datatot: hex with "_" ("h", 0), plain hex with ("x") and without prefix (16), ":", base64 ("s", 64). */
export type DataFormat = 0 | "h" | "x" | ":" | 16 | "s" | 64;

/** @returns undefined where there are no bytes */
export function formatData(bytes: Uint8Array, format: DataFormat): string | undefined {
  if (bytes.length === 0) return undefined;
  const pairs = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  switch (format) {
    case 0:
    case "h":
      return `0x${pairs.join("").replace(/.{8}(?=.)/g, "$&_")}`;
    case "x":
      return `0x${pairs.join("")}`;
    case ":":
      return pairs.join(":");
    case 16:
      return pairs.join("");
    case "s":
      return `0s${base64(bytes)}`;
    case 64:
      return base64(bytes);
  }
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const word = bytes[i] << 16 | (bytes[i + 1] ?? 0) << 8 | (bytes[i + 2] ?? 0);
    const digits = [18, 12, 6, 0].map((shift) => BASE64[word >> shift & 63]).join("");
    text += digits.slice(0, Math.min(4, bytes.length - i + 1)).padEnd(4, "=");
  }
  return text;
}
