/**
 * Who is told what (whack.md §6, §7): the whack of the request that is being carried out, the one that waits for a state,
 * and the log.
 */
import type { IkeState } from "../ike/state.ts";

/** The way back to one whack. It is closed when nobody holds it any more. */
export interface Reply {
  line(code: number, text: string): void;
  hold(): void;
  release(): void;
  /** Asks for a line, hidden or not (codes 040, 041). Undefined where there is nobody to answer. */
  ask?(text: string, hidden: boolean): Promise<string | undefined>;
}

export class Whacks {
  /** Of the request that is being carried out, and the connection that it is about. */
  #current: { readonly reply: Reply; readonly name: string | undefined } | undefined;
  readonly #waiting = new Map<number, { readonly reply: Reply; readonly name: string }>();

  /** While `act` runs, and until its promise is settled, lines without an addressee of their own go to `reply`. */
  async during<T>(reply: Reply, name: string | undefined, act: () => Promise<T>): Promise<T> {
    const before = this.#current;
    this.#current = { reply, name };
    try {
      return await act();
    } finally {
      this.#current = before;
    }
  }

  /** For what is done at once. @param reply undefined: whoever is told now */
  at<T>(reply: Reply | undefined, act: () => T): T {
    if (!reply) return act();
    const before = this.#current;
    this.#current = { reply, name: undefined };
    try {
      return act();
    } finally {
      this.#current = before;
    }
  }

  /**
   * Where a line goes: to the whack that waits for the state, else to that of the request that is being carried out, else
   * to one that waits for another state of the connection.
   */
  replyFor(state: number | undefined, name: string | undefined): Reply | undefined {
    const own = state === undefined ? undefined : this.#waiting.get(state);
    if (own) return own.reply;
    const current = this.#current;
    // while one connection is worked on, others go on
    const isOther = current?.name !== undefined && name !== undefined && current.name !== name && state !== undefined;
    if (current && !isOther) return current.reply;
    if (state !== undefined || name === undefined) return undefined;
    return [...this.#waiting.values()].find((one) => one.name === name)?.reply;
  }

  get current(): Reply | undefined {
    return this.#current?.reply;
  }

  /** The whack waits for what becomes of the state. */
  attach({ number, connection }: Pick<IkeState, "number" | "connection">, reply: Reply | undefined): void {
    if (!reply) return;
    this.detach(number);
    reply.hold();
    this.#waiting.set(number, { reply, name: connection.name });
  }

  /** @returns who waits, held still */
  waiting(state: number): Reply | undefined {
    return this.#waiting.get(state)?.reply;
  }

  detach(state: number): void {
    const waiting = this.#waiting.get(state);
    this.#waiting.delete(state);
    waiting?.reply.release();
  }
}

/** `"NAME"INST #N: `, as lines about a state begin. */
export function statePrefix({ connection, number }: Pick<IkeState, "connection" | "number">): string {
  return `${connection.label} #${number}: `;
}
