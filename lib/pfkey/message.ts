import type { Address } from "../text/address.ts";
import type { DebugWord, TUNNEL_OPS } from "./constants.ts";

/** SPI and numbers of an SA (RFC 2367 §2.3.1) with the reference of KLIPS. */
export interface SaExtension {
  readonly spi: number;
  readonly replay: number;
  readonly state: number;
  readonly auth: number;
  readonly encrypt: number;
  readonly flags: number;
  /** 0xffffffff for none. */
  readonly ref: number;
}

/** RFC 2367 §2.3.2, with the packets of KLIPS. Bytes and times up to 2^53. */
export interface LifetimeExtension {
  readonly allocations: number;
  readonly bytes: number;
  readonly addtime: number;
  readonly usetime: number;
  readonly packets: number;
}

/** RFC 2367 §2.3.3. `port` in host order. */
export interface AddressExtension {
  readonly address: Address;
  readonly port: number;
  readonly proto: number;
  readonly prefixLength: number;
}

/** RFC 2367 §2.3.4. */
export interface KeyExtension {
  readonly bits: number;
  readonly key: Uint8Array;
}

/** RFC 2367 §2.3.5. */
export interface IdentityExtension {
  readonly type: number;
  readonly id: number;
  readonly text: string;
}

/** One combination of a proposal (RFC 2367 §2.3.7) with the packets of KLIPS. */
export interface Combination {
  readonly auth: number;
  readonly encrypt: number;
  readonly flags: number;
  readonly authMinBits: number;
  readonly authMaxBits: number;
  readonly encryptMinBits: number;
  readonly encryptMaxBits: number;
  readonly soft: LifetimeExtension;
  readonly hard: LifetimeExtension;
}

export interface ProposalExtension {
  readonly replay: number;
  readonly combinations: readonly Combination[];
}

/** One algorithm of a REGISTER reply (RFC 2367 §2.3.8). */
export interface Supported {
  readonly id: number;
  readonly ivBits: number;
  readonly minBits: number;
  readonly maxBits: number;
}

export interface SpiRangeExtension {
  readonly min: number;
  readonly max: number;
}

export interface ProtocolExtension {
  readonly protocol: number;
  readonly direction: number;
  readonly flags: number;
}

export interface TunnelExtension {
  readonly op: keyof typeof TUNNEL_OPS;
  readonly virtual: string;
  readonly physical: string;
}

/** The extensions of a message, each at most once. */
export interface Extensions {
  sa?: SaExtension;
  sa2?: SaExtension;
  lifetimeCurrent?: LifetimeExtension;
  lifetimeHard?: LifetimeExtension;
  lifetimeSoft?: LifetimeExtension;
  source?: AddressExtension;
  destination?: AddressExtension;
  proxy?: AddressExtension;
  destination2?: AddressExtension;
  sourceFlow?: AddressExtension;
  destinationFlow?: AddressExtension;
  sourceMask?: AddressExtension;
  destinationMask?: AddressExtension;
  natOa?: AddressExtension;
  keyAuth?: KeyExtension;
  keyEncrypt?: KeyExtension;
  identitySource?: IdentityExtension;
  identityDestination?: IdentityExtension;
  /** Kept as bytes: KLIPS refuses it. */
  sensitivity?: Uint8Array;
  proposal?: ProposalExtension;
  supportedAuth?: readonly Supported[];
  supportedEncrypt?: readonly Supported[];
  spiRange?: SpiRangeExtension;
  satype2?: number;
  debug?: Readonly<Record<DebugWord, number>>;
  protocol?: ProtocolExtension;
  natType?: number;
  natSport?: number;
  natDport?: number;
  path?: string;
  data?: Uint8Array;
  tunnel?: TunnelExtension;
}

export interface PfkeyMessage {
  readonly type: number;
  readonly errno: number;
  readonly satype: number;
  readonly seq: number;
  readonly pid: number;
  readonly extensions: Extensions;
}
