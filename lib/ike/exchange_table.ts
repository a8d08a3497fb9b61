/**
 * An exchange as data: one row for each message that may come, with what it must hold and what follows. `machine.ts` runs
 * all of them. Rows name states of `STATES`; a step only computes, and the machine does what its outcome says.
 *
 * Phase 2 is the same: its states hang on an ISAKMP SA, and each exchange has its own message id and IV.
 */
import type { IvChain } from "./cbc.ts";
import type { IkeDeps, IkeOptions } from "./host.ts";
import type { Exchange } from "./exchange.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Negotiation } from "./negotiation.ts";
import type { IsakmpHeader, Payload, PayloadType, ReceivedPayload } from "./payload.ts";
import type { IkeState, Path, StateName } from "./state.ts";
import type { AuthMethod } from "./suite.ts";

/** A message that was taken apart, and decrypted where it had to be. */
export interface Message {
  readonly header: IsakmpHeader;
  readonly payloads: readonly ReceivedPayload[];
  /** The payloads' bytes, in the clear: `start` and `end` of a payload are offsets in it. */
  readonly body: Uint8Array;
  readonly path: Path;
  readonly exchange: Exchange;
  /** Always checked by a HASH before it is believed: who has the key may still replay, and CBC can be cut and joined. */
  readonly encrypted: boolean;
}

/** What steps may use: the world, and nothing of the machine. */
export interface StepDeps extends IkeDeps {
  readonly options: IkeOptions;
  /** `undefined` once it is gone. */
  isakmpOf(state: Negotiation): IsakmpState | undefined;
  /** No other SA stands with the same peer. */
  isFirstContact(state: IsakmpState): boolean;
}

export type Step<S extends Negotiation> = (
  state: S,
  message: Message,
  deps: StepDeps,
) => Outcome<S> | Promise<Outcome<S>>;

export type OpeningStep<S extends Negotiation> = (
  state: S,
  exchange: Exchange,
  deps: StepDeps,
) => Outcome<S> | Promise<Outcome<S>>;

export interface Reply {
  readonly payloads: readonly Payload[];
  /** Where the message begins with a HASH over what follows it (RFC 2409 §5.5): given that, the HASH. */
  readonly hash?: (rest: Uint8Array) => Uint8Array;
}

/** What is to be done besides, after the state has changed and the reply has gone. */
export type Effect =
  /** A line for the log and whack (whack.md §6.1). */
  | { readonly effect: "tell"; readonly code: number; readonly text: string }
  /** A message of its own under the ISAKMP SA, HASH(1) before it: notifications, Deletes. */
  | { readonly effect: "inform"; readonly payloads: readonly Payload[] }
  /** The next Transaction of XAUTH and Mode Config, which we begin. */
  | { readonly effect: "open"; readonly opening: Opening<IsakmpState> }
  /** The ISAKMP SA is ready for Quick Mode: after phase 1, or at the end of XAUTH and Mode Config. */
  | { readonly effect: "ready" }
  /** The peer has forgotten what was before. */
  | { readonly effect: "initial contact" }
  | { readonly effect: "remove"; readonly state: IkeState; readonly tellPeer: boolean }
  /** The peer has deleted an established SA: the host decides what follows (pluto.md §14). */
  | { readonly effect: "peerDeleted"; readonly state: IkeState }
  /** The peer has refused an attempt of ours: it ends as if its retransmissions had run out. */
  | { readonly effect: "giveUp"; readonly state: IkeState; readonly detail: string };

/** For the log and whack (whack.md §6.1). */
export interface Line {
  readonly code: number;
  readonly text: string;
}

/** `lines` are said before anything else is done. */
export type Outcome<S extends Negotiation = Negotiation> =
  | {
    readonly kind: "advance";
    readonly lines?: readonly Line[];
    readonly changes?: Partial<S>;
    /** Of the exchange from here on, where the keys have just been made. */
    readonly chain?: IvChain;
    readonly reply?: Reply;
    readonly effects?: readonly Effect[];
    /** Follows the story in log and progress line, e.g. ` {ESP=>0x4a8f1c20 <0x9b03d711}`. */
    readonly detail?: string;
    /** Where it is not the row's. */
    readonly to?: StateName;
  }
  /** Dropped, state as it was; `text` where the administrator should know. */
  | { readonly kind: "ignore"; readonly counter: string; readonly text?: string }
  /**
   * Refused, state as it was; a responder whose first message it was goes. `text` is the user's sentence.
   *
   * @property notify RFC 2408 §3.14.1; 0 where none fits
   */
  | { readonly kind: "fail"; readonly lines?: readonly Line[]; readonly notify: number; readonly text: string };

/** What may stand in a message, and how often at least and at most. N, D and VID may stand in any. */
export type Expects = Partial<Record<PayloadType, readonly [least: number, most: number]>>;

export type TimerRule =
  /** Sends again after 10, 20, ... seconds, and gives up in the end. */
  | "retransmit"
  /** Goes when nothing more comes; sends nothing, so that nobody is bombarded through us. */
  | "discard"
  /** The SA stands: the host plans its replacement. */
  | "established"
  /** As it was. */
  | "keep";

/** What follows a successful step. */
export interface Transition {
  readonly to: StateName;
  /** RFC 2409's notation, as this end sees it: `<--` comes, `-->` goes. */
  readonly flow: string;
  /** Of the reply. */
  readonly encrypts: boolean;
  readonly timer: TimerRule;
  /** Where it is not the story of the state. */
  readonly story?: string;
}

export interface Row<S extends Negotiation> extends Transition {
  readonly from: StateName;
  readonly expects: Expects;
  /** Payloads that must come first, in this order. */
  readonly begins?: readonly PayloadType[];
  /** Of what is received. */
  readonly encrypted: boolean;
  /** Where the contents depend on the method. */
  readonly auth?: AuthMethod;
  readonly step: Step<S>;
}

/** The first message of an initiator: nothing has been received. */
export interface Opening<S extends Negotiation> extends Transition {
  readonly step: OpeningStep<S>;
}

export interface ExchangeTable<S extends Negotiation> {
  /** RFC 2408 §3.1. */
  readonly type: number;
  /** As log lines have it: `Main Mode`. */
  readonly name: string;
  readonly openings: readonly Opening<S>[];
  readonly rows: readonly Row<S>[];
  /** States in which the last reply may have been lost: a repeat is answered. */
  readonly answersRepeats: readonly StateName[];
  /** What follows `max number of retransmissions (N) reached STATE` (pluto.md §10.2). */
  readonly giveUp: Partial<Record<StateName, string>>;
}

/** What an informational message is about; without an ISAKMP SA only a clear one gets this far. */
export type InformationalStep = (
  sa: IsakmpState | undefined,
  message: Message,
  deps: StepDeps,
) => Outcome<IsakmpState>;
