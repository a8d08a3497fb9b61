/**
 * What is wrong with a negotiation, by the lines that are said of it: a peer whose answers cannot be taken is not a peer
 * that is silent. Nothing is decided by it; it is the reason that listings show.
 */
import type { IkeState } from "../ike/state.ts";
import { sanitizeText } from "../text/sanitize.ts";
import { RC } from "./define.ts";

/** Peers have a part in it, and a listing has one line for it. In characters. */
const LONGEST = 200;

interface Trouble {
  readonly text: string;
  /** For it the peer's answer was refused; what else is wrong with messages that come then matters less. */
  readonly isRefusal: boolean;
}

export class Troubles {
  readonly #of = new WeakMap<IkeState, Trouble>();

  /** A line with its code (whack.md §6.1): an error is kept until a step forward is told. */
  heard(state: IkeState, code: number, text: string): void {
    const known = this.#of.get(state);
    if (code === RC.serious && !known?.isRefusal) {
      this.#of.set(state, { text: sanitizeText(text, LONGEST), isRefusal: false });
    } else if (isRefusal(code) && known) {
      this.#of.set(state, { ...known, isRefusal: true });
    } else if (isProgress(code)) {
      this.#of.delete(state);
    }
  }

  of(state: IkeState): string | undefined {
    return this.#of.get(state)?.text;
  }
}

/** A notification's number, which follows the words for it. */
function isRefusal(code: number): boolean {
  return code >= 200;
}

/** That a phase is done, or by number which state was reached. */
function isProgress(code: number): boolean {
  return code === RC.success || code >= 100 && code < 200;
}
