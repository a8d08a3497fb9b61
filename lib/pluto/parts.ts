/** What pluto is made of, and what the world provides. */
import type { SecretEntry } from "../config/secrets.ts";
import type { Clock, IkeEngine, IkeHost } from "../ike/host.ts";
import type { Secret } from "../crypto/secret.ts";
import type { IkeState, IpsecSa } from "../ike/state.ts";
import type { Address } from "../text/address.ts";
import type { Identity } from "../text/identity.ts";
import type { Result } from "../text/result.ts";
import type { UpdownVariables } from "../text/updown_variables.ts";
import { type AcquireDeps, Acquires } from "./acquire.ts";
import { AddressPools } from "./address_pools.ts";
import { AssignedAddresses } from "./assigned_address.ts";
import { BareShunts } from "./bare_shunts.ts";
import { Chooser } from "./choose.ts";
import { Connection, type Interface } from "./connection.ts";
import { Connections } from "./connections.ts";
import type { Suites } from "./define.ts";
import { RC } from "./define.ts";
import type { ConnectionDescription } from "./description.ts";
import type { GroupFile } from "./groups.ts";
import { Initiator } from "./initiate.ts";
import type { Kernel } from "./kernel.ts";
import { type ConnReport, Keeper } from "./kept_conns.ts";
import { type FetchedKeys, Keys } from "./keys.ts";
import { LifeCycle } from "./life_cycle.ts";
import { Lifetimes } from "./lifetimes.ts";
import { MyId } from "./myid.ts";
import type { Opportunism } from "./opportunism.ts";
import { PendingQueue } from "./pending.ts";
import { Retries } from "./retries.ts";
import { Router } from "./router.ts";
import { SpiSource } from "./spi_source.ts";
import { StateNotes } from "./state_notes.ts";
import { TaskQueue } from "./task_queue.ts";
import { type Log, Teller } from "./teller.ts";
import type { UpdownResult } from "./updown.ts";
import type { PrivateNets } from "./virtual_ip.ts";
import { Whacks } from "./whacks.ts";

export interface PlutoOptions {
  readonly uniqueIds: boolean;
  /** Physical devices that are used; empty for all. */
  readonly interfaces: readonly string[];
  readonly privateNets: PrivateNets;
  /** IPSECmyid */
  readonly myId?: Identity;
  /** Of the default route: a candidate for `%myid`. */
  readonly defaultRouteAddress?: Address;
}

/** What ipsec.secrets has; files with private keys of their own have been read, names looked up. */
export interface ReadSecrets {
  readonly entries: readonly SecretEntry[];
  readonly files: readonly string[];
  readonly complaints: readonly string[];
}

export interface PlutoDeps {
  makeEngine(host: IkeHost): IkeEngine;
  readonly kernel: Kernel;
  readonly clock: Clock;
  /** Seconds since 1970. */
  wallClock(): number;
  random(bytes: number): Uint8Array<ArrayBuffer>;
  readonly log: Log;
  runUpdown(command: string, variables: UpdownVariables): Promise<UpdownResult>;
  readSecrets(): Promise<ReadSecrets>;
  readPolicyGroup(name: string): Promise<GroupFile | undefined>;
  readSuites(description: ConnectionDescription): Result<Suites>;
  lookupKeys?(id: Identity, type: "TXT" | "KEY"): Promise<FetchedKeys>;
  /** XAUTH, server's side. */
  checkPassword?(connection: Connection, user: string, password: Secret): Promise<boolean>;
  hostName(): string;
  /** IKE's sockets of one address. @returns why they cannot be opened */
  openSockets(one: Interface): Promise<string | undefined>;
  closeSockets(one: Interface): void;
  makeOpportunism?(parts: Parts): Opportunism;
  /** For the pluto after this one, should this one crash. */
  keep?(report: ConnReport): boolean;
  /** All is put away: the process may end. */
  stop(): void;
}

/** The parts, each made of those above it; the engine is made with a host that knows them all. */
export class Parts {
  readonly whacks = new Whacks();
  readonly teller: Teller;
  readonly connections = new Connections((one) => this.addressPools.giveBack(one));
  readonly shunts = new BareShunts();
  readonly pending = new PendingQueue();
  readonly notes = new StateNotes();
  readonly tasks = new TaskQueue();
  readonly retries: Retries;
  readonly spis: SpiSource;
  readonly myId: MyId;
  readonly keys: Keys;
  readonly router: Router;
  readonly engine: IkeEngine;
  readonly lifeCycle: LifeCycle;
  readonly addressPools: AddressPools;
  readonly assignedAddresses: AssignedAddresses;
  readonly initiator: Initiator;
  readonly lifetimes: Lifetimes;
  readonly opportunism: Opportunism | undefined;
  readonly chooser: Chooser;
  readonly acquires: Acquires;
  readonly keeper: Keeper;
  /** Newest first. */
  interfaces: readonly Interface[] = [];
  isListening = false;

  constructor(readonly options: PlutoOptions, readonly deps: PlutoDeps, makeHost: (parts: Parts) => IkeHost) {
    const { connections, shunts, pending, notes, tasks, whacks } = this;
    const teller = this.teller = new Teller(whacks, deps.log);
    const tell = teller.tell.bind(teller);
    const now = () => deps.clock.now();
    this.keeper = new Keeper({ connections, clock: deps.clock, ...(deps.keep && { keep: deps.keep.bind(deps) }) });
    this.spis = new SpiSource(deps.random);
    const retries = this.retries = new Retries(deps.clock);
    this.myId = new MyId(options.defaultRouteAddress);
    if (options.myId) this.myId.specify(options.myId);
    this.keys = new Keys({
      lookupKeys: deps.lookupKeys?.bind(deps),
      wallClock: () => deps.wallClock(),
      warn: (text) => tell(undefined, RC.serious, text),
    });
    const ipsecSa = (number: number) => this.#ipsecSa(number);
    this.router = new Router({
      kernel: deps.kernel,
      connections,
      shunts,
      ipsecSa,
      tell,
      later: (ms, task) => void deps.clock.after(ms, () => this.inBackground(() => tasks.run(task))),
      runUpdown: (command, variables) => deps.runUpdown(command, variables),
    });
    const engine = this.engine = deps.makeEngine(makeHost(this));
    this.lifeCycle = new LifeCycle({
      engine,
      connections,
      pending,
      retries,
      router: this.router,
      tasks,
      tell,
      now,
      inBackground: (work) => this.inBackground(work),
    });
    this.assignedAddresses = new AssignedAddresses({
      tasks,
      connections,
      router: this.router,
      statesOf: (connection) => this.lifeCycle.statesOf(connection),
      removeState: (state) => this.lifeCycle.removeState(state),
      tell,
    });
    this.addressPools = new AddressPools({
      connections,
      kernel: deps.kernel,
      uniqueIds: options.uniqueIds,
      statesOf: (connection) => this.lifeCycle.statesOf(connection),
      release: (connection) => this.inBackground(() => this.lifeCycle.release(connection)),
      discardUnused: (connection) => this.lifeCycle.discardUnused(connection),
      now,
      tell,
    });
    this.initiator = new Initiator({
      engine,
      connections,
      pending,
      whacks,
      notes,
      retries,
      now,
      connectionOf,
      tell,
      announce: teller.announce.bind(teller),
      adopt: (sa, connection) => this.assignedAddresses.adopt(sa, connection),
      giveBack: (connection) => this.inBackground(() => this.assignedAddresses.giveBack(connection)),
      remove: (sa) => this.lifeCycle.removeState(sa),
      inBackground: (work) => this.inBackground(work),
      failed: (connection) => this.inBackground(() => tasks.run(() => this.router.gaveUp(connection))),
    });
    this.lifetimes = new Lifetimes({
      engine,
      notes,
      now,
      random: () => new DataView(deps.random(4).buffer).getUint32(0) / 2 ** 32,
      connectionOf,
      replace: (state) => this.initiator.replace(state),
      log: (state, text) => teller.note(state, text),
      lifecycle: (state, text) => {
        if (teller.isDebugging("lifecycle", state)) teller.note(state, text);
      },
    });
    this.opportunism = deps.makeOpportunism?.(this);
    this.chooser = new Chooser({
      connections,
      privateNets: options.privateNets,
      presharedKey: (connection, peerId) => this.keys.presharedKey(connection, peerId),
      hasPrivateKey: (connection) => this.keys.privateKey(connection) !== undefined,
      shareLease: (from, to) => this.addressPools.share(from, to),
      opportunism: this.opportunism,
      now,
    });
    const acquires: AcquireDeps = {
      connections,
      shunts,
      router: this.router,
      kernel: deps.kernel,
      tasks,
      initiator: this.initiator,
      opportunism: this.opportunism,
      ipsecSa,
      now,
      opportunismFailed: (text) => {
        whacks.current?.line(RC.opportunism, text);
        teller.debug(undefined, "oppo", () => text);
      },
      warn: (text) => tell(undefined, RC.serious, text),
    };
    this.acquires = new Acquires(acquires);
  }

  /** What nobody waits for. A defect in it is told, and harms nothing else. */
  inBackground(work: () => Promise<unknown>): void {
    const failed = (error: unknown) => {
      const text = `internal error: ${error instanceof Error ? error.message : error}`;
      this.teller.announce(undefined, RC.internal, text);
    };
    work().catch(failed);
  }

  #ipsecSa(number: number): IpsecSa | undefined {
    const state = this.engine.states.get(number);
    return state?.kind === "ipsec" ? state : undefined;
  }
}

/** States have the connections that we gave them. */
export function connectionOf(state: IkeState): Connection {
  if (state.connection instanceof Connection) return state.connection;
  throw new TypeError(`Cannot work on #${state.number}: its connection ${state.connection.name} is not ours`);
}
