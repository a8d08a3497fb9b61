/** What a connection wants and allows, and the words of listings for it (whack.md §9.2). */
import type { ConnectionDescription, ShuntName } from "./description.ts";

export type FailureName = ConnectionDescription["failure"];

/** In the order of the words of a listing. */
const WORDS = [
  ["psk", "PSK"],
  ["rsasig", "RSASIG"],
  ["encrypt", "ENCRYPT"],
  ["authenticate", "AUTHENTICATE"],
  ["compress", "COMPRESS"],
  ["tunnel", "TUNNEL"],
  ["pfs", "PFS"],
  ["disableArrivalCheck", "DISABLEARRIVALCHECK"],
  ["dontRekey", "DONTREKEY"],
  ["opportunistic", "OPPORTUNISTIC"],
  ["group", "GROUP"],
  ["grouted", "GROUTED"],
  ["up", "UP"],
] as const;

type Flag = typeof WORDS[number][0];

export interface Policy extends Record<Flag, boolean> {
  /** Fate of traffic while no SA is there. */
  readonly shunt: ShuntName;
  /** After keying has failed. */
  readonly failure: FailureName;
}

/** A connection of `--pass`, `--drop` or `--reject` has no method of authentication. */
export function neverNegotiates({ psk, rsasig }: Policy): boolean {
  return !psk && !rsasig;
}

/** Whether there is a phase 2; without, a connection is for an ISAKMP SA alone. */
export function hasIpsecPolicy(policy: Policy): boolean {
  const { encrypt, authenticate, compress, tunnel, pfs, disableArrivalCheck } = policy;
  return encrypt || authenticate || compress || tunnel || pfs || disableArrivalCheck;
}

/** `RSASIG+ENCRYPT+TUNNEL+PFS+UP`; the default shunts are not shown. */
export function formatPolicy(policy: Policy): string {
  const words: string[] = WORDS.filter(([flag]) => policy[flag]).map(([, word]) => word);
  if (policy.shunt !== "trap") words.push(policy.shunt.toUpperCase());
  if (policy.failure !== "none") words.push(`failure${policy.failure.toUpperCase()}`);
  if (neverNegotiates(policy)) words.push("NEVER_NEGOTIATE");
  return words.join("+");
}
