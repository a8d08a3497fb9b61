/**
 * Opportunistic encryption (pluto.md §19): who the peer's gateway is, and whether both sides may speak for their clients,
 * is in the DNS. The questions are in `oppo_records.ts`; here is what follows from the answers.
 */
import type { ClientRequest, Timer } from "../ike/host.ts";
import type { IsakmpSa } from "../ike/state.ts";
import type { RsaPublicKey } from "../crypto/rsa.ts";
import { type Address, formatAddress, sameAddress } from "../text/address.ts";
import { addressInSubnet, hostSubnet } from "../text/subnet.ts";
import { connectionFor, flowOf } from "./acquire.ts";
import { type Connection, priorityOf } from "./connection.ts";
import { RC } from "./define.ts";
import { DnsPassage, type NameServer, type PassageNeeds } from "./dns_passage.ts";
import type { Acquire, Flow } from "./kernel.ts";
import { isEverything, isOnly } from "./nets.ts";
import { type DnssecPolicy, OppoRecords } from "./oppo_records.ts";
import type { IpsecLookup } from "../dns/ipsec_records.ts";
import type { OpportuneOptions, Opportunism, Unconfirmed, Unfounded } from "./opportunism.ts";
import { WatchedLookup } from "./watched_lookup.ts";
import { connectionOf, type Parts } from "./parts.ts";
import { Patience } from "./patience.ts";
import { type BareShunt, sameFlow } from "./bare_shunts.ts";
import { isRouted } from "./routing_states.ts";
import { TaskQueue } from "./task_queue.ts";

export interface OpportunisticOptions {
  readonly dns: IpsecLookup;
  readonly dnssec: DnssecPolicy;
  /** For so many seconds of a peer's silence traffic is held that may go in the clear; 0: for as long as an attempt lasts. */
  readonly waitSeconds: number;
  /** Name servers that are asked. @param changed called where their addresses are found to be others later */
  nameServers(changed: () => void): readonly NameServer[];
}

/** So long may the DNS be silent about two hosts before what they say to each other's port 53 is passed. */
const SUSPICION_MS = 250;
/** How often it is looked whether that is still needed. */
const PASSAGE_MS = 5000;

/** How long the same note is not repeated. */
const NOTE_SECONDS = 86400;

export class Opportunistic implements Opportunism {
  readonly #parts: Parts;
  readonly #options: OpportunisticOptions;
  readonly #records: OppoRecords;
  readonly #passage: DnsPassage;
  readonly #settlements = new TaskQueue();
  readonly #patience: Patience;
  #settling: { readonly atMs: number; readonly timer: Timer } | undefined;
  /** When each was last said, in seconds since 1970. */
  readonly #notes = new Map<string, number>();

  constructor(parts: Parts, options: OpportunisticOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#records = this.#recordsBy(options.dns);
    this.#passage = new DnsPassage(parts.deps.kernel);
    this.#patience = new Patience(parts, options.waitSeconds * 1000);
  }

  async initiate(
    template: Connection,
    acquire: Acquire,
    options: OpportuneOptions,
  ): Promise<Unfounded | "changed" | undefined> {
    if (options.isHeld) this.#settleAfter(SUSPICION_MS);
    const lookup = new WatchedLookup(this.#options.dns);
    const asked = this.#findGateway(template, acquire, this.#recordsBy(lookup));
    const gateway = await (options.isHeld ? this.#patience.within(template, asked) : asked);
    if (!gateway) return { why: lookup.silence(this.#options.waitSeconds), isUnanswered: true };
    const unfounded = (why: string): Unfounded => ({ why, isUnanswered: lookup.isUnanswered });
    if ("why" in gateway) return unfounded(gateway.why);
    const news = this.#news(template, acquire, options);
    if (news === "overtaken") return undefined;
    if (news === "changed") return news;
    const why = await this.#start(acquire, gateway, options);
    return why === undefined ? undefined : { why, isUnanswered: false };
  }

  /** Who we are, whether we may, and whom to speak with. */
  async #findGateway(
    template: Connection,
    acquire: Acquire,
    records: OppoRecords,
  ): Promise<{ readonly address: Address; readonly key: RsaPublicKey } | { readonly why: string }> {
    const own = this.#ownKey(template);
    if (!own) return { why: "we don't know our own RSA key" };
    // asked for now, so that the answer is there when its turn comes
    const gateway = records.findGateway(acquire.to);
    const unknown = await this.#settleMyId(template, own, records);
    if (unknown !== undefined) return { why: unknown };
    const client = sameAddress(acquire.from, template.ours.host) ? undefined : acquire.from;
    const unconfirmed = await records.confirmUs(template.ours.id, client, own);
    return unconfirmed === undefined ? await gateway : { why: unconfirmed };
  }

  #recordsBy(dns: IpsecLookup): OppoRecords {
    return new OppoRecords({ dns, dnssec: this.#options.dnssec, note: (text) => this.#note(text) });
  }

  async confirm(sa: IsakmpSa, template: Connection, { ours, peers }: ClientRequest): Promise<Unconfirmed | undefined> {
    const current = connectionOf(sa);
    const ourClient = ours.client.address, hisClient = peers.client.address;
    const own = this.#ownKey(template);
    const client = isOnly(ours.client, current.ours.host) ? undefined : ourClient;
    const why = own ? await this.#records.confirmOurClient(current.ours.id, client, own) : "we don't know our own key";
    if (why !== undefined) return { client: ourClient, whose: "our", why };
    if (isOnly(peers.client, current.peers.host)) return undefined;
    const hisWhy = await this.#records.confirmPeersClient(hisClient, current.peers.id, sa.peerKey);
    return hisWhy === undefined ? undefined : { client: hisClient, whose: "his", why: hisWhy };
  }

  held(connection: Connection): void {
    this.#patience.watch(connection);
  }

  async settle(): Promise<void> {
    const { teller } = this.#parts;
    // apart from routing: it is about eroutes of its own, and about many where many hosts are spoken to
    await this.#settlements.run(async () => {
      const needs = this.#passageNeeds();
      const failed = await this.#passage.settle(needs);
      if (failed !== undefined) teller.tell(undefined, RC.serious, failed);
      if (needs.stopped.length) this.#settleAfter(PASSAGE_MS);
    });
  }

  #settleAfter(ms: number): void {
    const { deps } = this.#parts;
    const atMs = deps.clock.now() + ms;
    if (this.#settling && this.#settling.atMs <= atMs) return;
    this.#settling?.timer.cancel();
    const timer = deps.clock.after(ms, () => {
      this.#settling = undefined;
      this.#parts.inBackground(() => this.settle());
    });
    this.#settling = { atMs, timer };
  }

  #passageNeeds(): PassageNeeds {
    const { connections, interfaces, shunts } = this.#parts;
    const standing = [...connections].filter((one) => one.policy.opportunistic && isRouted(one.routing));
    if (standing.length === 0) return { askers: [], servers: [], stopped: [] };
    const ours = interfaces.map(({ address }) => address);
    const servers = this.#options.nameServers(() => this.#parts.inBackground(() => this.settle()));
    const behindUs = servers.map(({ address }) => address).filter((one) =>
      !ours.some((other) => sameAddress(one, other)) &&
      standing.some(({ template, ours: { net } }) => !template && addressInSubnet(one, net))
    );
    const askers = [...ours, ...behindUs];
    return {
      askers,
      servers: servers.filter(({ address }) => !askers.every((one) => keepsToItself(one, address, connections))),
      stopped: this.#stopped(connections, shunts).filter(({ ours, peers }) =>
        !keepsToItself(ours.address, peers.address, connections)
      ),
    };
  }

  /** What waits for the DNS or the peer, and what has been refused for want of them. */
  #stopped(connections: Iterable<Connection>, shunts: Iterable<BareShunt>): Flow[] {
    const flows: Flow[] = [];
    for (const { kind, flow } of shunts) if (kind !== "pass") flows.push(flow);
    for (const { policy, routing, flow } of connections) {
      if (policy.opportunistic && (routing === "UNROUTED_HOLD" || routing === "ROUTED_HOLD")) flows.push(flow);
    }
    return flows;
  }

  #ownKey(template: Connection): RsaPublicKey | undefined {
    return this.#parts.keys.privateKey(template)?.publicKey;
  }

  /** @returns why none of our names is known */
  async #settleMyId(template: Connection, own: RsaPublicKey, records: OppoRecords): Promise<string | undefined> {
    const { myId } = this.#parts;
    if (template.ours.givenId !== "%myid" || myId.isSpecified) return undefined;
    const address = myId.address ?? { kind: "address", address: template.ours.host } as const;
    const found = await records.findMyId(address, myId.hostName, own);
    if (myId.isSpecified) return undefined; // whack was faster
    if ("why" in found) return found.why;
    myId.confirm(found.id);
    return undefined;
  }

  /** While we asked, the world has gone on. */
  #news(
    template: Connection,
    acquire: Acquire,
    { isHeld, reply }: OpportuneOptions,
  ): "overtaken" | "changed" | undefined {
    const { connections, shunts } = this.#parts;
    const isSame = connectionFor(acquire, connections) === template;
    const isStillHeld = isHeld && shunts.find(flowOf(acquire))?.kind === "hold";
    if (isSame && isStillHeld === isHeld) return undefined;
    if (isStillHeld) return "changed";
    const pair = `${formatAddress(acquire.from)} to ${formatAddress(acquire.to)}`;
    const text = `%hold otherwise handled during DNS lookup for Opportunistic Initiation for ${pair}`;
    reply?.line(RC.comment, text);
    this.#parts.teller.debug(template, "oppo", () => text);
    return "overtaken";
  }

  async #start(
    acquire: Acquire,
    gateway: { readonly address: Address; readonly key: RsaPublicKey },
    { isHeld, reply }: OpportuneOptions,
  ): Promise<string | undefined> {
    const { tasks, router, initiator, interfaces } = this.#parts;
    const [from, to, peer] = [acquire.from, acquire.to, gateway.address].map((one) => formatAddress(one));
    if (interfaces.some(({ address }) => sameAddress(address, gateway.address))) {
      return `target's TXT record: the gateway of ${to} is this host`;
    }
    const suited = this.#narrowest(acquire);
    if (!suited?.policy.opportunistic || suited.neverNegotiates) {
      return `no suitable connection for opportunism between ${from} and ${to} with ${peer} as peer`;
    }
    await tasks.run(async () => {
      const instance = this.#instanceFor(suited, acquire, gateway.address);
      instance.gatewayKeys = [gateway.key];
      if (isHeld) await router.assignHold(instance, flowOf(acquire));
      if (isHeld) this.held(instance);
      // both ends may have begun at once; the end of one that was there already takes the hold along
      initiator.initiateOrJoin(instance, reply);
    });
    return undefined;
  }

  /** The routed connection for any peer that has the least around the two clients. */
  #narrowest({ from, to }: Acquire): Connection | undefined {
    let best: Connection | undefined;
    for (const one of this.#parts.connections) {
      if (!one.isOriented || !one.peers.isAnyHost || !isRouted(one.routing) || one.connectionKind === "CK_GROUP") {
        continue;
      }
      if (!addressInSubnet(from, one.ours.net) || !addressInSubnet(to, one.peers.net)) continue;
      if (!best || one.priority > best.priority) best = one;
    }
    return best;
  }

  #instanceFor(template: Connection, { from, to }: Acquire, gateway: Address): Connection {
    const { connections, deps } = this.#parts;
    const instance = template.instantiate(gateway);
    instance.ours.client = sameAddress(from, instance.ours.host) ? undefined : hostSubnet(from);
    instance.peers.client = sameAddress(to, gateway) ? undefined : hostSubnet(to);
    instance.peers.givenId = { kind: "address", address: gateway };
    const present = connections.instancesOf(template).find((one) =>
      one.connectionKind === "CK_INSTANCE" && sameAddress(one.peers.host, gateway) && sameFlow(one.flow, instance.flow)
    );
    if (present) return present;
    instance.madeAt = deps.clock.now();
    connections.add(instance);
    return instance;
  }

  #note(text: string): void {
    const { deps, teller } = this.#parts;
    const now = deps.wallClock(), last = this.#notes.get(text);
    if (last !== undefined && now - last < NOTE_SECONDS) return;
    this.#notes.set(text, now);
    teller.tell(undefined, RC.serious, text);
  }
}

/**
 * Whether the narrowest policy for two hosts lets nothing out in the clear, and is not one for everybody: `private` and
 * `block` for a network, and plain tunnels, hold for its DNS as well.
 */
function keepsToItself(ours: Address, peers: Address, connections: Iterable<Connection>): boolean {
  let best: Connection | undefined;
  for (const one of connections) {
    if (one.template || !isRouted(one.routing)) continue;
    if (!addressInSubnet(ours, one.ours.net) || !addressInSubnet(peers, one.peers.net)) continue;
    if (!best || priorityOf(one.ours.net, one.peers.net) > priorityOf(best.ours.net, best.peers.net)) best = one;
  }
  return best !== undefined && !isEverything(best.peers.net) && best.policy.shunt !== "pass" &&
    best.policy.failure !== "pass";
}
