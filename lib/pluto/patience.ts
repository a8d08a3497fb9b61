/**
 * How long opportunism holds traffic that may go in the clear: for some seconds in which the DNS or the peer is silent, while
 * FreeS/WAN held it for the 70 seconds of an attempt. The negotiation goes on meanwhile, and takes the traffic over should it
 * succeed.
 */
import type { IkeState } from "../ike/state.ts";
import { formatAddress } from "../text/address.ts";
import type { Connection } from "./connection.ts";
import type { Parts } from "./parts.ts";

export class Patience {
  readonly #parts: Parts;
  readonly #waitMs: number;
  readonly #watched = new Set<Connection>();

  /** @param waitMs of silence; 0: for as long as an attempt lasts */
  constructor(parts: Parts, waitMs: number) {
    this.#parts = parts;
    this.#waitMs = waitMs;
  }

  /** @returns what the traffic of a connection waits for; undefined where that takes longer than it waits */
  async within<T>(connection: Connection, awaited: Promise<T>): Promise<T | undefined> {
    if (!this.#mayGo(connection)) return await awaited;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = this.#parts.deps.clock.after(this.#waitMs, () => resolve(undefined));
    try {
      return await Promise.race([awaited, promise]);
    } finally {
      timer.cancel();
    }
  }

  /** Its traffic is held, from now on or already. */
  watch(connection: Connection): void {
    if (!this.#mayGo(connection) || this.#watched.has(connection)) return;
    this.#watched.add(connection);
    this.#look(connection, this.#waitMs);
  }

  #mayGo({ policy }: Connection): boolean {
    return this.#waitMs > 0 && policy.failure === "pass";
  }

  #look(connection: Connection, afterMs: number): void {
    const { clock } = this.#parts.deps;
    clock.after(afterMs, () => {
      if (connection.routing === "UNROUTED_HOLD") {
        const restMs = (this.#silentSince(connection) ?? clock.now()) + this.#waitMs - clock.now();
        if (restMs > 0) return this.#look(connection, restMs);
        this.#release(connection);
      }
      this.#watched.delete(connection);
    });
  }

  #release(connection: Connection): void {
    const { router, tasks, deps, teller } = this.#parts;
    const peer = formatAddress(connection.peers.host);
    const state = this.#negotiation(connection);
    const trouble = state && teller.troubles.of(state);
    const why = trouble === undefined
      ? `no answer from ${peer} for ${this.#waitMs / 1000} seconds`
      : `no SA with ${peer} within ${this.#waitMs / 1000} seconds: ${trouble}`;
    this.#parts.inBackground(() => tasks.run(() => router.abandonHold(connection, why, deps.clock.now(), true)));
  }

  /** @returns undefined where the peer owes nothing: others have their turn, or all is answered */
  #silentSince(connection: Connection): number | undefined {
    return this.#negotiation(connection)?.unansweredSince;
  }

  /** What its traffic waits for: a Quick Mode, else the ISAKMP SA that is to come before it. */
  #negotiation(connection: Connection): IkeState | undefined {
    const { engine, pending } = this.#parts;
    for (const state of engine.statesOf(connection)) {
      if (state.kind === "ipsec" && !state.isEstablished) return state;
    }
    for (const one of pending) {
      const isakmp = one.connection === connection && engine.states.get(one.isakmp);
      if (isakmp && !isakmp.isEstablished) return isakmp;
    }
    return undefined;
  }
}
