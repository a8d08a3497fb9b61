/**
 * How many Quick Modes are begun under one ISAKMP SA before others are answered. A peer bounds how many it keeps, and its
 * socket what waits to be read; what they drop comes again after ten seconds only. So the others wait here, where nothing
 * is lost. A message that the peer is late to answer counts no more: perhaps it never will.
 */
import type { IpsecSa } from "../ike/state.ts";

export const MOST_UNANSWERED = 64;

export class QuickWindow {
  /** Numbers of states, by that of the ISAKMP SA. */
  readonly #unanswered = new Map<number, Set<number>>();

  hasRoom(isakmp: number): boolean {
    return (this.#unanswered.get(isakmp)?.size ?? 0) < MOST_UNANSWERED;
  }

  begun({ number, isakmp }: IpsecSa): void {
    const under = this.#unanswered.get(isakmp) ?? new Set();
    this.#unanswered.set(isakmp, under.add(number));
  }

  /** It is answered, at its end, or late. @returns whether that has made room */
  settled({ number, isakmp }: IpsecSa): boolean {
    const under = this.#unanswered.get(isakmp);
    if (!under?.delete(number)) return false;
    if (under.size === 0) this.#unanswered.delete(isakmp);
    return true;
  }
}
