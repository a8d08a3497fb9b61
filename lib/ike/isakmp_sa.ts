/** An ISAKMP SA from inside: what {@linkcode IsakmpSa} shows to the rest of the program, and what only the exchanges see. */
import type { RsaPublicKey } from "../crypto/rsa.ts";
import type { DhKey } from "../crypto/dh.ts";
import type { Identity } from "../text/identity.ts";
import { Exchange } from "./exchange.ts";
import { Reassembly } from "./fragments.ts";
import type { Packet } from "./incoming.ts";
import type { Phase1Keys } from "./keys.ts";
import { MessageIds } from "./message_ids.ts";
import { Negotiation, type NegotiationStart } from "./negotiation.ts";
import type { Phase1Offer } from "./phase1_proposal.ts";
import type { IsakmpSa } from "./state.ts";
import type { AuthMethod, IkeSuite } from "./suite.ts";
import type { NattMethod } from "./vendor_ids.ts";

/** What has been offered and exchanged on the way to the keys; wiped when phase 1 ends. */
export interface Phase1Work {
  /** Body of the initiator's SA payload as it was on the wire: HASHes cover it. */
  readonly sai?: Uint8Array;
  /** What we have offered: the answer must be one of these. */
  readonly offer?: Phase1Offer;
  /** Our private value. */
  readonly dh?: DhKey;
  readonly gxi?: Uint8Array;
  readonly gxr?: Uint8Array;
  readonly ni?: Uint8Array;
  readonly nr?: Uint8Array;
  /** Body of the peer's ID payload: Aggressive Mode sends it before its proof. */
  readonly peerIdBody?: Uint8Array;
}

/** XAUTH. */
export interface Login {
  readonly user?: string;
  /** As server, that we let the user in; as client, that we were. */
  readonly accepted?: boolean;
  /** As client, how often we have said a password. */
  readonly answers?: number;
  /** As client: the user is being asked. */
  readonly isAsking?: boolean;
}

/** What the peer has announced by vendor IDs. */
export interface PeerAbilities {
  /** Any at all. */
  readonly hasVendorId: boolean;
  readonly dpd: boolean;
  readonly fragmentation: boolean;
  readonly xauth: boolean;
  /** Cisco's client, and what behaves like it. */
  readonly unity: boolean;
  /** The best way of NAT traversal that both know. */
  readonly natt?: NattMethod;
}

export class IsakmpState extends Negotiation implements IsakmpSa {
  readonly kind = "isakmp";
  readonly exchange: Exchange;
  readonly initiatorCookie: Uint8Array;
  responderCookie: Uint8Array;
  auth?: AuthMethod;
  suite?: IkeSuite;
  lifetimeSeconds: number;
  peerId?: Identity;
  peerKey?: RsaPublicKey;
  peerSpeaksDpd = false;
  nat: { readonly ours: boolean; readonly peers: boolean; readonly method?: string } = { ours: false, peers: false };
  assigned?: IsakmpSa["assigned"];

  work: Phase1Work = {};
  keys?: Phase1Keys;
  peer: PeerAbilities = { hasVendorId: false, dpd: false, fragmentation: false, xauth: false, unity: false };
  /** Phase 1 is done: there may be XAUTH and Mode Config before it counts as established. */
  isAuthenticated = false;
  /** Authenticated, and given a moment before anything else is sent. */
  isSettling = false;
  readonly messageIds = new MessageIds();
  xauth?: Login;
  /** Pieces of a message of the peer's. */
  readonly reassembly = new Reassembly();
  /** XAUTH or Mode Config, going on or just over; `name` is then one of their states. */
  transaction?: Exchange;
  /** XAUTH or Mode Config by which the last message came, whose step may still be waiting for the host. */
  answering?: Exchange;
  /** Name of the notification that an unauthenticated message has brought: only ever said, never obeyed. */
  peerSaid?: string;
  /** The peer's first message of Quick Mode, which came while the host is asked about its last one of phase 1. */
  early?: Packet;
  /** How often a proof of the peer's was refused, and the peer told so. */
  refusals = 0;

  constructor(
    start: NegotiationStart & {
      readonly exchangeType: number;
      readonly initiatorCookie: Uint8Array;
      readonly responderCookie: Uint8Array;
    },
  ) {
    super(start);
    this.exchange = new Exchange(start.exchangeType, 0);
    this.initiatorCookie = start.initiatorCookie;
    this.responderCookie = start.responderCookie;
    this.lifetimeSeconds = start.connection.ikeLifetimeSeconds;
  }

  /** The SA itself: what protects its exchanges. */
  get isakmp(): IsakmpState {
    return this;
  }

  wipe(): void {
    this.forgetWork();
    this.reassembly.clear();
    this.early = undefined;
    if (!this.keys) return;
    for (const secret of Object.values(this.keys)) secret.wipe();
    this.keys = undefined;
  }

  /** Phase 1 is over. */
  forgetWork(): void {
    this.work.dh?.wipe();
    this.work = {};
  }
}
