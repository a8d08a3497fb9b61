/**
 * Mode Config, client's side: the address that a server gives is what the connection protects at our end, and the source of
 * what this host itself sends, as long as there is an IPsec SA for it or one is being negotiated. Before and after that the
 * connection is what was described; a trap of that time is met by what this host sends from the address that it has outside.
 */
import type { Refusal } from "../ike/host.ts";
import type { IkeState, IsakmpSa } from "../ike/state.ts";
import { sidesOf } from "../ike/transaction.ts";
import { type Address, formatAddress, isLoopbackAddress, sameAddress } from "../text/address.ts";
import { formatSubnet, hostSubnet, type Subnet, subnetInSubnet } from "../text/subnet.ts";
import { type Connection, NOBODY, priorityOf } from "./connection.ts";
import { RC } from "./define.ts";
import { isOnly } from "./nets.ts";
import type { Router } from "./router.ts";
import { isRouted } from "./routing_states.ts";
import type { TaskQueue } from "./task_queue.ts";

/** What a connection has from a server, and what it had before. */
export interface Assigned {
  readonly address: Address;
  readonly dns: readonly Address[];
  /** Of the names that those servers know; fit for a shell. */
  readonly domain?: string;
  readonly before: {
    readonly client: Subnet | undefined;
    readonly sourceIp: Address | undefined;
    /** Traffic was to bring it up. */
    readonly isRouted: boolean;
  };
}

type Given = Pick<Assigned, "address" | "dns" | "domain">;

export interface AssignedAddressDeps {
  readonly tasks: TaskQueue;
  readonly router: Pick<Router, "changeFlow" | "unroute">;
  readonly connections: Iterable<Connection> & { has(connection: Connection): boolean };
  statesOf(connection: Connection): readonly IkeState[];
  /** Ends an SA, and tells the peer. */
  removeState(state: IkeState): void;
  tell(connection: Connection, code: number, text: string): void;
}

export class AssignedAddresses {
  /** Those whose address is about to change. */
  readonly #changing = new Set<Connection>();
  /** Those that are trapped only because they are to be kept up: nobody has asked for a route. */
  readonly #trapped = new WeakSet<Connection>();

  constructor(readonly deps: AssignedAddressDeps) {}

  /**
   * Before a Quick Mode begins under `sa`: the connection takes the address that came with it. SAs of another address go,
   * and what leads to them.
   *
   * @returns undefined where there is nothing to wait for; why it cannot begin
   */
  adopt(sa: IsakmpSa, connection: Connection): Promise<void> | Refusal | undefined {
    if (!sidesOf(connection).modecfgClient) return undefined;
    const { address } = sa.assigned ?? {};
    if (connection.mode === "transport" || protectsNet(connection)) return this.#leave(address, connection);
    const now = connection.assigned;
    if (!address) return now ? undefined : refusal(NONE);
    const why = whyUnusable(address, connection);
    if (why !== undefined) return refusal(`the peer has assigned the address ${formatAddress(address)}, ${why}`);
    const take = () => this.#take(connection, { ...sa.assigned!, address });
    if (now && sameAddress(now.address, address)) return take();
    const keyed = this.#keyed(connection);
    if (connection.routing === "UNROUTED" && !keyed.length) return take();
    if (now) {
      const [old, one] = [now.address, address].map((each) => formatAddress(each));
      this.deps.tell(connection, RC.log, `assigned address ${old} is replaced by ${one}`);
    }
    this.#changing.add(connection);
    for (const state of keyed) this.deps.removeState(state);
    // what takes their eroutes down stands in the queue before this
    return this.deps.tasks.run(async () => {
      try {
        if (this.deps.connections.has(connection)) await this.deps.router.changeFlow(connection, take);
      } finally {
        this.#changing.delete(connection);
      }
    });
  }

  /** The peer proposed an address for a connection that has no use for it. */
  #leave(address: Address | undefined, connection: Connection): undefined {
    const { client } = connection.ours;
    if (!address || !client || subnetInSubnet(hostSubnet(address), client)) return undefined;
    const text = `assigned address ${formatAddress(address)} is not used: leftsubnet= says what is protected, ` +
      formatSubnet(client);
    this.deps.tell(connection, RC.log, text);
  }

  /** Connections whose address is not the one that has come with a new ISAKMP SA, where they are up. */
  overtaken({ assigned }: IsakmpSa): Connection[] {
    const address = assigned?.address;
    if (!address) return [];
    return [...this.deps.connections].filter((one) =>
      one.assigned && !sameAddress(one.assigned.address, address) && one.newestIpsec !== NOBODY &&
      !this.#changing.has(one)
    );
  }

  /** After the end of an IPsec SA. A connection that was to be brought up by traffic, or to be kept up, is trapped again. */
  async giveBack(connection: Connection): Promise<void> {
    if (!connection.assigned || this.#changing.has(connection)) return;
    await this.deps.tasks.run(async () => {
      const { assigned, policy, erouteOwner } = connection;
      // while an SA owns the eroute its own end is still to come
      if (!assigned || erouteOwner !== NOBODY || this.#changing.has(connection)) return;
      if (this.#keyed(connection).length) return;
      const { before } = assigned;
      const restore = () => {
        connection.assigned = undefined;
        setEnd(connection, before);
      };
      const isWanted = (policy.up || before.isRouted) && this.deps.connections.has(connection);
      // where there is no flow without the address, its trap and the route go on to keep packets from going in the clear
      if (isWanted && !hasFlow(before, connection)) return;
      if (!isWanted) {
        await this.deps.router.unroute(connection);
        return restore();
      }
      if (!before.isRouted) this.#trapped.add(connection);
      await this.deps.router.changeFlow(connection, restore);
    });
  }

  /** `--route`: the route is to be there without an address, too. */
  keepRouted(connection: Connection): void {
    const { assigned } = connection;
    this.#trapped.delete(connection);
    if (assigned) connection.assigned = { ...assigned, before: { ...assigned.before, isRouted: true } };
  }

  /** `--down`, after which nothing is left where nothing was before. */
  async takenDown(connection: Connection): Promise<void> {
    await this.giveBack(connection);
    if (!this.#trapped.delete(connection)) return;
    await this.deps.tasks.run(async () => {
      if (this.#keyed(connection).length === 0) await this.deps.router.unroute(connection);
    });
  }

  #take(connection: Connection, { address, dns, domain }: Given): undefined {
    const { ours: { client, sourceIp }, routing, assigned } = connection;
    const isAskedFor = isRouted(routing) && !this.#trapped.has(connection);
    const before = assigned?.before ?? { client, sourceIp, isRouted: isAskedFor };
    this.#trapped.delete(connection);
    const isPlain = domain !== undefined && DOMAIN.test(domain);
    connection.assigned = { address, dns, ...(isPlain && { domain }), before };
    connection.lastAssigned = address;
    setEnd(connection, { client: hostSubnet(address), sourceIp: address });
  }

  #keyed(connection: Connection): IkeState[] {
    return this.deps.statesOf(connection).filter(({ kind }) => kind === "ipsec");
  }
}

/** The outer address of this host may be of another family than what is behind the peer. */
function hasFlow({ client }: Assigned["before"], { ours, peers }: Connection): boolean {
  return (client?.address ?? ours.host).family === peers.net.address.family;
}

const NONE = "the peer has assigned no address (Mode Config), and there is nothing else to protect: its pool may be " +
  "exhausted, or have none for this user";

function refusal(refused: string): Refusal {
  return { refused, notify: 0 };
}

/** A client of Mode Config may have a network of its own all the same; its source address is none. */
function protectsNet({ assigned, ours: { client, sourceIp } }: Connection): boolean {
  return !assigned && client !== undefined && !(sourceIp && isOnly(client, sourceIp));
}

/** As it goes on after "the peer has assigned the address ...". */
function whyUnusable(address: Address, { peers }: Connection): string | undefined {
  if (!isUnicast(address)) return "which no host can have";
  if (sameAddress(address, peers.host)) return "which is its own";
  if (address.family !== peers.net.address.family) return `which cannot speak with ${formatSubnet(peers.net)}`;
  return undefined;
}

function isUnicast(address: Address): boolean {
  const [first] = address.bytes;
  if (address.family === "inet6") return first !== 0xff && !isLoopbackAddress(address);
  return first !== 0 && first !== 127 && first < 224;
}

/** One name, or several; whatever else a server says stays in the log. */
const DOMAIN = /^[A-Za-z0-9_.-]+(?:[ ,]+[A-Za-z0-9_.-]+)*$/;

function setEnd(connection: Connection, { client, sourceIp }: Pick<Assigned["before"], "client" | "sourceIp">): void {
  const { ours, peers } = connection;
  ours.client = client;
  ours.sourceIp = sourceIp;
  connection.priority = priorityOf(ours.net, peers.net);
}
