/** All connections: found by name, by the pair of hosts, by wildcard (pluto.md §6.1). Newest first. */
import { type Address, sameAddress } from "../text/address.ts";
import type { Connection } from "./connection.ts";

/** Addresses and IKE ports of both sides. */
export interface HostPair {
  readonly ours: Address;
  readonly ourPort: number;
  readonly peers: Address;
  readonly peersPort: number;
}

export class Connections implements Iterable<Connection> {
  #all: Connection[] = [];

  /** @param removed what a connection had of its own is given back */
  constructor(readonly removed: (connection: Connection) => void = () => {}) {}

  [Symbol.iterator](): Iterator<Connection> {
    return this.#all[Symbol.iterator]();
  }

  get size(): number {
    return this.#all.length;
  }

  /** Newest first; a member stands right behind its group. */
  add(connection: Connection): void {
    const group = connection.group ? this.#all.indexOf(connection.group) : -1;
    this.#all.splice(group + 1, 0, connection);
  }

  remove(connection: Connection): void {
    this.#all = this.#all.filter((one) => one !== connection);
    this.removed(connection);
  }

  has(connection: Connection): boolean {
    return this.#all.includes(connection);
  }

  /** By name; instances have none of their own, but members of shunt groups do. */
  find(name: string): Connection | undefined {
    return this.#all.find((one) => one.name === name && one.serial === 0);
  }

  instancesOf(template: Connection): Connection[] {
    return this.#all.filter((one) => one.template === template);
  }

  membersOf(group: Connection): Connection[] {
    return this.#all.filter((one) => one.group === group);
  }

  /** Oriented ones between two hosts. */
  between({ ours, ourPort, peers, peersPort }: HostPair): Connection[] {
    return this.#all.filter((one) =>
      one.isOriented && sameAddress(one.ours.host, ours) && one.ours.port === ourPort &&
      sameAddress(one.peers.host, peers) && one.peers.port === peersPort
    );
  }

  /** Oriented ones that are for any peer. */
  wildcards({ ours, ourPort, peersPort }: Omit<HostPair, "peers">): Connection[] {
    return this.#all.filter((one) =>
      one.isOriented && sameAddress(one.ours.host, ours) && one.ours.port === ourPort && one.peers.isAnyHost &&
      one.peers.port === peersPort
    );
  }

  /** @returns the connection for any peer whose methods of authentication differ from those of a new one */
  authClash(added: Connection): Connection | undefined {
    if (!added.peers.isAnyHost || added.neverNegotiates) return undefined;
    return this.#all.find((one) =>
      one.peers.isAnyHost && !one.neverNegotiates && sameAddress(one.ours.host, added.ours.host) &&
      one.ours.port === added.ours.port && one.peers.port === added.peers.port &&
      (one.policy.psk !== added.policy.psk || one.policy.rsasig !== added.policy.rsasig)
    );
  }

  /** By name ignoring case, then kind, then serial number or priority (whack.md §9.2). */
  sorted(): Connection[] {
    const kinds = ["CK_GROUP", "CK_TEMPLATE", "CK_PERMANENT", "CK_INSTANCE", "CK_GOING_AWAY"];
    return this.#all.toSorted((a, b) =>
      compareText(a.name.toLowerCase(), b.name.toLowerCase()) ||
      kinds.indexOf(a.connectionKind) - kinds.indexOf(b.connectionKind) ||
      a.serial - b.serial || a.priority - b.priority
    );
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function hostPairOf({ ours, peers }: Connection): HostPair {
  return { ours: ours.host, ourPort: ours.port, peers: peers.host, peersPort: peers.port };
}

export function sameHostPair(a: Connection, b: Connection): boolean {
  return sameAddress(a.ours.host, b.ours.host) && a.ours.port === b.ours.port &&
    sameAddress(a.peers.host, b.peers.host) && a.peers.port === b.peers.port;
}
