/** The HASH payload that every message of phase 2 begins with (RFC 2409 §5.5, §5.7): over all that follows it. */
import { equalBytes } from "../crypto/constant_time.ts";
import type { Message } from "./exchange_table.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import { hash1, hash2, hash3 } from "./keys.ts";
import type { Payload, PayloadType } from "./payload.ts";

/** Of the ISAKMP SA, once phase 1 is through. */
function authentication({ suite, keys }: IsakmpState) {
  if (!suite || !keys) throw new RangeError("Cannot make a HASH of phase 2 before phase 1 is through");
  return { name: suite.hash, skeyidA: keys.skeyidA };
}

/** Informational and Transaction exchanges, and the first message of Quick Mode. */
export function firstHash(sa: IsakmpState, messageId: number): (rest: Uint8Array) => Uint8Array {
  const { name, skeyidA } = authentication(sa);
  return (rest) => hash1(name, skeyidA, messageId, rest);
}

/** QR1. @param ni body of the initiator's nonce */
export function secondHash(sa: IsakmpState, messageId: number, ni: Uint8Array): (rest: Uint8Array) => Uint8Array {
  const { name, skeyidA } = authentication(sa);
  return (rest) => hash2(name, skeyidA, messageId, ni, rest);
}

/** QI2; here it covers the nonces alone. */
export function thirdHash(
  sa: IsakmpState,
  messageId: number,
  nonces: { readonly ni: Uint8Array; readonly nr: Uint8Array },
): (rest: Uint8Array) => Uint8Array {
  const { name, skeyidA } = authentication(sa);
  return () => hash3(name, skeyidA, messageId, nonces);
}

/** Whether the HASH with which a message begins is the one that `make` gives; padding is not covered. */
export function hasHash({ payloads, body }: Message, make: (rest: Uint8Array) => Uint8Array): boolean {
  const [hash] = payloads;
  if (hash?.type !== "HASH") return false;
  return equalBytes(hash.data, make(body.subarray(hash.end, payloads[payloads.length - 1].end)));
}

type Of<T extends PayloadType, P = Payload> = P extends { readonly type: infer U } ? T extends U ? P : never : never;

export function payloadsOf<T extends PayloadType>({ payloads }: Message, type: T): Of<T>[] {
  return payloads.filter((payload) => payload.type === type) as unknown as Of<T>[];
}
