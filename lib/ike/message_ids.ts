/** The message ids that an ISAKMP SA has seen, of both sides: none may come twice (RFC 2408 §3.1). */

/**
 * More than DPD at its usual pace uses in the life of an SA. What is older is forgotten; it could be replayed then, and
 * would still have to pass the checks of Quick Mode, or DPD's sequence numbers.
 */
const MOST_KEPT = 16_384;
const MOST_TRIES = 100;

export class MessageIds {
  readonly #seen = new Set<number>();

  has(id: number): boolean {
    return this.#seen.has(id);
  }

  add(id: number): void {
    this.#seen.add(id);
    if (this.#seen.size <= MOST_KEPT) return;
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest);
      return;
    }
  }

  /** A new one of ours, never 0. */
  draw(random: (bytes: number) => Uint8Array<ArrayBuffer>): number {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const id = new DataView(random(4).buffer).getUint32(0);
      if (id === 0 || this.#seen.has(id)) continue;
      this.add(id);
      return id;
    }
    throw new RangeError(`Cannot find a message id that is new: ${MOST_TRIES} random ones were not`);
  }
}
