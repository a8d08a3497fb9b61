/** Time that passes only when a test says so. */
import type { Clock, Timer } from "../../lib/ike/host.ts";

interface Planned {
  readonly atMs: number;
  readonly order: number;
  act(): void;
}

export class FakeClock implements Clock {
  #nowMs = 1_000_000;
  #order = 0;
  readonly #planned = new Set<Planned>();
  readonly #settle: () => Promise<void>;

  /** @param settle waits until what an event has begun is done */
  constructor(settle: () => Promise<void> = aFewTurns) {
    this.#settle = settle;
  }

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, act: () => void): Timer {
    const planned = { atMs: this.#nowMs + ms, order: this.#order++, act };
    this.#planned.add(planned);
    return { cancel: () => void this.#planned.delete(planned) };
  }

  get planned(): number {
    return this.#planned.size;
  }

  /** Lets time pass; what is due happens in its order, and what it awaits is waited for. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.#settle();
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#planned.delete(next);
      this.#nowMs = next.atMs;
      next.act();
      await this.#settle();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Planned | undefined {
    let first: Planned | undefined;
    for (const one of this.#planned) {
      if (one.atMs > untilMs) continue;
      if (!first || one.atMs < first.atMs || one.atMs === first.atMs && one.order < first.order) first = one;
    }
    return first;
  }
}

/** Promises of a test's host need a few turns. */
async function aFewTurns(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await undefined;
}
