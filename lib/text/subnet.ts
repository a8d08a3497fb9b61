import type { Address } from "./address.ts";

/** A network with its prefix length; host bits are clear. `port` 0 is any. */
export interface Subnet {
  readonly address: Address;
  readonly bits: number;
  readonly port: number;
}
