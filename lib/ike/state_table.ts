/**
 * All states, and how a message finds its own: by both cookies, by the initiator's alone while the other is not known, and
 * by message id in phase 2. Half-open exchanges of responders are bounded, since anybody can make one.
 */
import { formatAddress } from "../text/address.ts";
import type { IkeConnection } from "./connection.ts";
import type { IpsecState } from "./ipsec_sa.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Negotiation } from "./negotiation.ts";
import type { Path } from "./state.ts";

export type State = IsakmpState | IpsecState;

/** Whoever sent the first message has not even shown that it receives our answers. */
const UNPROVEN: ReadonlySet<string> = new Set(["MAIN_R0", "MAIN_R1", "AGGR_R0", "AGGR_R1"]);

export class StateTable {
  readonly byNumber = new Map<number, State>();
  readonly #byCookies = new Map<string, IsakmpState>();
  /** Responders: whose first message a repeat may be. */
  readonly #byFirstMessage = new Map<string, IsakmpState>();
  readonly #byConnection = new Map<IkeConnection, Set<State>>();
  /** By ISAKMP SA, then by message id. */
  readonly #quicks = new Map<number, Map<number, IpsecState>>();
  /** Responders that are not authenticated, oldest first. */
  readonly #halfOpen = new Set<IsakmpState>();
  /** Under which keys a state stands in the two tables: what they are made of may change. */
  readonly #keys = new Map<IsakmpState, { readonly cookies: string; readonly first?: string }>();
  #lastNumber = 0;

  constructor(readonly mostHalfOpen: number) {}

  get halfOpen(): number {
    return this.#halfOpen.size;
  }

  nextNumber(): number {
    return ++this.#lastNumber;
  }

  add(state: State): void {
    this.byNumber.set(state.number, state);
    this.#bind(state, state.connection);
    state.rebinding = this.#rebind;
    if (state.kind === "ipsec") {
      const under = this.#quicks.get(state.isakmp) ?? new Map<number, IpsecState>();
      this.#quicks.set(state.isakmp, under.set(state.exchange.messageId, state));
      return;
    }
    this.reindex(state);
    if (state.role === "initiator") return;
    const first = firstKey(state.initiatorCookie, state.path);
    this.#keys.set(state, { ...this.#keys.get(state)!, first });
    this.#byFirstMessage.set(first, state);
    this.#halfOpen.add(state);
  }

  isUnproven({ name }: State): boolean {
    return UNPROVEN.has(name);
  }

  /** What must go so that one more half-open exchange has room: those first that have not shown their address. */
  givesWay(): IsakmpState | undefined {
    if (this.#halfOpen.size < this.mostHalfOpen) return undefined;
    let oldest: IsakmpState | undefined;
    for (const state of this.#halfOpen) {
      if (UNPROVEN.has(state.name)) return state;
      oldest ??= state;
    }
    return oldest;
  }

  /** The responder's cookie may have become known. */
  reindex(state: IsakmpState): void {
    const cookies = cookieKey(state.initiatorCookie, state.responderCookie);
    const before = this.#keys.get(state);
    if (before?.cookies === cookies) return;
    if (before) this.#byCookies.delete(before.cookies);
    this.#keys.set(state, { ...before, cookies });
    this.#byCookies.set(cookies, state);
  }

  authenticated(state: IsakmpState): void {
    this.#halfOpen.delete(state);
  }

  remove(state: State): void {
    this.byNumber.delete(state.number);
    state.rebinding = undefined;
    this.#unbind(state);
    if (state.kind === "ipsec") {
      const under = this.#quicks.get(state.isakmp);
      under?.delete(state.exchange.messageId);
      if (under?.size === 0) this.#quicks.delete(state.isakmp);
      return;
    }
    const keys = this.#keys.get(state);
    if (keys && this.#byCookies.get(keys.cookies) === state) this.#byCookies.delete(keys.cookies);
    if (keys?.first && this.#byFirstMessage.get(keys.first) === state) this.#byFirstMessage.delete(keys.first);
    this.#keys.delete(state);
    this.#halfOpen.delete(state);
  }

  findByCookies(initiatorCookie: Uint8Array, responderCookie: Uint8Array): IsakmpState | undefined {
    return this.#byCookies.get(cookieKey(initiatorCookie, responderCookie));
  }

  findByFirstMessage(initiatorCookie: Uint8Array, path: Path): IsakmpState | undefined {
    return this.#byFirstMessage.get(firstKey(initiatorCookie, path));
  }

  findQuick(isakmp: number, messageId: number): IpsecState | undefined {
    return this.#quicks.get(isakmp)?.get(messageId);
  }

  /** Those that have this connection now. */
  of(connection: IkeConnection): Iterable<State> {
    return this.#byConnection.get(connection) ?? [];
  }

  /** Negotiated under an ISAKMP SA, established or not. */
  under(isakmp: number): Iterable<IpsecState> {
    return this.#quicks.get(isakmp)?.values() ?? [];
  }

  /** Under all ISAKMP SAs of a connection: a peer can have many. */
  unfinishedQuicks({ connection }: IsakmpState): number {
    let count = 0;
    for (const { kind, number } of this.of(connection)) {
      if (kind !== "isakmp") continue;
      for (const { isEstablished } of this.under(number)) if (!isEstablished) count++;
    }
    return count;
  }

  isakmp(number: number): IsakmpState | undefined {
    const state = this.byNumber.get(number);
    return state?.kind === "isakmp" ? state : undefined;
  }

  readonly #rebind = (state: Negotiation, to: IkeConnection): void => {
    this.#unbind(state as State);
    this.#bind(state as State, to);
  };

  #bind(state: State, connection: IkeConnection): void {
    const states = this.#byConnection.get(connection);
    if (states) states.add(state);
    else this.#byConnection.set(connection, new Set([state]));
  }

  #unbind(state: State): void {
    const states = this.#byConnection.get(state.connection);
    states?.delete(state);
    if (states?.size === 0) this.#byConnection.delete(state.connection);
  }
}

function cookieKey(initiatorCookie: Uint8Array, responderCookie: Uint8Array): string {
  return initiatorCookie.toHex() + responderCookie.toHex();
}

/** By address and not by port, which NAT may change at any time. */
function firstKey(initiatorCookie: Uint8Array, { remote }: Path): string {
  return `${initiatorCookie.toHex()} ${formatAddress(remote)}`;
}
