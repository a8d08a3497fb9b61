/** What pluto itself notes of a state while it lives. */
import type { Connection } from "./connection.ts";
import type { InstalledSa } from "./kernel.ts";

export interface StateNote {
  /** Between the replacement of an SA and its end. */
  marginSeconds: number;
  /** The instance that was made for the identity which the peer claims; it may not have proved it. */
  claimed: Connection | undefined;
  /** Of a negotiation that we began: milliseconds of the clock. */
  startedAt: number;
  /** Milliseconds of the clock. */
  establishedAt: number | undefined;
  /** Something of it may be in the kernel. */
  isInstalled: boolean;
  /** SPIs of the tunnels around it. */
  tunnels: InstalledSa;
  /** Of its eroute, at the last scan. */
  packets: number;
  /** When the count was seen to move, or a phase 2 was started from it: milliseconds of the clock. */
  usedAt: number | undefined;
  /** What KLIPS last said of packets that came in: milliseconds of the clock. */
  lastInbound: number | undefined;
}

export class StateNotes {
  readonly #notes = new Map<number, StateNote>();

  of(state: number): StateNote {
    let note = this.#notes.get(state);
    if (!note) {
      note = {
        marginSeconds: 0,
        claimed: undefined,
        startedAt: -Infinity,
        establishedAt: undefined,
        isInstalled: false,
        tunnels: {},
        packets: 0,
        usedAt: undefined,
        lastInbound: undefined,
      };
      this.#notes.set(state, note);
    }
    return note;
  }

  forget(state: number): void {
    this.#notes.delete(state);
  }
}
