/**
 * Compares `length` bytes of `a` at `atA` with those of `b` at `atB`; the time depends on `length` alone.
 */
export function equalAt(a: Uint8Array, atA: number, b: Uint8Array, atB: number, length: number): boolean {
  let difference = 0;
  // Past the end lies `undefined`, which `^` takes for 0: a range that is cut must not compare equal.
  if (atA + length > a.length || atB + length > b.length) difference = 1;
  for (let i = 0; i < length; i++) difference |= a[atA + i] ^ b[atB + i];
  return difference === 0;
}

/** Compares in constant time; lengths are not secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && equalAt(a, 0, b, 0, a.length);
}
