/** Counts of what was received, sent and refused, and a limit for lines about what nobody vouches for. */

export class Counters {
  readonly #counts = new Map<string, number>();

  count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => a < b ? -1 : 1));
  }
}

const PER_MS = 1000;

/** So many times in a second, and not more often. */
export class RateLimit {
  #windowMs = -Infinity;
  #used = 0;
  #refused = 0;

  constructor(readonly most: number) {}

  /** @returns whether it may be done; and, in the first second after some were refused, how many */
  take(nowMs: number): { readonly may: boolean; readonly refused: number } {
    let refused = 0;
    if (nowMs - this.#windowMs >= PER_MS) {
      refused = this.#refused;
      this.#windowMs = nowMs;
      this.#used = 0;
      this.#refused = 0;
    }
    if (this.#used >= this.most) {
      this.#refused++;
      return { may: false, refused: 0 };
    }
    this.#used++;
    return { may: true, refused };
  }
}
