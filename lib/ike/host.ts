/**
 * What the exchanges ask of the program around them. `lib/pluto` answers; tests have a small host of their own. Calls
 * that return a promise suspend their state: what arrives for it meanwhile is dropped, as the peer will repeat it.
 */
import type { GroupName } from "../crypto/dh_groups.ts";
import type { RsaPrivateKey, RsaPublicKey } from "../crypto/rsa.ts";
import type { Secret } from "../crypto/secret.ts";
import type { Address } from "../text/address.ts";
import type { Identity } from "../text/identity.ts";
import type { Subnet } from "../text/subnet.ts";
import type { IkeConnection } from "./connection.ts";
import type { IkeState, IpsecSa, IsakmpSa, Path } from "./state.ts";
import type { AuthMethod, Mode } from "./suite.ts";

export interface Timer {
  cancel(): void;
}

/** Milliseconds of a clock that does not jump. */
export interface Clock {
  now(): number;
  after(ms: number, act: () => void): Timer;
}

/** What a line is about; its prefix follows (pluto.md §3.2). */
export type Subject = IkeState | IkeConnection | Path | undefined;

/** Why something is refused: the user's sentence, and the notification that applies (RFC 2408 §3.14.1; 0 for none). */
export interface Refusal {
  readonly refused: string;
  readonly notify: number;
}

/** What a peer wants to protect (pluto.md §15.3). */
export interface ClientRequest {
  readonly ours: { readonly client: Subnet; readonly protocol: number; readonly port: number };
  readonly peers: { readonly client: Subnet; readonly protocol: number; readonly port: number };
  /** Mode that the best transform of the peer has. */
  readonly mode: Mode;
}

/** What Mode Config gives a peer. */
export interface GivenSettings {
  readonly address: Address;
  readonly dns: readonly Address[];
  readonly wins: readonly Address[];
  /** Networks behind us; none: all. */
  readonly subnets?: readonly Subnet[];
  /** The first is its own; names of all of them are asked of our name servers. */
  readonly domains?: readonly string[];
  readonly banner?: string;
  /** Whose the address is, where that is another than the SA has. */
  readonly connection?: IkeConnection;
}

export interface PeerKeys {
  readonly keys: readonly RsaPublicKey[];
  /** Where there are none: why, for the log. */
  readonly why?: string;
}

export interface IkeHost {
  /** Whose exchange a first message begins (pluto.md §15.1). `peerId` is known in Aggressive Mode only. */
  chooseByAddress(path: Path, mode: "main" | "aggressive", peerId?: Identity): IkeConnection | Refusal;
  /** Responder, after the peer has said who it is (pluto.md §15.2): the present connection, or a better one. */
  chooseByIdentity(
    sa: IsakmpSa,
    peerId: Identity,
    auth: AuthMethod,
  ): IkeConnection | Refusal;
  /** pluto.md §15.3, §19.5. */
  chooseByClients(sa: IsakmpSa, request: ClientRequest): Promise<IkeConnection | Refusal>;

  /** All with a peer of this identity. */
  connectionsWith(peerId: Identity): Iterable<IkeConnection>;

  presharedKey(connection: IkeConnection, peerId?: Identity): Secret | undefined;
  privateKey(connection: IkeConnection): RsaPrivateKey | undefined;
  /** Candidates, best first (pluto.md §12.3); may ask the DNS. */
  peerKeys(connection: IkeConnection, peerId: Identity): Promise<PeerKeys>;

  /** Of an inbound SA that is to be negotiated; unique among ours. IPCOMP's are CPIs of 16 bits. */
  allocateSpi(protocol: "esp" | "ah" | "ipcomp"): number;
  /** Before QR1 (as responder) or QI2 (as initiator) is sent. @returns why it could not be done */
  installInbound(sa: IpsecSa): Promise<string | undefined>;
  /** Outbound SAs, eroute and route. */
  installOutbound(sa: IpsecSa): Promise<string | undefined>;

  /** XAUTH, server's side. */
  checkPassword(connection: IkeConnection, user: string, password: Secret): Promise<boolean>;
  /** XAUTH, client's side: from ipsec.secrets, the user's whack, or nowhere. */
  credentials(sa: IsakmpSa): Promise<{ readonly user: string; readonly password: Secret } | undefined>;
  /**
   * Mode Config, server's side: what this peer gets; undefined where nobody has said what.
   *
   * @param wanted that it asks for, as one that had it before does
   */
  addressFor(sa: IsakmpSa, wanted?: Address): GivenSettings | Refusal | undefined;

  /** An ISAKMP or IPsec SA is established (after XAUTH and Mode Config where they are due). */
  established(state: IkeState): void;
  /** It has had so many exchanges that another one should take its place; with somewhat more it ends. */
  worn(sa: IsakmpSa): void;
  /** Initiator: nobody has answered so far, and the message is sent again. */
  unanswered(state: IkeState): void;
  /** Initiator: nobody answered, or nothing that helps. The state is deleted after the call. */
  gaveUp(state: IkeState, detail: string): void;
  /** A Delete for an established SA came from the peer, under protection. The host decides (pluto.md §14). */
  peerDeleted(state: IkeState): void;
  /** The peer has said that an established SA ends earlier: `lifetimeSeconds`, which counts from when it was made, is new. */
  lifetimeChanged(state: IkeState): void;
  /** INITIAL-CONTACT: the peer has forgotten all earlier SAs. */
  initialContact(sa: IsakmpSa): void;
  /** No sign of life for the time of the connection's `dpdtimeout`. */
  peerIsDead(sa: IsakmpSa): void;
  /** When the last packet came in by the peer's SAs, in milliseconds of the clock: KLIPS's counters; undefined where unknown. */
  lastInbound(sa: IsakmpSa): number | undefined;
  /** The peer, behind NAT, now speaks from another address or port. All states that it shares have `path` already. */
  moved(sa: IsakmpSa, path: Path): void;
  /** A state is gone, for whatever reason; called once for each state. */
  gone(state: IkeState): void;

  /**
   * One line. 2 and 3 go to the log and, with their number, to the whack that waits; all others to whack alone
   * (whack.md §6).
   */
  tell(about: Subject, code: number, text: string): void;
  debug(about: Subject, area: DebugArea, text: () => string): void;
}

export type DebugArea = "raw" | "crypt" | "parsing" | "emitting" | "control" | "lifecycle" | "private" | "natt" | "dpd";

export interface IkeDeps {
  readonly host: IkeHost;
  readonly clock: Clock;
  random(bytes: number): Uint8Array<ArrayBuffer>;
  /**
   * Without the non-ESP marker, which the sender adds where the local port is 4500; but a keep-alive, the one byte 0xff, goes
   * as it is. Never throws.
   */
  send(path: Path, datagram: Uint8Array): void;
}

export interface IkeOptions {
  /** Half-open exchanges of responders at most; the oldest gives way. */
  readonly mostHalfOpen: number;
  readonly keepAliveSeconds: number;
}

export interface QuickOptions {
  /** Number of the IPsec SA that is to be replaced; 0 for none. */
  readonly replaces: number;
  readonly attempt: number;
  readonly like?: Precedent;
}

/** What a peer has agreed to before, where a connection leaves it open or is content with less (pluto.md §10.4). */
export interface Precedent {
  readonly pfsGroup?: GroupName;
  readonly mode: Mode;
}

/** What `lib/pluto` asks of the exchanges; `lib/ike/ike_v1.ts` does it. */
export interface IkeEngine {
  /** Any bytes from anybody. Never throws. */
  receive(path: Path, datagram: Uint8Array): void;
  /** Main or Aggressive Mode. */
  startPhase1(connection: IkeConnection, path: Path, options: { readonly replaces: number; readonly attempt: number }):
    | IsakmpSa
    | Refusal;
  /** Quick Mode under an established ISAKMP SA. */
  startQuick(sa: IsakmpSa, connection: IkeConnection, options: QuickOptions): IpsecSa | Refusal;
  /** Deletes a state, and says so to the peer where that may have it established. @param tellPeer false where it knows, or is dead */
  remove(state: IkeState, tellPeer: boolean): void;
  /** Plans one of the lifetime events for a state, in place of what was planned. */
  schedule(state: IkeState, event: EventPlan): void;
  readonly states: ReadonlyMap<number, IkeState>;
  /** Those that have this connection now. */
  statesOf(connection: IkeConnection): Iterable<IkeState>;
  /** Negotiated under an ISAKMP SA. */
  statesUnder(isakmp: number): Iterable<IpsecSa>;
  counters(): Readonly<Record<string, number>>;
}

export interface EventPlan {
  readonly name: "EVENT_SA_REPLACE" | "EVENT_SA_REPLACE_IF_USED" | "EVENT_SA_EXPIRE" | "EVENT_SO_DISCARD";
  readonly afterMs: number;
  act(): void;
}
