/** Room in the packet memory for packets under way: taken piece by piece, given back all at once after a flush. */
export class Arena {
  #start: number;
  #next: number;

  constructor(start: number, readonly end: number) {
    this.#start = start;
    this.#next = start;
  }

  /** @returns the offset of `size` bytes that are never given out again; asked for before anything is taken */
  reserve(size: number): number {
    const at = this.#start;
    this.#start += (size + 7) & ~7;
    this.#next = this.#start;
    return at;
  }

  /** @returns the offset of `size` bytes aligned to 8, or -1 where the arena is full until `reset` */
  take(size: number): number {
    const at = this.#next;
    const next = at + ((size + 7) & ~7);
    if (next > this.end) return -1;
    this.#next = next;
    return at;
  }

  /** Whether it is time to flush: what one super-packet takes stays in the processor's cache until it has left. */
  get shouldFlush(): boolean {
    return this.#next - this.#start > 64 << 10;
  }

  reset(): void {
    this.#next = this.#start;
  }
}
