/** An IPsec SA from inside. Quick Mode fills it; `work` is what it needs until the SA stands. */
import type { DhKey } from "../crypto/dh.ts";
import type { GroupName } from "../crypto/dh_groups.ts";
import { hostSubnet, type Subnet } from "../text/subnet.ts";
import type { Client } from "./client_ids.ts";
import { Exchange } from "./exchange.ts";
import { Negotiation, type NegotiationStart } from "./negotiation.ts";
import type { Proposal } from "./payload.ts";
import type { Phase2Offer } from "./phase2_proposal.ts";
import type { IpsecSa, NegotiatedSa } from "./state.ts";
import type { Mode } from "./suite.ts";

/** RFC 2409 §5.5. */
export const QUICK_MODE = 32;

/** What has been offered and exchanged; dropped when the SA stands. */
export interface QuickWork {
  /** What we have offered: the answer must be one of these. */
  readonly offer?: Phase2Offer;
  /** Our private value, for PFS. */
  readonly dh?: DhKey;
  readonly ni?: Uint8Array;
  readonly nr?: Uint8Array;
  /** Whose traffic it is for, as the initiator says: its own, then the responder's. */
  readonly clients?: readonly [Client, Client];
}

export class IpsecState extends Negotiation implements IpsecSa {
  readonly kind = "ipsec";
  readonly exchange: Exchange;
  /** Number of the ISAKMP SA under which it was negotiated. */
  readonly isakmp: number;
  mode: Mode;
  protocols: readonly NegotiatedSa[] = [];
  pfsGroup?: GroupName;
  lifetimeSeconds: number;
  ourClient: Subnet;
  peersClient: Subnet;
  encapsulation?: IpsecSa["encapsulation"];
  /** We must keep the NAT's table alive while it stands. */
  behindNat = false;
  /** SPIs that we have offered, or answered with, by which a peer's notification may name the SA. */
  ourSpis: readonly number[] = [];
  /** The peer's first proposal, by whose SPI it knows what a notification of ours is about. */
  proposed?: Pick<Proposal, "protocol" | "spi">;
  work: QuickWork = {};

  constructor(start: NegotiationStart & { readonly isakmp: number; readonly messageId: number }) {
    super(start);
    const { ours, peers, mode, ipsecLifetimeSeconds } = start.connection;
    this.isakmp = start.isakmp;
    this.exchange = new Exchange(QUICK_MODE, start.messageId);
    this.mode = mode;
    this.lifetimeSeconds = ipsecLifetimeSeconds;
    this.ourClient = ours.client ?? hostSubnet(ours.host);
    this.peersClient = peers.client ?? hostSubnet(peers.host);
  }

  wipe(): void {
    this.forgetWork();
    for (const { inboundKeys, outboundKeys } of this.protocols) {
      for (const keys of [inboundKeys, outboundKeys]) {
        keys.cipher?.wipe();
        keys.auth?.wipe();
      }
    }
  }

  /** The SA stands. */
  forgetWork(): void {
    this.work.dh?.wipe();
    this.work = {};
  }
}
