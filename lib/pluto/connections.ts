/** All connections: found by name, by the pair of hosts, by wildcard (pluto.md §6.1), by what their peer is. Newest first. */
import { type Address, isAnyAddress, sameAddress } from "../text/address.ts";
import { type Identity, identityKey, sameIdentity } from "../text/identity.ts";
import type { Subnet } from "../text/subnet.ts";
import type { Connection } from "./connection.ts";
import { ConnectionIndex } from "./connection_index.ts";

/** Addresses and IKE ports of both sides. */
export interface HostPair {
  readonly ours: Address;
  readonly ourPort: number;
  readonly peers: Address;
  readonly peersPort: number;
}

/** Where a connection stands in the order of all. */
interface Place {
  /** Of the group, where it is a member of one. */
  readonly added: number;
  readonly asMember: number;
}

export class Connections implements Iterable<Connection> {
  #all: Connection[] = [];
  readonly #places = new Map<Connection, Place>();
  #added = 0;
  readonly #byName = this.#index(({ name }) => name);
  readonly #byHosts = this.#index((one) => one.isOriented ? pairKey(one) : undefined);
  readonly #openByHosts = this.#index((one) => one.isOriented && one.peers.isOpen ? pairKey(one) : undefined);
  readonly #byPeerHost = this.#index(({ peers }) => peers.isAnyHost ? undefined : peers.host.bytes.toHex());
  // what %myid stands for changes without a word to us
  readonly #byPeerId = this.#index(({ peers }) => peers.givenId === "%myid" ? "%myid" : identityKey(peers.id));
  readonly #byPeerNet = this.#index(({ peers }) => netKey(peers.net));
  readonly #indexes = [
    this.#byName,
    this.#byHosts,
    this.#openByHosts,
    this.#byPeerHost,
    this.#byPeerId,
    this.#byPeerNet,
  ];

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
    const added = ++this.#added;
    const group = connection.group && this.#places.get(connection.group);
    const place = { added: group?.added ?? added, asMember: group ? added : Infinity };
    this.#places.set(connection, place);
    const at = group ? this.#all.indexOf(connection.group!) + 1 : 0;
    this.#all.splice(at, 0, connection);
    connection.watch(() => this.#update(connection));
    this.#update(connection);
  }

  remove(connection: Connection): void {
    // whoever looks at them goes on with the old list
    const at = this.#all.indexOf(connection);
    if (at >= 0) this.#all = this.#all.toSpliced(at, 1);
    connection.watch(undefined);
    for (const index of this.#indexes) index.remove(connection);
    this.#places.delete(connection);
    this.removed(connection);
  }

  has(connection: Connection): boolean {
    return this.#places.has(connection);
  }

  /** By name; instances have none of their own, but members of shunt groups do. */
  find(name: string): Connection | undefined {
    return this.#byName.get(name).find(({ serial }) => serial === 0);
  }

  /** With all instances. */
  named(name: string): Connection[] {
    return [...this.#byName.get(name)];
  }

  instancesOf(template: Connection): Connection[] {
    return this.#byName.get(template.name).filter((one) => one.template === template);
  }

  membersOf(group: Connection): Connection[] {
    return this.#all.filter((one) => one.group === group);
  }

  /**
   * Oriented ones between two hosts. A list that changes with them, not to be kept.
   *
   * @param net only those to this network of the peer's, and those to whichever it will be
   */
  between(pair: HostPair, net?: Subnet): readonly Connection[] {
    return this.#withHosts(hostsKey(pair, isAnyAddress(pair.peers) ? undefined : pair.peers), net);
  }

  /** Oriented ones that are for any peer, as above. */
  wildcards(pair: Omit<HostPair, "peers">, net?: Subnet): readonly Connection[] {
    return this.#withHosts(hostsKey(pair, undefined), net);
  }

  #withHosts(hosts: string, net: Subnet | undefined): readonly Connection[] {
    if (!net) return this.#byHosts.get(hosts);
    const towards = this.towards(net).filter((one) => one.isOriented && pairKey(one) === hosts);
    const open = this.#openByHosts.get(hosts);
    if (open.length === 0) return towards;
    return [...new Set([...towards, ...open])].sort((a, b) => this.#isBefore(a, b) ? -1 : 1);
  }

  /** With a peer of this identity. */
  withPeer(id: Identity): Connection[] {
    return [...this.#byPeerId.get(identityKey(id)), ...this.#byPeerId.get("%myid")]
      .filter(({ peers }) => sameIdentity(peers.id, id));
  }

  /** Connections whose two ends have the identities that those of one have, and this one itself. */
  alike(connection: Connection): Set<Connection> {
    const { ours: { id }, peers } = connection;
    return new Set(this.withPeer(peers.id).filter(({ ours }) => sameIdentity(ours.id, id))).add(connection);
  }

  /** With a peer at this address, whichever of ours it speaks with. Not to be kept. */
  at(host: Address): readonly Connection[] {
    return this.#byPeerHost.get(host.bytes.toHex());
  }

  /** To this very network of the peer's. Not to be kept. */
  towards(net: Subnet): readonly Connection[] {
    return this.#byPeerNet.get(netKey(net));
  }

  /** @returns the connection for any peer whose methods of authentication differ from those of a new one */
  authClash(added: Connection): Connection | undefined {
    if (!added.peers.isAnyHost || added.neverNegotiates) return undefined;
    const pair = pairKey(added);
    return this.#all.find((one) =>
      one.peers.isAnyHost && !one.neverNegotiates && pairKey(one) === pair &&
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

  #update(connection: Connection): void {
    for (const index of this.#indexes) index.update(connection);
  }

  #index(keyOf: (connection: Connection) => string | undefined): ConnectionIndex {
    return new ConnectionIndex(keyOf, (a, b) => this.#isBefore(a, b));
  }

  #isBefore(a: Connection, b: Connection): boolean {
    const [one, other] = [this.#places.get(a)!, this.#places.get(b)!];
    return one.added > other.added || one.added === other.added && one.asMember > other.asMember;
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @param peers undefined for any */
function hostsKey({ ours, ourPort, peersPort }: Omit<HostPair, "peers">, peers: Address | undefined): string {
  return `${ours.bytes.toHex()} ${ourPort} ${peers?.bytes.toHex() ?? "any"} ${peersPort}`;
}

function pairKey(connection: Connection): string {
  const { isAnyHost, host } = connection.peers;
  return hostsKey(hostPairOf(connection), isAnyHost ? undefined : host);
}

function netKey({ address, bits }: Subnet): string {
  return `${address.bytes.toHex()}/${bits}`;
}

export function hostPairOf({ ours, peers }: Connection): HostPair {
  return { ours: ours.host, ourPort: ours.port, peers: peers.host, peersPort: peers.port };
}

export function sameHostPair(a: Connection, b: Connection): boolean {
  return sameAddress(a.ours.host, b.ours.host) && a.ours.port === b.ours.port &&
    sameAddress(a.peers.host, b.peers.host) && a.peers.port === b.peers.port;
}
