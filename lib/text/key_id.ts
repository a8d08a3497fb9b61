/** Short names of RSA public keys (text-forms.md §11), as they stand in logs and listings. */
import { formatData } from "./data.ts";

/** Base64 characters of a key ID. */
const ID_LENGTH = 9;
/** Bytes that make so many characters. */
const SHORTEST_KEY = 7;
const LONGEST_EXPONENT = 0xffff;

/**
 * keyblobtoid.
 *
 * @param key exponent length, exponent, modulus (RFC 3110 §2)
 * @returns for example `AQOF8tZ2m`; `?len=6?` for a key that is too short to have an ID
 */
export function formatKeyId(key: Uint8Array): string {
  if (key.length < SHORTEST_KEY) return `?len=${key.length}?`;
  return formatData(key.subarray(0, SHORTEST_KEY), 64)!.slice(0, ID_LENGTH);
}

/** splitkeytoid: the ID of the key that has these parts; undefined where its form has no room for the exponent. */
export function formatSplitKeyId(exponent: Uint8Array, modulus: Uint8Array): string | undefined {
  const length = exponent.length;
  if (length > LONGEST_EXPONENT) return undefined;
  // One byte, or for 256 and more a zero and two bytes (RFC 3110 §2).
  const lengthBytes = length > 0xff ? [0, length >> 8, length & 0xff] : [length];
  return formatKeyId(Uint8Array.from([...lengthBytes, ...exponent, ...modulus.subarray(0, SHORTEST_KEY)]));
}
