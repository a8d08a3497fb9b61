/** Data attributes (RFC 2408 §3.3): a number in the short form, bytes in the long one. */
import type { Reader, Writer } from "./bytes.ts";
import { Malformed } from "./bytes.ts";
import type { Attribute } from "./payload.ts";

const SHORT = 0x8000;
const HEAD_BYTES = 4;
/** The largest number of the short form. */
const LARGEST_SHORT = 0xffff;

/** Reads to the end of `r`. @param most attributes */
export function decodeAttributes(r: Reader, what: string, most: number): Attribute[] {
  const attributes: Attribute[] = [];
  while (r.left > 0) {
    if (attributes.length === most) throw new Malformed(`more than ${most} attributes in ${r.what}`, r.at);
    const one = r.sub(what);
    const head = one.u16();
    const type = head & ~SHORT;
    const value = head & SHORT ? one.u16() : longValue(one);
    attributes.push({ type, value });
    r.skipTo(one.at);
  }
  return attributes;
}

function longValue(r: Reader): Uint8Array<ArrayBuffer> {
  const size = r.u16();
  if (size > r.left) throw new Malformed(`length of ${r.what} is larger than can fit`, r.at - HEAD_BYTES + 2);
  return r.copy(size, "value");
}

/** @throws RangeError for a number that the short form cannot hold: {@linkcode numberAttribute} makes a long one */
export function encodeAttribute(w: Writer, { type, value }: Attribute): void {
  if (typeof value !== "number") w.u16(type).u16(value.length).bytes(value);
  else if (value <= LARGEST_SHORT) w.u16(type | SHORT).u16(value);
  else throw new RangeError(`Cannot encode attribute ${type} in the short form: ${value} is over ${LARGEST_SHORT}`);
}

/** Short where the number fits, else 4 bytes (pluto.md §11.3). @param value up to 2^32 - 1 */
export function numberAttribute(type: number, value: number): Attribute {
  if (value <= LARGEST_SHORT) return { type, value };
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return { type, value: bytes };
}

/** The number that an attribute holds in either form; Infinity over 2^53, undefined for a long form without bytes. */
export function attributeNumber({ value }: Attribute): number | undefined {
  if (typeof value === "number") return value;
  if (value.length === 0) return undefined;
  const number = value.reduce((sum, byte) => sum * 256 + byte, 0);
  return Number.isSafeInteger(number) ? number : Infinity;
}
