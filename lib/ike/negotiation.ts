/**
 * What every state has in common, an ISAKMP SA or an IPsec SA, under negotiation or established. The machine alone changes
 * it: by the `changes` of a step that succeeded.
 */
import type { IkeConnection } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import type { Timer } from "./host.ts";
import type { EventName, Path, StateName } from "./state.ts";

export interface NegotiationStart {
  readonly number: number;
  readonly name: StateName;
  readonly role: "initiator" | "responder";
  readonly connection: IkeConnection;
  readonly path: Path;
  readonly attempt: number;
  readonly replaces: number;
}

export abstract class Negotiation {
  readonly number: number;
  name: StateName;
  readonly role: "initiator" | "responder";
  #connection: IkeConnection;
  path: Path;
  readonly attempt: number;
  readonly replaces: number;
  isEstablished = false;
  /** What the timer is set to. */
  event?: { readonly name: EventName; readonly atMs: number };
  timer?: Timer;
  /** Set once it has left the table of states: answers of the host that come later are for nobody. */
  isGone = false;
  /** Called before it becomes another connection's. */
  rebinding: ((state: Negotiation, to: IkeConnection) => void) | undefined = undefined;

  constructor(start: NegotiationStart) {
    this.number = start.number;
    this.name = start.name;
    this.role = start.role;
    this.#connection = start.connection;
    this.path = start.path;
    this.attempt = start.attempt;
    this.replaces = start.replaces;
  }

  get connection(): IkeConnection {
    return this.#connection;
  }

  set connection(connection: IkeConnection) {
    this.rebinding?.(this, connection);
    this.#connection = connection;
  }

  /** The exchange by which this state was, or is being, negotiated. */
  abstract readonly exchange: Exchange;

  /** An answer on which the host is at work is one. */
  get unansweredSince(): number | undefined {
    return this.exchange.isSuspended ? undefined : this.exchange.askedAt;
  }

  /** Overwrites what is secret. */
  abstract wipe(): void;
}
