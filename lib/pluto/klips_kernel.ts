/** KLIPS over PF_KEY (pluto.md §17): requests, which are answered one by one, and what KLIPS asks, over one connection. */
import type { IpsecSa } from "../ike/state.ts";
import { PfkeyError } from "../pfkey/client.ts";
import { decodeMessage, senderOf } from "../pfkey/codec.ts";
import { MESSAGES, SA_FLAG, satypeProtocol, SATYPES } from "../pfkey/constants.ts";
import type { PfkeyMessage } from "../pfkey/message.ts";
import {
  addFlow,
  addSa,
  deleteFlow,
  deleteSa,
  type Flow as PfkeyFlow,
  groupSas,
  moveSa,
  type NewSa,
} from "../pfkey/requests.ts";
import { type Address, anyAddress, parseNumericAddress, sameAddress } from "../text/address.ts";
import { formatSaId, MAGIC_SPIS, SA_PROTOCOLS, type SaId, sameSaId } from "../text/sa_id.ts";
import { formatSubnet, parseSubnet, type Subnet } from "../text/subnet.ts";
import type { KernelInterface } from "./orientation.ts";
import {
  type Acquire,
  type ErouteCount,
  type Flow,
  type InstalledSa,
  type Kernel,
  KernelError,
  type OrphanedPeer,
  type ShuntKind,
} from "./kernel.ts";
import { type ListedEroute, type ListedSa, Orphans } from "./orphans.ts";
import { ABSENT, type Asked, type KlipsPort, KlipsRequests } from "./klips_requests.ts";
import { saChain } from "./sa_chain.ts";

/** First SPI of an IPIP SA; both directions share the numbers. */
const FIRST_TUNNEL = 0x1001;
/** How long what an earlier pluto has left goes on, milliseconds: eroutes for which there is but a trap, and SAs that were replaced. */
const ORPHAN_MS = { flow: 120_000, inbound: 10_000 } as const;
/** How long one listing answers how long SAs have been idle: all peers are watched, and each watch asks. */
const IDLE_TIMES_MS = 1000;

export interface KlipsKernelDeps {
  /** It is read all the time, as KLIPS cuts off whoever lets too much wait. */
  readonly klips: KlipsPort;
  /** Of a device of the host, now. */
  addressesOf(device: string): readonly Address[] | Promise<readonly Address[]>;
  random(bytes: number): Uint8Array<ArrayBuffer>;
  onAcquire(acquire: Acquire): void;
  /** An SA of a state has carried so much that it should be replaced. */
  onWorn?(state: number): void;
  /** KLIPS has ended. */
  onClosed(): void;
  after(ms: number, act: () => void): void;
  warn(text: string): void;
}

interface IdleSa {
  readonly said: string;
  readonly idleSeconds?: number;
}

interface CountedEroute extends ListedEroute {
  readonly count: number;
}

interface Chains {
  /** Innermost first. */
  in?: readonly SaId[];
  out?: readonly SaId[];
}

export class KlipsKernel implements Kernel {
  readonly #deps: KlipsKernelDeps;
  readonly #requests: KlipsRequests;
  /** By the number of the state. */
  readonly #chains = new Map<number, Chains>();
  #tunnelSpi = FIRST_TUNNEL - 1;
  #orphans = new Orphans([], []);
  #canCompress = false;
  /** By SAID: milliseconds since something came in by it. */
  #idle: Promise<ReadonlyMap<string, number>> | undefined;

  private constructor(deps: KlipsKernelDeps) {
    this.#deps = deps;
    this.#requests = new KlipsRequests(deps.klips);
  }

  /** Registers for what KLIPS asks. */
  static async start(deps: KlipsKernelDeps): Promise<KlipsKernel> {
    const kernel = new KlipsKernel(deps);
    const news = deps.klips.messages();
    await kernel.#register();
    await kernel.#adopt();
    void kernel.#listen(news);
    return kernel;
  }

  get canCompress(): boolean {
    return this.#canCompress;
  }

  /** Virtual devices that are attached, with the addresses that they share with their physical ones. */
  async interfaces(): Promise<readonly KernelInterface[]> {
    const rows: { readonly virtual: string; readonly physical: string | null }[] = await this.#requests.list("tncfg");
    const found: KernelInterface[] = [];
    for (const { virtual, physical } of rows) {
      if (physical === null) continue;
      const [own, below] = [await this.#deps.addressesOf(virtual), await this.#deps.addressesOf(physical)];
      const addresses = own.filter((address) => below.some((one) => sameAddress(one, address)));
      if (addresses.length) found.push({ virtual, physical, addresses });
    }
    return found;
  }

  async installInbound(sa: IpsecSa, checkArrivals = true): Promise<InstalledSa> {
    const tunnelIn = this.#tunnelFor(sa);
    const chain = saChain(sa, { direction: "in", tunnelSpi: tunnelIn, cpiSalt: 0 });
    const flow = reversed(pfkeyFlow(flowOfSa(sa)));
    const [{ id }] = chain;
    const isChecked = checkArrivals && (tunnelIn !== undefined || flow.protocol !== 0);
    await this.#install(chain, isChecked ? [{ request: addFlow(id, flow, SA_FLAG.INFLOW), what: "flow", id }] : []);
    this.#chainsOf(sa).in = chain.map(({ id }) => id);
    return tunnelIn === undefined ? {} : { tunnelIn };
  }

  async installOutbound(sa: IpsecSa): Promise<InstalledSa> {
    const tunnelOut = this.#tunnelFor(sa);
    const [high, low] = this.#deps.random(2);
    const chain = saChain(sa, { direction: "out", tunnelSpi: tunnelOut, cpiSalt: high << 8 | low | 1 });
    await this.#install(chain, []);
    this.#chainsOf(sa).out = chain.map(({ id }) => id);
    return tunnelOut === undefined ? {} : { tunnelOut };
  }

  async remove(sa: IpsecSa, which?: "out"): Promise<void> {
    const chains = this.#chains.get(sa.number);
    if (!chains) return;
    if (which === "out") this.#chains.set(sa.number, { ...chains, out: undefined });
    else this.#chains.delete(sa.number);
    // all of a direction are one group, which one of them takes along
    for (const ids of which === "out" ? [chains.out] : [chains.out, chains.in]) {
      if (ids) await this.#removeChain(ids.slice(-1));
    }
  }

  async addEroute(flow: Flow, sa: IpsecSa, replace: boolean): Promise<void> {
    const first = this.#chains.get(sa.number)?.out?.[0];
    if (!first) throw new KernelError(`ERROR: no outbound SAs of #${sa.number} for flow ${formatFlow(flow)}`);
    await this.#lead(flow, first, replace);
  }

  async addShunt(flow: Flow, kind: ShuntKind, replace: boolean): Promise<void> {
    const destination = anyAddress(flow.ours.address.family);
    const id = { protocol: SA_PROTOCOLS.int, spi: MAGIC_SPIS[kind], destination };
    // What an earlier pluto has keyed goes on until it is keyed anew; should nobody do so, the trap asks for it.
    if (kind === "trap" && this.#orphans.carries(flow)) {
      this.#deps.after(ORPHAN_MS.flow, () => void this.#trapOrphan(flow, id));
    } else await this.#lead(flow, id, replace);
  }

  async #lead(flow: Flow, to: SaId, replace: boolean): Promise<void> {
    const flags = replace || this.#orphans.has(flow) ? SA_FLAG.REPLACEFLOW : 0;
    await this.#requests.ask(addFlow(to, pfkeyFlow(flow), flags), "flow", to);
    await this.#release(flow);
  }

  async #trapOrphan(flow: Flow, trap: SaId): Promise<void> {
    if (!this.#orphans.carries(flow)) return;
    try {
      await this.#lead(flow, trap, true);
    } catch (error) {
      this.#deps.warn((error as Error).message);
    }
  }

  /** Removes what carried a flow in the time of an earlier pluto. */
  async #release(flow: Flow): Promise<void> {
    const { outbound, inbound } = this.#orphans.release(flow);
    await this.#removeEach(outbound);
    if (inbound.length) this.#deps.after(ORPHAN_MS.inbound, () => void this.#removeEach(inbound));
  }

  async #removeEach(ids: readonly SaId[]): Promise<void> {
    for (const id of ids) await this.#removeChain([id]).catch((error: Error) => this.#deps.warn(error.message));
  }

  async deleteEroute(flow: Flow): Promise<void> {
    await this.#requests.ask(deleteFlow(pfkeyFlow(flow)), "flow", undefined, ABSENT);
    await this.#release(flow);
  }

  async eroutes(): Promise<readonly ErouteCount[]> {
    const rows: readonly CountedEroute[] = await this.#requests.list("eroute/all");
    return rows.flatMap((row) => {
      const flow = flowOfEroute(row);
      return flow ? [{ flow, packets: row.count, target: row.sa }] : [];
    });
  }

  orphans(): readonly OrphanedPeer[] {
    return [...this.#orphans].flatMap(({ eroute, target, udp }) => {
      const client = subnetOf(eroute.destination);
      const seen = udp?.peer === undefined ? undefined : parseNumericAddress(udp.peer, 0);
      const host = seen?.ok ? seen.value : target.destination;
      return client ? [{ client, host, ...(udp && { port: udp.dport }) }] : [];
    });
  }

  async releaseOrphans(which: (peers: Subnet) => boolean, silentMs: number): Promise<readonly Subnet[]> {
    const released: Subnet[] = [];
    for (const { eroute, inbound } of [...this.#orphans]) {
      const flow = flowOfEroute(eroute);
      if (!flow || !which(flow.peers)) continue;
      const idleMs = await this.#leastIdle(inbound);
      if (idleMs !== undefined && idleMs < silentMs || !this.#orphans.carries(flow)) continue;
      await this.deleteEroute(flow);
      released.push(flow.peers);
    }
    return released;
  }

  async idleInbound(sas: readonly IpsecSa[]): Promise<number | undefined> {
    return await this.#leastIdle(sas.flatMap(({ number }) => this.#chains.get(number)?.in ?? []));
  }

  async #leastIdle(inbound: readonly SaId[]): Promise<number | undefined> {
    const idle = await this.#idleTimes();
    let least: number | undefined;
    for (const id of inbound) {
      const ms = idle.get(formatSaId(id, "x"));
      if (ms !== undefined) least = Math.min(least ?? Infinity, ms);
    }
    return least;
  }

  #idleTimes(): Promise<ReadonlyMap<string, number>> {
    if (!this.#idle) {
      this.#deps.after(IDLE_TIMES_MS, () => this.#idle = undefined);
      this.#idle = this.#requests.list<readonly IdleSa[]>("spi/all").then((rows) =>
        new Map(rows.flatMap(({ said, idleSeconds }) => idleSeconds === undefined ? [] : [[said, idleSeconds * 1000]]))
      );
    }
    return this.#idle;
  }

  async moveEncapsulation(sa: IpsecSa, remote: Address, remotePort: number): Promise<void> {
    const chains = this.#chains.get(sa.number);
    if (!chains || !sa.encapsulation) return;
    const { local } = sa.path;
    const { localPort } = sa.encapsulation;
    for (
      const id of [...chains.in ?? [], ...chains.out ?? []].filter(({ protocol }) => protocol === SA_PROTOCOLS.esp)
    ) {
      const source = sameAddress(id.destination, local) ? anyAddress(local.family) : local;
      await this.#requests.ask(
        moveSa(id, source, { sport: localPort, dport: remotePort, peer: remote }),
        "Move SA",
        id,
        ABSENT,
      );
    }
  }

  close(): void {
    this.#deps.klips.close();
  }

  #tunnelFor({ mode }: IpsecSa): number | undefined {
    return mode === "tunnel" ? ++this.#tunnelSpi : undefined;
  }

  #chainsOf({ number }: IpsecSa): Chains {
    const chains = this.#chains.get(number) ?? {};
    this.#chains.set(number, chains);
    return chains;
  }

  /** All SAs of a direction, what is asked of them, and their grouping; or none. */
  async #install(chain: readonly NewSa[], further: readonly Asked[]): Promise<void> {
    const adding = await this.#requests.askAll(
      chain.map((sa) => ({ request: addSa(sa), what: "Add SA", id: sa.id })),
    );
    // An SA that was there already is another's, which the rest must not meet.
    const made = chain.filter((_, i) => !adding[i]);
    const grouping = chain.slice(1).map(({ id }, i) => ({ request: groupSas(chain[i].id, id), what: "group", id }));
    const refusal = adding.find(Boolean) ??
      (await this.#requests.askAll([...further, ...grouping])).find(Boolean);
    if (!refusal) return;
    await this.#removeChain(made.map(({ id }) => id));
    throw refusal;
  }

  /** One SA takes the group that it is in with it; half a group is taken apart. */
  async #removeChain(ids: readonly SaId[]): Promise<void> {
    for (const id of [...ids].reverse()) {
      await this.#requests.ask(deleteSa(id, anyAddress(id.destination.family)), "Delete SA", id, ABSENT);
    }
  }

  async #register(): Promise<void> {
    for (const name of ["AH", "ESP", "COMP", "IPIP"] as const) {
      try {
        const request = { type: MESSAGES.REGISTER.number, satype: SATYPES[name].number, extensions: {} };
        await this.#deps.klips.request(request);
        if (name === "COMP") this.#canCompress = true;
      } catch (error) {
        if (!(error instanceof PfkeyError)) throw error;
        this.#deps.warn(`no KLIPS support for ${name === "COMP" ? "IPCOMP" : name}`);
      }
    }
  }

  /** What is there already, as an earlier pluto has left it. */
  async #adopt(): Promise<void> {
    const sas: readonly ListedSa[] = await this.#requests.list("spi/all");
    const eroutes: readonly ListedEroute[] = await this.#requests.list("eroute/all");
    this.#orphans = new Orphans(sas, eroutes, await this.#requests.list<readonly (readonly string[])[]>("spigrp/all"));
    this.#tunnelSpi = this.#orphans.highestTunnel ?? this.#tunnelSpi;
  }

  async #listen(news: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const bytes of news) this.#hear(bytes);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#deps.warn(`KLIPS does not speak PF_KEY: ${error.message}`);
    }
    this.#deps.onClosed();
  }

  #hear(bytes: Uint8Array): void {
    if (senderOf(bytes) !== 0) return; // not KLIPS's own
    const decoded = decodeMessage(bytes);
    if (!decoded.ok) {
      return this.#deps.warn(`pfkey_async: unparseable PF_KEY message: ${decoded.reason}; message ignored`);
    }
    const { message } = decoded;
    if (message.type === MESSAGES.ACQUIRE.number) this.#acquired(message);
    else if (message.type === MESSAGES.EXPIRE.number) this.#worn(message);
  }

  #acquired({ extensions: { source, destination } }: PfkeyMessage): void {
    if (!source || !destination) return;
    this.#deps.onAcquire({
      from: source.address,
      to: destination.address,
      protocol: source.proto,
      fromPort: source.port,
      toPort: destination.port,
    });
  }

  #worn({ satype, extensions: { sa, destination } }: PfkeyMessage): void {
    const protocol = satypeProtocol(satype);
    if (protocol === undefined || !sa || !destination) return;
    const worn = { protocol, spi: sa.spi, destination: destination.address };
    for (const [state, chains] of this.#chains) {
      if ([...chains.in ?? [], ...chains.out ?? []].some((id) => sameSaId(id, worn))) this.#deps.onWorn?.(state);
    }
  }
}

function flowOfSa({ ourClient, peersClient, connection: { ours, peers } }: IpsecSa): Flow {
  return {
    ours: ourClient,
    peers: peersClient,
    protocol: ours.protocol,
    ourPort: ours.clientPort,
    peersPort: peers.clientPort,
  };
}

function flowOfEroute(row: ListedEroute): Flow | undefined {
  const ours = subnetOf(row.source), peers = subnetOf(row.destination);
  if (!ours || !peers) return undefined;
  return { ours, peers, protocol: row.protocol, ourPort: row.sourcePort, peersPort: row.destinationPort };
}

function pfkeyFlow({ ours, peers, protocol, ourPort, peersPort }: Flow): PfkeyFlow {
  return { source: { ...ours, port: ourPort }, destination: { ...peers, port: peersPort }, protocol };
}

function reversed({ source, destination, protocol }: PfkeyFlow): PfkeyFlow {
  return { source: destination, destination: source, protocol };
}

function formatFlow({ ours, peers }: Flow): string {
  return `${formatSubnet(ours)} -> ${formatSubnet(peers)}`;
}

function subnetOf(text: string): Subnet | undefined {
  const subnet = parseSubnet(text, text.includes(":") ? "inet6" : "inet");
  return subnet.ok ? subnet.value : undefined;
}
