/** What to do with a message that is, byte for byte, the last one of its exchange (pluto.md §8.1, check 5). */
import { RETRANSMISSION } from "./retransmission.ts";
import type { Exchange } from "./exchange.ts";

export function isRepeat(exchange: Exchange, datagram: Uint8Array): boolean {
  const last = exchange.lastReceived;
  return last !== undefined && last.length === datagram.length && last.every((byte, i) => byte === datagram[i]);
}

export type RepeatAnswer = "resend" | "exhausted" | "discard";

/** @param answers whether the state is one whose reply may have been lost with nothing else to bring it again */
export function answerToRepeat(exchange: Exchange, answers: boolean): RepeatAnswer {
  if (!answers || exchange.lastSent.length === 0) return "discard";
  // Each repeat is answered at most as often as its sender repeats: nobody is bombarded through us.
  return exchange.answers < RETRANSMISSION.most ? "resend" : "exhausted";
}

export const REPEAT_LINES: Readonly<Record<RepeatAnswer, { readonly code: number; readonly text: string }>> = {
  resend: { code: 10, text: "retransmitting in response to duplicate packet" },
  exhausted: { code: 3, text: "discarding duplicate packet -- exhausted retransmission" },
  discard: { code: 3, text: "discarding duplicate packet" },
};
