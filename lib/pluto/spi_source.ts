/** Where our SPIs come from (pluto.md §17): a random start, then one after the other. */

const LOWEST_SPI = 0x1000, HIGHEST_SPI = 0xffffffff;
/** CPIs that are negotiated (RFC 3173 §3.3). */
const LOWEST_CPI = 256, HIGHEST_CPI = 61439;

export class SpiSource {
  readonly #spis: Round;
  readonly #cpis: Round;

  constructor(random: (bytes: number) => Uint8Array<ArrayBuffer>) {
    const view = new DataView(random(8).buffer);
    this.#spis = new Round(LOWEST_SPI, HIGHEST_SPI, view.getUint32(0));
    this.#cpis = new Round(LOWEST_CPI, HIGHEST_CPI, view.getUint32(4));
  }

  /** One sequence for AH and ESP. @param used gives the numbers that SAs of ours have, which in the first round none has */
  take(protocol: "esp" | "ah" | "ipcomp", used: () => ReadonlySet<number>): number {
    const round = protocol === "ipcomp" ? this.#cpis : this.#spis;
    const first = round.next();
    if (!round.isOver) return first;
    const taken = used();
    for (let tries = 0, spi = first; tries <= HIGHEST_CPI; tries++, spi = round.next()) if (!taken.has(spi)) return spi;
    throw new RangeError(`Cannot allocate an SPI for ${protocol}: ${HIGHEST_CPI} in a row are in use`);
  }
}

/** Numbers from a place on, round and round. */
class Round {
  readonly #lowest: number;
  readonly #size: number;
  readonly #start: number;
  #given = 0;

  constructor(lowest: number, highest: number, start: number) {
    this.#lowest = lowest;
    this.#size = highest - lowest + 1;
    this.#start = start;
  }

  /** All have been given once. */
  get isOver(): boolean {
    return this.#given > this.#size;
  }

  next(): number {
    return this.#lowest + (this.#start + this.#given++) % this.#size;
  }
}
