import { MAGIC_SPIS, SA_PROTOCOLS, type SaId } from "../text/sa_id.ts";
import type { Subnet } from "../text/subnet.ts";
import type { Sa } from "./sa.ts";

/** What an eroute applies to. Ports are in the subnets; protocol and ports 0 are any. */
export interface Selector {
  readonly source: Subnet;
  readonly destination: Subnet;
  readonly protocol: number;
}

/** An identity of RFC 2367 §2.3.4 that the key daemon gave with an eroute. */
export interface ErouteIdentity {
  readonly type: number;
  readonly text: string;
}

/** An extended route: packets of a flow, and the SA or shunt that they go to. */
export class Eroute {
  /** SPI of the magic SA, 0 for a real one. */
  shunt: number;
  count = 0;
  /** Instant of the last packet, 0 before it. */
  lastUsedAt = 0;
  sourceIdentity: ErouteIdentity | undefined = undefined;
  destinationIdentity: ErouteIdentity | undefined = undefined;
  /** What a %hold keeps: the packet that asked for keys, and the newest one. */
  firstHeld: Uint8Array | undefined = undefined;
  lastHeld: Uint8Array | undefined = undefined;
  /** The SA as it was found in generation `saGeneration` of the SA database. */
  sa: Sa | undefined = undefined;
  saGeneration = -1;
  #saId: SaId;

  constructor(readonly selector: Selector, saId: SaId, readonly pid: number) {
    this.#saId = saId;
    this.shunt = shuntOf(saId);
  }

  get saId(): SaId {
    return this.#saId;
  }

  set saId(saId: SaId) {
    this.#saId = saId;
    this.shunt = shuntOf(saId);
    this.saGeneration = -1;
  }
}

function shuntOf(saId: SaId): number {
  if (saId.protocol !== SA_PROTOCOLS.int) return 0;
  return (Object.values(MAGIC_SPIS) as number[]).includes(saId.spi) ? saId.spi : MAGIC_SPIS.drop;
}
