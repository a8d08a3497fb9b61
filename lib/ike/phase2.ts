/** What runs under an ISAKMP SA, as the engine sees it: Quick Mode, XAUTH and Mode Config, informational messages, DPD. */
import type { IkeConnection } from "./connection.ts";
import type { ExchangeTable, InformationalStep, Opening } from "./exchange_table.ts";
import type { IkeDeps, QuickOptions } from "./host.ts";
import type { IpsecState } from "./ipsec_sa.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";
import type { IkeState } from "./state.ts";
import type { StateName } from "./state.ts";

/** What comes between phase 1 and the first Quick Mode. */
export type AfterPhase1 =
  | { readonly next: "ready" }
  | { readonly next: "open"; readonly opening: Opening<IsakmpState> }
  /** The peer begins; the SA goes where it does not. */
  | { readonly next: "wait"; readonly state: StateName };

/** What phase 2 may have done outside of a step, e.g. when a timer of its own runs out. */
export interface EngineServices extends IkeDeps {
  readonly states: ReadonlyMap<number, IkeState>;
  statesOf(connection: IkeConnection): Iterable<IkeState>;
  statesUnder(isakmp: number): Iterable<IpsecState>;
  findByCookies(initiatorCookie: Uint8Array, responderCookie: Uint8Array): IsakmpState | undefined;
  /** An informational message, HASH(1) before the payloads, under an SA whose phase 1 is done. */
  inform(sa: IsakmpState, payloads: readonly Payload[]): void;
  openTransaction(sa: IsakmpState, opening: Opening<IsakmpState>): void;
}

export interface Phase2 {
  readonly quick: ExchangeTable<IpsecState>;
  /** Before the opening runs. @returns why it cannot be begun */
  prepareQuick(state: IpsecState, options: QuickOptions): string | undefined;
  readonly transaction: ExchangeTable<IsakmpState>;
  readonly informational: InformationalStep;
  afterPhase1(sa: IsakmpState): AfterPhase1;
  /** What tells the peer that a state of ours is gone; empty where there is nothing to tell. */
  deletes(state: IkeState): readonly Payload[];
  /** The ISAKMP SA is ready for Quick Mode: DPD may begin. */
  ready(sa: IsakmpState): void;
  /** Any message that was authentic: the peer lives. */
  alive(sa: IsakmpState): void;
  gone(state: IkeState): void;
}
