/** Whose a route and an eroute are, and whether a connection may have them (pluto.md §16, §16.1). */
import { addressInSubnet, type Subnet } from "../text/subnet.ts";
import { sameAddress } from "../text/address.ts";
import { sameFlow } from "./bare_shunts.ts";
import { type Connection, NOBODY } from "./connection.ts";
import { type Line, RC } from "./define.ts";
import type { Flow } from "./kernel.ts";
import { IKE_PORT } from "./nets.ts";
import { hasIpsecPolicy } from "./policy.ts";
import { isErouted, isRouted, routingRank } from "./routing_states.ts";

export interface Owners {
  /** Of the route to the peer's client. */
  readonly route: Connection | undefined;
  /** Of the eroute between the clients. */
  readonly eroute: Connection | undefined;
}

/** Newest first. */
export interface ByPeerNet {
  towards(net: Subnet): readonly Connection[];
}

/** Those that are farthest routed, and of equals the connection itself. */
export function ownersOf(connection: Connection, all: ByPeerNet): Owners {
  let route = isRouted(connection.routing) ? connection : undefined;
  let eroute = isErouted(connection.routing) ? connection : undefined;
  for (const one of all.towards(connection.peers.net)) {
    if (one === connection) continue;
    if (isRouted(one.routing) && outranks(one, route)) route = one;
    if (isErouted(one.routing) && outranks(one, eroute) && sameFlow(one.flow, connection.flow)) eroute = one;
  }
  return { route, eroute };
}

function outranks(one: Connection, other: Connection | undefined): boolean {
  return !other || routingRank(one.routing) > routingRank(other.routing);
}

/** Same device and next hop. */
function routesAgree(a: Connection, b: Connection): boolean {
  return a.interface?.virtual === b.interface?.virtual && sameAddress(a.nextHop, b.nextHop);
}

export type Routability = "impossible" | "easy" | "chained";

/** Says why where it is impossible; chains a permanent connection to an opportunistic template over the same clients. */
export function checkRoutable(
  connection: Connection,
  all: ByPeerNet,
  say: (line: Line) => void,
): Routability {
  const { policy, connectionKind, ours, peers } = connection;
  const refuse = (code: number, text: string): "impossible" => {
    say({ code, text });
    return "impossible";
  };
  if (!connection.neverNegotiates && !hasIpsecPolicy(policy)) {
    return refuse(RC.route, "cannot route an ISAKMP-only connection");
  }
  if (connectionKind === "CK_TEMPLATE" && !policy.opportunistic) {
    return refuse(RC.route, `cannot route template policy of ${connection.policyText}`);
  }
  if (connection.nextHop.bytes.every((byte) => byte === 0)) {
    return refuse(RC.route, "cannot route connection without knowing our nexthop");
  }
  if (ours.net.address.family !== peers.net.address.family) {
    return refuse(RC.route, "cannot route connection before the peer has assigned an address to this host");
  }
  // KLIPS lets only its host's IKE of the usual port past the eroutes
  if (ours.port !== IKE_PORT && addressInSubnet(peers.host, peers.net)) {
    return refuse(RC.serious, "cannot install route: peer is within its client");
  }
  const { route, eroute } = ownersOf(connection, all);
  if (route && route !== connection && !routesAgree(route, connection)) {
    return refuse(RC.serious, `cannot route -- route already in use for "${route.name}"`);
  }
  if (!eroute || eroute === connection) return "easy";
  const chained = chain(connection, eroute, say);
  if (chained) return "chained";
  if (templateInChain(eroute, connection.name)) return "easy";
  const owner = `"${eroute.name}"${eroute.instanceText} #${eroute.erouteOwner}`;
  return refuse(RC.serious, `cannot install eroute -- it is in use for ${owner}`);
}

/** The template gets the eroute, and the permanent connection its place behind it. */
function chain(one: Connection, other: Connection, say: (line: Line) => void): boolean {
  const kinds = (a: Connection, b: Connection) =>
    a.connectionKind === "CK_PERMANENT" && b.connectionKind === "CK_TEMPLATE";
  if (!kinds(one, other) && !kinds(other, one)) return false;
  const [outside, inside] = kinds(one, other) ? [one, other] : [other, one];
  if (inside.policyNext) return false;
  inside.policyNext = outside;
  outside.erouteOwner = NOBODY;
  outside.routing = "UNROUTED_KEYED";
  inside.priority = outside.priority + 1;
  say({
    code: RC.serious,
    text: `conflict on eroute (${inside.instanceText}), switching eroute to ${inside.name} and linking ${outside.name}`,
  });
  return true;
}

/** The template that an eroute may be taken from: of the same name, along the chain of its owner. */
export function templateInChain(owner: Connection, name: string): Connection | undefined {
  for (let one: Connection | undefined = owner; one; one = one.policyNext) {
    if (one.connectionKind === "CK_TEMPLATE" && one.name === name) return one;
  }
  return undefined;
}

/**
 * What gives way where a connection over the very same flow is routed: instances for two hosts that opportunism has made of
 * another policy, and for a group's member the member of another group that they were made of.
 */
export function displacedBy(connection: Connection, all: ByPeerNet): Connection[] {
  return all.towards(connection.peers.net).filter((one) => {
    if (one === connection || !one.policy.opportunistic || !isErouted(one.routing)) return false;
    if (!sameFlow(one.flow, connection.flow)) return false;
    if (one.connectionKind === "CK_INSTANCE") return one.template !== undefined && one.template !== connection;
    return one.routing === "ROUTED_ECLIPSED" && one.group !== undefined && connection.group !== undefined;
  });
}

/** A template whose trap has given way to what has the same flow. @param but that which it has given way to */
export function eclipsedAt(flow: Flow, all: ByPeerNet, but?: Connection): Connection | undefined {
  return all.towards(flow.peers).find((one) =>
    one !== but && one.routing === "ROUTED_ECLIPSED" && sameFlow(one.flow, flow)
  );
}
