/** When an SA is replaced, and when it ends (pluto.md §10.3, §10.4). */
import type { IkeEngine } from "../ike/host.ts";
import type { IkeState } from "../ike/state.ts";
import { type Connection, NOBODY } from "./connection.ts";
import type { StateNotes } from "./state_notes.ts";

export interface LifetimePlan {
  readonly event: "EVENT_SA_REPLACE" | "EVENT_SA_REPLACE_IF_USED" | "EVENT_SA_EXPIRE";
  readonly afterSeconds: number;
  /** From then to the end. */
  readonly marginSeconds: number;
}

export interface LifetimeTerms {
  readonly phase: 1 | 2;
  readonly role: "initiator" | "responder";
  readonly negotiatedSeconds: number;
  /** Of the connection. */
  readonly ownSeconds: number;
  readonly rekey: boolean;
  readonly marginSeconds: number;
  readonly fuzzPercent: number;
}

/** @param random from 0 to below 1 */
export function planLifetime(terms: LifetimeTerms, random: number): LifetimePlan {
  const { phase, role, negotiatedSeconds, ownSeconds, rekey } = terms;
  // a connection that is not rekeyed lets the peer's word on phase 1 stand
  const isAgreed = negotiatedSeconds <= ownSeconds || phase === 1 && !rekey;
  const life = isAgreed ? negotiatedSeconds : ownSeconds;
  const isInitiator = role === "initiator";
  // a life that is longer than ours can be shortened in no way but by replacing
  const event = rekey || !isAgreed ? "EVENT_SA_REPLACE" : isInitiator ? "EVENT_SA_REPLACE_IF_USED" : "EVENT_SA_EXPIRE";
  const expire: LifetimePlan = { event: "EVENT_SA_EXPIRE", afterSeconds: life, marginSeconds: 0 };
  if (event === "EVENT_SA_EXPIRE") return expire;
  const margin = Math.floor(
    isInitiator ? terms.marginSeconds * (1 + terms.fuzzPercent / 100 * random) : terms.marginSeconds / 2,
  );
  return life > margin ? { event, afterSeconds: life - margin, marginSeconds: margin } : expire;
}

export interface LifetimeDeps {
  readonly engine: Pick<IkeEngine, "schedule" | "remove">;
  readonly notes: StateNotes;
  /** Milliseconds. */
  now(): number;
  /** From 0 to below 1. */
  random(): number;
  connectionOf(state: IkeState): Connection;
  replace(state: IkeState): void;
  log(state: IkeState, text: string): void;
  /** With `lifecycle` debugging only. */
  lifecycle(state: IkeState, text: string): void;
}

/** For a client that no address was left for: it may still be told so in Quick Mode, and is to ask again later. */
const TURNED_AWAY_SECONDS = 30;

/** After a peer's Delete. */
export const DELETE_DELAY_SECONDS = 10;

export class Lifetimes {
  constructor(readonly deps: LifetimeDeps) {}

  /** At the establishment of an SA, and where its peer says later that it ends earlier. */
  plan(state: IkeState): void {
    const { settings, rekey, peers, lease } = this.deps.connectionOf(state);
    const note = this.deps.notes.of(state.number);
    note.establishedAt ??= this.deps.now();
    if (peers.addressPool && !lease) {
      const afterSeconds = TURNED_AWAY_SECONDS;
      return this.#schedule(state, { event: "EVENT_SA_EXPIRE", afterSeconds, marginSeconds: 0 });
    }
    const phase = state.kind === "isakmp" ? 1 : 2;
    const plan = planLifetime({
      phase,
      role: state.role,
      negotiatedSeconds: state.lifetimeSeconds,
      ownSeconds: phase === 1 ? settings.ikeLifetimeSeconds : settings.ipsecLifetimeSeconds,
      rekey,
      marginSeconds: settings.rekeyMarginSeconds,
      fuzzPercent: settings.rekeyFuzzPercent,
    }, this.deps.random());
    const age = (this.deps.now() - note.establishedAt) / 1000;
    this.#schedule(state, { ...plan, afterSeconds: Math.max(0, plan.afterSeconds - age) });
  }

  /** The peer has deleted its side of an SA that is to be kept up. */
  replaceSoon(state: IkeState): void {
    this.#schedule(state, {
      event: "EVENT_SA_REPLACE",
      afterSeconds: DELETE_DELAY_SECONDS,
      marginSeconds: DELETE_DELAY_SECONDS,
    });
  }

  /** It has carried as much as one SA should. What is planned for it stays. */
  replaceWorn(state: IkeState): void {
    const connection = this.deps.connectionOf(state);
    if (newestOf(connection, state) !== state.number || !state.isEstablished) return;
    if (!connection.rekey && state.role === "responder") return;
    this.deps.log(state, `replacing worn ${nameOf(state)} SA`);
    this.deps.replace(state);
  }

  #schedule(state: IkeState, { event, afterSeconds, marginSeconds }: LifetimePlan): void {
    this.deps.notes.of(state.number).marginSeconds = marginSeconds;
    const act = event === "EVENT_SA_EXPIRE" ? () => this.#expire(state) : () => this.#replace(state, event);
    this.deps.engine.schedule(state, { name: event, afterMs: afterSeconds * 1000, act });
  }

  #replace(state: IkeState, event: string): void {
    const { deps } = this;
    const { marginSeconds, usedAt } = deps.notes.of(state.number);
    const connection = deps.connectionOf(state);
    const newest = newestOf(connection, state);
    const idleMs = usedAt === undefined ? Infinity : deps.now() - usedAt;
    if (newest !== state.number && newest !== NOBODY) {
      deps.lifecycle(state, `not replacing stale ${nameOf(state)} SA: #${newest} will do`);
    } else if (event === "EVENT_SA_REPLACE_IF_USED" && idleMs >= connection.settings.rekeyMarginSeconds * 1000) {
      const since = Number.isFinite(idleMs) ? `${Math.floor(idleMs / 1000)}s` : "its whole life";
      deps.lifecycle(state, `not replacing stale ${nameOf(state)} SA: inactive for ${since}`);
    } else {
      deps.lifecycle(state, `replacing stale ${nameOf(state)} SA`);
      deps.replace(state);
    }
    this.#schedule(state, { event: "EVENT_SA_EXPIRE", afterSeconds: marginSeconds, marginSeconds: 0 });
  }

  #expire(state: IkeState): void {
    const { deps } = this;
    const connection = deps.connectionOf(state);
    const newest = newestOf(connection, state);
    if (newest > state.number) {
      deps.lifecycle(state, `${nameOf(state)} SA expired (superseded by #${newest})`);
    } else {
      deps.log(state, `${nameOf(state)} SA expired (${connection.rekey ? "LATEST!" : "--dontrekey"})`);
    }
    deps.engine.remove(state, true);
  }
}

function newestOf(connection: Connection, { kind }: IkeState): number {
  return kind === "isakmp" ? connection.newestIsakmp : connection.newestIpsec;
}

function nameOf({ kind }: IkeState): string {
  return kind === "isakmp" ? "ISAKMP" : "IPsec";
}
