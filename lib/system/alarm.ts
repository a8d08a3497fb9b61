/** One timer for whatever is due next. */

/** What setTimeout can count: with a longer time it goes off at once. */
const LONGEST_MS = 2 ** 31 - 1;
/** Things that are due at nearly the same time are done at once. */
const SHORTEST_MS = 10;

export interface AlarmDeps {
  /** Seconds. */
  now(): number;
  /** Does what is due, and calls {@linkcode Alarm.setBy} for the rest. It may come too early. */
  ring(): void;
  /** Starts a timer; @returns what cancels it */
  startTimer(ring: () => void, afterMs: number): () => void;
}

export class Alarm {
  readonly #deps: AlarmDeps;
  /** Instant that the timer is set for; Infinity without one. */
  #at = Infinity;
  #cancel = (): void => {};

  constructor(deps: AlarmDeps) {
    this.#deps = deps;
  }

  /** Sees to it that it rings at `due` or sooner; undefined is never. */
  setBy(due: number | undefined): void {
    if (due === undefined || due >= this.#at) return;
    this.cancel();
    this.#at = due;
    const afterMs = Math.max(SHORTEST_MS, Math.ceil((due - this.#deps.now()) * 1000));
    this.#cancel = this.#deps.startTimer(() => this.#ring(), Math.min(afterMs, LONGEST_MS));
  }

  cancel(): void {
    if (this.#at !== Infinity) this.#cancel();
    this.#at = Infinity;
  }

  #ring(): void {
    this.#at = Infinity;
    this.#deps.ring();
  }
}
