import type { DhKey } from "./dh_key.ts";
import { type GroupName, GROUPS } from "./dh_groups.ts";
import { type EcpName, makeEcp } from "./ecp.ts";
import { makeModp } from "./modp.ts";
import type { ModpName } from "./modp_prime.ts";
import type { RandomBytes } from "./prime.ts";

export type { DhKey };

/**
 * Begins a Diffie-Hellman exchange of IKE with a fresh private key.
 *
 * @throws {RangeError} where `random` gives nothing that can be a private key
 */
export function makeDh(group: GroupName, random: RandomBytes): DhKey {
  return isModp(group) ? makeModp(group, random) : makeEcp(group, random);
}

function isModp(group: ModpName | EcpName): group is ModpName {
  return GROUPS[group].kind === "modp";
}
