/** IP addresses as text (text-forms.md §3), and what is asked of them (§9). */
import { ok, refuse, type Result } from "./result.ts";

/** As users write it after `--af`. */
export type Family = "inet" | "inet6";

/** An IP address; `bytes` holds 4 or 16 bytes in network order and is never changed. */
export interface Address {
  readonly family: Family;
  readonly bytes: Uint8Array;
}

/** Format letters of addrtot: plain, uncompressed, reverse-map name. */
export type AddressFormat = 0 | "Q" | "r";

/** Outcome of the numeric part of ttoaddr: an address, a refusal, or a text that only a name lookup can decide. */
export type ParsedAddress = Result<Address> | { readonly ok: false; readonly error: string; readonly name: string };

const LENGTHS = { inet: 4, inet6: 16 } as const;

/** Wraps 4 or 16 bytes (initaddr). */
export function makeAddress(bytes: Uint8Array, family: Family): Result<Address> {
  if (bytes.length === LENGTHS[family]) return ok({ family, bytes });
  return refuse(family === "inet" ? "IPv4 address must be exactly 4 bytes" : "IPv6 address must be exactly 16 bytes");
}

export function anyAddress(family: Family): Address {
  return { family, bytes: new Uint8Array(LENGTHS[family]) };
}

export function loopbackAddress(family: Family): Address {
  const bytes = new Uint8Array(LENGTHS[family]);
  if (family === "inet") bytes[0] = 127;
  bytes[bytes.length - 1] = 1;
  return { family, bytes };
}

export function isAnyAddress({ bytes }: Address): boolean {
  return bytes.every((byte) => byte === 0);
}

export function isLoopbackAddress(address: Address): boolean {
  return sameAddress(address, loopbackAddress(address.family));
}

export function sameAddress({ bytes: a }: Address, { bytes: b }: Address): boolean {
  if (a.length !== b.length) return false;
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return false; // the last bytes differ most often
  return true;
}

/** -1, 0 or 1: by bytes, then by length. */
export function compareAddresses(a: Address, b: Address): number {
  const length = Math.min(a.bytes.length, b.bytes.length);
  for (let i = 0; i < length; i++) if (a.bytes[i] !== b.bytes[i]) return a.bytes[i] < b.bytes[i] ? -1 : 1;
  return Math.sign(a.bytes.length - b.bytes.length);
}

/**
 * The numeric part of ttoaddr (text-forms.md §3.1): dotted decimal, hex words, colon-hex. A text that is none of these and
 * could be a name comes back with `name` set.
 */
export function parseAddress(text: string, family: Family | 0): ParsedAddress {
  if (text === "") return refuse("empty string");
  if (family === "inet" && text.length === 10 && /^0[xXhH]/.test(text)) return parseHexWord(text);
  if (text.includes(":")) {
    return family === "inet" ? refuse("non-ipv6 address may not contain `:'") : parseColonHex(text);
  }
  if (family !== "inet6") {
    const dotted = parseDotted(text);
    if (dotted) return dotted;
  }
  if (!NAME.test(text)) return refuse("illegal (non-DNS-name) character in name");
  return { ...refuse("does not look numeric and name lookup failed"), name: text };
}

/** Looks a name up in one family; undefined where there is no such name. */
export type NameLookup = (name: string, family: Family) => Promise<Uint8Array | undefined>;

/** ttoaddr: as {@linkcode parseAddress}, with names. */
export async function resolveAddress(text: string, family: Family | 0, lookup: NameLookup): Promise<Result<Address>> {
  const parsed = parseAddress(text, family);
  if (parsed.ok || !("name" in parsed) || family === 0) return parsed;
  const bytes = await lookup(parsed.name, family);
  if (!bytes) return refuse(parsed.error);
  return bytes.length === LENGTHS[family]
    ? ok({ family, bytes })
    : refuse("address-type mismatch from gethostbyname2!!!");
}

/** tnatoaddr: numbers only. */
export function parseNumericAddress(text: string, family: Family | 0): Result<Address> {
  if (text === "") return refuse("empty string");
  if (family === "inet6" || family === 0 && text.includes(":")) return parseColonHex(text);
  const dotted = parseDotted(text);
  if (dotted) return dotted;
  return refuse(
    family === 0
      ? "does not appear to be either IPv4 or IPv6 numeric address"
      : "does not appear to be numeric address",
  );
}

/** Of an IPv6 address, two bytes each. */
const FIELDS = 8;
const NAME = /^[A-Za-z0-9\-_.\u0080-\u{10ffff}]+$/u;

function parseHexWord(text: string): Result<Address> {
  if (!/^0.[0-9a-fA-F]{8}$/.test(text)) return refuse("non-hex digit in hex number");
  const bytes = Uint8Array.from({ length: 4 }, (_, i) => parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16));
  if (/^0[hH]/.test(text)) bytes.reverse(); // host order; every Deno target is little-endian
  return ok({ family: "inet", bytes });
}

/** @returns undefined where the text does not look like dotted decimal at all */
function parseDotted(text: string): Result<Address> | undefined {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let i = 0; i < 4; i++) {
    const digits = /^[0-9]+/.exec(text.slice(at))?.[0];
    if (digits === undefined) {
      if (i < 2) return undefined;
      return refuse("non-numeric component in dotted-decimal address");
    }
    const value = parseInt(digits, 10);
    if (value > 255) return refuse("byte overflow in dotted-decimal address");
    bytes[i] = value;
    at += digits.length;
    if (i < 3 && at < text.length && text[at] !== ".") {
      return i === 0 ? undefined : refuse("syntax error in dotted-decimal address");
    }
    if (at === text.length) return ok({ family: "inet", bytes });
    if (i < 3) at++;
    if (at === text.length) return ok({ family: "inet", bytes });
  }
  return refuse("extra garbage on end of dotted-decimal address");
}

/** Eight fields between colons (text-forms.md §3.3); an empty one stands for all the zeroes that are missing. */
function parseColonHex(text: string): Result<Address> {
  if (/^:(?!:)/.test(text)) return refuse("illegal leading `:' in IPv6 numeric address");
  if (/(?:^|[^:]):$/.test(text)) return refuse("illegal trailing `:' in IPv6 numeric address");
  const fields: number[] = [];
  let gap = -1;
  let at = text.startsWith("::") ? 1 : 0;
  while (at < text.length && fields.length < FIELDS) {
    if (text[at] === ":") {
      if (gap >= 0) return refuse("more than one :: in IPv6 numeric address");
      gap = fields.length;
      fields.push(0);
    } else {
      const digits = /^[0-9a-fA-F]+/.exec(text.slice(at))?.[0];
      if (digits === undefined) return refuse("non-hex field in IPv6 numeric address");
      if (digits.length > 4) return refuse("field in IPv6 numeric address longer than 4 hex digits");
      fields.push(parseInt(digits, 16));
      at += digits.length;
    }
    if (at === text.length || fields.length === FIELDS) break;
    if (text[at] !== ":") return refuse("syntax error in IPv6 numeric address");
    at++;
  }
  if (at < text.length) return refuse("extra garbage on end of IPv6 numeric address");
  if (gap < 0 && fields.length < FIELDS) return refuse("IPv6 numeric address ends prematurely");
  if (gap >= 0 && fields.length === FIELDS) {
    return refuse("non-abbreviating empty field in IPv6 numeric address");
  }
  if (gap >= 0) fields.splice(gap, 1, ...new Array<number>(FIELDS - fields.length + 1).fill(0));
  return ok({ family: "inet6", bytes: Uint8Array.from(fields.flatMap((field) => [field >> 8, field & 0xff])) });
}

/** addrtot (text-forms.md §3.6). */
export function formatAddress({ family, bytes }: Address, format: AddressFormat = 0): string {
  if (family === "inet") return format === "r" ? `${[...bytes].reverse().join(".")}.IN-ADDR.ARPA.` : bytes.join(".");
  if (format === "r") {
    const digits = [...bytes].flatMap((byte) => [byte >> 4, byte & 15]).reverse();
    return `${digits.map((digit) => digit.toString(16)).join(".")}.IP6.ARPA.`;
  }
  const words = Array.from({ length: 8 }, (_, i) => bytes[2 * i] << 8 | bytes[2 * i + 1]);
  const text = words.map((word) => word.toString(16));
  if (format === "Q") return text.join(":");
  // The first run of two or more zeroes, not the longest.
  const from = words.findIndex((word, i) => word === 0 && words[i + 1] === 0);
  if (from < 0) return text.join(":");
  let to = from;
  while (to < 8 && words[to] === 0) to++;
  return `${text.slice(0, from).join(":")}::${text.slice(to).join(":")}`;
}
