/**
 * What is kept of one exchange while it goes on, and after it to answer repeats. In phase 1 the message id is 0; each
 * exchange of phase 2 has its own message id and its own IV (RFC 2409 §5.5, appendix B).
 */
import type { IvChain } from "./cbc.ts";

export class Exchange {
  /** None before there are keys. */
  chain?: IvChain;
  /** The last datagram that was accepted, to know its repeats by. */
  lastReceived?: Uint8Array;
  /** The last message that was sent: one datagram, or its fragments. */
  lastSent: readonly Uint8Array[] = [];
  /** When `lastSent` was sent at first, where an answer is due: milliseconds of the clock. */
  askedAt?: number;
  /** How often the timer has sent `lastSent` again. */
  retransmissions = 0;
  /** How often a repeat has been answered with `lastSent`. */
  answers = 0;
  /** A step waits for the host. */
  isSuspended = false;

  /** @param type exchange type (RFC 2408 §3.1) */
  constructor(readonly type: number, readonly messageId: number) {}
}
