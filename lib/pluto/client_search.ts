/** Which of several connections fits the networks that a peer wants protected (pluto.md §15.3). */
import type { ClientRequest } from "../ike/host.ts";
import type { Address } from "../text/address.ts";
import { type Identity, sameIdentity } from "../text/identity.ts";
import { formatSubnet, sameSubnet, type Subnet, subnetInSubnet } from "../text/subnet.ts";
import { type Connection, NOBODY } from "./connection.ts";
import { ANY_ID_WILDCARDS, isAnyId, matchIdentity } from "./identity_match.ts";
import { servesLease } from "./leased_client.ts";
import { isEverything, isOnly } from "./nets.ts";
import { isRouted } from "./routing_states.ts";
import { formatTopology } from "./topology.ts";
import { type PrivateNets, whyNotVirtual } from "./virtual_ip.ts";

/** Routed ones first, then those with few wildcards in the identity; none where the best never negotiates. */
export function bestForClients(
  candidates: readonly Connection[],
  suits: (one: Connection) => boolean,
  current: Connection,
  request: ClientRequest,
  privateNets: PrivateNets,
): Connection | undefined {
  let found: Connection | undefined, highest = 0;
  for (const one of candidates) {
    if (one.connectionKind === "CK_GROUP" || one.connectionKind === "CK_GOING_AWAY") continue;
    // first what tells most of them apart
    if (!sameSubnet(one.ours.net, request.ours.client) || !peerNetFits(one, current, request, privateNets)) continue;
    const wildcards = identityFit(one, current);
    if (wildcards === undefined || !sameSelectors(one, request) || !suits(one)) continue;
    const rank = (isRouted(one.routing) ? 2 * ANY_ID_WILDCARDS : 0) + ANY_ID_WILDCARDS - wildcards + 1;
    if (rank > highest) [found, highest] = [one, rank];
  }
  return found?.neverNegotiates ? undefined : found;
}

function peerNetFits(
  one: Connection,
  current: Connection,
  request: ClientRequest,
  privateNets: PrivateNets,
): boolean {
  const { peers } = one;
  const wanted = request.peers.client, host = current.peers.host;
  if (peers.addressPool) return servesLease(one, current);
  if (peers.virtual) return whyNotVirtual(peers.virtual, wanted, host, privateNets) === undefined;
  if (!peers.client) return isOnly(wanted, host);
  return peers.isClientWithin ? subnetInSubnet(wanted, peers.client) : sameSubnet(wanted, peers.client);
}

/** A connection between known hosts without `rightid=` is for the address; one for any host, for anybody. */
export function wildId(one: Connection, given: Identity): Identity {
  return isAnyId(given) && !one.peers.isAnyHost && one.connectionKind !== "CK_INSTANCE" ? one.peers.id : given;
}

/** @returns wildcards; undefined where the identities differ from those of the ISAKMP SA */
function identityFit(one: Connection, current: Connection): number | undefined {
  if (!sameIdentity(one.ours.id, current.ours.id)) return undefined;
  return matchIdentity(current.peers.id, wildId(one, one.peers.id));
}

export function sameSelectors(one: Connection, { ours, peers }: ClientRequest): boolean {
  return one.ours.protocol === ours.protocol && one.peers.protocol === peers.protocol &&
    one.ours.clientPort === ours.port && (one.peers.clientPort === peers.port);
}

/**
 * Another peer that has some of a network now: of what peers may choose for themselves, nobody gets what somebody else has,
 * whose traffic it would take.
 */
export function holderOf(net: Subnet, asks: Identity, all: Iterable<Connection>): Connection | undefined {
  for (const one of all) {
    const { peers, connectionKind, neverNegotiates, newestIpsec } = one;
    if (neverNegotiates || connectionKind !== "CK_INSTANCE" && connectionKind !== "CK_PERMANENT") continue;
    const isInUse = newestIpsec !== NOBODY || isRouted(one.routing) || one.lease !== undefined;
    if (!isInUse || sameIdentity(peers.id, asks) || isEverything(peers.net)) continue;
    if (subnetInSubnet(net, peers.net) || subnetInSubnet(peers.net, net)) return one;
  }
  return undefined;
}

export function bestOpportunistic(
  candidates: readonly Connection[],
  current: Connection,
  request: ClientRequest,
): Connection | undefined {
  const { ours, peers } = request;
  let found: Connection | undefined, highest = -1;
  for (const one of candidates) {
    const wildcards = identityFit(one, current);
    if (one.connectionKind === "CK_GROUP" || wildcards === undefined || !sameSelectors(one, request)) continue;
    if (!subnetInSubnet(ours.client, one.ours.net) || !subnetInSubnet(peers.client, one.peers.net)) continue;
    const rank = (one.priority * 2 + (isRouted(one.routing) ? 1 : 0)) * 16 + ANY_ID_WILDCARDS - wildcards;
    if (rank > highest) [found, highest] = [one, rank];
  }
  return found?.policy.opportunistic && !found.neverNegotiates ? found : undefined;
}

/** What the peer wants, as a topology. */
export function wantedText(current: Connection, request: ClientRequest): string {
  const end = (one: Connection["ours"], side: ClientRequest["ours"]) => {
    const copy = one.copy();
    copy.settle(hostOrClient(side.client, copy.host));
    return copy;
  };
  const text = formatTopology(
    end(current.ours, request.ours),
    end(current.peers, request.peers),
    current.policy,
    false,
  );
  return text || formatSubnet(request.peers.client);
}

/** A client that is just the host counts as none. */
export function hostOrClient(net: Subnet, host: Address): Subnet | undefined {
  return isOnly(net, host) ? undefined : net;
}
