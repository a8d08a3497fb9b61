/** Whether a peer's identity is one that a connection is for (pluto.md §7.1). */
import { type Identity, sameIdentity } from "../text/identity.ts";

/** What "any identity" counts, so that every more exact connection is better. */
export const ANY_ID_WILDCARDS = 15;

/** Whether the connection takes any peer. */
export function isAnyId(id: Identity): boolean {
  return id.kind === "any" || id.kind === "none";
}

/** `*` components of a DN. */
export function idWildcards(id: Identity): number {
  if (isAnyId(id)) return ANY_ID_WILDCARDS;
  return id.kind === "dn" ? id.parts.filter(({ value }) => value === "*").length : 0;
}

/** @returns how many wildcards it took, 0 for the very identity; undefined where they do not match */
export function matchIdentity(theirs: Identity, wanted: Identity): number | undefined {
  if (isAnyId(wanted)) return ANY_ID_WILDCARDS;
  return sameIdentity(wanted, theirs) ? idWildcards(wanted) : undefined;
}
