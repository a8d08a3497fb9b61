/** When a message is sent again, and when there is no more hope (pluto.md §10.1, §10.2). */

export const RETRANSMISSION = { firstWaitMs: 10_000, most: 2 } as const;

/** Half-open states that send nothing more live as long as those that do. */
export const HALF_OPEN_MS = 70_000;

/** After the message, or after its repetition number `repetition`: 10, 20 and 40 seconds. */
export function waitMs(repetition: number): number {
  return RETRANSMISSION.firstWaitMs * 2 ** repetition;
}

/** For the log and whack; `detail` is what it says about the peer. */
export function giveUpText(state: string, detail: string): string {
  return `max number of retransmissions (${RETRANSMISSION.most}) reached STATE_${state}${detail}`;
}
