/**
 * Whether an ISAKMP SA will do for a connection. A responder knows only at the end of phase 1 whom it speaks with, and one
 * ISAKMP SA serves all connections with a peer: neither may get it round what a connection asks for.
 */
import type { IsakmpSa } from "../ike/state.ts";
import type { IkeSuite } from "../ike/suite.ts";
import { sidesOf } from "../ike/transaction.ts";
import { sameIdentity } from "../text/identity.ts";
import type { Connection } from "./connection.ts";

/** Phase 1, begun with one connection, has gone as another wants it. */
export function suitsPhase1({ name, suite }: Pick<IsakmpSa, "name" | "suite">, its: Connection, one: Connection) {
  if (one === its) return true;
  const [has, wants] = [sidesOf(its), sidesOf(one)];
  // in Aggressive Mode we have said who we are before we know the peer
  const suitsMode = name !== "AGGR_R1" || one.aggressive && sameIdentity(its.ours.id, one.ours.id);
  return suitsMode && (!suite || one.ikeSuites.some((other) => sameSuite(other, suite))) &&
    has.xauthServer === wants.xauthServer && has.xauthClient === wants.xauthClient;
}

/**
 * The peer has proved itself in a way that a connection takes: by its method, and by a password where it asks for one; and it
 * was asked for an address where one is needed.
 */
export function suitsPhase2({ auth }: Pick<IsakmpSa, "auth">, its: Connection, one: Connection): boolean {
  if (one === its) return true;
  const [has, wants] = [sidesOf(its), sidesOf(one)];
  const methods = auth ? [auth] : its.auth; // while it is not known yet
  return methods.every((method) => one.auth.includes(method)) && (has.xauthServer || !wants.xauthServer) &&
    (has.xauthClient || !wants.xauthClient) && (has.modecfgClient || !wants.modecfgClient);
}

function sameSuite(a: IkeSuite, b: IkeSuite): boolean {
  return a.cipher === b.cipher && a.keyBits === b.keyBits && a.hash === b.hash && a.group === b.group;
}
