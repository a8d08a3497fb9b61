import { type Result } from "./result.ts";

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
