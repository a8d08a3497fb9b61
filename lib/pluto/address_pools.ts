/**
 * Which client of Mode Config has which address of the pools (`rightaddresspool=`). Connections with one range share one
 * pool. A client is known by its name in XAUTH, else by its identity; it keeps its address while its connection is there,
 * which is as long as it has SAs, and finds it again when it returns.
 *
 * Peers behind one NAT may have one identity, that of their group, and thereby one connection, until their passwords tell
 * them apart: then each gets a connection of its own.
 */
import type { Refusal } from "../ike/host.ts";
import type { IkeState, IsakmpSa } from "../ike/state.ts";
import { sidesOf } from "../ike/transaction.ts";
import { type Address, formatAddress, sameAddress } from "../text/address.ts";
import { formatIdentity } from "../text/identity.ts";
import { addressInRange, formatPoolRange, rangeSize, rangesOverlap } from "../text/pool_range.ts";
import type { AddressRange } from "../text/range.ts";
import { sanitizeText } from "../text/sanitize.ts";
import { addressInSubnet, formatSubnet, hostSubnet, isHostSubnet, type Subnet } from "../text/subnet.ts";
import { AddressPool, type Lease, type LeaseRequest, type PoolCounts } from "./address_pool.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { RC } from "./define.ts";
import type { Kernel, OrphanedPeer } from "./kernel.ts";
import { isEverything } from "./nets.ts";

export interface AddressPoolsDeps {
  readonly connections: Connections;
  readonly kernel: Pick<Kernel, "orphans" | "releaseOrphans">;
  readonly uniqueIds: boolean;
  statesOf(connection: Connection): readonly IkeState[];
  /** Of a client that is here now, at another place. */
  release(connection: Connection): void;
  /** It may be that nothing uses it any more. */
  discardUnused(connection: Connection): void;
  /** Milliseconds. */
  now(): number;
  tell(about: Connection | undefined, code: number, text: string): void;
}

export interface Assigned {
  readonly connection: Connection;
  readonly address: Address;
}

/** Addresses that a user has at once. */
const MOST_OF_USER = 16;
/** After a crash: who has been silent for so long will have to negotiate anew in any case. */
const SILENT_MS = 600_000;

export class AddressPools {
  readonly #pools = new Map<string, AddressPool<Connection>>();
  readonly #startedAt: number;

  constructor(readonly deps: AddressPoolsDeps) {
    this.#startedAt = deps.now();
  }

  /** The address for a client that has proved itself; its connection's client is this address from now on. */
  assign(sa: IsakmpSa, current: Connection, range: AddressRange, wanted?: Address): Assigned | Refusal {
    if (sa.isEstablished && current.lease) return { connection: current, address: current.lease.address };
    const pool = this.#poolOf(range);
    const { name, isUser } = clientOf(sa, current);
    const known = this.#connectionOf(sa, current, pool.leasesOf(name), wanted);
    if (known) {
      if (known !== current) queueMicrotask(() => this.deps.discardUnused(current));
      return { connection: known, address: known.lease!.address };
    }
    const connection = current.lease || current.connectionKind !== "CK_INSTANCE" ? this.#another(current, sa) : current;
    const orphans = this.#orphansAmong(range);
    // after a crash a client has its address still, and may not know to ask for it
    const had = wanted ?? [...orphans.values()].find((one) => isOf(one, sa))?.client.address;
    const granted = pool.grant({
      holder: name,
      owner: connection,
      ...(had && { wanted: had }),
      takeOver: isUser ? this.#takeOverOfUser(name, pool) : this.deps.uniqueIds ? "at once" : "never",
      // a user of one connection may be somebody else than the user of that name of another
      isSameClient: (one) => !isUser || one.name === current.name,
      isForeign: (address) => {
        const orphan = orphans.get(formatAddress(address));
        return orphan !== undefined && !isOf(orphan, sa) || this.#isForeign(address, range);
      },
    });
    if (!granted) {
      if (connection !== current) this.deps.discardUnused(connection);
      return { refused: whyNone(name, pool), notify: 0 };
    }
    for (const one of granted.displaced) this.#displace(one, granted.lease, sa);
    lead(connection, granted.lease);
    return { connection, address: granted.lease.address };
  }

  /** Another connection of a client takes part in its address. */
  share(from: Connection, to: Connection): void {
    const { lease } = from;
    const range = from.peers.addressPool;
    if (!lease || !range) return;
    this.#poolOf(range).share(lease, to);
    lead(to, lease);
  }

  /** A connection is gone. */
  giveBack(connection: Connection): void {
    const range = connection.peers.addressPool;
    if (range && connection.lease) this.#pools.get(formatPoolRange(range))?.giveBack(connection);
  }

  /** @returns a connection whose pool is another one, but has some of its addresses */
  clash({ peers: { addressPool } }: Connection): Connection | undefined {
    if (!addressPool) return undefined;
    const text = formatPoolRange(addressPool);
    return [...this.deps.connections].find(({ peers: { addressPool: other } }) =>
      other && formatPoolRange(other) !== text && rangesOverlap(other, addressPool)
    );
  }

  /** What crashed clients of an earlier pluto had is free again once they have been silent for long. */
  async reclaim(): Promise<void> {
    const { kernel, now, tell } = this.deps;
    const ranges = this.#ranges();
    if (ranges.length === 0 || now() - this.#startedAt < SILENT_MS) return;
    const isLent = (net: Subnet) => isHostSubnet(net) && ranges.some((range) => addressInRange(net.address, range));
    for (const net of await kernel.releaseOrphans(isLent, SILENT_MS)) {
      const text =
        `${formatSubnet(net)} may be given away again: the client that had it before pluto was started has ` +
        `sent nothing for ${SILENT_MS / 60_000} minutes`;
      tell(undefined, RC.log, text);
    }
  }

  /** Those that connections have now. */
  *[Symbol.iterator](): Iterator<AddressPool<Connection>> {
    const byText = new Map(this.#ranges().map((range) => [formatPoolRange(range), range]));
    for (const range of byText.values()) yield this.#poolOf(range);
  }

  of(range: AddressRange): PoolCounts {
    return this.#poolOf(range).counts;
  }

  #poolOf(range: AddressRange): AddressPool<Connection> {
    const text = formatPoolRange(range);
    let pool = this.#pools.get(text);
    if (!pool) {
      const named = this.#ranges().map(formatPoolRange);
      for (const [other, { counts }] of this.#pools) {
        if (!counts.inUse && !named.includes(other)) this.#pools.delete(other);
      }
      pool = new AddressPool(range);
      this.#pools.set(text, pool);
    }
    return pool;
  }

  /** Of all connections, some more than once. */
  #ranges(): AddressRange[] {
    return [...this.deps.connections].flatMap(({ peers: { addressPool } }) => addressPool ?? []);
  }

  /** Where this very client has its address already, as after a replacement of its ISAKMP SA. */
  #connectionOf(
    sa: IsakmpSa,
    current: Connection,
    leases: Iterable<Lease<Connection>>,
    wanted: Address | undefined,
  ): Connection | undefined {
    for (const { owners, address } of leases) {
      for (const one of owners.has(current) ? [current, ...owners] : owners) {
        if (one.template !== current.template || !sameAddress(one.peers.host, sa.path.remote)) continue;
        if (wanted && sameAddress(wanted, address) || this.#isFrom(one, sa)) return one;
      }
    }
    return undefined;
  }

  /** Behind one NAT only ports tell two devices of a user apart. */
  #isFrom(connection: Connection, sa: IsakmpSa): boolean {
    if (this.deps.uniqueIds && !sidesOf(connection).xauthServer) return true;
    const others = this.deps.statesOf(connection).filter((one) =>
      one !== sa && one.isEstablished && one.kind === "isakmp"
    );
    return others.length === 0 || others.some(({ path }) => path.remotePort === sa.path.remotePort);
  }

  /** Of one more client with the identity that another one has shown from the same address. */
  #another(current: Connection, sa: IsakmpSa): Connection {
    const one = (current.template ?? current).instantiate(sa.path.remote, current.peers.id);
    one.madeAt = this.deps.now();
    one.interface = current.interface;
    this.deps.connections.add(one);
    return one;
  }

  #displace(one: Connection, { address, holder }: Lease<Connection>, { path }: IsakmpSa): void {
    const text = `${holder} is at ${formatAddress(path.remote)} now, and has ${formatAddress(address)} there; ` +
      "releasing the connection from here";
    this.deps.tell(one, RC.log, text);
    one.lease = undefined;
    this.deps.release(one);
  }

  /** A user has several devices; and one who takes all addresses for himself harms the others. */
  #takeOverOfUser(name: string, pool: AddressPool<Connection>): LeaseRequest<Connection>["takeOver"] {
    const has = [...pool.leasesOf(name)].filter(({ owners }) => owners.size > 0).length;
    return has >= MOST_OF_USER ? "at once" : this.deps.uniqueIds ? "when full" : "never";
  }

  #orphansAmong(range: AddressRange): ReadonlyMap<string, OrphanedPeer> {
    const clients = this.deps.kernel.orphans().filter(({ client }) =>
      isHostSubnet(client) && addressInRange(client.address, range)
    );
    return new Map(clients.map((one) => [formatAddress(one.client.address), one]));
  }

  /** It belongs to somebody, and not by way of this pool. A network around the whole pool is the pool's surroundings. */
  #isForeign(address: Address, { from, to }: AddressRange): boolean {
    for (const { ours, peers, lease, neverNegotiates, policy } of this.deps.connections) {
      if (neverNegotiates || policy.opportunistic || policy.group) continue;
      if (sameAddress(ours.host, address) || ours.sourceIp && sameAddress(ours.sourceIp, address)) return true;
      const { client } = peers;
      if (lease || !client || peers.isClientWithin || isEverything(client) || !addressInSubnet(address, client)) {
        continue;
      }
      if (isHostSubnet(client) || !addressInSubnet(from, client) || !addressInSubnet(to, client)) return true;
    }
    return false;
  }
}

function lead(connection: Connection, lease: Lease<Connection>): void {
  connection.lease = lease;
  connection.peers.client = hostSubnet(lease.address);
}

/** Whether it is this very device that has had SAs with an earlier pluto. Behind a NAT only its port tells. */
function isOf({ host, port }: OrphanedPeer, { path, nat }: IsakmpSa): boolean {
  return sameAddress(host, path.remote) && (port === undefined ? !nat.peers : port === path.remotePort);
}

/** By what a client is known: as log lines and listings name it. */
function clientOf(sa: IsakmpSa, { peers }: Connection): { readonly name: string; readonly isUser: boolean } {
  const user = sa.xauth?.accepted ? sa.xauth.user : undefined;
  if (user !== undefined) return { name: `user ${sanitizeText(user)}`, isUser: true };
  return { name: `'${formatIdentity(sa.peerId ?? peers.id)}'`, isUser: false };
}

function whyNone(name: string, { range }: AddressPool<Connection>): string {
  const size = rangeSize(range);
  return `no address for ${name}: ${size === 1n ? "the one address" : `all ${size} addresses`} of the pool ` +
    `${formatPoolRange(range)} ${size === 1n ? "is" : "are"} in use; ipsec auto --status says by whom. ` +
    "Make rightaddresspool= larger, or end what is not needed";
}
