/**
 * Aggressive Mode (RFC 2409 §5.1, §5.4): three messages, both roles. Identities go in the clear, and with a preshared key
 * the answer lets anybody who asks try passwords at home: only connections that ask for it have it.
 *
 * The group cannot be negotiated, since KE comes with the offer. What is gained: the preshared key is found by identity.
 */
import { EXCHANGE, NOTIFY } from "./constants.ts";
import type { Exchange } from "./exchange.ts";
import type { ExchangeTable, Expects, Message, Outcome, Row, StepDeps } from "./exchange_table.ts";
import { contactEffects, initialContact } from "./initial_contact.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import { type MaybePromise, then } from "./maybe_promise.ts";
import { encodeBody } from "./payload_codec.ts";
import { agree, discard, fail, type Failure, makeShare, refuseShare } from "./phase1_keys.ts";
import { floated, judgeNat, natAnnouncement, natCase } from "./phase1_nat.ts";
import { offerOf, policyOf } from "./phase1_offer.ts";
import {
  agreementOf,
  type Claim,
  ownId,
  type Peer,
  type Proof,
  proveOurselves,
  readClaim,
  valuesOf,
  verifyPeer,
} from "./phase1_proof.ts";
import { checkPhase1Answer, choosePhase1, offerPhase1 } from "./phase1_proposal.ts";
import { abilitiesOf, announcements } from "./phase1_vendors.ts";
import { sole } from "./sole_payload.ts";
import type { AuthMethod } from "./suite.ts";

type Out = Outcome<IsakmpState>;

/** --> HDR, SA, KE, Ni, IDii */
function offer(state: IsakmpState, _exchange: Exchange, deps: StepDeps): Out {
  const { connection, replaces } = state;
  const offer = offerOf(state, deps.host);
  if (typeof offer === "string") return fail(NOTIFY.AUTHENTICATION_FAILED, offer);
  const [{ group }] = offer.suites;
  if (offer.suites.some((suite) => suite.group !== group)) {
    return fail(NOTIFY.NO_PROPOSAL_CHOSEN, "can not initiate aggressive mode, at most one algorithm may be provided");
  }
  const sa = offerPhase1(offer);
  const { dh, nonce, payloads } = makeShare({ group }, deps);
  return {
    kind: "advance",
    changes: { work: { offer, sai: encodeBody(sa), dh, gxi: dh.publicValue, ni: nonce } },
    reply: { payloads: [sa, ...payloads, ownId(connection), ...announcements(connection)] },
    detail: replaces ? `, replacing #${replaces}` : "",
  };
}

/** <-- HDR, SA, KE, Ni, IDii  --> HDR, SA, KE, Nr, IDir, HASH_R or SIG_R */
function answer(state: IsakmpState, message: Message, deps: StepDeps): Out {
  const { connection, role, initiatorCookie, responderCookie } = state;
  const claim = readClaim(sole(message, "ID"));
  if ("kind" in claim) return claim;
  const sa = sole(message, "SA");
  const choice = choosePhase1(sa, policyOf({ connection, role, peerId: claim.identity }, deps.host));
  const rejected = choice.rejected.map((text) => ({ code: 3, text }));
  if (!choice.ok) return fail(choice.notify, choice.refused, rejected);
  const { suite, auth, lifetimeSeconds } = choice;
  const gxi = sole(message, "KE").data, ni = sole(message, "NONCE").data;
  const wrong = refuseShare(suite, gxi, ni, "i");
  if (wrong) return wrong;
  const peer = abilitiesOf(message, state);
  const { dh, nonce, payloads } = makeShare(suite, deps);
  const work = { sai: sa.raw, gxi, gxr: dh.publicValue, ni, nr: nonce, peerIdBody: claim.idBody };
  const psk = deps.host.presharedKey(connection, claim.identity);
  const agreed = agree({ suite, auth }, dh, gxi, valuesOf(state, work), psk);
  dh.wipe();
  if ("kind" in agreed) return agreed;
  const { keys, chain } = agreed;
  const agreement = agreementOf({ initiatorCookie, responderCookie, suite, auth, keys, work });
  const ours = proveOurselves(state, connection, agreement, deps);
  if ("kind" in ours) return discard(agreed, ours);
  const natD = natAnnouncement({ ...natCase(state, suite), peer }, deps);
  const extra = [...natD, ...announcements(connection, peer)];
  return {
    kind: "advance",
    lines: [...rejected, ...claim.lines],
    changes: { suite, auth, lifetimeSeconds, peer, peerSpeaksDpd: peer.dpd, peerId: claim.identity, keys, work },
    chain,
    reply: { payloads: [choice.answer, ...payloads, ours.id, ours.proof, ...extra] },
  };
}

/** <-- HDR, SA, KE, Nr, IDir, HASH_R or SIG_R  --> HDR*, HASH_I or SIG_I */
function proveInitiator(state: IsakmpState, message: Message, deps: StepDeps): MaybePromise<Out> {
  const { work, initiatorCookie, connection } = state;
  if (!work.offer || !work.dh) throw new RangeError("Cannot take an answer where nothing was offered");
  const choice = checkPhase1Answer(sole(message, "SA"), work.offer);
  if (!choice.ok) return fail(choice.notify, choice.refused, choice.rejected.map((text) => ({ code: 3, text })));
  const { suite, auth, lifetimeSeconds } = choice;
  const gxr = sole(message, "KE").data, nr = sole(message, "NONCE").data;
  const claim = readClaim(sole(message, "ID"));
  if ("kind" in claim) return claim;
  const proof = findProof(message, auth);
  const wrong = "kind" in proof ? proof : refuseShare(suite, gxr, nr, "r");
  if (wrong) return wrong;
  const { responderCookie } = message.header;
  const all = { ...work, gxr, nr };
  const cookies = { initiatorCookie, responderCookie };
  const psk = deps.host.presharedKey(connection, claim.identity);
  const agreed = agree({ suite, auth }, work.dh, gxr, valuesOf(cookies, all), psk);
  if ("kind" in agreed) return agreed;
  const { keys, chain } = agreed;
  const agreement = agreementOf({ ...cookies, suite, auth, keys, work: all });
  return then<Peer | Failure, Out>(verifyPeer(state, agreement, claim, proof as Proof, deps), (peer) => {
    if ("kind" in peer) return discard(agreed, peer);
    const ours = proveOurselves(state, connection, agreement, deps);
    if ("kind" in ours) return discard(agreed, ours);
    const able = abilitiesOf(message, state);
    const about = { ...natCase(state, suite), responderCookie, peer: able };
    const judged = judgeNat(about, message);
    const path = floated(state.path, judged.nat);
    const natD = natAnnouncement({ ...about, path }, deps);
    return {
      kind: "advance",
      lines: [...claim.lines, ...judged.lines],
      changes: {
        responderCookie,
        suite,
        auth,
        lifetimeSeconds,
        keys,
        peer: able,
        peerSpeaksDpd: able.dpd,
        peerId: peer.identity,
        peerKey: peer.key,
        nat: judged.nat,
        path,
        work: all,
      },
      chain,
      reply: { payloads: [ours.proof, ...natD, ...initialContact(state, cookies, deps)] },
    };
  });
}

function findProof({ payloads }: Message, auth: AuthMethod): Proof | Failure {
  const type = auth === "psk" ? "HASH" : "SIG";
  const proof = payloads.find((payload) => payload.type === type);
  return proof
    ? proof as Proof
    : fail(NOTIFY.PAYLOAD_MALFORMED, `message for STATE_AGGR_I1 is missing payload ${type}`);
}

/** <-- HDR*, HASH_I or SIG_I */
function acceptInitiator(state: IsakmpState, message: Message, deps: StepDeps): MaybePromise<Out> {
  const { peerId, suite, work: { peerIdBody } } = state;
  if (!peerId || !peerIdBody || !suite) throw new RangeError("Cannot take a proof of somebody unknown");
  const claim: Claim = { identity: peerId, idBody: peerIdBody, lines: [] };
  const proof = sole(message, state.auth === "psk" ? "HASH" : "SIG");
  return then<Peer | Failure, Out>(verifyPeer(state, agreementOf(state), claim, proof, deps), (peer) => {
    if ("kind" in peer) return peer;
    const { nat, lines } = judgeNat(natCase(state, suite), message);
    return {
      kind: "advance",
      lines,
      changes: { connection: peer.connection, peerKey: peer.key, nat },
      effects: contactEffects(message),
    };
  });
}

const OFFER: Expects = { SA: [1, 1], KE: [1, 1], NONCE: [1, 1], ID: [1, 1], "NAT-D": [0, 8], CR: [0, 8] };
const PROOFS: readonly [AuthMethod, Expects][] = [
  ["psk", { HASH: [1, 1], "NAT-D": [0, 8], CR: [0, 8] }],
  ["rsasig", { SIG: [1, 1], "NAT-D": [0, 8], CR: [0, 8], CERT: [0, 8] }],
];

export const AGGRESSIVE_MODE: ExchangeTable<IsakmpState> = {
  type: EXCHANGE.AGGR,
  name: "Aggressive Mode",
  openings: [
    {
      to: "AGGR_I1",
      flow: "--> HDR, SA, KE, Ni, IDii",
      encrypts: false,
      timer: "retransmit",
      story: "initiate",
      step: offer,
    },
  ],
  rows: [
    {
      from: "AGGR_R0",
      to: "AGGR_R1",
      flow: "<-- HDR, SA, KE, Ni, IDii  --> HDR, SA, KE, Nr, IDir, HASH_R or SIG_R",
      expects: OFFER,
      begins: ["SA"],
      encrypted: false,
      encrypts: false,
      // Nothing else would bring AI2 again, once it is lost.
      timer: "retransmit",
      step: answer,
    },
    {
      from: "AGGR_I1",
      to: "AGGR_I2",
      flow: "<-- HDR, SA, KE, Nr, IDir, HASH_R or SIG_R  --> HDR*, HASH_I or SIG_I",
      expects: { ...OFFER, HASH: [0, 1], SIG: [0, 1], CERT: [0, 8] },
      begins: ["SA"],
      encrypted: false,
      encrypts: true,
      timer: "established",
      step: proveInitiator,
    },
    // The RFC has the last message in the clear, and everybody encrypts it.
    ...PROOFS.flatMap(([auth, expects]) =>
      [true, false].map((encrypted): Row<IsakmpState> => ({
        from: "AGGR_R1",
        to: "AGGR_R2",
        flow: "<-- HDR*, HASH_I or SIG_I",
        expects,
        auth,
        encrypted,
        encrypts: false,
        timer: "established",
        step: acceptInitiator,
      }))
    ),
  ],
  answersRepeats: ["AGGR_R1", "AGGR_I2"],
  giveUp: {
    AGGR_I1: ".  No response (or no acceptable response) to our first IKE message",
  },
};
