/**
 * The message ids that an ISAKMP SA has seen, of both sides: none may come twice (RFC 2408 §3.1). None is forgotten while
 * the SA stands, since an old message could be replayed then; so it cannot have more exchanges than are remembered.
 */

/** More than DPD at its usual pace uses in the life of an SA. With these, it ends. */
export const MOST_MESSAGE_IDS = 16_384;
/** Where it should be replaced: by whoever has begun it, or, should that one not do so, by the other. */
export const WORN_AT = { initiator: 12_288, responder: 14_336 } as const;
const MOST_TRIES = 100;

export class MessageIds {
  readonly #seen = new Set<number>();

  get size(): number {
    return this.#seen.size;
  }

  has(id: number): boolean {
    return this.#seen.has(id);
  }

  add(id: number): void {
    this.#seen.add(id);
  }

  /** A new one of ours, never 0, which is not added yet. */
  draw(random: (bytes: number) => Uint8Array<ArrayBuffer>): number {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const id = new DataView(random(4).buffer).getUint32(0);
      if (id !== 0 && !this.#seen.has(id)) return id;
    }
    throw new RangeError(`Cannot find a message id that is new: ${MOST_TRIES} random ones were not`);
  }
}
