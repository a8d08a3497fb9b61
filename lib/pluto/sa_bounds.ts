/**
 * How much one peer that has proved itself may have of us at once: one that begins exchanges for ever, by a mistake or by
 * malice, must not use up the memory. What honest peers have is far below: an SA, its successor, and after losses a few more.
 */
import type { IkeState } from "../ike/state.ts";
import { sameAddress } from "../text/address.ts";
import { type Connection, NOBODY } from "./connection.ts";
import type { Connections } from "./connections.ts";

/** SAs of one kind by one connection. */
export const MOST_SAS = 16;
/** Connections that were made for peers at one address: each may have as many hosts and networks behind it. */
export const MOST_INSTANCES = 4096;

/**
 * @param states of the same connection
 * @returns established ones of the same kind and user that are too many beside a new one: the oldest
 */
export function superfluous(established: IkeState, states: Iterable<IkeState>): IkeState[] {
  const alike = [...states].filter((one) =>
    one.kind === established.kind && one.isEstablished &&
    sameAddress(one.path.remote, established.path.remote) && userOf(one) === userOf(established)
  );
  return alike.sort((a, b) => a.number - b.number).slice(0, -MOST_SAS);
}

/** Clients of XAUTH may have one identity and one address for all. */
function userOf(state: IkeState): string | undefined {
  return state.kind === "isakmp" ? state.xauth?.user : undefined;
}

/** Whether an instance is one too many for the peers at its address; those that work already go on, and are rekeyed. */
export function isOneTooMany(instance: Connection, connections: Pick<Connections, "at">): boolean {
  if (instance.connectionKind !== "CK_INSTANCE" || instance.hasWorked) return false;
  return connections.at(instance.peers.host).filter((one) => one.connectionKind === "CK_INSTANCE" && isInUse(one))
    .length >= MOST_INSTANCES;
}

function isInUse({ newestIsakmp, newestIpsec }: Connection): boolean {
  return newestIsakmp !== NOBODY || newestIpsec !== NOBODY;
}

export function oneTooManyText(peer: string): string {
  return `no more than ${MOST_INSTANCES} connections are made for peers at ${peer}`;
}
