import type { AuthName, CipherName } from "../crypto/algorithms.ts";
import type { Aead, Cbc, Mac } from "../crypto/provider.ts";
import type { ReplayWindow } from "../packet/replay_window.ts";
import type { Address } from "../text/address.ts";
import type { SaId } from "../text/sa_id.ts";
import type { Subnet } from "../text/subnet.ts";

/** RFC 2367 §3.1.1: dying once a soft lifetime is reached. */
export type SaState = "larval" | "mature" | "dying" | "dead";

/** ESP (RFC 4303): either `aead`, or `cbc` and `mac`. */
export interface EspTransform {
  readonly kind: "esp";
  readonly cipher: CipherName;
  readonly auth: AuthName | undefined;
  readonly aead: Aead | undefined;
  readonly cbc: Cbc | undefined;
  readonly mac: Mac | undefined;
  /** 4 bytes that open an AEAD's nonce; empty for CBC. */
  readonly salt: Uint8Array;
  /** IV of the next packet, `ivBytes` long: random for CBC; for an AEAD a counter that starts at random. */
  readonly iv: Uint8Array;
  readonly ivBytes: number;
  readonly blockBytes: number;
  readonly icvBytes: number;
}

/** AH (RFC 4302). */
export interface AhTransform {
  readonly kind: "ah";
  readonly auth: AuthName;
  readonly mac: Mac;
  readonly icvBytes: number;
}

/** IP in IP (RFC 2003, 2473, 4213): outer source and destination are the SA's. */
export interface IpipTransform {
  readonly kind: "ipip";
}

/** IPCOMP with deflate (RFC 3173, 2394); `skip` and `failures` drive the adaptive counter of klips.md §19. */
export interface CompTransform {
  readonly kind: "comp";
  failures: number;
  skip: number;
  uncompressedBytes: number;
  compressedBytes: number;
}

export type Transform = EspTransform | AhTransform | IpipTransform | CompTransform;

/** What an SA can live by (RFC 2367 §2.3.2, klips.md §17). */
export const LIFETIME_KINDS = ["allocations", "bytes", "addtime", "usetime", "packets"] as const;
export type LifetimeKind = typeof LIFETIME_KINDS[number];

/** Limits of one kind of lifetime; 0 is none. Times are in seconds. */
export interface Limit {
  readonly kind: LifetimeKind;
  soft: number;
  hard: number;
}

/** UDP encapsulation (RFC 3948). Ports in host order. */
export interface UdpEncapsulation {
  /** Our port. */
  readonly sport: number;
  /** The peer's port; follows an authenticated packet that comes from another one. */
  dport: number;
  /** The peer's address as packets come from it, where it differs from the SA's own (NAT); else undefined. */
  peer: Address | undefined;
}

/** What an inbound `tun` SA accepts inside: the flow given with INFLOW. */
export interface InboundPolicy {
  readonly source: Subnet;
  readonly destination: Subnet;
  /** 0 is any; ports are in the subnets. */
  readonly protocol: number;
}

export interface SaOptions {
  readonly id: SaId;
  readonly source: Address;
  readonly inbound: boolean;
  readonly transform: Transform;
  readonly replay: ReplayWindow | undefined;
  readonly esn: boolean;
  readonly udp: UdpEncapsulation | undefined;
  readonly ref: number;
}

/** A Security Association as KLIPS holds it, with its neighbours in the chain and its counters. */
export class Sa {
  readonly id: SaId;
  readonly source: Address;
  readonly inbound: boolean;
  readonly transform: Transform;
  readonly ref: number;
  readonly esn: boolean;
  readonly udp: UdpEncapsulation | undefined;
  state: SaState = "mature";
  /** Applied before this one on output. */
  inner: Sa | undefined = undefined;
  /** Applied after this one on output. */
  outer: Sa | undefined = undefined;
  policy: InboundPolicy | undefined = undefined;

  /** Last sequence number sent, as two 32-bit halves. */
  sequenceLow = 0;
  sequenceHigh = 0;
  readonly replay: ReplayWindow | undefined;

  /** Of the kinds that are limited; undefined where none is. */
  limits: Limit[] | undefined = undefined;
  bytesUsed = 0;
  packetsUsed = 0;
  /** Instants are seconds of the engine's clock; 0 before there is one. */
  addedAt = 0;
  firstUsedAt = 0;
  lastUsedAt = 0;

  /** What the path to the peer carries, as an ICMP error said; 0 where none did. */
  pathMtu = 0;
  /** Instant at which that is forgotten. */
  pathMtuUntil = 0;

  sequenceErrors = 0;
  authErrors = 0;
  sizeErrors = 0;
  padErrors = 0;

  constructor(options: SaOptions) {
    this.id = options.id;
    this.source = options.source;
    this.inbound = options.inbound;
    this.transform = options.transform;
    this.replay = options.replay;
    this.esn = options.esn;
    this.udp = options.udp;
    this.ref = options.ref;
  }

  /** The limit of one kind, to be set. */
  limit(kind: LifetimeKind): Limit {
    this.limits ??= [];
    let limit = this.limits.find((one) => one.kind === kind);
    if (!limit) this.limits.push(limit = { kind, soft: 0, hard: 0 });
    return limit;
  }
}

/** Frees what the transform holds outside the heap and wipes its keys. */
export function wipeTransform(transform: Transform): void {
  if (transform.kind === "esp") {
    transform.aead?.wipe();
    transform.cbc?.wipe();
    transform.mac?.wipe();
    transform.salt.fill(0);
  } else if (transform.kind === "ah") {
    transform.mac.wipe();
  }
}
