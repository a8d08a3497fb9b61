/** Quick Mode as initiator: QI1, and what follows on QR1. */
import { makeDh } from "../crypto/dh.ts";
import { type Client, clientOf, clientPayload, sameClient } from "./client_ids.ts";
import { NOTIFY } from "./constants.ts";
import type { Exchange } from "./exchange.ts";
import type { Message, Outcome, StepDeps } from "./exchange_table.ts";
import { installBoth } from "./install.ts";
import type { IpsecState } from "./ipsec_sa.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";
import type { ProtocolName } from "./phase2_bundle.ts";
import { checkPhase2Answer } from "./phase2_choice.ts";
import { firstHash, hasHash, payloadsOf, secondHash, thirdHash } from "./phase2_hash.ts";
import { offerPhase2 } from "./phase2_proposal.ts";
import { saDetail } from "./quick_detail.ts";
import { agreePfs, drawSpis, negotiatedSas } from "./quick_keys.ts";
import { fail, isFailure, readClients, readKe, readNonce, rejections } from "./quick_message.ts";
import { clientSeen, encapsulationPorts, namesClients, natOaPayloads, offerOf } from "./quick_terms.ts";
import { responderLifetime } from "./responder_lifetime.ts";
import { NONCE_BYTES } from "./share_checks.ts";

type Out = Outcome<IpsecState>;

/** --> HDR*, HASH(1), SA, Ni, [KE], [IDci, IDcr] */
export function proposeSa(state: IpsecState, exchange: Exchange, deps: StepDeps): Out {
  const sa = deps.isakmpOf(state);
  if (!sa) return fail(0, "the ISAKMP SA has gone");
  const { connection, mode, pfsGroup, replaces } = state;
  const wanted = new Set<ProtocolName>(connection.ipsecSuites.map(({ protocol }) => protocol));
  if (connection.compress) wanted.add("ipcomp");
  const spis = drawSpis([...wanted], (protocol) => deps.host.allocateSpi(protocol));
  const offer = offerOf(sa, state, spis);
  const ni = deps.random(NONCE_BYTES);
  const dh = pfsGroup && makeDh(pfsGroup, deps.random);
  const clients = [clientOf(connection.ours, sa.path.local), clientOf(connection.peers, sa.path.remote)] as const;
  const payloads: Payload[] = [offerPhase2(offer), { type: "NONCE", data: ni }];
  if (dh) payloads.push({ type: "KE", data: dh.publicValue });
  if (namesClients(sa, connection, mode)) payloads.push(...clients.map(clientPayload));
  payloads.push(...natOaPayloads(sa, "initiator", mode));
  const replacing = replaces ? ` to replace #${replaces}` : "";
  return {
    kind: "advance",
    lines: [{
      code: 2,
      text: `initiating Quick Mode ${connection.policyText}${replacing} {using isakmp#${sa.number}}`,
    }],
    changes: {
      work: { offer, ni, dh, clients },
      ourSpis: Object.values(spis),
      ourClient: clients[0].client,
      peersClient: clients[1].client,
    },
    reply: { payloads, hash: firstHash(sa, exchange.messageId) },
    detail: replacing,
  };
}

/** <-- HDR*, HASH(2), SA, Nr, [KE], [IDci, IDcr]  --> HDR*, HASH(3) */
export function establishInitiator(state: IpsecState, message: Message, deps: StepDeps): Out | Promise<Out> {
  const sa = deps.isakmpOf(state);
  const { offer, ni, dh, clients } = state.work;
  if (!sa || !offer || !ni || !clients) return fail(0, "answer to an offer that was not made");
  const { messageId } = message.header;
  if (!hasHash(message, secondHash(sa, messageId, ni))) {
    return fail(NOTIFY.INVALID_HASH_INFORMATION, "received HASH(2) does not match computed value in Quick R1");
  }
  const choice = checkPhase2Answer(payloadsOf(message, "SA")[0], offer);
  if (!choice.ok) return fail(choice.notify, choice.refused, rejections(choice.rejected));
  const nr = readNonce(message, "R1");
  if (isFailure(nr)) return nr;
  const ke = readKe(message, "R1", choice.pfsGroup);
  if (isFailure(ke)) return ke;
  const returned = readClients(message, "R1");
  if (isFailure(returned)) return returned;
  const wrong = refuseClients(sa, state, clients, returned);
  if (wrong) return fail(NOTIFY.INVALID_ID_INFORMATION, wrong);
  const gqmxy = dh && ke && agreePfs(dh, ke);
  if (dh && !gqmxy) return fail(NOTIFY.INVALID_KEY_INFORMATION, `KE has a DH public value that is not of ${dh.group}`);
  const values = { ni, nr, gqmxy };
  const changes = {
    protocols: negotiatedSas(sa, choice.protocols, offer.spis, values),
    mode: choice.mode,
    lifetimeSeconds: lifetimeOf(message, Math.min(choice.lifetimeSeconds, state.connection.ipsecLifetimeSeconds)),
    encapsulation: encapsulationPorts(sa),
    behindNat: sa.nat.ours,
  };
  gqmxy?.wipe();
  return installBoth(state, changes, deps, () => ({
    kind: "advance",
    changes: { work: {} },
    reply: { payloads: [], hash: thirdHash(sa, messageId, { ni, nr }) },
    detail: saDetail(state),
  }));
}

/** @returns why the identities are not those that we sent (pluto.md §13.4) */
function refuseClients(
  sa: IsakmpState,
  { connection, work: { offer } }: IpsecState,
  [ours, peers]: readonly [Client, Client],
  returned: readonly [Client, Client] | undefined,
): string | undefined {
  if (!returned) {
    return namesClients(sa, connection, offer?.mode)
      ? "IDci, IDcr payloads missing in message but default does not match proposal"
      : undefined;
  }
  const mode = offer?.mode ?? connection.mode;
  if (!sameClient(clientSeen(sa, mode, "ours", returned[0]), ours)) {
    return "our client ID returned doesn't match my proposal";
  }
  if (!sameClient(clientSeen(sa, mode, "peers", returned[1]), peers)) {
    return "peer client ID returned doesn't match my proposal";
  }
  return undefined;
}

/** The shortest of all that was said. */
function lifetimeOf(message: Message, agreed: number): number {
  const said = payloadsOf(message, "N").filter(({ notify }) => notify === NOTIFY.IPSEC_RESPONDER_LIFETIME)
    .map(({ data }) => responderLifetime(data) ?? agreed);
  return Math.min(agreed, ...said);
}
