/** Main Mode (RFC 2409 §5.1, §5.4): six messages, both roles; who is who is hidden from others. */
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
import { agreementOf, type Claim, type Peer, proveOurselves, readClaim, valuesOf, verifyPeer } from "./phase1_proof.ts";
import { checkPhase1Answer, choosePhase1, offerPhase1 } from "./phase1_proposal.ts";
import { abilitiesOf, announcements } from "./phase1_vendors.ts";
import { sole } from "./sole_payload.ts";
import type { AuthMethod } from "./suite.ts";

type Out = Outcome<IsakmpState>;

/** --> HDR, SA */
function offer(state: IsakmpState, _exchange: Exchange, { host }: StepDeps): Out {
  const offer = offerOf(state, host);
  if (typeof offer === "string") return fail(NOTIFY.AUTHENTICATION_FAILED, offer);
  const sa = offerPhase1(offer);
  return {
    kind: "advance",
    changes: { work: { offer, sai: encodeBody(sa) } },
    reply: { payloads: [sa, ...announcements(state.connection)] },
    detail: state.replaces ? `, replacing #${state.replaces}` : "",
  };
}

/** <-- HDR, SA  --> HDR, SA */
function choose(state: IsakmpState, message: Message, { host }: StepDeps): Out {
  const sa = sole(message, "SA");
  const choice = choosePhase1(sa, policyOf(state, host));
  const rejected = choice.rejected.map((text) => ({ code: 3, text }));
  if (!choice.ok) return fail(choice.notify, choice.refused, rejected);
  const { suite, auth, lifetimeSeconds, answer } = choice;
  const peer = abilitiesOf(message, state);
  return {
    kind: "advance",
    lines: rejected,
    changes: { suite, auth, lifetimeSeconds, peer, peerSpeaksDpd: peer.dpd, work: { sai: sa.raw } },
    reply: { payloads: [answer, ...announcements(state.connection, peer)] },
  };
}

/** <-- HDR, SA  --> HDR, KE, Ni */
function sendShare(state: IsakmpState, message: Message, deps: StepDeps): Out {
  const { work, initiatorCookie, connection, path } = state;
  if (!work.offer) throw new RangeError("Cannot take an answer where nothing was offered");
  const choice = checkPhase1Answer(sole(message, "SA"), work.offer);
  if (!choice.ok) return fail(choice.notify, choice.refused, choice.rejected.map((text) => ({ code: 3, text })));
  const { suite, auth, lifetimeSeconds } = choice;
  const peer = abilitiesOf(message, state);
  const { dh, nonce, payloads } = makeShare(suite, deps);
  const { responderCookie } = message.header;
  const about = { initiatorCookie, responderCookie, connection, path, peer, suite };
  return {
    kind: "advance",
    changes: {
      responderCookie,
      suite,
      auth,
      lifetimeSeconds,
      peer,
      peerSpeaksDpd: peer.dpd,
      work: { ...work, dh, ni: nonce, gxi: dh.publicValue },
    },
    reply: { payloads: [...payloads, ...natAnnouncement(about, deps)] },
  };
}

/** <-- HDR, KE, Ni  --> HDR, KE, Nr */
function answerShare(state: IsakmpState, message: Message, deps: StepDeps): Out {
  const { suite, auth, connection, work } = state;
  const gxi = sole(message, "KE").data, ni = sole(message, "NONCE").data;
  if (!suite || !auth) throw new RangeError("Cannot answer KE before a proposal was chosen");
  const wrong = refuseShare(suite, gxi, ni, "i");
  if (wrong) return wrong;
  const { dh, nonce, payloads } = makeShare(suite, deps);
  const all = { ...work, gxi, gxr: dh.publicValue, ni, nr: nonce };
  const agreed = agree({ suite, auth }, dh, gxi, valuesOf(state, all), deps.host.presharedKey(connection));
  dh.wipe();
  if ("kind" in agreed) return agreed;
  const about = natCase(state, suite);
  const { nat, lines } = judgeNat(about, message);
  return {
    kind: "advance",
    lines,
    changes: { keys: agreed.keys, nat, work: all },
    chain: agreed.chain,
    reply: { payloads: [...payloads, ...natAnnouncement(about, deps)] },
  };
}

/** <-- HDR, KE, Nr  --> HDR*, IDii, HASH_I or SIG_I */
function proveInitiator(state: IsakmpState, message: Message, deps: StepDeps): Out {
  const { suite, auth, connection, work } = state;
  const gxr = sole(message, "KE").data, nr = sole(message, "NONCE").data;
  if (!suite || !auth || !work.dh) throw new RangeError("Cannot take KE before a proposal was chosen");
  const wrong = refuseShare(suite, gxr, nr, "r");
  if (wrong) return wrong;
  const all = { ...work, gxr, nr };
  const agreed = agree({ suite, auth }, work.dh, gxr, valuesOf(state, all), deps.host.presharedKey(connection));
  if ("kind" in agreed) return agreed;
  const { keys, chain } = agreed;
  const { initiatorCookie, responderCookie } = state;
  const agreement = agreementOf({ initiatorCookie, responderCookie, suite, auth, keys, work: all });
  const ours = proveOurselves(state, connection, agreement, deps);
  if ("kind" in ours) return discard(agreed, ours);
  const { nat, lines } = judgeNat(natCase(state, suite), message);
  return {
    kind: "advance",
    lines,
    changes: { keys, nat, work: all, path: floated(state.path, nat) },
    chain,
    reply: { payloads: [ours.id, ours.proof, ...initialContact(state, state, deps)] },
  };
}

/** <-- HDR*, IDii, HASH_I or SIG_I  --> HDR*, IDir, HASH_R or SIG_R */
function proveResponder(state: IsakmpState, message: Message, deps: StepDeps): MaybePromise<Out> {
  return checkPeer(state, message, deps, ({ lines }, peer) => {
    const ours = proveOurselves(state, peer.connection, agreementOf(state), deps);
    if ("kind" in ours) return { ...ours, lines };
    return {
      kind: "advance",
      lines,
      changes: changesBy(peer),
      reply: { payloads: [ours.id, ours.proof] },
      effects: contactEffects(message),
    };
  });
}

/** <-- HDR*, IDir, HASH_R or SIG_R */
function acceptResponder(state: IsakmpState, message: Message, deps: StepDeps): MaybePromise<Out> {
  return checkPeer(state, message, deps, ({ lines }, peer) => ({
    kind: "advance",
    lines,
    changes: changesBy(peer),
    effects: contactEffects(message),
  }));
}

function checkPeer(
  state: IsakmpState,
  message: Message,
  deps: StepDeps,
  go: (claim: Claim, peer: Peer) => Out,
): MaybePromise<Out> {
  const claim = readClaim(sole(message, "ID"));
  if ("kind" in claim) return claim;
  const proof = sole(message, state.auth === "psk" ? "HASH" : "SIG");
  return then<Peer | Failure, Out>(
    verifyPeer(state, agreementOf(state), claim, proof, deps),
    (peer) => "kind" in peer ? peer : go(claim, peer),
  );
}

function changesBy({ connection, identity, key }: Peer): Partial<IsakmpState> {
  return { connection, peerId: identity, peerKey: key };
}

const SHARE: Expects = { KE: [1, 1], NONCE: [1, 1], "NAT-D": [0, 8], CR: [0, 8] };
const PROOFS: readonly [AuthMethod, Expects][] = [
  ["psk", { ID: [1, 1], HASH: [1, 1], CR: [0, 8] }],
  ["rsasig", { ID: [1, 1], SIG: [1, 1], CR: [0, 8], CERT: [0, 8] }],
];

export const MAIN_MODE: ExchangeTable<IsakmpState> = {
  type: EXCHANGE.IDPROT,
  name: "Main Mode",
  openings: [
    { to: "MAIN_I1", flow: "--> HDR, SA", encrypts: false, timer: "retransmit", story: "initiate", step: offer },
  ],
  rows: [
    {
      from: "MAIN_R0",
      to: "MAIN_R1",
      flow: "<-- HDR, SA  --> HDR, SA",
      expects: { SA: [1, 1], CR: [0, 8] },
      begins: ["SA"],
      encrypted: false,
      encrypts: false,
      timer: "discard",
      step: choose,
    },
    {
      from: "MAIN_I1",
      to: "MAIN_I2",
      flow: "<-- HDR, SA  --> HDR, KE, Ni",
      expects: { SA: [1, 1], CR: [0, 8] },
      begins: ["SA"],
      encrypted: false,
      encrypts: false,
      timer: "retransmit",
      step: sendShare,
    },
    {
      from: "MAIN_R1",
      to: "MAIN_R2",
      flow: "<-- HDR, KE, Ni  --> HDR, KE, Nr",
      expects: SHARE,
      encrypted: false,
      encrypts: false,
      timer: "retransmit",
      step: answerShare,
    },
    {
      from: "MAIN_I2",
      to: "MAIN_I3",
      flow: "<-- HDR, KE, Nr  --> HDR*, IDii, HASH_I or SIG_I",
      expects: SHARE,
      encrypted: false,
      encrypts: true,
      timer: "retransmit",
      step: proveInitiator,
    },
    ...PROOFS.map(([auth, expects]): Row<IsakmpState> => ({
      from: "MAIN_R2",
      to: "MAIN_R3",
      flow: "<-- HDR*, IDii, HASH_I or SIG_I  --> HDR*, IDir, HASH_R or SIG_R",
      expects,
      auth,
      encrypted: true,
      encrypts: true,
      timer: "established",
      step: proveResponder,
    })),
    ...PROOFS.map(([auth, expects]): Row<IsakmpState> => ({
      from: "MAIN_I3",
      to: "MAIN_I4",
      flow: "<-- HDR*, IDir, HASH_R or SIG_R",
      expects,
      auth,
      encrypted: true,
      encrypts: false,
      timer: "established",
      step: acceptResponder,
    })),
  ],
  answersRepeats: ["MAIN_R1", "MAIN_R2", "MAIN_R3"],
  giveUp: {
    MAIN_I1: ".  No response (or no acceptable response) to our first IKE message",
    MAIN_I3: ".  Possible authentication failure: no acceptable response to our first encrypted message",
  },
};
