/** What all parts of the engine share: the states, the machine over them, sending, saying, counting, and carrying effects out. */
import { sameIdentity } from "../text/identity.ts";
import { IvChain } from "./cbc.ts";
import { EXCHANGE } from "./constants.ts";
import { Counters, RateLimit } from "./counters.ts";
import { isakmpDelete, isPeers } from "./delete_payload.ts";
import { Exchange } from "./exchange.ts";
import type { Effect, Opening, Reply, StepDeps } from "./exchange_table.ts";
import type { IkeDeps, IkeOptions, Subject } from "./host.ts";
import { isEncrypted, lastBlock, type Packet } from "./incoming.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import { KeepAlives } from "./keep_alive.ts";
import { messageIv } from "./keys.ts";
import { MOST_MESSAGE_IDS, WORN_AT } from "./message_ids.ts";
import { Machine } from "./machine.ts";
import { clearNotice, isSaidInClear, isSaidProtected, MOST_NOTICES, MOST_REFUSALS, noticePayload } from "./notices.ts";
import { datagramsFor, writeMessage } from "./outgoing.ts";
import type { Payload } from "./payload.ts";
import type { EngineServices, Phase2 } from "./phase2.ts";
import { firstHash } from "./phase2_hash.ts";
import { type IkeState, type Path, samePath, type StateName } from "./state.ts";
import { type State, StateTable } from "./state_table.ts";

/** Lines in a second about messages that anybody may have sent, and about those of whoever knows our cookies. */
const MOST_LINES = { anybody: 20, acquainted: 100 } as const;
/**
 * Between the last message of Aggressive Mode, which nothing answers, and the first of Quick Mode: a responder that still
 * checks a signature, or whose threads overtake each other, would drop that, and it comes again after ten seconds only.
 */
const SETTLING_MS = 200;
/** While the peer should begin XAUTH or Mode Config. */
const WAIT_FOR_PEER_MS = 120_000;
const WAITING_HINTS: Readonly<Partial<Record<StateName, string>>> = {
  XAUTH_I0: ": it does not ask for a password; is leftxauthclient= right?",
  MODE_CFG_I1: ": it sends no address unasked; modecfgpull=yes asks for one",
};

export class EngineCore {
  readonly options: IkeOptions;
  readonly deps: IkeDeps;
  readonly counters = new Counters();
  readonly table: StateTable;
  readonly machine: Machine;
  readonly phase2: Phase2;
  readonly stepDeps: StepDeps;
  readonly #keepAlives: KeepAlives;
  readonly #lines = { anybody: new RateLimit(MOST_LINES.anybody), acquainted: new RateLimit(MOST_LINES.acquainted) };
  readonly #notices = new RateLimit(MOST_NOTICES);

  /** @param receive takes a message that was kept */
  constructor(
    options: IkeOptions,
    deps: IkeDeps,
    makePhase2: (services: EngineServices) => Phase2,
    readonly receive: (packet: Packet) => void,
  ) {
    this.options = options;
    this.deps = deps;
    this.table = new StateTable(options.mostHalfOpen);
    this.#keepAlives = new KeepAlives(deps, this.table.byNumber, options.keepAliveSeconds);
    const { host, clock } = deps;
    const world = {
      host,
      clock,
      random: (bytes: number) => deps.random(bytes),
      send: (path: Path, datagram: Uint8Array) => deps.send(path, datagram),
    };
    this.stepDeps = {
      ...world,
      options,
      isakmpOf: (state) => this.isakmpOf(state as State),
      isFirstContact: (state) => this.#isFirstContact(state),
    };
    this.phase2 = makePhase2({
      ...world,
      states: this.table.byNumber,
      statesOf: (connection) => this.table.of(connection),
      statesUnder: (isakmp) => this.table.under(isakmp),
      findByCookies: (initiator, responder) => this.table.findByCookies(initiator, responder),
      inform: (sa, payloads) => this.inform(sa, payloads),
      openTransaction: (sa, opening) => this.openTransaction(sa, opening),
    });
    this.machine = new Machine({
      stepDeps: this.stepDeps,
      counters: this.counters,
      tellDoubtful: (about, code, text) => this.tellDoubtful(about, code, text),
      reply: (state, exchange, reply, encrypts) => this.#reply(state, exchange, reply, encrypts),
      resend: (state, exchange) => this.#sendAll(state.path, exchange.lastSent),
      authentic: (state, packet) => this.authentic(state, packet),
      refused: (state, packet, notify, checked) => this.#refused(state, packet, notify, checked),
      changed: (state, exchange) => this.#changed(state, exchange),
      established: (state) => this.#established(state),
      perform: (state, effect) => this.perform(state, effect),
      resumed: (state) => this.#takeEarly(state),
      drop: (state) => this.drop(state),
    });
  }

  /** So that a flood of messages from anybody does not hide what honest peers are told. */
  tellDoubtful(about: Subject, code: number, text: string): void {
    const { host, clock } = this.deps;
    const isStranger = about === undefined || !("kind" in about) || this.table.isUnproven(about as State);
    const { may, refused } = this.#lines[isStranger ? "anybody" : "acquainted"].take(clock.now());
    if (refused > 0) host.tell(undefined, 2, `${refused} more lines about messages from anybody were left out`);
    if (may) host.tell(about, code, text);
    else this.counters.count("linesLeftOut");
  }

  /** Drops a message with a line. @param about the sender, or the state that it pretends to be for */
  refuse(about: Subject, counter: string, text: string, code = 2): void {
    this.counters.count(counter);
    this.tellDoubtful(about, code, text);
  }

  isakmpOf(state: State): IsakmpState | undefined {
    return state.kind === "isakmp" ? state : this.table.isakmp(state.isakmp);
  }

  // Sending

  #sendAll(path: Path, datagrams: readonly Uint8Array[]): void {
    for (const datagram of datagrams) {
      this.counters.count("sent");
      this.deps.send(path, datagram);
    }
  }

  #reply(state: State, exchange: Exchange, reply: Reply, encrypts: boolean): void {
    const sa = this.isakmpOf(state);
    if (!sa) return;
    exchange.lastSent = datagramsFor(sa, state.path, writeMessage(sa, exchange, reply, encrypts));
    this.#sendAll(state.path, exchange.lastSent);
  }

  /** A message id of our own, and the IVs of its exchange. */
  newExchange(sa: IsakmpState, type: number): Exchange {
    return this.exchangeFor(sa, type, this.drawMessageId(sa));
  }

  drawMessageId(sa: IsakmpState): number {
    const id = sa.messageIds.draw(this.deps.random);
    this.usedMessageId(sa, id);
    return id;
  }

  /** Of an authentic message, or of one of ours. */
  usedMessageId(sa: IsakmpState, id: number): void {
    if (sa.messageIds.has(id)) return;
    sa.messageIds.add(id);
    const { size } = sa.messageIds;
    const isWorn = size === WORN_AT[sa.role], isFull = size === MOST_MESSAGE_IDS;
    // not in the midst of a step
    if (isWorn || isFull) this.deps.clock.after(0, () => isFull ? this.#wornOut(sa) : this.#worn(sa));
  }

  #worn(sa: IsakmpState): void {
    if (!sa.isGone && sa.isEstablished) this.deps.host.worn(sa);
  }

  #wornOut(sa: IsakmpState): void {
    if (sa.isGone) return;
    this.deps.host.tell(sa, 3, `deleting ISAKMP SA: it has had ${MOST_MESSAGE_IDS} exchanges`);
    this.remove(sa, true);
  }

  exchangeFor(sa: IsakmpState, type: number, messageId: number): Exchange {
    const exchange = new Exchange(type, messageId);
    exchange.chain = this.chainFor(sa, messageId);
    return exchange;
  }

  /** @param last block of phase 1 */
  chainFor({ suite, keys, exchange }: IsakmpState, messageId: number, last = exchange.chain?.iv): IvChain {
    if (!suite || !keys || !last) throw new RangeError("Cannot begin phase 2 before phase 1 is through");
    return new IvChain(suite, keys.encryptionKey, messageIv(suite, last, messageId));
  }

  /** An informational message, which is not repeated. */
  inform(sa: IsakmpState, payloads: readonly Payload[]): void {
    if (sa.isGone || !sa.isAuthenticated || payloads.length === 0) return;
    const exchange = this.newExchange(sa, EXCHANGE.INFO);
    const message = writeMessage(sa, exchange, { payloads, hash: firstHash(sa, exchange.messageId) }, true);
    this.#sendAll(sa.path, datagramsFor(sa, sa.path, message));
  }

  openTransaction(sa: IsakmpState, opening: Opening<IsakmpState>): void {
    if (sa.isGone || !sa.isAuthenticated) return;
    const exchange = this.newExchange(sa, EXCHANGE.MODE_CFG);
    sa.transaction = exchange;
    this.machine.open(this.phase2.transaction, opening, sa, exchange);
  }

  /** In the clear, to whoever has sent it. */
  notify(packet: Packet, notify: number): void {
    if (packet.header.exchange === EXCHANGE.INFO || !isSaidInClear(notify)) return;
    if (!this.#notices.take(this.deps.clock.now()).may) return this.counters.count("noticesLeftOut");
    const messageId = new DataView(this.deps.random(4).buffer).getUint32(0);
    this.counters.count("noticesSent");
    this.#sendAll(packet.path, [clearNotice(packet, notify, messageId)]);
  }

  #refused(state: State, packet: Packet, notify: number, checked: boolean): void {
    const sa = this.isakmpOf(state);
    if (sa && !sa.isAuthenticated && checked && isEncrypted(packet)) return this.#refuseProof(sa, packet, notify);
    if (!sa?.isAuthenticated) return this.notify(packet, notify);
    // Quick Mode's steps check the HASH before anything else.
    const about = state.kind === "ipsec" ? state.proposed : undefined;
    if (checked && isSaidProtected(notify)) this.inform(sa, [noticePayload(notify, about)]);
  }

  /**
   * A proof that we do not take: under the keys that both have, since many peers ignore what comes in the clear, and to
   * where the state's messages go, which the peer has shown to receive. A responder that has proved itself believes that
   * the SA stands: it is told that there is none.
   */
  #refuseProof(sa: IsakmpState, packet: Packet, notify: number): void {
    if (!isSaidProtected(notify) || sa.refusals >= MOST_REFUSALS || !sa.exchange.chain) return;
    if (!this.#notices.take(this.deps.clock.now()).may) return this.counters.count("noticesLeftOut");
    sa.refusals++;
    const exchange = new Exchange(EXCHANGE.INFO, this.drawMessageId(sa));
    exchange.chain = this.chainFor(sa, exchange.messageId, lastBlock(packet, sa.exchange.chain.iv.length));
    const payloads = [noticePayload(notify), ...(sa.role === "initiator" ? [isakmpDelete(sa)] : [])];
    const message = writeMessage(sa, exchange, { payloads, hash: firstHash(sa, exchange.messageId) }, true);
    this.counters.count("noticesSent");
    this.#sendAll(sa.path, datagramsFor(sa, sa.path, message));
  }

  // What becomes of states

  #changed(state: State, exchange: Exchange): void {
    const sa = this.isakmpOf(state);
    if (sa && exchange.messageId !== 0) this.usedMessageId(sa, exchange.messageId);
    if (state.kind !== "isakmp") return;
    this.table.reindex(state);
    if (exchange !== state.exchange) state.transaction = exchange;
  }

  #established(state: State): void {
    if (state.kind === "ipsec") {
      state.isEstablished = true;
      this.#keepAlives.start(state);
      return this.deps.host.established(state);
    }
    state.isAuthenticated = true;
    state.forgetWork();
    state.keys?.skeyid.wipe();
    this.table.authenticated(state);
    this.#keepAlives.start(state);
    const after = this.phase2.afterPhase1(state);
    switch (after.next) {
      case "ready":
        return state.name === "AGGR_I2" ? this.#settle(state) : this.#ready(state);
      case "open":
        return this.openTransaction(state, after.opening);
      case "wait":
        state.name = after.state;
        return this.machine.schedule(state, {
          name: "EVENT_SO_DISCARD",
          afterMs: WAIT_FOR_PEER_MS,
          act: () => this.#waitedInVain(state),
        });
    }
  }

  #takeEarly(state: State): void {
    const packet = state.kind === "isakmp" ? state.early : undefined;
    if (!packet || state.kind !== "isakmp") return;
    state.early = undefined;
    this.receive(packet);
  }

  #settle(sa: IsakmpState): void {
    sa.isSettling = true;
    this.machine.schedule(sa, { name: "EVENT_NULL", afterMs: SETTLING_MS, act: () => this.settled(sa) });
  }

  /** At the latest when the peer begins Quick Mode. */
  settled(sa: IsakmpState): void {
    if (!sa.isSettling) return;
    this.machine.cancel(sa);
    this.#ready(sa);
  }

  #waitedInVain(state: IsakmpState): void {
    const { host } = this.deps;
    const hint = WAITING_HINTS[state.name] ?? "";
    const detail = `.  The peer has not begun what it should within ${WAIT_FOR_PEER_MS / 1000} seconds${hint}`;
    host.tell(state, 31, `gave up in STATE_${state.name}${detail}`);
    if (state.role === "initiator") host.gaveUp(state, detail);
    this.drop(state);
  }

  #ready(sa: IsakmpState): void {
    // Of the last Transaction.
    this.machine.cancel(sa);
    sa.isEstablished = true;
    this.deps.host.established(sa);
    if (!sa.isGone) this.phase2.ready(sa);
  }

  /** Known by its keys, the peer may have come by another way than before (RFC 3947 §4). */
  authentic(state: State, { path }: Packet): void {
    const sa = this.isakmpOf(state);
    if (!sa) return;
    if (sa.isAuthenticated) this.phase2.alive(sa);
    const before = sa.path;
    if (samePath(path, before)) return;
    sa.path = path;
    if (!sa.isAuthenticated) return;
    for (const other of this.table.byNumber.values()) if (samePath(other.path, before)) move(other, path);
    this.deps.host.moved(sa, path);
  }

  perform(state: State, effect: Effect): void {
    const { host } = this.deps;
    switch (effect.effect) {
      case "tell":
        return this.isakmpOf(state)?.isAuthenticated
          ? host.tell(state, effect.code, effect.text)
          : this.tellDoubtful(state, effect.code, effect.text);
      case "inform": {
        const sa = this.isakmpOf(state);
        return sa && this.inform(sa, effect.payloads);
      }
      case "ready":
        return state.kind === "isakmp" && !state.isGone ? this.#ready(state) : undefined;
      case "initial contact":
        return state.kind === "isakmp" ? host.initialContact(state) : undefined;
      case "open":
        return state.kind === "isakmp" ? this.openTransaction(state, effect.opening) : undefined;
      case "remove":
        return this.remove(effect.state, effect.tellPeer);
      case "peerDeleted":
        return host.peerDeleted(effect.state);
      case "giveUp":
        host.gaveUp(effect.state, effect.detail);
        return this.drop(effect.state as State);
    }
  }

  /** @param tellPeer by a Delete, under the SA itself or one that its peer has with us */
  remove(state: IkeState, tellPeer: boolean): void {
    const own = state as State;
    if (own.isGone) return;
    const teller = tellPeer && isPeers(own) ? this.#tellerFor(own) : undefined;
    if (teller) this.inform(teller, this.phase2.deletes(own));
    this.drop(own);
  }

  #tellerFor(state: State): IsakmpState | undefined {
    const own = this.isakmpOf(state);
    if (own?.isAuthenticated) return own;
    const isakmps = this.#others(state).filter((one): one is IsakmpState => one.kind === "isakmp" && one.isEstablished);
    return isakmps.sort((a, b) => b.number - a.number)[0];
  }

  #isFirstContact(state: IsakmpState): boolean {
    return !this.#others(state).some(({ isEstablished }) => isEstablished);
  }

  /** States with the same two ends. */
  #others(state: State): State[] {
    const { ours: { id: ourId }, peers: { id: peersId } } = state.connection;
    const alike = [...this.deps.host.connectionsWith(peersId)].filter(({ ours }) => sameIdentity(ours.id, ourId));
    return [...new Set([...alike, state.connection])]
      .flatMap((one) => [...this.table.of(one)]).filter((one) => one !== state);
  }

  drop(state: State): void {
    if (state.isGone) return;
    state.isGone = true;
    this.machine.cancel(state);
    this.table.remove(state);
    this.phase2.gone(state);
    state.wipe();
    this.deps.host.gone(state);
  }
}

function move(state: State, path: Path): void {
  state.path = path;
  if (state.kind !== "ipsec" || !state.encapsulation) return;
  state.encapsulation = { localPort: path.localPort, remotePort: path.remotePort };
}
