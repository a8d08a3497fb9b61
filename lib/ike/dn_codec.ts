/**
 * Distinguished names in DER (X.501, RFC 5280 §4.1.2.4): SEQUENCE OF SET OF SEQUENCE { attribute, value }. The names of the
 * attributes are those of `lib/text/identity.ts`.
 */
import type { DnPart } from "../text/identity.ts";
import { refuse, type Result } from "../text/result.ts";

const TAG = {
  OID: 0x06,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  TELETEX_STRING: 0x14,
  IA5_STRING: 0x16,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** Object identifiers, encoded (X.520, RFC 4519, RFC 2985; the last is that of the Trusted Computing Group's credentials). */
const OIDS: Readonly<Record<string, string>> = {
  ND: "028206010a0714",
  UID: "0992268993f22c640101",
  DC: "0992268993f22c640119",
  CN: "550403",
  S: "550404",
  SN: "550405",
  C: "550406",
  L: "550407",
  ST: "550408",
  O: "55040a",
  OU: "55040b",
  T: "55040c",
  D: "55040d",
  N: "550429",
  G: "55042a",
  I: "55042b",
  ID: "55042d",
  E: "2a864886f70d010901",
  TCGID: "2b060104018931010102024b",
};
const NAME_BY_OID = new Map(Object.entries(OIDS).map(([name, oid]) => [oid, name]));
/** Of IA5 strings; all others are printable where they can be. */
const IA5 = new Set(["E", "DC"]);
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;
const CONTROL = /\p{Cc}/u;
const MOST_PARTS = 64;

export function encodeDn(parts: readonly DnPart[]): Uint8Array<ArrayBuffer> {
  return wrap(
    TAG.SEQUENCE,
    ...parts.map(({ attribute, value }) => {
      const oid = wrap(TAG.OID, Uint8Array.fromHex(OIDS[attribute]));
      return wrap(TAG.SET, wrap(TAG.SEQUENCE, oid, wrap(stringTag(attribute, value), new TextEncoder().encode(value))));
    }),
  );
}

function stringTag(attribute: string, value: string): number {
  if (IA5.has(attribute)) return TAG.IA5_STRING;
  return PRINTABLE.test(value) ? TAG.PRINTABLE_STRING : TAG.UTF8_STRING;
}

function wrap(tag: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = contents.reduce((sum, { length }) => sum + length, 0);
  const head = length < 0x80
    ? [tag, length]
    : length < 0x100
    ? [tag, 0x81, length]
    : [tag, 0x82, length >> 8, length & 0xff];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  let at = head.length;
  for (const one of contents) {
    bytes.set(one, at);
    at += one.length;
  }
  return bytes;
}

/**
 * Total. Refuses what cannot stand in a text: unknown attributes, strings of other alphabets, control characters, and a value
 * that is one asterisk. That stands for any in a text, and a peer that called itself so would be everybody.
 */
export function decodeDn(bytes: Uint8Array): Result<readonly DnPart[]> {
  const whole = unwrap(bytes, TAG.SEQUENCE);
  if (!whole || whole.rest.length) return refuse("is no distinguished name in DER");
  const parts: DnPart[] = [];
  let left = whole.content;
  while (left.length) {
    const set = unwrap(left, TAG.SET);
    if (!set) return refuse("has a relative distinguished name that is no SET");
    for (let inner = set.content; inner.length;) {
      const pair = unwrap(inner, TAG.SEQUENCE);
      const part = pair && decodePart(pair.content);
      if (!part) return refuse("has an attribute that is unknown or no text");
      if (parts.length === MOST_PARTS) return refuse(`has more than ${MOST_PARTS} attributes`);
      parts.push(part);
      inner = pair.rest;
    }
    left = set.rest;
  }
  return parts.length ? { ok: true, value: parts } : refuse("is empty");
}

function decodePart(bytes: Uint8Array): DnPart | undefined {
  const oid = unwrap(bytes, TAG.OID);
  const attribute = oid && NAME_BY_OID.get(oid.content.toHex());
  const value = oid && decodeString(oid.rest);
  if (attribute === undefined || value === undefined || value === "*" || CONTROL.test(value)) return undefined;
  return { attribute, value };
}

function decodeString(bytes: Uint8Array): string | undefined {
  const tag = bytes[0];
  const string = unwrap(bytes, tag);
  if (!string || string.rest.length) return undefined;
  try {
    switch (tag) {
      case TAG.UTF8_STRING:
        return new TextDecoder("utf-8", { fatal: true }).decode(string.content);
      case TAG.BMP_STRING:
        return new TextDecoder("utf-16be", { fatal: true }).decode(string.content);
      case TAG.TELETEX_STRING:
      case TAG.PRINTABLE_STRING:
      case TAG.IA5_STRING:
        return String.fromCharCode(...string.content);
      default:
        return undefined;
    }
  } catch {
    return undefined; // no UTF-8, no UTF-16
  }
}

/** The first element of `bytes`, and what follows it; undefined where it is cut off, of another type or not minimal. */
function unwrap(
  bytes: Uint8Array,
  tag: number,
): { readonly content: Uint8Array; readonly rest: Uint8Array } | undefined {
  if (bytes.length < 2 || bytes[0] !== tag) return undefined;
  const [, first, second, third] = bytes;
  const [at, length] = first < 0x80
    ? [2, first]
    : first === 0x81 && second >= 0x80
    ? [3, second]
    : first === 0x82 && second > 0
    ? [4, second << 8 | third]
    : [0, Infinity];
  if (!(at + length <= bytes.length)) return undefined;
  return { content: bytes.subarray(at, at + length), rest: bytes.subarray(at + length) };
}
