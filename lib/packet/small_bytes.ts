/**
 * Small byte arrays that share pages of memory. V8 takes some 0.5 KB for a small array of its own, as that has an
 * ArrayBuffer and a block beside the heap; one in a page takes 0.1 KB (bench/_memory_program.ts). A page is freed when
 * the last array in it is gone, so secrets are to be overwritten by whoever took the bytes, as ever.
 */
export class SmallBytes {
  #page = new Uint8Array(0);
  #used = 0;

  /** @param pageBytes size of a page; what is larger than a quarter of it has memory of its own */
  constructor(readonly pageBytes = 4096) {}

  /** @returns zeroes */
  take(size: number): Uint8Array<ArrayBuffer> {
    if (4 * size > this.pageBytes) return new Uint8Array(size);
    if (this.#used + size > this.#page.length) {
      this.#page = new Uint8Array(this.pageBytes);
      this.#used = 0;
    }
    const taken = this.#page.subarray(this.#used, this.#used + size);
    this.#used += size;
    return taken;
  }

  copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const taken = this.take(bytes.length);
    taken.set(bytes);
    return taken;
  }
}
