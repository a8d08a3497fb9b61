/** Who we are, who the peer is, and the proof of each: ID with HASH or SIG (RFC 2409 §5, pluto.md §12). */
import { equalBytes } from "../crypto/constant_time.ts";
import { rsaKeyId, type RsaPublicKey } from "../crypto/rsa.ts";
import { formatIdentity, type Identity, sameIdentity } from "../text/identity.ts";
import type { IkeConnection } from "./connection.ts";
import { idTypeName, NOTIFY } from "./constants.ts";
import type { Line, StepDeps } from "./exchange_table.ts";
import type { PeerKeys } from "./host.ts";
import { decodeIdentity, encodeIdentity } from "./identity_codec.ts";
import type { IsakmpState, Phase1Work } from "./isakmp_sa.ts";
import { hashI, hashR, type Phase1Keys, type Phase1Values } from "./keys.ts";
import { type MaybePromise, then } from "./maybe_promise.ts";
import { encodeBody } from "./payload_codec.ts";
import type { Payload } from "./payload.ts";
import { fail, type Failure } from "./phase1_keys.ts";
import { signHash, verifySignature } from "./rsa_signature.ts";
import type { AuthMethod, IkeSuite } from "./suite.ts";

export type IdPayload = Extract<Payload, { type: "ID" }>;

export interface Proof {
  readonly type: "HASH" | "SIG";
  readonly data: Uint8Array;
}

/** What both HASHes are made of. */
export interface Agreement {
  readonly suite: IkeSuite;
  readonly auth: AuthMethod;
  readonly keys: Phase1Keys;
  readonly values: Phase1Values;
  readonly sai: Uint8Array;
}

type Agreeing = Pick<IsakmpState, "initiatorCookie" | "responderCookie" | "suite" | "auth" | "keys" | "work">;

/** @throws {RangeError} before KE and nonces have been exchanged: rows see to it */
export function agreementOf(state: Agreeing): Agreement {
  const { suite, auth, keys, work: { sai } } = state;
  if (!suite || !auth || !keys || !sai) throw new RangeError("Cannot prove an identity before there are keys");
  return { suite, auth, keys, sai, values: valuesOf(state, state.work) };
}

export function valuesOf(
  { initiatorCookie, responderCookie }: Pick<IsakmpState, "initiatorCookie" | "responderCookie">,
  { gxi, gxr, ni, nr }: Phase1Work,
): Phase1Values {
  if (!gxi || !gxr || !ni || !nr) throw new RangeError("Cannot make keys before KE and nonces have been exchanged");
  return { initiatorCookie, responderCookie, gxi, gxr, ni, nr };
}

function hashOf({ suite, keys, values, sai }: Agreement, whose: IsakmpState["role"], idBody: Uint8Array): Uint8Array {
  return (whose === "initiator" ? hashI : hashR)(suite.hash, keys.skeyid, values, sai, idBody);
}

/** By which the peer knows us: the address where there is no other identity. */
export function ownId({ ours }: IkeConnection): IdPayload {
  const known = ours.id.kind !== "none" && ours.id.kind !== "any";
  return encodeIdentity(known ? ours.id : { kind: "address", address: ours.host });
}

/** ID with HASH_I or SIG_I as initiator, with HASH_R or SIG_R as responder. */
export function proveOurselves(
  { role }: Pick<IsakmpState, "role">,
  connection: IkeConnection,
  agreement: Agreement,
  deps: StepDeps,
): { readonly id: IdPayload; readonly proof: Proof } | Failure {
  const id = ownId(connection);
  const hash = hashOf(agreement, role, encodeBody(id));
  if (agreement.auth === "psk") return { id, proof: { type: "HASH", data: hash } };
  const key = deps.host.privateKey(connection);
  const signature = key && signHash(key, hash, deps.random);
  if (signature) return { id, proof: { type: "SIG", data: signature } };
  const text = key
    ? `RSA key is too short to sign a HASH of ${hash.length} bytes`
    : "unable to locate my private key for RSA Signature";
  return fail(NOTIFY.AUTHENTICATION_FAILED, text);
}

/** What the peer says that it is. */
export interface Claim {
  readonly identity: Identity;
  readonly idBody: Uint8Array;
  readonly lines: readonly Line[];
}

/** Protocol and port of an ID in phase 1 (RFC 2407 §4.6.2); those behind NAT have said 4500 as well. */
const SELECTORS: ReadonlySet<string> = new Set(["0/0", "17/500", "17/4500", "17/0"]);

export function readClaim(id: IdPayload): Claim | Failure {
  if (!SELECTORS.has(`${id.protocol}/${id.port}`)) {
    const text = `protocol/port in Phase 1 ID Payload must be 0/0 or 17/500 but are ${id.protocol}/${id.port}`;
    return fail(NOTIFY.INVALID_ID_INFORMATION, text);
  }
  const decoded = decodeIdentity(id);
  if (!decoded.ok) return fail(NOTIFY.INVALID_ID_INFORMATION, decoded.error);
  const text = `Peer ID is ${idTypeName(id.idType)}: '${formatIdentity(decoded.value)}'`;
  return { identity: decoded.value, idBody: id.raw ?? encodeBody(id), lines: [{ code: 2, text }] };
}

/** A peer that has proved who it is. */
export interface Peer {
  readonly connection: IkeConnection;
  readonly identity: Identity;
  readonly key?: RsaPublicKey;
}

/**
 * Whose the connection is, and whether the proof is right. Under a preshared key the proof comes first, since it needs
 * nothing of the connection; a signature is checked with the keys of the one that the identity leads to.
 */
export function verifyPeer(
  state: IsakmpState,
  agreement: Agreement,
  claim: Claim,
  proof: Proof,
  deps: StepDeps,
): MaybePromise<Peer | Failure> {
  const { identity, idBody, lines } = claim;
  const peerRole = state.role === "initiator" ? "responder" : "initiator";
  const hash = hashOf(agreement, peerRole, idBody);
  if (agreement.auth === "psk" && !equalBytes(hash, proof.data)) {
    const text = "received Hash Payload does not match computed value";
    return fail(NOTIFY.INVALID_HASH_INFORMATION, text, lines);
  }
  const connection = connectionFor(state, claim, agreement.auth, deps);
  if ("kind" in connection) return connection;
  if (agreement.auth === "psk") return { connection, identity };
  return then(deps.host.peerKeys(connection, identity), (found) => {
    const key = verifyingKey(found, identity, hash, proof.data);
    return "kind" in key ? { ...key, lines } : { connection, identity, key };
  });
}

/** The initiator has been told whom to speak with; the responder may find a better connection (pluto.md §15.2). */
export function connectionFor(
  state: IsakmpState,
  { identity, lines }: Claim,
  auth: AuthMethod,
  { host }: StepDeps,
): IkeConnection | Failure {
  if (state.role === "responder") {
    const chosen = host.chooseByIdentity(state, identity, auth);
    return "refused" in chosen ? fail(chosen.notify, chosen.refused, lines) : chosen;
  }
  const wanted = state.connection.peers.id;
  if (wanted.kind === "any" || wanted.kind === "none" || sameIdentity(wanted, identity)) return state.connection;
  const text = `we require peer to have ID '${formatIdentity(wanted)}', but peer declares '${
    formatIdentity(identity)
  }'`;
  return fail(NOTIFY.INVALID_ID_INFORMATION, text, lines);
}

/** The first key that verifies the signature. */
function verifyingKey(
  { keys, why }: PeerKeys,
  identity: Identity,
  hash: Uint8Array,
  signature: Uint8Array,
): RsaPublicKey | Failure {
  const who = formatIdentity(identity);
  if (keys.length === 0) {
    const search = why === undefined ? "" : `; DNS search for KEY failed (${why})`;
    return fail(NOTIFY.INVALID_KEY_INFORMATION, `no RSA public key known for '${who}'${search}`);
  }
  const found = keys.find((key) => verifySignature(key, hash, signature));
  if (found) return found;
  const tried = keys.map((key) => `*${rsaKeyId(key)}`);
  const text = tried.length === 1
    ? `Signature check (on ${who}) failed (wrong key?); tried ${tried[0]}`
    : `Signature check (on ${who}) failed: tried ${tried.join(" ")} keys but none worked.`;
  return fail(NOTIFY.INVALID_KEY_INFORMATION, text);
}
