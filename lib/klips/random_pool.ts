/** Random bytes for IVs, drawn from the system in large pieces, because one call per packet would cost more. */
export class RandomPool {
  readonly #pool = new Uint8Array(4096);
  #used = this.#pool.length;

  constructor(readonly refill: (bytes: Uint8Array<ArrayBuffer>) => void) {}

  /** Fills `target`, at most 64 bytes; what is handed out is wiped here. */
  fill(target: Uint8Array): void {
    if (this.#used + target.length > this.#pool.length) {
      this.refill(this.#pool);
      this.#used = 0;
    }
    for (let i = 0; i < target.length; i++) {
      target[i] = this.#pool[this.#used];
      this.#pool[this.#used++] = 0;
    }
  }
}
