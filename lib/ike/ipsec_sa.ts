/** An IPsec SA from inside. Quick Mode fills it. */
import type { GroupName } from "../crypto/dh_groups.ts";
import { hostSubnet, type Subnet } from "../text/subnet.ts";
import { Exchange } from "./exchange.ts";
import { Negotiation, type NegotiationStart } from "./negotiation.ts";
import type { IpsecSa, NegotiatedSa } from "./state.ts";
import type { Mode } from "./suite.ts";

/** RFC 2409 §5.5. */
export const QUICK_MODE = 32;

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
    for (const { inboundKeys, outboundKeys } of this.protocols) {
      for (const keys of [inboundKeys, outboundKeys]) {
        keys.cipher?.wipe();
        keys.auth?.wipe();
      }
    }
  }
}
