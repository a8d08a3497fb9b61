/** What a connection offers and takes in phase 1: methods for which there are keys, suites, life, XAUTH. */
import { formatIdentity } from "../text/identity.ts";
import type { XauthSide } from "./algorithms.ts";
import type { IkeConnection } from "./connection.ts";
import type { IkeHost } from "./host.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Phase1Offer, Phase1Policy } from "./phase1_proposal.ts";
import type { AuthMethod } from "./suite.ts";

type Keys = Pick<IkeHost, "presharedKey" | "privateKey">;
type Of = Pick<IsakmpState, "connection" | "role" | "peerId">;

/** @returns why the method cannot be used, where it cannot */
function unable(auth: AuthMethod, { connection, peerId }: Of, keys: Keys): string | undefined {
  if (auth === "psk") {
    if (keys.presharedKey(connection, peerId)) return undefined;
    const me = formatIdentity(connection.ours.id), him = formatIdentity(peerId ?? connection.peers.id);
    return `Can't authenticate: no preshared key found for \`${me}' and \`${him}'`;
  }
  return keys.privateKey(connection) ? undefined : "unable to locate my private key for RSA Signature";
}

/** Whose password is asked for after phase 1. */
function xauthSide({ ours, peers }: IkeConnection, role: IsakmpState["role"]): XauthSide | undefined {
  const other = role === "initiator" ? "responder" : "initiator";
  if (ours.xauthClient || peers.xauthServer) return role;
  return ours.xauthServer || peers.xauthClient ? other : undefined;
}

/** @returns why there is nothing to offer, or the offer */
export function offerOf(state: Of, keys: Keys): Phase1Offer | string {
  const { connection, role } = state;
  const reasons = connection.auth.map((auth) => unable(auth, state, keys));
  const auth = connection.auth.filter((_, i) => reasons[i] === undefined);
  if (auth.length === 0) return reasons[0] ?? "connection has no way to authenticate";
  return {
    suites: connection.ikeSuites,
    auth,
    lifetimeSeconds: connection.ikeLifetimeSeconds,
    xauth: xauthSide(connection, role),
  };
}

export function policyOf(state: Of, keys: Keys): Phase1Policy {
  const { connection, role } = state;
  const reasons = connection.auth.map((auth) => [auth, unable(auth, state, keys)] as const);
  return {
    suites: connection.ikeSuites,
    auth: connection.auth,
    xauth: xauthSide(connection, role),
    unable: Object.fromEntries(reasons.filter(([, why]) => why !== undefined)),
  };
}
