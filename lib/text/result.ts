/** A conversion's outcome: the value, or the fixed reason that the FreeS/WAN library gives for refusing the text. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refuse(error: string): { readonly ok: false; readonly error: string } {
  return { ok: false, error };
}
