/** What a mistyped name was probably meant to be. */
import { suggest } from "../text/suggest.ts";

/** Names compared for one configuration: a file with more mistakes than these is none. */
const MOST_COMPARED = 100_000;

export class Proposals {
  readonly #known = new Map<string, string>();
  #compared = 0;

  /**
   * @param kind keeps words of different kinds apart
   * @param nearest where the nearest name alone is not the answer
   * @returns `; did you mean NAME?`, or nothing
   */
  propose(kind: string, word: string, names: readonly string[], nearest: typeof suggest = suggest): string {
    const key = `${kind} ${word}`;
    const before = this.#known.get(key);
    if (before !== undefined) return before;
    const near = this.#compared < MOST_COMPARED ? nearest(word, names) : undefined;
    this.#compared += names.length;
    const proposal = near ? `; did you mean ${near}?` : "";
    this.#known.set(key, proposal);
    return proposal;
  }
}
