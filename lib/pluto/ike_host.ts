/** Pluto's side of the exchanges: what they ask, and what they tell. */
import type { Secret } from "../crypto/secret.ts";
import type { RsaPrivateKey } from "../crypto/rsa.ts";
import { NOTIFY } from "../ike/constants.ts";
import type { IkeConnection } from "../ike/connection.ts";
import type { ClientRequest, DebugArea, GivenSettings, IkeHost, PeerKeys, Refusal, Subject } from "../ike/host.ts";
import type { IkeState, IpsecSa, IsakmpSa, Path } from "../ike/state.ts";
import type { AuthMethod } from "../ike/suite.ts";
import type { Identity } from "../text/identity.ts";
import { type Address, formatAddress } from "../text/address.ts";
import { Connection, NOBODY } from "./connection.ts";
import { RC } from "./define.ts";
import { onPeerDeleted } from "./deletes.ts";
import { onDeadPeer } from "./dpd_action.ts";
import { KernelError } from "./kernel.ts";
import { isEverything } from "./nets.ts";
import { connectionOf, type Parts } from "./parts.ts";
import { isOneTooMany, MOST_SAS, oneTooManyText, superfluous } from "./sa_bounds.ts";
import { forgottenStates, leftBehind } from "./unique_ids.ts";
import { askCredentials } from "./xauth.ts";

export class PlutoHost implements IkeHost {
  constructor(readonly parts: Parts) {}

  chooseByAddress(path: Path, mode: "main" | "aggressive", peerId?: Identity): IkeConnection | Refusal {
    return this.parts.chooser.byAddress(path, mode, peerId);
  }

  chooseByIdentity(sa: IsakmpSa, peerId: Identity, auth: AuthMethod): IkeConnection | Refusal {
    const { chooser, connections, lifeCycle, notes } = this.parts;
    const current = connectionOf(sa);
    const before = connections.size;
    const chosen = chooser.byIdentity(sa, current, peerId, auth);
    if (chosen !== current) queueMicrotask(() => lifeCycle.discardUnused(current));
    // of a peer that does not prove one identity and claims the next
    const note = notes.of(sa.number);
    const { claimed } = note;
    note.claimed = chosen instanceof Connection && connections.size > before ? chosen : undefined;
    if (claimed && claimed !== chosen) lifeCycle.discardUnused(claimed);
    return this.#unlessTooMany(chosen);
  }

  async chooseByClients(sa: IsakmpSa, request: ClientRequest): Promise<IkeConnection | Refusal> {
    return this.#unlessTooMany(await this.parts.chooser.byClients(sa, connectionOf(sa), request));
  }

  presharedKey(connection: IkeConnection, peerId?: Identity): Secret | undefined {
    return this.parts.keys.presharedKey(ours(connection), peerId);
  }

  privateKey(connection: IkeConnection): RsaPrivateKey | undefined {
    return this.parts.keys.privateKey(ours(connection));
  }

  connectionsWith(peerId: Identity): Iterable<IkeConnection> {
    return this.parts.connections.withPeer(peerId);
  }

  async peerKeys(connection: IkeConnection, peerId: Identity): Promise<PeerKeys> {
    return await this.parts.keys.peerKeys(ours(connection), peerId);
  }

  allocateSpi(protocol: "esp" | "ah" | "ipcomp"): number {
    const { spis, engine } = this.parts;
    return spis.take(protocol, () =>
      new Set(
        [...engine.states.values()].flatMap((state) =>
          state.kind === "ipsec" ? state.protocols.map(({ inboundSpi }) => inboundSpi) : []
        ),
      ));
  }

  async installInbound(sa: IpsecSa): Promise<string | undefined> {
    const { parts } = this;
    const connection = connectionOf(sa);
    if (sa.role === "responder") await this.#freeRoute(connection);
    return await parts.tasks.run(() =>
      this.#install(async () => {
        const late = this.#whyLate(sa);
        if (late !== undefined) return late;
        if (!parts.router.mayInstall(connection)) return "could not route";
        const note = parts.notes.of(sa.number);
        note.isInstalled = true;
        const made = await parts.deps.kernel.installInbound(sa, !connection.policy.disableArrivalCheck);
        note.tunnels = { ...note.tunnels, ...made };
        return undefined;
      })
    );
  }

  async installOutbound(sa: IpsecSa): Promise<string | undefined> {
    const { parts } = this;
    const connection = connectionOf(sa);
    return await parts.tasks.run(() =>
      this.#install(async () => {
        const late = this.#whyLate(sa);
        if (late !== undefined) return late;
        const note = parts.notes.of(sa.number);
        note.isInstalled = true;
        const made = await parts.deps.kernel.installOutbound(sa);
        note.tunnels = { ...note.tunnels, ...made };
        if (await parts.router.established(connection, sa)) return undefined;
        // the inbound ones stay for a QI2 that comes again; what is given up takes them along
        await parts.deps.kernel.remove(sa, "out");
        return "could not route";
      })
    );
  }

  async checkPassword(connection: IkeConnection, user: string, password: Secret): Promise<boolean> {
    return await this.parts.deps.checkPassword?.(ours(connection), user, password) ?? false;
  }

  async credentials(sa: IsakmpSa): Promise<{ readonly user: string; readonly password: Secret } | undefined> {
    return await askCredentials(sa, connectionOf(sa), this.parts);
  }

  addressFor(sa: IsakmpSa, wanted?: Address): GivenSettings | Refusal | undefined {
    const current = connectionOf(sa);
    const { ours, peers, settings } = current;
    const wasTurnedAway = sa.isEstablished && peers.addressPool !== undefined && !current.lease;
    const assigned = peers.addressPool
      ? this.parts.addressPools.assign(sa, current, peers.addressPool, wanted)
      : peers.sourceIp && { connection: current, address: peers.sourceIp };
    if (!assigned || "refused" in assigned) return assigned;
    if (wasTurnedAway) queueMicrotask(() => this.#planAnew(sa));
    return {
      ...assigned,
      dns: settings.modecfgDns,
      wins: settings.modecfgWins,
      subnets: ours.client && !isEverything(ours.client) ? [ours.client] : [],
      domains: settings.modecfgDomains,
      ...(settings.modecfgBanner !== undefined && { banner: settings.modecfgBanner }),
    };
  }

  established(state: IkeState): void {
    const { parts } = this;
    const connection = connectionOf(state);
    connection.hasWorked = true;
    if (state.kind === "ipsec") {
      connection.newestIpsec = state.number;
      parts.keeper.changed();
    } else {
      connection.newestIsakmp = state.number;
      if (parts.options.uniqueIds) {
        for (const one of leftBehind(connection, parts.connections)) {
          parts.inBackground(() => parts.lifeCycle.release(one));
        }
      }
      parts.initiator.startPending(state);
      for (const one of parts.assignedAddresses.overtaken(state)) {
        if (parts.initiator.usableIsakmp(one) === state) parts.initiator.initiate(one);
      }
    }
    parts.lifetimes.plan(state);
    parts.whacks.detach(state.number);
    parts.initiator.settled(state);
    for (const old of superfluous(state, parts.engine.statesOf(connection))) {
      parts.teller.tell(old, RC.serious, `gives way to #${state.number}: ${MOST_SAS} SAs of one peer are enough`);
      parts.engine.remove(old, true);
    }
  }

  worn(sa: IsakmpSa): void {
    this.parts.lifetimes.replaceWorn(sa);
  }

  unanswered(state: IkeState): void {
    this.parts.initiator.settled(state);
  }

  gaveUp(state: IkeState): void {
    const { parts } = this;
    const { initiator, router, tasks, deps, teller } = parts;
    const trouble = teller.troubles.of(state);
    const waiting = parts.pending.of(state.number).map(({ connection }) => connection);
    for (const one of new Set([connectionOf(state), ...waiting])) {
      if (!one.policy.opportunistic) continue;
      // traffic does not wait for further attempts
      const peer = formatAddress(one.peers.host);
      const why = trouble === undefined ? `no answer from ${peer}` : `no SA with ${peer}: ${trouble}`;
      parts.inBackground(() => tasks.run(() => router.abandonHold(one, why, deps.clock.now())));
    }
    initiator.gaveUp(state);
  }

  peerDeleted(state: IkeState): void {
    const { engine, lifetimes, deps, teller } = this.parts;
    onPeerDeleted(state, {
      engine,
      lifetimes,
      now: () => deps.clock.now(),
      connectionOf,
      tell: teller.tell.bind(teller),
    });
  }

  lifetimeChanged(state: IkeState): void {
    this.parts.lifetimes.plan(state);
  }

  initialContact(sa: IsakmpSa): void {
    const { lifeCycle, connections } = this.parts;
    const forgotten = forgottenStates(sa, connectionOf(sa), connections, (one) => lifeCycle.statesOf(one));
    for (const state of forgotten) lifeCycle.removeState(state, false);
  }

  peerIsDead(sa: IsakmpSa): void {
    const { lifeCycle, initiator, teller, connections } = this.parts;
    const deps = { lifeCycle, initiator, tell: teller.tell.bind(teller) };
    this.parts.inBackground(() => onDeadPeer(sa, connectionOf(sa), connections, deps));
  }

  /** The answer is that of the time before; asking brings the next one. */
  lastInbound(sa: IsakmpSa): number | undefined {
    this.parts.inBackground(() => this.#askInbound(sa));
    return this.parts.notes.of(sa.number).lastInbound;
  }

  /** Of all SAs with this peer, whichever ISAKMP SA they were negotiated under. */
  moved(_sa: IsakmpSa, path: Path): void {
    const { parts } = this;
    for (const state of parts.engine.states.values()) {
      if (state.kind !== "ipsec" || state.path !== path || !state.isEstablished) continue;
      parts.inBackground(() =>
        parts.tasks.run(() =>
          this.#quietly(() => parts.deps.kernel.moveEncapsulation(state, path.remote, path.remotePort))
        )
      );
    }
  }

  gone(state: IkeState): void {
    const { parts } = this;
    const connection = connectionOf(state);
    if (connection.newestIsakmp === state.number) connection.newestIsakmp = NOBODY;
    if (connection.newestIpsec === state.number) connection.newestIpsec = NOBODY;
    if (state.kind === "isakmp") parts.initiator.ended(state);
    else parts.initiator.settled(state);
    parts.whacks.detach(state.number);
    const { isInstalled, claimed } = parts.notes.of(state.number);
    parts.notes.forget(state.number);
    if (claimed) queueMicrotask(() => parts.lifeCycle.discardUnused(claimed));
    if (state.kind === "ipsec" && isInstalled) {
      parts.inBackground(() => parts.tasks.run(() => this.#takeDown(connection, state)));
    }
    if (state.kind === "ipsec" && connection.assigned) {
      parts.inBackground(() => parts.assignedAddresses.giveBack(connection));
    }
    queueMicrotask(() => parts.lifeCycle.discardUnused(connection));
  }

  tell(about: Subject, code: number, text: string): void {
    this.parts.teller.tell(about, code, text);
  }

  debug(about: Subject, area: DebugArea, text: () => string): void {
    this.parts.teller.debug(about, area, text);
  }

  #unlessTooMany(chosen: Connection | Refusal): Connection | Refusal {
    const { connections, lifeCycle } = this.parts;
    if (!(chosen instanceof Connection) || !isOneTooMany(chosen, connections)) return chosen;
    queueMicrotask(() => lifeCycle.discardUnused(chosen));
    return { refused: oneTooManyText(formatAddress(chosen.peers.host)), notify: NOTIFY.INVALID_ID_INFORMATION };
  }

  #planAnew(sa: IsakmpSa): void {
    if (this.parts.engine.states.has(sa.number)) this.parts.lifetimes.plan(sa);
  }

  /** What the peer's client was routed to before, at another place, gives way. */
  async #freeRoute(connection: Connection): Promise<void> {
    for (;;) {
      const old = this.parts.router.conflicting(connection);
      if (!old) return;
      const text = `route to peer's client conflicts with "${old.name}" ${formatAddress(old.peers.host)}; ` +
        "releasing old connection to free the route";
      this.parts.teller.tell(connection, RC.serious, text);
      await this.parts.lifeCycle.release(old);
      if (this.parts.router.conflicting(connection) === old) return;
    }
  }

  /** Whoever ended the SA while it waited for its turn has asked for its removal already; its keys are wiped. */
  #whyLate(sa: IpsecSa): string | undefined {
    const { engine, connections } = this.parts;
    if (engine.states.get(sa.number) !== sa) return "the SA has been deleted";
    return connections.has(connectionOf(sa)) ? undefined : "the connection has been deleted";
  }

  async #takeDown(connection: Connection, state: IpsecSa): Promise<void> {
    await this.parts.router.ownerGone(connection, state.number);
    await this.#quietly(() => this.parts.deps.kernel.remove(state));
    this.parts.keeper.changed();
  }

  async #askInbound(sa: IsakmpSa): Promise<void> {
    const { engine, deps, notes } = this.parts;
    const under = [...engine.statesUnder(sa.number)].filter(({ isEstablished }) => isEstablished);
    await this.#quietly(async () => {
      const idle = under.length ? await deps.kernel.idleInbound(under) : undefined;
      if (!engine.states.has(sa.number)) return;
      notes.of(sa.number).lastInbound = idle === undefined ? undefined : deps.clock.now() - idle;
    });
  }

  /** @returns the reason of a failure */
  async #install(act: () => Promise<string | undefined>): Promise<string | undefined> {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return error.message;
    }
  }

  async #quietly(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.parts.teller.tell(undefined, RC.serious, error.message);
    }
  }
}

function ours(connection: IkeConnection): Connection {
  if (connection instanceof Connection) return connection;
  throw new TypeError(`Cannot work on the connection ${connection.name}: it is not ours`);
}
