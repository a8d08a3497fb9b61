/** What a fuzzer found: a rule that the engine broke. */
export class Finding extends Error {
  override name = "Finding";
}

/** Filled around what the engine may write to. */
const GUARD = 0xa5;
const GUARD_WORD = 0xa5a5a5a5 | 0;

/** The packet memory outside the regions that the engine may write to. */
export class Guard {
  constructor(
    readonly memory: { readonly bytes: Uint8Array; readonly view: DataView },
    /** Regions that belong to the engine or the fuzzer, ascending. */
    readonly regions: readonly (readonly [start: number, end: number])[],
  ) {
    this.#each((start, end) => memory.bytes.fill(GUARD, start, end));
  }

  /** @throws Finding where a byte outside the regions has changed */
  check(): void {
    this.#each((start, end) => {
      const { bytes, view } = this.memory;
      let at = start;
      for (; at + 4 <= end && view.getInt32(at) === GUARD_WORD; at += 4);
      for (; at < end; at++) if (bytes[at] !== GUARD) throw new Finding(`byte ${at} was written, which is no one's`);
    });
  }

  /** Readies the bytes from `start` to `end`, to be looked at by {@linkcode expectUntouched}. */
  paint(start: number, end: number): void {
    this.memory.bytes.fill(GUARD, start, end);
  }

  expectUntouched(start: number, end: number): void {
    const { bytes } = this.memory;
    for (let at = start; at < end; at++) {
      if (bytes[at] !== GUARD) throw new Finding(`byte ${at} was written, outside of the packet (${start} to ${end})`);
    }
  }

  #each(use: (start: number, end: number) => void): void {
    let at = 0;
    for (const [start, end] of this.regions) {
      use(at, start);
      at = end;
    }
    use(at, this.memory.bytes.length);
  }
}
