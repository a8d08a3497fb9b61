/**
 * Anti-replay window of RFC 4303 §3.4.3, with extended sequence numbers of its appendix A2, as a ring of bits (RFC 6479):
 * moving on clears whole words instead of shifting. A sequence number is two unsigned 32-bit halves. Nothing here
 * allocates after construction.
 */
export class ReplayWindow {
  /** Highest sequence number that was authentic. */
  high = 0;
  low = 0;
  /** Largest gap seen between the highest and a newer one, less one (`max_seq_diff=` of the listing). */
  largestGap = 0;
  /** 32-bit words. A plain array: a typed one takes ten times as much for a window of 64. */
  readonly #bits: number[];
  readonly #mask: number;

  /** @param size 1 to 1024 packets */
  constructor(readonly size: number) {
    // One word more than the window, so that the word being entered can be cleared as a whole.
    let words = 2;
    while (words * 32 < size + 32) words *= 2;
    this.#bits = Array.from({ length: words }, () => 0);
    this.#mask = words - 1;
  }

  /** Whether a packet of this number may be looked at further; asked before its ICV is. */
  mayAccept(high: number, low: number): boolean {
    if (high === 0 && low === 0) return false;
    const ahead = this.#distance(high, low);
    if (ahead > 0) return true;
    if (-ahead >= this.size) return false;
    return (this.#bits[low >>> 5 & this.#mask] & 1 << (low & 31)) === 0;
  }

  /** Notes an authentic number that {@linkcode mayAccept} has allowed. */
  markAuthentic(high: number, low: number): void {
    const ahead = this.#distance(high, low);
    if (ahead > 0) {
      if (ahead - 1 > this.largestGap) this.largestGap = ahead - 1;
      const from = this.low >>> 5;
      const words = this.#bits.length;
      // Words between the old and the new position; with a large step all of them.
      let steps = (low >>> 5) - from;
      if (ahead >= words * 32) steps = words;
      else if (steps < 0) steps += 0x8000000;
      for (let i = 1; i <= steps && i <= words; i++) this.#bits[from + i & this.#mask] = 0;
      this.high = high;
      this.low = low;
    } else if (-ahead >= this.size) return;
    this.#bits[low >>> 5 & this.#mask] |= 1 << (low & 31);
  }

  /** The high half that belongs to a received low half (RFC 4303 appendix A2.2). */
  guessHigh(low: number): number {
    const bottom = this.low - this.size + 1;
    if (this.low >= this.size - 1) return low >= bottom ? this.high : this.high + 1 >>> 0;
    return low >= bottom + 0x100000000 ? Math.max(0, this.high - 1) : this.high;
  }

  /** The window in hexadecimal without padding, the newest packet in the lowest bit. */
  bitmap(): string {
    let value = 0n;
    for (let i = this.size - 1; i >= 0; i--) {
      const at = this.low - i;
      const bit = at < 0 && this.high === 0 ? 0 : this.#bits[at >>> 5 & this.#mask] >>> (at & 31) & 1;
      value = value << 1n | BigInt(bit);
    }
    return value.toString(16);
  }

  /** How far a number lies ahead of the highest; exact within 2^53. */
  #distance(high: number, low: number): number {
    return (high - this.high) * 0x100000000 + (low - this.low);
  }
}
