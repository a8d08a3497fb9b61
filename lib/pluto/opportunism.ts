/**
 * The part of opportunistic encryption that asks the DNS (pluto.md §19.2, §19.5), as the rest of pluto sees it. Where it
 * is absent, opportunistic connections are routed and their traffic meets the failure shunt.
 */
import type { ClientRequest } from "../ike/host.ts";
import type { IsakmpSa } from "../ike/state.ts";
import type { Connection } from "./connection.ts";
import type { Acquire } from "./kernel.ts";

export interface Opportunism {
  /**
   * Initiator: looks up who we are and who the gateway of the peer is, then makes an instance of the template and
   * initiates it.
   *
   * @returns why it cannot be; undefined where it is under way
   */
  initiate(template: Connection, acquire: Acquire): Promise<string | undefined>;
  /** Responder: whether both clients delegate to their gateways. @returns why not; undefined where they do */
  confirm(sa: IsakmpSa, template: Connection, request: ClientRequest): Promise<string | undefined>;
}
