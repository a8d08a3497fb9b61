/** Attempts at keying that come later: one that failed at once would else be followed by the next, and so on, without a pause. */
import type { Clock, Timer } from "../ike/host.ts";
import type { Connection } from "./connection.ts";

/** From the beginning of one attempt to that of the next, at least. */
export const RETRY_SPACING_MS = 10_000;

export class Retries {
  readonly #timers = new Map<Connection, Timer>();

  constructor(readonly clock: Clock) {}

  later(connection: Connection, ms: number, act: () => void): void {
    this.cancel(connection);
    const timer = this.clock.after(ms, () => {
      this.#timers.delete(connection);
      act();
    });
    this.#timers.set(connection, timer);
  }

  has(connection: Connection): boolean {
    return this.#timers.has(connection);
  }

  cancel(connection: Connection): void {
    this.#timers.get(connection)?.cancel();
    this.#timers.delete(connection);
  }
}
