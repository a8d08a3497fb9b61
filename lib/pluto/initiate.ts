/** Beginning negotiations: which ISAKMP SA they go under, what waits for one, and what follows a failure (pluto.md §10). */
import type { IkeEngine, Precedent, QuickOptions, Refusal } from "../ike/host.ts";
import { type IkeState, type IpsecSa, type IsakmpSa, type Path, STATES } from "../ike/state.ts";
import type { Connection } from "./connection.ts";
import { type Connections, sameHostPair } from "./connections.ts";
import { RC } from "./define.ts";
import { suitsPhase2 } from "./isakmp_fit.ts";
import type { Pending, PendingQueue } from "./pending.ts";
import { hasIpsecPolicy } from "./policy.ts";
import { QuickWindow } from "./quick_window.ts";
import { type Retries, RETRY_SPACING_MS } from "./retries.ts";
import type { StateNotes } from "./state_notes.ts";
import type { Reply, Whacks } from "./whacks.ts";

export interface InitiatorDeps {
  readonly engine: Pick<IkeEngine, "startPhase1" | "startQuick" | "states" | "statesOf">;
  readonly connections: Pick<Connections, "alike">;
  readonly pending: PendingQueue;
  readonly whacks: Whacks;
  readonly notes: StateNotes;
  readonly retries: Retries;
  now(): number;
  connectionOf(state: IkeState): Connection;
  tell(about: IkeState | Connection, code: number, text: string): void;
  /** To the log and, with its number, to the whack that waits for the state. */
  announce(about: IkeState, code: number, text: string): void;
  /**
   * The connection takes what has come for it with the ISAKMP SA.
   *
   * @returns undefined where there is nothing to wait for; why Quick Mode cannot begin
   */
  adopt(sa: IsakmpSa, connection: Connection): Promise<void> | Refusal | undefined;
  /** Where no Quick Mode has begun after that. */
  giveBack(connection: Connection): void;
  /** Ends an ISAKMP SA, and tells the peer. */
  remove(sa: IsakmpSa): void;
  /** What nobody waits for. */
  inBackground(work: () => Promise<unknown>): void;
  /** There will be no more attempts. */
  failed(connection: Connection): void;
}

export interface InitiateOptions {
  readonly attempt?: number;
  /** Number of the state that is replaced. */
  readonly replaces?: number;
  /** Whack that waits for the outcome. */
  readonly reply?: Reply;
  readonly like?: Precedent;
  /** To a peer behind NAT, which is reached only there; default: as the connection has it. */
  readonly path?: Path;
}

export class Initiator {
  readonly #window = new QuickWindow();

  constructor(readonly deps: InitiatorDeps) {}

  /** Phase 2 at once, after a phase 1 that is under way, or after one that begins now. */
  initiate(connection: Connection, options: InitiateOptions = {}): void {
    const { attempt = 1, replaces = 0, reply, like, path = pathOf(connection) } = options;
    this.deps.retries.cancel(connection);
    if (connection.connectionKind === "CK_GOING_AWAY") return;
    const wantsIpsec = hasIpsecPolicy(connection.policy);
    const wanted = { connection, attempt, replaces, like, reply };
    const usable = this.usableIsakmp(connection);
    if (usable) {
      if (!wantsIpsec) return;
      if (usable.isEstablished && this.#window.hasRoom(usable.number)) this.#startQuick(usable, wanted);
      else this.deps.pending.add({ isakmp: usable.number, ...wanted });
      // who asks in the middle of an attempt would see nothing until its next retransmission, or its end
      if (!usable.isEstablished) reply?.line(RC.comment, `${connection.label}: ${waitsFor(usable)}`);
      return;
    }
    const sa = this.#startPhase1(connection, path, { replaces: 0, attempt }, reply);
    if (sa && wantsIpsec) this.deps.pending.add({ isakmp: sa.number, ...wanted });
  }

  /** The newest one between the same hosts and identities, established or begun by us. */
  usableIsakmp(connection: Connection): IsakmpSa | undefined {
    let newest: IsakmpSa | undefined;
    for (const its of this.deps.connections.alike(connection)) {
      if (!sameHostPair(its, connection) || its.connectionKind === "CK_GOING_AWAY") continue;
      if (its.lease !== connection.lease) continue; // another client behind the same NAT
      for (const state of this.deps.engine.statesOf(its)) {
        if (state.kind !== "isakmp" || !state.isEstablished && state.role !== "initiator") continue;
        if (!suitsPhase2(state, its, connection)) continue;
        if (!newest || state.number > newest.number) newest = state;
      }
    }
    return newest;
  }

  /** For traffic: one negotiation is enough for all that comes meanwhile. @param reply whack that waits for the outcome */
  initiateOrJoin(connection: Connection, reply: Reply | undefined): void {
    if (!this.#isUnderWay(connection)) this.initiate(connection, { reply });
    else if (reply) this.#join(connection, reply);
  }

  /** Whether a negotiation that would serve the connection's traffic is under way. */
  #isUnderWay(connection: Connection): boolean {
    if (this.deps.pending.has(connection) || this.deps.retries.has(connection)) return true;
    const states = [...this.deps.engine.statesOf(connection)];
    return states.some((state) => state.kind === "ipsec" && !state.isEstablished);
  }

  /** The whack waits for the outcome of a negotiation that is under way, unless another does. */
  #join(connection: Connection, reply: Reply): void {
    const { engine, pending, whacks } = this.deps;
    const attach = (state: IkeState | undefined) => {
      if (state && !whacks.waiting(state.number)) whacks.attach(state, reply);
    };
    for (const one of pending) {
      if (one.connection !== connection || one.reply) continue;
      one.reply = reply;
      reply.hold();
      const isakmp = engine.states.get(one.isakmp);
      if (!isakmp?.isEstablished) attach(isakmp);
    }
    for (const state of engine.statesOf(connection)) {
      if (state.kind === "ipsec" && !state.isEstablished) attach(state);
    }
  }

  /** A new SA for an old one, or a new attempt after one that failed. */
  replace(state: IkeState, attempt = 1): void {
    const connection = this.deps.connectionOf(state);
    if (state.kind === "ipsec") {
      const path = state.encapsulation ? state.path : undefined;
      const { pfsGroup, mode } = state;
      return this.initiate(connection, { attempt, replaces: state.number, like: { pfsGroup, mode }, path });
    }
    const path = state.nat.ours || state.nat.peers ? state.path : pathOf(connection);
    const successor = this.#startPhase1(connection, path, { replaces: state.number, attempt }, undefined);
    if (successor) this.deps.pending.move(state.number, successor.number);
  }

  /** Nobody answered. The state is deleted after this. */
  gaveUp(state: IkeState): void {
    const connection = this.deps.connectionOf(state);
    const waiting = new Set(this.deps.pending.of(state.number).map((pending) => pending.connection));
    const most = connection.settings.keyingTries;
    if (most !== 0 && state.attempt >= most) {
      for (const one of waiting.add(connection)) this.deps.failed(one);
      return;
    }
    const attempt = state.attempt + 1;
    const story = `starting keying attempt ${attempt} of ${most === 0 ? "an unlimited number" : `at most ${most}`}`;
    if (this.deps.whacks.waiting(state.number)) {
      this.deps.announce(state, RC.comment, `${story}, but releasing whack`);
      this.#releasePending(state, story);
      this.deps.whacks.detach(state.number);
    } else {
      this.deps.tell(state, RC.log, story);
    }
    const pauseMs = this.deps.notes.of(state.number).startedAt + RETRY_SPACING_MS - this.deps.now();
    if (pauseMs <= 0) this.replace(state, attempt);
    else if (state.kind === "ipsec") this.deps.retries.later(connection, pauseMs, () => this.replace(state, attempt));
    else {
      if (waiting.size === 0) waiting.add(connection);
      for (const one of waiting) this.deps.retries.later(one, pauseMs, () => this.initiate(one, { attempt }));
    }
  }

  /** What waited for this ISAKMP SA begins, as much of it as there is room for. */
  startPending(sa: IsakmpSa): void {
    while (sa.isEstablished && this.#window.hasRoom(sa.number)) {
      const pending = this.deps.pending.next(sa.number);
      if (!pending) return;
      this.#startQuick(sa, pending);
      pending.reply?.release();
    }
  }

  /** A Quick Mode is answered, at its end, or late: another may begin. */
  settled(state: IkeState): void {
    if (state.kind !== "ipsec" || !this.#window.settled(state)) return;
    const sa = this.deps.engine.states.get(state.isakmp);
    if (sa?.kind === "isakmp") this.startPending(sa);
  }

  /** An ISAKMP SA has ended, and with it the hope of what waited for it; where it was established, another one may do. */
  ended({ number, isEstablished }: IsakmpSa): void {
    const pauseMs = this.deps.notes.of(number).startedAt + RETRY_SPACING_MS - this.deps.now();
    for (const { connection, attempt, reply } of this.deps.pending.take(number)) {
      reply?.release();
      if (!isEstablished) continue;
      this.deps.retries.later(connection, Math.max(0, pauseMs), () => this.initiate(connection, { attempt }));
    }
  }

  #startPhase1(
    connection: Connection,
    path: Path,
    options: { readonly replaces: number; readonly attempt: number },
    reply: Reply | undefined,
  ): IsakmpSa | undefined {
    const begun = this.deps.whacks.at(reply, () => {
      return this.#orRefused(connection, this.deps.engine.startPhase1(connection, path, options));
    });
    if (!begun) return undefined;
    this.deps.notes.of(begun.number).startedAt = this.deps.now();
    this.deps.whacks.attach(begun, reply);
    return begun;
  }

  #startQuick(sa: IsakmpSa, wanted: Omit<Pending, "isakmp">): void {
    const adopted = this.deps.adopt(sa, wanted.connection);
    if (!adopted) return this.#beginQuick(sa, wanted);
    if ("refused" in adopted) return this.#unserved(sa, wanted, adopted);
    const preparing: Pending = { isakmp: sa.number, ...wanted, isPreparing: true };
    this.deps.pending.add(preparing);
    this.deps.inBackground(async () => {
      try {
        await adopted;
      } finally {
        // meanwhile the SA may have ended, or nobody wants it any more
        const isStillWanted = this.deps.pending.withdraw(preparing);
        const under = this.deps.engine.states.get(preparing.isakmp);
        if (isStillWanted && under?.kind === "isakmp") this.#beginQuick(under, preparing);
        else this.deps.giveBack(wanted.connection);
        if (isStillWanted) preparing.reply?.release();
      }
    });
  }

  /** The peer has not given what it should: it is asked anew, under another ISAKMP SA. */
  #unserved(sa: IsakmpSa, { connection, attempt, reply }: Omit<Pending, "isakmp">, { refused }: Refusal): void {
    this.deps.whacks.at(reply, () => this.deps.tell(connection, RC.serious, refused));
    // after all that wait for it have been told
    queueMicrotask(() => this.deps.remove(sa));
    const most = connection.settings.keyingTries;
    if (most !== 0 && attempt >= most) return this.deps.failed(connection);
    this.deps.retries.later(connection, RETRY_SPACING_MS, () => this.initiate(connection, { attempt: attempt + 1 }));
  }

  #beginQuick(sa: IsakmpSa, { connection, attempt, replaces, like, reply }: Omit<Pending, "isakmp">): void {
    const options: QuickOptions = { replaces, attempt, ...(like && { like }) };
    const begun = this.deps.whacks.at(reply, () => {
      return this.#orRefused(connection, this.deps.engine.startQuick(sa, connection, options));
    });
    if (!begun) return this.deps.giveBack(connection);
    this.#window.begun(begun);
    this.deps.notes.of(sa.number).usedAt = this.deps.notes.of(begun.number).startedAt = this.deps.now();
    this.deps.whacks.attach(begun, reply);
  }

  #orRefused<T extends IsakmpSa | IpsecSa>(connection: Connection, begun: T | Refusal): T | undefined {
    if (!("refused" in begun)) return begun;
    this.deps.tell(connection, RC.serious, begun.refused);
    return undefined;
  }

  /** Others that wait for the same ISAKMP SA would wait for long. */
  #releasePending(state: IkeState, story: string): void {
    const own = this.deps.whacks.waiting(state.number);
    for (const pending of this.deps.pending.of(state.number)) {
      const { reply } = pending;
      if (!reply) continue;
      if (reply !== own) {
        reply.line(RC.comment, `${story} for ISAKMP SA, but releasing whack for pending IPSEC SA`);
      }
      pending.reply = undefined;
      reply.release();
    }
  }
}

function pathOf({ ours, peers }: Connection): Path {
  return { local: ours.host, localPort: ours.port, remote: peers.host, remotePort: peers.port };
}

function waitsFor({ number, name }: IsakmpSa): string {
  return `waiting for ISAKMP SA #${number}, which is being negotiated: STATE_${name} (${STATES[name].story})`;
}
