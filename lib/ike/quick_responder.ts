/** Quick Mode as responder: what QI1 asks for, QR1, and what follows on QI2. */
import { makeDh } from "../crypto/dh.ts";
import { hostSubnet } from "../text/subnet.ts";
import { type Client, clientPayload } from "./client_ids.ts";
import type { IkeConnection } from "./connection.ts";
import { NOTIFY } from "./constants.ts";
import type { Message, Outcome, StepDeps } from "./exchange_table.ts";
import { installInbound, installOutbound } from "./install.ts";
import type { IpsecState } from "./ipsec_sa.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";
import { choosePhase2, modeOffered } from "./phase2_choice.ts";
import { firstHash, hasHash, payloadsOf, secondHash, thirdHash } from "./phase2_hash.ts";
import { answerPhase2 } from "./phase2_proposal.ts";
import { inboundSpis, saDetail } from "./quick_detail.ts";
import { agreePfs, drawSpis, negotiatedSas } from "./quick_keys.ts";
import { fail, isFailure, readClients, readKe, readNonce, rejections } from "./quick_message.ts";
import { clientSeen, encapsulationPorts, natOaPayloads, policyOf } from "./quick_terms.ts";
import { NONCE_BYTES } from "./share_checks.ts";

type Out = Outcome<IpsecState>;

/** What QI1 says, its HASH checked. */
interface Request {
  readonly ni: Uint8Array;
  /** As the peer names them, to be returned; undefined where it names none. */
  readonly named?: readonly [Client, Client];
  /** As we see them: the peer's, then ours. */
  readonly seen: readonly [Client, Client];
}

/** --> HDR*, HASH(1), SA, Ni, [KE], [IDci, IDcr]  <-- HDR*, HASH(2), SA, Nr, [KE], [IDci, IDcr] */
export async function acceptSa(state: IpsecState, message: Message, deps: StepDeps): Promise<Out> {
  const sa = deps.isakmpOf(state);
  if (!sa) return fail(0, "the ISAKMP SA has gone");
  if (!hasHash(message, firstHash(sa, message.header.messageId))) {
    return fail(NOTIFY.INVALID_HASH_INFORMATION, "received HASH(1) does not match computed value in Quick I1");
  }
  const [offered] = payloadsOf(message, "SA");
  // What is refused from here on is said to the peer.
  state.proposed = offered.proposals[0];
  const ni = readNonce(message, "I1");
  if (isFailure(ni)) return ni;
  const named = readClients(message, "I1");
  if (isFailure(named)) return named;
  const mode = modeOffered(offered) ?? "tunnel";
  const { local, remote } = sa.path;
  const seen = named
    ? [clientSeen(sa, mode, "peers", named[0]), clientSeen(sa, mode, "ours", named[1])] as const
    : [wholeHost(remote), wholeHost(local)] as const;
  const chosen = await deps.host.chooseByClients(sa, { peers: seen[0], ours: seen[1], mode });
  if (state.isGone) return { kind: "ignore", counter: "answeredTooLate" };
  if ("refused" in chosen) return fail(chosen.notify, chosen.refused);
  // Lines from here on are about it, and it is the one that must be rid of what is installed.
  state.connection = chosen;
  return answer(state, { ni, named, seen }, { sa, message, connection: chosen, deps });
}

function wholeHost(address: IsakmpState["path"]["local"]): Client {
  return { client: hostSubnet(address), protocol: 0, port: 0 };
}

interface Circumstances {
  readonly sa: IsakmpState;
  readonly message: Message;
  readonly connection: IkeConnection;
  readonly deps: StepDeps;
}

function answer(state: IpsecState, { ni, named, seen }: Request, about: Circumstances): Out | Promise<Out> {
  const { sa, message, connection, deps } = about;
  const choice = choosePhase2(payloadsOf(message, "SA")[0], policyOf(sa, connection, seen));
  if (!choice.ok) return fail(choice.notify, choice.refused, rejections(choice.rejected));
  // The log has them where nothing else was found.
  for (const text of choice.rejected) deps.host.debug(state, "control", () => text);
  const ke = readKe(message, "I1", choice.pfsGroup);
  if (isFailure(ke)) return ke;
  const dh = choice.pfsGroup && makeDh(choice.pfsGroup, deps.random);
  const gqmxy = dh && ke && agreePfs(dh, ke);
  if (dh && !gqmxy) return fail(NOTIFY.INVALID_KEY_INFORMATION, `KE has a DH public value that is not of ${dh.group}`);
  const nr = deps.random(NONCE_BYTES);
  const names = choice.protocols.map(({ protocol }) => protocol);
  const spis = drawSpis(names, (protocol) => deps.host.allocateSpi(protocol), choice.protocols);
  const protocols = negotiatedSas(sa, choice.protocols, spis, { ni, nr, gqmxy });
  gqmxy?.wipe();
  const payloads: Payload[] = [answerPhase2(choice.proposals, spis), { type: "NONCE", data: nr }];
  if (dh) payloads.push({ type: "KE", data: dh.publicValue });
  if (named) payloads.push(...named.map(clientPayload));
  payloads.push(...natOaPayloads(sa, "responder", choice.mode));
  const negotiated = {
    protocols,
    mode: choice.mode,
    lifetimeSeconds: Math.min(choice.lifetimeSeconds, connection.ipsecLifetimeSeconds),
    encapsulation: encapsulationPorts(sa),
    behindNat: sa.nat.ours,
    pfsGroup: choice.pfsGroup,
    peersClient: seen[0].client,
    ourClient: seen[1].client,
    ourSpis: inboundSpis(protocols),
  };
  return installInbound(state, negotiated, deps, () => ({
    kind: "advance",
    lines: [{ code: 2, text: "responding to Quick Mode" }],
    changes: { work: { ni, nr } },
    reply: { payloads, hash: secondHash(sa, message.header.messageId, ni) },
  }));
}

/** <-- HDR*, HASH(3) */
export function establishResponder(state: IpsecState, message: Message, deps: StepDeps): Out | Promise<Out> {
  const sa = deps.isakmpOf(state);
  const { ni, nr } = state.work;
  if (!sa || !ni || !nr) return fail(0, "QI2 to an answer that was not given");
  if (!hasHash(message, thirdHash(sa, message.header.messageId, { ni, nr }))) {
    return fail(NOTIFY.INVALID_HASH_INFORMATION, "received HASH(3) does not match computed value in Quick I2");
  }
  return installOutbound(state, deps, () => ({
    kind: "advance",
    changes: { work: {} },
    detail: saDetail(state),
  }));
}
