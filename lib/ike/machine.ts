/**
 * Runs the tables of exchanges. It checks a message before any step sees it, does what the step's outcome says, and is the
 * only place that changes states, starts their timers and says how far they are.
 *
 * 1. repeats are answered or dropped
 * 2. the row is found; the message opened and held against it
 * 3. the step computes, perhaps asking the host; meanwhile the exchange is suspended
 * 4. its outcome is carried out: changes, reply, timer, lines, effects
 */
import { notifyName } from "./constants.ts";
import type { Counters } from "./counters.ts";
import { answerToRepeat, isRepeat, REPEAT_LINES } from "./duplicates.ts";
import type { Exchange } from "./exchange.ts";
import type {
  Effect,
  ExchangeTable,
  Opening,
  Outcome,
  Row,
  StepDeps,
  TimerRule,
  Transition,
} from "./exchange_table.ts";
import type { EventPlan, Refusal } from "./host.ts";
import { isEncrypted, openMessage, type Packet, type Refused } from "./incoming.ts";
import { logKeys } from "./key_log.ts";
import { remarks } from "./remarks.ts";
import { giveUpText, HALF_OPEN_MS, RETRANSMISSION, waitMs } from "./retransmission.ts";
import { type EventName, STATES } from "./state.ts";
import type { State } from "./state_table.ts";

/** What the engine around it does. */
export interface MachineDeps {
  readonly stepDeps: StepDeps;
  readonly counters: Counters;
  /** A line about a message that nobody vouches for; too many are not said. */
  tellDoubtful(about: State, code: number, text: string): void;
  /** Encodes, remembers for repetition, and sends. */
  reply(state: State, exchange: Exchange, reply: NonNullable<Advance["reply"]>, encrypts: boolean): void;
  resend(state: State, exchange: Exchange): void;
  /** A message has turned out to be authentic, or as good as any in clear from an initiator: answers go where it came from. */
  authentic(state: State, packet: Packet): void;
  /** Sends a notification where it helps the peer and harms nobody. @param checked by a step, and not before it */
  refused(state: State, packet: Packet, notify: number, checked: boolean): void;
  /** The outcome of a step has been applied; `exchange` is one of the state's from now on. */
  changed(state: State, exchange: Exchange): void;
  /** A row with timer `established` has been taken. */
  established(state: State): void;
  perform(state: State, effect: Effect): void;
  /** The host has answered, and what followed is done. */
  resumed(state: State): void;
  /** Takes it out of the table and tells the host. */
  drop(state: State): void;
}

type Advance = Extract<Outcome<State>, { kind: "advance" }>;

/** What sets a timer itself. */
const AFTER_TIMER: ReadonlySet<Effect["effect"]> = new Set(["ready", "open"]);

/** Of a row or an opening: what follows a successful step. */
type Taken = Transition;

export class Machine {
  readonly #deps: MachineDeps;

  constructor(deps: MachineDeps) {
    this.#deps = deps;
  }

  /** Sends an initiator's first message. @returns why not, where that is known at once: the state is gone then */
  open<S extends State>(
    table: ExchangeTable<S>,
    opening: Opening<S>,
    state: S,
    exchange: Exchange,
  ): Refusal | undefined {
    const taken = opening as unknown as Opening<State>;
    const turn = { table: plain(table), taken, state, exchange, accept: () => {} };
    return this.#run(turn, () => taken.step(state, exchange, this.#deps.stepDeps));
  }

  /** A message that belongs to this exchange of this state. */
  receive<S extends State>(table: ExchangeTable<S>, state: S, exchange: Exchange, packet: Packet): void {
    const { counters, stepDeps, tellDoubtful } = this.#deps;
    if (exchange.isSuspended) {
      counters.count("suspended");
      tellDoubtful(state, 2, `discarding packet received during DNS lookup in STATE_${state.name}`);
      return;
    }
    if (isRepeat(exchange, packet.datagram)) return this.#answerRepeat(plain(table), state, exchange);
    const row = findRow(plain(table), state, packet);
    if (!row) {
      counters.count("unexpectedMessage");
      tellDoubtful(state, 3, `unexpected message received in state STATE_${state.name}`);
      return;
    }
    const opened = openMessage(packet, exchange, row, {
      state: state.name,
      exchangeName: table.name,
      secretIsDoubtful: row.encrypted && row.auth === "psk",
    });
    if (!opened.ok) return this.#refuse(state, exchange, packet, opened);
    for (const { code, text } of remarks(opened.message)) tellDoubtful(state, code, text);
    const turn = {
      table: plain(table),
      taken: row as unknown as Taken,
      state,
      exchange,
      packet,
      accept: opened.accept,
    };
    void this.#run(turn, () => row.step(state, opened.message, stepDeps));
  }

  #answerRepeat(table: ExchangeTable<State>, state: State, exchange: Exchange): void {
    // Once phase 1 is done, XAUTH may have given the SA another name.
    const isDone = state.kind === "isakmp" && state.isAuthenticated;
    const answer = answerToRepeat(exchange, isDone || table.answersRepeats.includes(state.name));
    this.#deps.counters.count(`repeat.${answer}`);
    const { code, text } = REPEAT_LINES[answer];
    this.#deps.tellDoubtful(state, code, `${text}; already STATE_${state.name}`);
    if (answer !== "resend") return;
    exchange.answers++;
    this.#deps.resend(state, exchange);
  }

  /** Before any step: nothing but a first message leaves a trace. */
  #refuse(state: State, exchange: Exchange, packet: Packet, { counter, text, notify }: Refused): void {
    this.#deps.counters.count(counter);
    this.#deps.tellDoubtful(state, 3, text);
    this.#deps.refused(state, packet, notify, false);
    this.#dropIfNew(state, exchange);
  }

  /** @returns of an opening, why it has failed: it is for who asked for it to say so */
  #run(turn: Turn, step: () => Outcome<State> | Promise<Outcome<State>>): Refusal | undefined {
    let outcome;
    try {
      outcome = step();
    } catch (error) {
      this.#defect(turn, error);
      return undefined;
    }
    if (!turn.packet && !(outcome instanceof Promise) && outcome.kind === "fail") {
      this.#dropIfNew(turn.state, turn.exchange);
      return { refused: outcome.text, notify: outcome.notify };
    }
    if (!(outcome instanceof Promise)) {
      this.#complete(turn, outcome);
      return undefined;
    }
    turn.exchange.isSuspended = true;
    outcome.then(
      (known) => this.#resume(turn, () => this.#complete(turn, known)),
      (error) => this.#resume(turn, () => this.#defect(turn, error)),
    );
    return undefined;
  }

  #resume({ state, exchange }: Turn, go: () => void): void {
    exchange.isSuspended = false;
    if (state.isGone) this.#deps.counters.count("answeredTooLate");
    else this.#guarded(state, go);
    this.#guarded(state, () => this.#deps.resumed(state));
  }

  /** Where nobody else would catch a defect, which must not bring the daemon down. */
  #guarded(state: State, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#sayDefect(state, error);
    }
  }

  /** Whatever else a step throws is our mistake: it is said, and does no more harm than a refusal. */
  #defect({ state, exchange }: Turn, error: unknown): void {
    this.#sayDefect(state, error);
    this.#dropIfNew(state, exchange);
  }

  #sayDefect(state: State, error: unknown): void {
    const { counters, stepDeps } = this.#deps;
    counters.count("internalErrors");
    const why = error instanceof Error ? error.message : String(error);
    stepDeps.host.tell(state, 3, `internal error in STATE_${state.name}: ${why}`);
    stepDeps.host.tell(state, 32, `STATE_${state.name}: internal error`);
  }

  #complete(turn: Turn, outcome: Outcome<State>): void {
    const { counters, stepDeps: { host }, tellDoubtful, refused } = this.#deps;
    const { state, exchange, packet } = turn;
    if (state.isGone) return counters.count("answeredTooLate");
    const lines = outcome.kind === "ignore" ? [] : outcome.lines ?? [];
    for (const { code, text } of lines) tellDoubtful(state, code, text);
    switch (outcome.kind) {
      case "advance":
        return this.#advance(turn, outcome);
      case "ignore":
        counters.count(outcome.counter);
        if (outcome.text !== undefined) tellDoubtful(state, 3, outcome.text);
        break;
      case "fail":
        counters.count(`failed.${notifyName(outcome.notify)}`);
        tellDoubtful(state, 3, outcome.text);
        if (outcome.notify === 0) host.tell(state, 32, `STATE_${state.name}: internal error`);
        else host.tell(state, 200 + outcome.notify, `STATE_${state.name}: ${notifyName(outcome.notify)}`);
        if (packet) refused(state, packet, outcome.notify, true);
        break;
    }
    this.#dropIfNew(state, exchange);
  }

  /** A state whose first step has failed is of no use. */
  #dropIfNew(state: State, exchange: Exchange): void {
    const isNew = exchange.lastReceived === undefined && exchange.lastSent.length === 0;
    if (isNew && exchange === state.exchange) this.#deps.drop(state);
  }

  #advance(turn: Turn, outcome: Advance): void {
    const { stepDeps: { host }, authentic, changed, reply, perform } = this.#deps;
    const { taken, state, exchange, packet, accept } = turn;
    const from = state.name;
    Object.assign(state, outcome.changes);
    accept();
    if (outcome.chain) {
      exchange.chain = outcome.chain;
      logKeys(host, state);
    }
    if (packet) exchange.lastReceived = packet.datagram;
    state.name = outcome.to ?? taken.to;
    exchange.retransmissions = 0;
    exchange.askedAt = undefined;
    exchange.answers = 0;
    changed(state, exchange);
    host.debug(state, "control", () => `transition from state STATE_${from} to state STATE_${state.name}`);
    if (packet && (isEncrypted(packet) || state.role === "responder")) authentic(state, packet);
    if (outcome.reply) reply(state, exchange, outcome.reply, taken.encrypts);
    else exchange.lastSent = [];
    const effects = outcome.effects ?? [];
    const isReady = effects.some(({ effect }) => effect === "ready");
    // What is opened says how far it is; for what ends here it has been said why.
    const isSilent = effects.some((one) =>
      one.effect === "open" || (one.effect === "giveUp" || one.effect === "remove") && one.state === state
    );
    if (!isSilent) this.#say(turn, isReady, outcome.detail ?? "");
    for (const effect of effects) if (!AFTER_TIMER.has(effect.effect)) perform(state, effect);
    this.#setTimer(turn, taken.timer);
    for (const effect of effects) if (AFTER_TIMER.has(effect.effect)) perform(state, effect);
  }

  /** How far it is (whack.md §11); the last step of each phase is a success and a line of the log as well. */
  #say({ taken, state }: Turn, isReady: boolean, detail: string): void {
    const { host } = this.#deps.stepDeps;
    const story = (taken.story ?? STATES[state.name].story) + detail;
    const done = taken.timer === "established" || isReady;
    if (done) host.tell(state, 2, story);
    host.tell(state, done ? 4 : 100 + STATES[state.name].number, `STATE_${state.name}: ${story}`);
  }

  #setTimer(turn: Turn, rule: TimerRule): void {
    const { state } = turn;
    // The host may have removed it, at any line or effect.
    if (state.isGone) return;
    switch (rule) {
      case "retransmit":
        turn.exchange.askedAt = this.#deps.stepDeps.clock.now();
        return this.#planRepetition(turn);
      case "discard":
        return this.discardAfter(state, HALF_OPEN_MS);
      case "established":
        this.cancel(state);
        return this.#deps.established(state);
      case "keep":
        return;
    }
  }

  #planRepetition(turn: Turn): void {
    const { state, exchange } = turn;
    this.#plan(state, "EVENT_RETRANSMIT", waitMs(exchange.retransmissions), () => this.#repeat(turn));
  }

  #repeat(turn: Turn): void {
    const { stepDeps: { host }, counters, drop, resend } = this.#deps;
    const { state, exchange, table } = turn;
    if (exchange.retransmissions >= RETRANSMISSION.most) {
      const said = state.kind === "isakmp" && state.peerSaid;
      const detail = (table.giveUp[state.name] ?? "") + (said ? `; perhaps because of ${said}, says the peer` : "");
      counters.count("gaveUp");
      host.tell(state, 31, giveUpText(state.name, detail));
      try {
        if (state.role === "initiator") host.gaveUp(state, detail);
      } finally {
        drop(state);
      }
      return;
    }
    exchange.retransmissions++;
    const seconds = waitMs(exchange.retransmissions) / 1000;
    host.tell(state, 10, `STATE_${state.name}: retransmission; will wait ${seconds}s for response`);
    resend(state, exchange);
    this.#planRepetition(turn);
    if (state.role === "initiator") host.unanswered(state);
  }

  /** The state goes, without a word to the peer, unless something else is planned before. */
  discardAfter(state: State, afterMs: number): void {
    this.#plan(state, "EVENT_SO_DISCARD", afterMs, () => this.#deps.drop(state));
  }

  /** Of the host's planning, in place of what was planned. */
  schedule(state: State, { name, afterMs, act }: Omit<EventPlan, "name"> & { readonly name: EventName }): void {
    this.#plan(state, name, afterMs, act);
  }

  #plan(state: State, name: EventName, afterMs: number, act: () => void): void {
    this.cancel(state);
    if (state.isGone) return;
    const { clock } = this.#deps.stepDeps;
    state.event = { name, atMs: clock.now() + afterMs };
    state.timer = clock.after(afterMs, () => {
      state.timer = undefined;
      state.event = undefined;
      this.#guarded(state, act);
    });
  }

  cancel(state: State): void {
    state.timer?.cancel();
    state.timer = undefined;
    state.event = undefined;
  }
}

/** One message, or one opening, on its way through the machine. */
interface Turn {
  readonly table: ExchangeTable<State>;
  readonly taken: Taken;
  readonly state: State;
  readonly exchange: Exchange;
  readonly packet?: Packet;
  accept(): void;
}

/** A table serves states of one kind, and `receive` is never called with another. */
function plain<S extends State>(table: ExchangeTable<S>): ExchangeTable<State> {
  return table as unknown as ExchangeTable<State>;
}

function findRow(table: ExchangeTable<State>, state: State, packet: Packet): Row<State> | undefined {
  const auth = state.kind === "isakmp" ? state.auth : undefined;
  const rows = table.rows.filter((row) => row.from === state.name && (row.auth === undefined || row.auth === auth));
  return rows.find((row) => row.encrypted === isEncrypted(packet)) ?? rows[0];
}
