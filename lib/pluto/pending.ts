/** Phase 2 negotiations that wait for an ISAKMP SA (pluto.md §10.5). */
import type { Precedent } from "../ike/host.ts";
import type { Connection } from "./connection.ts";
import type { Reply } from "./whacks.ts";

export interface Pending {
  /** Number of the state that it waits for. */
  isakmp: number;
  readonly connection: Connection;
  readonly attempt: number;
  readonly replaces: number;
  readonly like?: Precedent;
  /** The whack that waits with it; it is held. */
  reply?: Reply;
  /** It waits for something else besides, and is not taken by {@linkcode PendingQueue.next}. */
  readonly isPreparing?: boolean;
}

export class PendingQueue implements Iterable<Pending> {
  #all: Pending[] = [];

  [Symbol.iterator](): Iterator<Pending> {
    return this.#all[Symbol.iterator]();
  }

  add(pending: Pending): void {
    pending.reply?.hold();
    this.#all.push(pending);
  }

  of(isakmp: number): Pending[] {
    return this.#all.filter((one) => one.isakmp === isakmp);
  }

  has(connection: Connection): boolean {
    return this.#all.some((one) => one.connection === connection);
  }

  /** Those that wait for one ISAKMP SA now wait for another. */
  move(from: number, to: number): void {
    for (const one of this.of(from)) one.isakmp = to;
  }

  /** Takes them out; their whacks are still held. */
  take(isakmp: number): Pending[] {
    const taken = this.of(isakmp);
    this.#all = this.#all.filter((one) => one.isakmp !== isakmp);
    return taken;
  }

  /** Takes the first one out; its whack is still held. */
  next(isakmp: number): Pending | undefined {
    const at = this.#all.findIndex((one) => one.isakmp === isakmp && !one.isPreparing);
    return at < 0 ? undefined : this.#all.splice(at, 1)[0];
  }

  /** Takes one out; its whack is still held. @returns whether it was there */
  withdraw(pending: Pending): boolean {
    const at = this.#all.indexOf(pending);
    if (at >= 0) this.#all.splice(at, 1);
    return at >= 0;
  }

  dropOf(connection: Connection): void {
    for (const one of this.#all) if (one.connection === connection) one.reply?.release();
    this.#all = this.#all.filter((one) => one.connection !== connection);
  }
}
