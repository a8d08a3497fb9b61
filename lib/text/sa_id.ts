import type { Address } from "./address.ts";

/** Protocols of an SA, as in /etc/protocols; `int` names the magic SAs. */
export const SA_PROTOCOLS = { ah: 51, esp: 50, tun: 4, comp: 108, int: 61 } as const;

/** What names an SA: IP protocol number, SPI (unsigned 32 bits), destination. */
export interface SaId {
  readonly protocol: number;
  readonly spi: number;
  readonly destination: Address;
}

/** SPIs of the magic SAs of protocol `int`. */
export const MAGIC_SPIS = { pass: 256, drop: 257, reject: 258, hold: 259, trap: 260, trapsubnet: 261 } as const;
