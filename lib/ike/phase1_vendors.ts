/** What we announce in phase 1 by vendor IDs, and what follows from the peer's. */
import type { IkeConnection } from "./connection.ts";
import type { Message } from "./exchange_table.ts";
import type { IsakmpState, PeerAbilities } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";
import { payloadsOf } from "./phase2_hash.ts";
import { bestNattMethod, encodeVendorId, findVendorId, NATT_METHODS, type VendorName } from "./vendor_ids.ts";

/** By which other administrators' logs tell what they speak with. */
const OURS = new TextEncoder().encode("oneswan");

/**
 * The initiator announces all that the connection allows; the responder, of the ways through NAT, only the one that it has
 * chosen (RFC 3947 §3.1).
 *
 * @param peer of the initiator, where it has spoken
 */
export function announcements(
  { ours, peers, natTraversal, fragmentation }: IkeConnection,
  role: IsakmpState["role"],
  peer?: PeerAbilities,
): Payload[] {
  const ways = role === "initiator" ? Object.keys(NATT_METHODS) : peer?.natt ? [peer.natt] : [];
  const wantsXauth = ours.xauthClient || ours.xauthServer || peers.xauthClient || peers.xauthServer;
  const names = [
    "dpd",
    ...natTraversal ? ways : [],
    ...fragmentation ? ["fragmentation"] : [],
    ...wantsXauth ? ["xauth"] : [],
  ] as VendorName[];
  return [OURS, ...names.map(encodeVendorId)].map((data) => ({ type: "VID", data }));
}

export function abilitiesOf(message: Message, { connection }: Pick<IsakmpState, "connection">): PeerAbilities {
  const found = payloadsOf(message, "VID").map(({ data }) => findVendorId(data));
  const names = new Set(found.filter((name) => name !== undefined));
  return {
    dpd: names.has("dpd"),
    fragmentation: connection.fragmentation && names.has("fragmentation"),
    xauth: names.has("xauth"),
    natt: connection.natTraversal ? bestNattMethod(names) : undefined,
  };
}
