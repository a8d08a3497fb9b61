/**
 * One peer, one place: what the establishment of an ISAKMP SA says of earlier ones (pluto.md §11.6). Clients of XAUTH may have
 * one identity for all, the group's, and tell themselves apart by their passwords only: none of them speaks for another.
 */
import type { IkeState, IsakmpSa } from "../ike/state.ts";
import { sidesOf } from "../ike/transaction.ts";
import { sameAddress } from "../text/address.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";

/** With `uniqueids=yes`: connections with the same peer at another address, which it has left. */
export function leftBehind(established: Connection, all: Pick<Connections, "withPeer">): Connection[] {
  if (sidesOf(established).xauthServer) return [];
  const { id, host } = established.peers;
  return all.withPeer(id).filter((one) =>
    one !== established &&
    (one.connectionKind === "CK_PERMANENT" || one.connectionKind === "CK_INSTANCE") &&
    !one.neverNegotiates && !sameAddress(one.peers.host, host)
  );
}

/** INITIAL-CONTACT (RFC 2407 §4.6.3.3): the peer has forgotten all SAs but this one. */
export function forgottenStates(
  sa: IsakmpSa,
  its: Connection,
  all: Pick<Connections, "withPeer">,
  statesOf: (connection: Connection) => Iterable<IkeState>,
): IkeState[] {
  if (sidesOf(its).xauthServer) return [];
  const { ours: { host }, peers: { id } } = its;
  const sameEnds = [...new Set([...all.withPeer(id), its])].filter(({ ours }) => sameAddress(ours.host, host));
  return sameEnds.flatMap((one) => [...statesOf(one)]).filter((state) =>
    state !== sa && state.number < sa.number && state.isEstablished &&
    (state.kind === "isakmp" || state.isakmp !== sa.number) && sameAddress(state.path.remote, sa.path.remote)
  );
}
