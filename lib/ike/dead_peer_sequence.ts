/** When a silent peer is asked and when it counts as dead, and which sequence numbers are believed (RFC 3706 §5, §6). */
import type { DpdPolicy } from "./connection.ts";

export interface DpdState {
  /** Of the last R_U_THERE; the first is random, of 31 bits, so that it never wraps. */
  readonly asked: number;
  /** The highest question that was answered. */
  readonly answered: number;
  /** Questions since the last sign of life. */
  readonly unanswered: number;
  /** The highest that the peer has asked with. */
  readonly heard: number | undefined;
  /** Sign of life by IKE, in milliseconds of the clock. */
  readonly aliveAtMs: number;
}

export type DpdMove =
  | { readonly do: "wait"; readonly waitMs: number }
  | { readonly do: "ask"; readonly next: DpdState; readonly waitMs: number }
  | { readonly do: "give up" };

export function startDpd(random: Uint8Array, nowMs: number): DpdState {
  const asked = new DataView(random.buffer, random.byteOffset, 4).getUint32(0) & 0x3fff_ffff;
  return { asked, answered: asked, unanswered: 0, heard: undefined, aliveAtMs: nowMs };
}

/**
 * @param inboundMs when the last packet came by the peer's IPsec SAs, by the same clock; undefined where none did
 */
export function nextMove(dpd: DpdState, policy: DpdPolicy, nowMs: number, inboundMs: number | undefined): DpdMove {
  const delayMs = 1000 * policy.delaySeconds;
  // Where the timeout leaves no time for an answer, there is one more delay for it.
  const timeoutMs = Math.max(1000 * policy.timeoutSeconds, 2 * delayMs);
  const heardByTraffic = inboundMs !== undefined && inboundMs > dpd.aliveAtMs;
  const alive = heardByTraffic ? { ...dpd, aliveAtMs: inboundMs, unanswered: 0 } : dpd;
  const idleMs = nowMs - alive.aliveAtMs;
  if (idleMs < delayMs) return { do: "wait", waitMs: delayMs - idleMs };
  if (alive.unanswered > 0 && idleMs >= timeoutMs) return { do: "give up" };
  const next = { ...alive, asked: alive.asked + 1, unanswered: alive.unanswered + 1 };
  return { do: "ask", next, waitMs: Math.max(1, Math.min(delayMs, timeoutMs - idleMs)) };
}

export function aliveNow(dpd: DpdState, nowMs: number): DpdState {
  return { ...dpd, aliveAtMs: nowMs, unanswered: 0 };
}

/** A late answer to an earlier question is a sign of life as well; one that was heard before is none. */
export function isAwaited({ asked, answered }: DpdState, sequence: number): boolean {
  return sequence <= asked && sequence > answered;
}

/** A question is answered once; one that is older than what was heard may be a replay (RFC 3706 §6.3). */
export function isNews({ heard }: DpdState, sequence: number): boolean {
  return heard === undefined || sequence > heard;
}
