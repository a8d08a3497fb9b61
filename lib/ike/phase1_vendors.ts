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
 * The initiator announces all that the connection allows. The responder only says yes to what the peer has announced, of the
 * ways through NAT to the best (RFC 3947 §3.1): who sends little gets no more back, as the address may be somebody else's.
 *
 * @param peer of the initiator, where it has spoken
 */
export function announcements(
  { ours, peers, natTraversal, fragmentation }: IkeConnection,
  peer?: PeerAbilities,
): Payload[] {
  const wantsXauth = ours.xauthClient || ours.xauthServer || peers.xauthClient || peers.xauthServer;
  const names: VendorName[] = [];
  if (peer?.dpd ?? true) names.push("dpd");
  if (natTraversal) names.push(...peer ? peer.natt ? [peer.natt] : [] : Object.keys(NATT_METHODS) as VendorName[]);
  if (fragmentation && (peer?.fragmentation ?? true)) names.push("fragmentation");
  if (wantsXauth) names.push("xauth");
  const data = [...peer?.hasVendorId ?? true ? [OURS] : [], ...names.map(encodeVendorId)];
  return data.map((data) => ({ type: "VID", data }));
}

export function abilitiesOf(message: Message, { connection }: Pick<IsakmpState, "connection">): PeerAbilities {
  const found = payloadsOf(message, "VID").map(({ data }) => findVendorId(data));
  const names = new Set(found.filter((name) => name !== undefined));
  return {
    hasVendorId: found.length > 0,
    dpd: names.has("dpd"),
    fragmentation: connection.fragmentation && names.has("fragmentation"),
    xauth: names.has("xauth"),
    unity: names.has("unity"),
    natt: connection.natTraversal ? bestNattMethod(names) : undefined,
  };
}
