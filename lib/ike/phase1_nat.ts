/** NAT in phase 1: what we say about addresses, what follows from the peer's words, and the way to port 4500 (RFC 3947). */
import { hash } from "../crypto/hash.ts";
import type { Line, Message, StepDeps } from "./exchange_table.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import { detectNat, natPayloads, type NatQuestion, natResult } from "./nat_detection.ts";
import type { Payload } from "./payload.ts";
import type { Path } from "./state.ts";
import type { IkeSuite } from "./suite.ts";
import { NATT_METHODS } from "./vendor_ids.ts";

export const NAT_PORT = 4500;

const LONGEST_HASH_BYTES = 64;

type Nat = IsakmpState["nat"];

/** What NAT-D payloads depend on, as far as it is known by then. */
export type NatCase =
  & Pick<IsakmpState, "initiatorCookie" | "responderCookie" | "path" | "connection" | "peer">
  & { readonly suite: IkeSuite };

export function natCase(
  { initiatorCookie, responderCookie, path, connection, peer }: IsakmpState,
  suite: IkeSuite,
): NatCase {
  return { initiatorCookie, responderCookie, path, connection, peer, suite };
}

function questionOf({ initiatorCookie, responderCookie, path, suite }: NatCase): NatQuestion {
  return {
    hash: (...pieces) => hash(suite.hash, ...pieces),
    initiatorCookie,
    responderCookie,
    local: { address: path.local, port: path.localPort },
    remote: { address: path.remote, port: path.remotePort },
  };
}

/** None for a peer that would not understand. Where encapsulation is wanted in any case, ours is said wrongly. */
export function natAnnouncement(about: NatCase, { random }: Pick<StepDeps, "random">): Payload[] {
  const { peer: { natt }, connection } = about;
  if (!natt) return [];
  const fake = connection.forceEncapsulation ? random(LONGEST_HASH_BYTES) : undefined;
  return natPayloads(questionOf(about), { draft: natt !== "rfc3947", fake });
}

/** By the ports between which the message itself has come: it may have floated. */
export function judgeNat(about: NatCase, { payloads, path }: Message): { readonly nat: Nat; readonly lines: Line[] } {
  const { peer: { natt }, connection } = about;
  const found = natt && detectNat(payloads, questionOf({ ...about, path }));
  if (!found) return { nat: { ours: false, peers: false }, lines: [] };
  const method = NATT_METHODS[natt].says;
  const nat = { ours: found.ours || connection.forceEncapsulation, peers: found.peers, method };
  return { nat, lines: [{ code: 2, text: `NAT-Traversal: Result using ${method}: ${natResult(nat)}` }] };
}

/** The initiator goes on from port 4500 to port 4500 (RFC 3947 §4). */
export function floated(path: Path, { ours, peers }: Nat): Path {
  return ours || peers ? { ...path, localPort: NAT_PORT, remotePort: NAT_PORT } : path;
}
