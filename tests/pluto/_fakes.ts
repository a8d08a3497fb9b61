/** Pluto with a world that is made up: a clock that a test moves, a packet engine that remembers, updown commands that run nowhere. */
import { IkeV1 } from "../../lib/ike/ike_v1.ts";
import type { IkeEngine, IkeHost } from "../../lib/ike/host.ts";
import type { IpsecSa, Path } from "../../lib/ike/state.ts";
import { DEFAULT_ESP_SUITES, DEFAULT_IKE_SUITES } from "../../lib/ike/suite_text.ts";
import type { SecretEntry } from "../../lib/config/secrets.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import type { ConnectionDescription, EndDescription } from "../../lib/pluto/description.ts";
import type { GroupFile } from "../../lib/pluto/groups.ts";
import {
  type ErouteCount,
  type Flow,
  type InstalledSa,
  type Kernel,
  KernelError,
  type OrphanedPeer,
  type ShuntKind,
} from "../../lib/pluto/kernel.ts";
import type { KernelInterface } from "../../lib/pluto/orientation.ts";
import type { PlutoDeps, PlutoOptions } from "../../lib/pluto/parts.ts";
import { Pluto } from "../../lib/pluto/pluto.ts";
import type { WhackRequest } from "../../lib/pluto/request.ts";
import type { UpdownResult } from "../../lib/pluto/updown.ts";
import type { Reply } from "../../lib/pluto/whacks.ts";
import { type Address, formatAddress, parseAddress } from "../../lib/text/address.ts";
import { parseIdentity } from "../../lib/text/identity.ts";
import { formatSubnet, type Subnet } from "../../lib/text/subnet.ts";
import { FakeClock } from "../ike/_fake_clock.ts";

export function address(text: string): Address {
  const parsed = parseAddress(text, text.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

/** A subnet-to-subnet connection with a preshared key, as `ipsec auto --add` describes it. */
export function description(
  more: Partial<Omit<ConnectionDescription, "left" | "right">> & {
    readonly left?: Partial<EndDescription>;
    readonly right?: Partial<EndDescription>;
  } = {},
): ConnectionDescription {
  const { left, right, ...rest } = more;
  return {
    left: { host: "192.0.2.1", nextHop: "192.0.2.254", client: "10.0.1.0/24", id: "@west", ...left },
    right: { host: "198.51.100.2", nextHop: "198.51.100.254", client: "10.0.2.0/24", id: "@east", ...right },
    psk: true,
    rsasig: false,
    encrypt: true,
    authenticate: false,
    compress: false,
    tunnel: true,
    pfs: true,
    disableArrivalCheck: false,
    dontRekey: false,
    shunt: "trap",
    failure: "none",
    ikeLifetimeSeconds: 3600,
    ipsecLifetimeSeconds: 28800,
    rekeyMarginSeconds: 540,
    rekeyFuzzPercent: 100,
    keyingTries: 3,
    ...rest,
  };
}

/** `10.0.1.0/24:0 -0-> 10.0.2.0/24:0` */
export function flowText({ ours, peers, protocol, ourPort, peersPort }: Flow): string {
  return `${formatSubnet(ours)}:${ourPort} -${protocol}-> ${formatSubnet(peers)}:${peersPort}`;
}

/** Remembers eroutes and SAs as KLIPS would, and refuses what KLIPS refuses. */
export class FakeKernel implements Kernel {
  readonly canCompress: boolean = true;
  readonly eroutesByFlow = new Map<string, { flow: Flow; target: string; packets: number }>();
  readonly inbound = new Set<number>();
  readonly outbound = new Set<number>();
  /** What was asked, in order. */
  readonly calls: string[] = [];
  readonly moves: string[] = [];
  idleMs: number | undefined;
  orphaned: readonly OrphanedPeer[] = [];
  /** Calls that begin so are refused. */
  refuse: string | undefined;
  #tunnel = 0x1000;

  constructor(public devices: KernelInterface[]) {}

  interfaces(): Promise<readonly KernelInterface[]> {
    return Promise.resolve(this.devices);
  }

  async installInbound(sa: IpsecSa, checkArrivals = true): Promise<InstalledSa> {
    await this.#call(`in #${sa.number}${checkArrivals ? "" : " unchecked"}`);
    this.inbound.add(sa.number);
    return sa.mode === "tunnel" ? { tunnelIn: ++this.#tunnel } : {};
  }

  async installOutbound(sa: IpsecSa): Promise<InstalledSa> {
    await this.#call(`out #${sa.number}`);
    this.outbound.add(sa.number);
    return sa.mode === "tunnel" ? { tunnelOut: ++this.#tunnel } : {};
  }

  async remove(sa: IpsecSa, which?: "out"): Promise<void> {
    await this.#call(`remove #${sa.number}${which ? ` ${which}` : ""}`);
    if (!which) this.inbound.delete(sa.number);
    this.outbound.delete(sa.number);
  }

  async addEroute(flow: Flow, sa: IpsecSa, replace: boolean): Promise<void> {
    if (!this.outbound.has(sa.number)) throw new KernelError(`no outbound SAs of #${sa.number}`);
    await this.#put(flow, `#${sa.number}`, replace);
  }

  async addShunt(flow: Flow, kind: ShuntKind, replace: boolean): Promise<void> {
    await this.#put(flow, `%${kind}`, replace);
  }

  async deleteEroute(flow: Flow): Promise<void> {
    await this.#call(`delete ${flowText(flow)}`);
    this.eroutesByFlow.delete(flowText(flow));
  }

  eroutes(): Promise<readonly ErouteCount[]> {
    return Promise.resolve(
      [...this.eroutesByFlow.values()].map(({ flow, target, packets }) => ({
        flow,
        packets,
        target: target.startsWith("#") ? "tun0x1002@198.51.100.2" : target,
      })),
    );
  }

  idleInbound(): Promise<number | undefined> {
    return Promise.resolve(this.idleMs);
  }

  orphans(): readonly OrphanedPeer[] {
    return this.orphaned;
  }

  /** All of them are silent. */
  releaseOrphans(which: (peers: Subnet) => boolean): Promise<readonly Subnet[]> {
    const released = this.orphaned.filter(({ client }) => which(client));
    this.orphaned = this.orphaned.filter((one) => !released.includes(one));
    return Promise.resolve(released.map(({ client }) => client));
  }

  moveEncapsulation(sa: IpsecSa, remote: Address, remotePort: number): Promise<void> {
    this.moves.push(`#${sa.number} ${formatAddress(remote)}:${remotePort}`);
    return Promise.resolve();
  }

  close(): void {}

  /** `FLOW => TARGET` of each eroute. */
  get table(): string[] {
    return [...this.eroutesByFlow.values()].map(({ flow, target }) => `${flowText(flow)} => ${target}`);
  }

  /** KLIPS's own: a trap was met. */
  trapped(flow: Flow): void {
    this.eroutesByFlow.set(flowText(flow), { flow, target: "%hold", packets: 1 });
  }

  async #put(flow: Flow, target: string, replace: boolean): Promise<void> {
    await this.#call(`${replace ? "replace" : "add"} ${flowText(flow)} => ${target}`);
    if (!replace && this.eroutesByFlow.has(flowText(flow))) {
      throw new KernelError(`there is an eroute ${flowText(flow)}`);
    }
    this.eroutesByFlow.set(flowText(flow), { flow, target, packets: 0 });
  }

  #call(what: string): Promise<void> {
    this.calls.push(what);
    if (this.refuse !== undefined && what.startsWith(this.refuse)) throw new KernelError(`refused: ${what}`);
    return Promise.resolve();
  }
}

/** A whack that keeps what it is told. */
export class FakeReply implements Reply {
  readonly lines: string[] = [];
  held = 0;
  answers: string[] = [];

  line(code: number, text: string): void {
    this.lines.push(`${String(code).padStart(3, "0")} ${text}`);
  }
  hold(): void {
    this.held++;
  }
  release(): void {
    this.held--;
  }
  ask(): Promise<string | undefined> {
    return Promise.resolve(this.answers.shift());
  }
  /** Whether whack has ended. */
  get isClosed(): boolean {
    return this.held === 0;
  }
}

export interface HouseOptions {
  readonly address: string;
  readonly options?: Partial<PlutoOptions>;
  readonly deps?: Partial<PlutoDeps>;
  readonly secrets?: readonly SecretEntry[];
  readonly groups?: Record<string, GroupFile>;
}

export function psk(text: string, ...ids: string[]): SecretEntry {
  const parsed = ids.map((id) => parseIdentity(id)).map((id) => {
    if (!id.ok) throw new Error(id.error);
    return id.value;
  });
  const secret = new Secret(new TextEncoder().encode(text));
  return { at: { file: "ipsec.secrets", line: 1 }, ids: parsed, idCount: ids.length, key: { kind: "PSK", secret } };
}

/** One host with pluto. What it sends goes to {@linkcode Wire}. */
export class House {
  readonly kernel: FakeKernel;
  readonly log: string[] = [];
  /** Verbs of updown commands with the connection, as `up-client net-net`. */
  readonly updowns: string[] = [];
  /** These fail. */
  readonly failing = new Set<string>();
  readonly pluto: Pluto;
  isStopped = false;
  groups: Record<string, GroupFile>;
  send: (path: Path, datagram: Uint8Array) => void = () => {};

  constructor(readonly clock: FakeClock, given: HouseOptions) {
    const own = address(given.address);
    this.groups = given.groups ?? {};
    this.kernel = new FakeKernel([{ virtual: "ipsec0", physical: "eth1", addresses: [own] }]);
    const deps: PlutoDeps = {
      makeEngine: (host) => this.makeEngine(host),
      kernel: this.kernel,
      clock,
      wallClock: () => 1_075_636_800,
      random: randomBytes,
      log: (level, text) => void this.log.push(level === "debug" ? text : text),
      runUpdown: (_command, variables) => this.#updown(variables.PLUTO_VERB, variables.PLUTO_CONNECTION),
      readSecrets: () =>
        Promise.resolve({
          entries: given.secrets ?? [psk("a shared secret")],
          files: ["/etc/ipsec.secrets"],
          complaints: [],
        }),
      readPolicyGroup: (name) => Promise.resolve(this.groups[name]),
      readSuites: () => ({
        ok: true,
        value: { ike: DEFAULT_IKE_SUITES(false).slice(0, 1), ipsec: DEFAULT_ESP_SUITES(false) },
      }),
      hostName: () => "west.example.com",
      openSockets: () => Promise.resolve(undefined),
      closeSockets: () => {},
      stop: () => void (this.isStopped = true),
      ...given.deps,
    };
    const options: PlutoOptions = {
      uniqueIds: false,
      interfaces: [],
      privateNets: { allowed: [], excepted: [] },
      ...given.options,
    };
    this.pluto = new Pluto(options, deps);
  }

  makeEngine(host: IkeHost): IkeEngine {
    const options = { mostHalfOpen: 100, keepAliveSeconds: 20 };
    return new IkeV1(options, {
      host,
      clock: this.clock,
      random: randomBytes,
      send: (path, datagram) => this.send(path, datagram),
    });
  }

  /** Carries a request out. @returns whack, which may wait on */
  async whack(request: Omit<WhackRequest, "version">): Promise<FakeReply> {
    const reply = new FakeReply();
    await this.pluto.handle({ version: 1, ...request }, reply);
    return reply;
  }

  /** Adds a connection and listens. */
  async add(name: string, connection: ConnectionDescription): Promise<FakeReply> {
    return await this.whack({ name, connection, listen: true });
  }

  connection(name: string) {
    const found = this.pluto.parts.connections.find(name);
    if (!found) throw new Error(`no connection ${name}`);
    return found;
  }

  #updown(verb: string, name: string): Promise<UpdownResult> {
    this.updowns.push(`${verb} ${name}`);
    return Promise.resolve(
      this.failing.has(verb)
        ? { ok: false, lines: [], complaint: `${verb} command exited with status 1` }
        : { ok: true, lines: [] },
    );
  }
}

export function randomBytes(bytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

/** Until nothing more follows by itself. */
export function allTurns(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Two hosts and what lies between. Datagrams arrive after 10 ms, or not at all. */
export class Wire {
  readonly clock = new FakeClock(allTurns);
  readonly west: House;
  readonly east: House;
  isCut = false;

  constructor(west: Partial<HouseOptions> = {}, east: Partial<HouseOptions> = {}) {
    this.west = new House(this.clock, { address: "192.0.2.1", ...west });
    this.east = new House(this.clock, { address: "198.51.100.2", ...east });
    this.#join(this.west, this.east);
    this.#join(this.east, this.west);
  }

  #join(from: House, to: House): void {
    from.send = ({ local, localPort, remote, remotePort }, datagram) => {
      if (this.isCut) return;
      const copy = datagram.slice();
      const path: Path = { local: remote, localPort: remotePort, remote: local, remotePort: localPort };
      this.clock.after(10, () => to.pluto.receive(path, copy));
    };
  }

  async seconds(count: number): Promise<void> {
    await this.clock.pass(count * 1000);
  }
}
