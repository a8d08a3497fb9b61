/** Numbers as the C library's strtoul reads them with base 0: blanks and a sign before, 0x hexadecimal, 0 octal. */

export interface NumberPrefix {
  /** Negative after a minus sign, which C would wrap around; exact up to 2^53. */
  readonly value: number;
  /** Characters that belong to the number, blanks and sign included; 0 where there is none. */
  readonly length: number;
}

/** The number that `text` begins with. */
export function numberPrefix(text: string): NumberPrefix {
  const found = /^[ \t\n\v\f\r]*([+-]?)(?:(0[xX])([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))/.exec(text);
  if (!found) return { value: 0, length: 0 };
  const [all, sign, , hex, octal, decimal] = found;
  const value = hex ? parseInt(hex, 16) : octal ? parseInt(octal, 8) : parseInt(decimal, 10);
  return { value: sign === "-" && value !== 0 ? -value : value, length: all.length };
}

/** A text that is one number and nothing else; an empty one is 0, as in C. Undefined for any other. */
export function readNumber(text: string): number | undefined {
  const { value, length } = numberPrefix(text);
  return length === text.length ? value : undefined;
}
