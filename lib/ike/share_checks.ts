/** Nonces and public values of both phases: how large ours are, and why a peer's is of no use (RFC 2409 §5). */
import { type GroupName, GROUPS } from "../crypto/dh_groups.ts";

/** As much as the keys that are made of them. */
export const NONCE_BYTES = 32;
const NONCE_LIMITS = { least: 8, most: 256 } as const;

/** @param who letter of the peer's role, `i` or `r` */
export function refuseNonce({ length }: Uint8Array, who: "i" | "r"): string | undefined {
  const { least, most } = NONCE_LIMITS;
  return length >= least && length <= most ? undefined : `N${who} length not between ${least} and ${most}`;
}

/** Its length; whether it is of the group shows when it is used. */
export function refusePublicValue(group: GroupName, { length }: Uint8Array): string | undefined {
  const required = GROUPS[group].publicBytes;
  return length === required ? undefined : `KE has ${length} byte DH public value; ${required} required`;
}
