/** States as the rest of the program sees them: one ISAKMP SA, or one IPsec SA pair, each under negotiation or established. */
import type { GroupName } from "../crypto/dh_groups.ts";
import type { Secret } from "../crypto/secret.ts";
import type { RsaPublicKey } from "../crypto/rsa.ts";
import { type Address, sameAddress } from "../text/address.ts";
import type { Identity } from "../text/identity.ts";
import type { Subnet } from "../text/subnet.ts";
import type { IkeConnection } from "./connection.ts";
import type { AuthMethod, IkeSuite, IpsecSuite, Mode } from "./suite.ts";

/** Where messages come from and go to. */
export interface Path {
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
}

/** Addresses and ports of both ends. */
export function samePath(a: Path, b: Path): boolean {
  return a.localPort === b.localPort && a.remotePort === b.remotePort &&
    sameAddress(a.local, b.local) && sameAddress(a.remote, b.remote);
}

/** Numbers are those of FreeS/WAN's progress codes (100 + number); those that it had not are from 20 on. */
export const STATES = {
  MAIN_R0: { number: 3, story: "expecting MI1" },
  MAIN_I1: { number: 4, story: "sent MI1, expecting MR1" },
  MAIN_R1: { number: 5, story: "sent MR1, expecting MI2" },
  MAIN_I2: { number: 6, story: "sent MI2, expecting MR2" },
  MAIN_R2: { number: 7, story: "sent MR2, expecting MI3" },
  MAIN_I3: { number: 8, story: "sent MI3, expecting MR3" },
  MAIN_R3: { number: 9, story: "sent MR3, ISAKMP SA established" },
  MAIN_I4: { number: 10, story: "ISAKMP SA established" },
  QUICK_R0: { number: 11, story: "expecting QI1" },
  QUICK_I1: { number: 12, story: "sent QI1, expecting QR1" },
  QUICK_R1: { number: 13, story: "sent QR1, inbound IPsec SA installed, expecting QI2" },
  QUICK_I2: { number: 14, story: "sent QI2, IPsec SA established" },
  QUICK_R2: { number: 15, story: "IPsec SA established" },
  INFO: { number: 16, story: "got Informational Message in clear" },
  INFO_PROTECTED: { number: 17, story: "got encrypted Informational Message" },
  AGGR_R0: { number: 20, story: "expecting AI1" },
  AGGR_I1: { number: 21, story: "sent AI1, expecting AR1" },
  AGGR_R1: { number: 22, story: "sent AR1, expecting AI2" },
  AGGR_I2: { number: 23, story: "sent AI2, ISAKMP SA established" },
  AGGR_R2: { number: 24, story: "ISAKMP SA established" },
  XAUTH_R0: { number: 25, story: "XAUTH responder - optional CFG exchange" },
  XAUTH_R1: { number: 26, story: "XAUTH status sent, expecting Ack" },
  XAUTH_I0: { number: 27, story: "XAUTH client - awaiting CFG_request" },
  XAUTH_I1: { number: 28, story: "XAUTH client - awaiting CFG_set" },
  MODE_CFG_R0: { number: 29, story: "ModeCfg server, awaiting request" },
  MODE_CFG_R1: { number: 30, story: "ModeCfg set sent, expecting Ack" },
  MODE_CFG_I1: { number: 31, story: "ModeCfg client, awaiting answer" },
} as const satisfies Record<string, { readonly number: number; readonly story: string }>;

export type StateName = keyof typeof STATES;

export type EventName =
  | "EVENT_NULL"
  | "EVENT_RETRANSMIT"
  | "EVENT_SO_DISCARD"
  | "EVENT_SA_REPLACE"
  | "EVENT_SA_REPLACE_IF_USED"
  | "EVENT_SA_EXPIRE";

interface CommonState {
  /** From 1 on, never used again in one run. */
  readonly number: number;
  readonly name: StateName;
  readonly role: "initiator" | "responder";
  /** May change while phase 1 goes on (pluto.md §15.2). */
  connection: IkeConnection;
  readonly path: Path;
  readonly isEstablished: boolean;
  /** Of our attempts to key this connection, from 1 on. */
  readonly attempt: number;
  /** Number of the state that this one replaces; 0 for none. */
  readonly replaces: number;
  /** When we first sent what the peer still owes an answer to: milliseconds of the clock; undefined where it owes none. */
  readonly unansweredSince: number | undefined;
  /** What the timer is set to, for listings; milliseconds of the clock. */
  readonly event?: { readonly name: EventName; readonly atMs: number };
}

export interface IsakmpSa extends CommonState {
  readonly kind: "isakmp";
  readonly auth?: AuthMethod;
  readonly suite?: IkeSuite;
  readonly lifetimeSeconds: number;
  readonly peerId?: Identity;
  /** That verified its signature. */
  readonly peerKey?: RsaPublicKey;
  readonly peerSpeaksDpd: boolean;
  readonly nat: { readonly ours: boolean; readonly peers: boolean; readonly method?: string };
  /** XAUTH: as whom the peer has come to us, and whether we let it in. */
  readonly xauth?: { readonly user?: string; readonly accepted?: boolean };
  /** What a Mode Config server gave us. */
  readonly assigned?: {
    readonly address?: Address;
    readonly dns: readonly Address[];
    readonly subnets: readonly Subnet[];
    /** As it came. */
    readonly domain?: string;
  };
}

/** One protocol of an IPsec SA: keys belong to the direction of the SPI that stands before them. */
export interface NegotiatedSa {
  readonly suite: IpsecSuite | { readonly protocol: "ipcomp" };
  /** Ours, by which packets come in. For IPCOMP the CPI. */
  readonly inboundSpi: number;
  readonly outboundSpi: number;
  readonly inboundKeys: { readonly cipher?: Secret; readonly auth?: Secret };
  readonly outboundKeys: { readonly cipher?: Secret; readonly auth?: Secret };
}

export interface IpsecSa extends CommonState {
  readonly kind: "ipsec";
  readonly isakmp: number;
  readonly mode: Mode;
  /** In the order of the packet, from the outside: AH, ESP, IPCOMP. Known from QR1 on. */
  readonly protocols: readonly NegotiatedSa[];
  readonly pfsGroup?: GroupName;
  readonly lifetimeSeconds: number;
  readonly ourClient: Subnet;
  readonly peersClient: Subnet;
  /** ESP goes in UDP between these ports. */
  readonly encapsulation?: { readonly localPort: number; readonly remotePort: number };
}

export type IkeState = IsakmpSa | IpsecSa;
