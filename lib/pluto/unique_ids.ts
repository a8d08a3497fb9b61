/**
 * One peer, one place: what the establishment of an ISAKMP SA says of earlier ones (pluto.md §11.6). Clients of XAUTH may have
 * one identity for all, the group's, and tell themselves apart by their passwords only: none of them speaks for another.
 */
import type { IkeState, IsakmpSa } from "../ike/state.ts";
import { sidesOf } from "../ike/transaction.ts";
import { sameAddress } from "../text/address.ts";
import { sameIdentity } from "../text/identity.ts";
import type { Connection } from "./connection.ts";

/** With `uniqueids=yes`: connections with the same peer at another address, which it has left. */
export function leftBehind(established: Connection, all: Iterable<Connection>): Connection[] {
  if (sidesOf(established).xauthServer) return [];
  const { id, host } = established.peers;
  return [...all].filter((one) =>
    one !== established && sameIdentity(one.peers.id, id) &&
    (one.connectionKind === "CK_PERMANENT" || one.connectionKind === "CK_INSTANCE") &&
    !one.neverNegotiates && !sameAddress(one.peers.host, host)
  );
}

/** INITIAL-CONTACT (RFC 2407 §4.6.3.3): the peer has forgotten all SAs but this one. */
export function forgottenStates(
  sa: IsakmpSa,
  states: Iterable<IkeState>,
  connectionOf: (state: IkeState) => Connection,
): IkeState[] {
  const its = connectionOf(sa);
  if (sidesOf(its).xauthServer) return [];
  const { ours: { host }, peers: { id } } = its;
  return [...states].filter((state) => {
    if (state === sa || state.number > sa.number || !state.isEstablished) return false;
    if (state.kind === "ipsec" && state.isakmp === sa.number) return false;
    const { ours, peers } = connectionOf(state);
    return sameIdentity(peers.id, id) && sameAddress(ours.host, host) && sameAddress(state.path.remote, sa.path.remote);
  });
}
