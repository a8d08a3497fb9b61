/**
 * The part of opportunistic encryption that asks the DNS (pluto.md §19.2, §19.5), as the rest of pluto sees it. Where it
 * is absent, opportunistic connections are routed and their traffic meets the failure shunt.
 */
import type { ClientRequest } from "../ike/host.ts";
import type { IsakmpSa } from "../ike/state.ts";
import type { Address } from "../text/address.ts";
import type { Connection } from "./connection.ts";
import type { Acquire } from "./kernel.ts";
import type { Reply } from "./whacks.ts";

export interface OpportuneOptions {
  /** The kernel holds the packet; false where whack asks. */
  readonly isHeld: boolean;
  readonly reply?: Reply;
}

/** A delegation that the DNS does not confirm: whose client it is, and why. */
export interface Unconfirmed {
  readonly client: Address;
  readonly whose: "our" | "his";
  readonly why: string;
}

/** Why there can be no SA. */
export interface Unfounded {
  readonly why: string;
  /** The DNS did not answer a question, so that it may be otherwise soon. */
  readonly isUnanswered: boolean;
}

export interface Opportunism {
  /**
   * Initiator: looks up who we are and who the gateway of the peer is, then makes an instance of the template and
   * initiates it.
   *
   * @returns why it cannot be; `changed` where the held traffic is no longer the template's; undefined where it is under
   * way
   */
  initiate(
    template: Connection,
    acquire: Acquire,
    options: OpportuneOptions,
  ): Promise<Unfounded | "changed" | undefined>;
  /** The traffic of an instance is held while it is negotiated: it does not wait for ever. */
  held(connection: Connection): void;
  /** Responder: whether both clients delegate to their gateways. @returns undefined where they do */
  confirm(sa: IsakmpSa, template: Connection, request: ClientRequest): Promise<Unconfirmed | undefined>;
  /** After every request of whack's that changes what is routed: questions to the DNS must not wait for their own answers. */
  settle(): Promise<void>;
}
