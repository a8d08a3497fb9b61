/**
 * Anti-replay window of RFC 4303 §3.4.3, with extended sequence numbers of its appendix A2. A sequence number is two
 * unsigned 32-bit halves. Nothing here allocates after construction.
 */
export class ReplayWindow {
  /** Highest sequence number that was authentic. */
  high = 0;
  low = 0;
  /** Largest gap seen between the highest and a newer one, less one (`max_seq_diff=` of the listing). */
  largestGap = 0;

  /** @param size 1 to 1024 packets */
  constructor(readonly size: number) {}
}
