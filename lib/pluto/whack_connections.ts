/** What whack asks about one connection: define, route, initiate, terminate (whack.md §8). */
import { Secret } from "../crypto/secret.ts";
import { type Address, sameAddress } from "../text/address.ts";
import { formatPoolRange } from "../text/pool_range.ts";
import type { Connection } from "./connection.ts";
import { defineConnection, RC } from "./define.ts";
import type { ConnectionDescription } from "./description.ts";
import { orient } from "./orientation.ts";
import type { Parts } from "./parts.ts";
import { hasIpsecPolicy } from "./policy.ts";
import { routingRank } from "./routing_states.ts";
import type { Reply } from "./whacks.ts";

const NO_INTERFACE = "we have no ipsecN interface for either end of this connection";

/** @returns undefined where it cannot be defined, and it has been said why */
export function addConnection(name: string, description: ConnectionDescription, parts: Parts): Connection | undefined {
  const { connections, teller, myId, deps } = parts;
  if (connections.find(name)) {
    teller.tell(undefined, RC.duplicateName, `attempt to redefine connection "${name}"`);
    return undefined;
  }
  const { connection, lines } = defineConnection(name, description, {
    myId,
    canCompress: deps.kernel.canCompress,
    readSuites: (one) => deps.readSuites(one),
  });
  for (const { code, text } of lines) {
    if (code === RC.comment) teller.tell(undefined, code, text);
    else teller.announce(undefined, code, text);
  }
  if (!connection) return undefined;
  const other = connections.authClash(connection);
  if (other) {
    const text = `authentication method disagrees with "${other.name}", which is also for an unspecified peer`;
    teller.announce(undefined, RC.clash, text);
    return undefined;
  }
  const pool = parts.addressPools.clash(connection);
  if (pool) {
    const text = `address pool ${formatPoolRange(connection.peers.addressPool!)} overlaps ` +
      `${formatPoolRange(pool.peers.addressPool!)} of "${pool.name}": make them the same, or apart`;
    teller.announce(undefined, RC.clash, text);
    return undefined;
  }
  const complaint = orient(connection, parts.interfaces);
  if (complaint) teller.tell(undefined, RC.serious, complaint);
  connections.add(connection);
  teller.tell(undefined, RC.log, `added connection description "${name}"`);
  return connection;
}

export function findNamed(name: string | undefined, { connections, teller }: Parts): Connection | undefined {
  const found = name === undefined ? undefined : connections.find(name);
  if (!found) teller.tell(undefined, RC.unknownName, `no connection named "${name ?? ""}"`);
  return found;
}

export async function routeNamed(name: string | undefined, parts: Parts): Promise<void> {
  const { teller } = parts;
  if (!parts.isListening) return teller.tell(undefined, RC.deaf, "need --listen before --route");
  const connection = findNamed(name, parts);
  if (!connection) return;
  if (!connection.isOriented) return teller.tell(connection, RC.orient, NO_INTERFACE);
  if (connection.policy.group) return await routeGroup(connection, parts);
  if (await parts.tasks.run(() => parts.router.route(connection))) parts.assignedAddresses.keepRouted(connection);
  else teller.tell(connection, RC.route, "could not route");
}

async function routeGroup(group: Connection, parts: Parts): Promise<void> {
  const { teller, connections, tasks, router } = parts;
  if (!group.neverNegotiates && !hasIpsecPolicy(group.policy)) {
    return teller.announce(group, RC.route, "cannot route an ISAKMP-only group connection");
  }
  group.policy.grouted = true;
  for (const member of connections.membersOf(group)) {
    if (!await tasks.run(() => router.route(member))) teller.tell(member, RC.route, "could not route");
  }
}

export async function unrouteNamed(name: string | undefined, parts: Parts): Promise<void> {
  const connection = findNamed(name, parts);
  if (!connection) return;
  if (routingRank(connection.routing) >= routingRank("ROUTED_TUNNEL")) {
    return parts.teller.tell(connection, RC.routeBusy, "cannot unroute: route busy");
  }
  connection.policy.grouted = false;
  const all = connection.policy.group ? parts.connections.membersOf(connection) : [connection];
  for (const one of all) await parts.tasks.run(() => parts.router.unroute(one));
}

export interface InitiateRequest {
  /** Whack that waits; absent with `--asynchronous`. */
  readonly reply?: Reply;
  readonly xauth?: { readonly user?: string; readonly password?: string };
}

export function initiateNamed(name: string | undefined, parts: Parts, { reply, xauth }: InitiateRequest): void {
  const { teller } = parts;
  if (!parts.isListening) return teller.tell(undefined, RC.deaf, "need --listen before --initiate");
  const connection = findNamed(name, parts);
  if (!connection) return;
  if (!connection.isOriented) return teller.announce(connection, RC.orient, NO_INTERFACE);
  if (connection.neverNegotiates) {
    return teller.announce(connection, RC.initiateShunt, "cannot initiate an authby=never connection");
  }
  const { connectionKind: kind } = connection;
  if (kind !== "CK_PERMANENT") {
    return connection.peers.isAnyHost
      ? teller.announce(
        connection,
        RC.noPeerIp,
        `cannot initiate connection without knowing peer IP address (kind=${kind})`,
      )
      : teller.announce(connection, RC.wildcardId, `cannot initiate connection with ID wildcards (kind=${kind})`);
  }
  connection.policy.up = true;
  if (xauth) {
    const { user, password } = xauth;
    connection.xauth = {
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password: new Secret(new TextEncoder().encode(password)) }),
    };
  }
  parts.initiator.initiate(connection, { reply });
}

/** Instances of a template, too. */
export async function terminateNamed(name: string | undefined, parts: Parts): Promise<void> {
  const connection = findNamed(name, parts);
  if (!connection) return;
  parts.teller.tell(connection, RC.log, "terminating SAs using this connection");
  connection.policy.up = false;
  for (const one of parts.connections.named(connection.name)) {
    parts.lifeCycle.removeStates(one);
    parts.inBackground(() => parts.assignedAddresses.takenDown(one));
  }
  await parts.tasks.idle();
}

/** The peer is said to have crashed: what it knows nothing of any more goes. */
export function crash(peer: Address, parts: Parts): void {
  for (const connection of [...parts.connections]) {
    const states = parts.lifeCycle.statesOf(connection);
    if (states.length === 0 || !sameAddress(connection.peers.host, peer)) continue;
    const text = `peer IP for connection ${connection.name} deleting - claimed to have crashed`;
    parts.teller.tell(undefined, RC.log, text);
    parts.lifeCycle.removeStates(connection);
  }
}
