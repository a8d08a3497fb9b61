/** Where our SPIs come from (pluto.md §17): a random start, then one after the other. */

const LOWEST_SPI = 0x1000, HIGHEST_SPI = 0xffffffff;
/** CPIs that are negotiated (RFC 3173 §3.3). */
const LOWEST_CPI = 256, HIGHEST_CPI = 61439;

export class SpiSource {
  #spi: number;
  #cpi: number;

  constructor(random: (bytes: number) => Uint8Array<ArrayBuffer>) {
    const view = new DataView(random(8).buffer);
    this.#spi = LOWEST_SPI + view.getUint32(0) % (HIGHEST_SPI - LOWEST_SPI + 1);
    this.#cpi = LOWEST_CPI + view.getUint32(4) % (HIGHEST_CPI - LOWEST_CPI + 1);
  }

  /** One sequence for AH and ESP. @param isUsed whether an SA of ours has a number */
  take(protocol: "esp" | "ah" | "ipcomp", isUsed: (spi: number) => boolean): number {
    for (let tries = 0; tries <= HIGHEST_CPI; tries++) {
      const spi = protocol === "ipcomp" ? this.#nextCpi() : this.#nextSpi();
      if (!isUsed(spi)) return spi;
    }
    throw new RangeError(`Cannot allocate an SPI for ${protocol}: ${HIGHEST_CPI} in a row are in use`);
  }

  #nextSpi(): number {
    this.#spi = this.#spi >= HIGHEST_SPI ? LOWEST_SPI : this.#spi + 1;
    return this.#spi;
  }

  #nextCpi(): number {
    this.#cpi = this.#cpi >= HIGHEST_CPI ? LOWEST_CPI : this.#cpi + 1;
    return this.#cpi;
  }
}
