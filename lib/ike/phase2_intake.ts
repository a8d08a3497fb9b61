/** Messages under an ISAKMP SA, each exchange with its message id, and informational ones in the clear (pluto.md §8.1). */
import { sameAddress } from "../text/address.ts";
import { EXCHANGE, notifyName } from "./constants.ts";
import type { EngineCore } from "./engine_core.ts";
import { Exchange } from "./exchange.ts";
import type { Outcome } from "./exchange_table.ts";
import { isEncrypted, openMessage, type Packet, type Wanted } from "./incoming.ts";
import { IpsecState } from "./ipsec_sa.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import { isZero, NO_COOKIE } from "./phase1_intake.ts";
import { firstHash, hasHash, payloadsOf } from "./phase2_hash.ts";

/** Of one peer at once: a gateway may begin at a stroke for all hosts behind it that traffic has come for. */
const MOST_UNFINISHED_QUICKS = 1024;

/** Longer than first messages of Quick Mode are: strangers may have one of these kept for each exchange that they begin. */
const MOST_EARLY_BYTES = 4096;

/** By the cookies and by the address, which of a peer behind NAT may change while the SA stands. */
function findSa({ table }: EngineCore, { header, path }: Packet): IsakmpState | undefined {
  const sa = table.findByCookies(header.initiatorCookie, header.responderCookie);
  if (!sa) return undefined;
  return sa.isAuthenticated && sa.nat.peers || sameAddress(sa.path.remote, path.remote) ? sa : undefined;
}

function idText(messageId: number): string {
  return `0x${messageId.toString(16).padStart(8, "0")}`;
}

export function receiveQuick(core: EngineCore, packet: Packet): void {
  const { header: { initiatorCookie, responderCookie, messageId }, path } = packet;
  const invalid = isZero(initiatorCookie)
    ? "an Initiator Cookie of 0"
    : isZero(responderCookie)
    ? "a Responder Cookie of 0"
    : messageId === 0
    ? "a Message ID of 0"
    : undefined;
  if (invalid) return core.refuse(path, "badQuickHeader", `Quick Mode message is invalid because it has ${invalid}`);
  const sa = findSa(core, packet);
  if (!sa) {
    const text = "Quick Mode message is for a non-existent (expired?) ISAKMP SA";
    return core.refuse(path, "unknownExchange", text);
  }
  const known = core.table.findQuick(sa.number, messageId);
  if (known) return core.machine.receive(core.phase2.quick, known, known.exchange, packet);
  core.settled(sa);
  if (!sa.isEstablished && sa.exchange.isSuspended && !sa.early && packet.datagram.length <= MOST_EARLY_BYTES) {
    core.counters.count("early");
    sa.early = packet;
    return;
  }
  if (!sa.isEstablished) {
    const text = "Quick Mode message is unacceptable because it is for an incomplete ISAKMP SA";
    return core.refuse(sa, "incompleteSa", text, 3);
  }
  if (sa.messageIds.has(messageId)) {
    const text = "Quick Mode I1 message is unacceptable because it uses a previously used Message ID " +
      `${idText(messageId)} (perhaps this is a duplicated packet)`;
    return core.refuse(sa, "usedMessageId", text, 3);
  }
  if (!isEncrypted(packet)) {
    return core.refuse(sa, "notEncrypted", "packet rejected: should have been encrypted", 3);
  }
  if (core.table.unfinishedQuicks(sa) >= MOST_UNFINISHED_QUICKS) {
    return core.refuse(sa, "tooManyQuicks", `discarding Quick Mode message: ${MOST_UNFINISHED_QUICKS} are going on`);
  }
  const state = new IpsecState({
    number: core.table.nextNumber(),
    name: "QUICK_R0",
    role: "responder",
    connection: sa.connection,
    path: sa.path,
    attempt: 1,
    replaces: 0,
    isakmp: sa.number,
    messageId,
  });
  state.exchange.chain = core.chainFor(sa, messageId);
  core.table.add(state);
  core.machine.receive(core.phase2.quick, state, state.exchange, packet);
}

export function receiveTransaction(core: EngineCore, packet: Packet): void {
  const { header: { messageId }, path } = packet;
  const sa = findSa(core, packet);
  if (!sa?.isAuthenticated) {
    return core.refuse(path, "unknownExchange", "Mode Config message is for a non-existent (expired?) ISAKMP SA");
  }
  if (!isEncrypted(packet) || messageId === 0) {
    return core.refuse(
      sa,
      "notEncrypted",
      "Mode Config message is invalid because it is not encrypted or has no Message ID",
      3,
    );
  }
  // One step at a time: a client would else try many passwords at once.
  if (sa.answering?.isSuspended) {
    return core.refuse(sa, "suspended", `discarding packet received during DNS lookup in STATE_${sa.name}`);
  }
  if (sa.transaction?.messageId === messageId) {
    sa.answering = sa.transaction;
    return core.machine.receive(core.phase2.transaction, sa, sa.transaction, packet);
  }
  if (sa.messageIds.has(messageId)) {
    const text = `Mode Config message is unacceptable because it uses a previously used Message ID ${
      idText(messageId)
    }`;
    return core.refuse(sa, "usedMessageId", text, 3);
  }
  sa.answering = core.exchangeFor(sa, EXCHANGE.MODE_CFG, messageId);
  core.machine.receive(core.phase2.transaction, sa, sa.answering, packet);
}

const CLEAR: Wanted = { expects: {}, encrypted: false };
const PROTECTED: Wanted = { expects: { HASH: [1, 1] }, begins: ["HASH"], encrypted: true };

export function receiveInformational(core: EngineCore, packet: Packet): void {
  if (isEncrypted(packet)) receiveProtected(core, packet);
  else receiveClear(core, packet);
}

/** What a peer sends that cannot read our first encrypted message, or does not know who we are. */
const REFUSED_PROOF = ": perhaps the peer refuses us; compare the preshared keys and identities of both ends";

function receiveProtected(core: EngineCore, packet: Packet): void {
  const { header: { messageId }, path } = packet;
  const sa = findSa(core, packet);
  if (!sa) {
    return core.refuse(path, "unknownExchange", "Informational Exchange is for an unknown (expired?) SA");
  }
  if (!sa.isAuthenticated) {
    if (hearRefusal(core, sa, packet)) return;
    const text = "encrypted Informational Exchange message is invalid because it is for incomplete ISAKMP SA";
    return core.refuse(sa, "incompleteSa", `${text}${sa.name === "MAIN_I3" ? REFUSED_PROOF : ""}`, 3);
  }
  if (messageId === 0 || sa.messageIds.has(messageId)) {
    const what = messageId === 0 ? "a Message ID of 0" : `a previously used Message ID (${idText(messageId)})`;
    const text = `Informational Exchange message is invalid because it has ${what}`;
    return core.refuse(sa, "usedMessageId", text, 3);
  }
  const exchange = core.exchangeFor(sa, EXCHANGE.INFO, messageId);
  const outcome = runInformational(core, sa, exchange, packet, PROTECTED);
  if (outcome?.kind !== "advance") return;
  core.usedMessageId(sa, messageId);
  core.authentic(sa, packet);
  for (const effect of outcome.effects ?? []) core.perform(sa, effect);
}

/** The peer has the keys, and may be anybody: its reason is said, and nothing else. @returns whether it had one */
function hearRefusal(core: EngineCore, sa: IsakmpState, packet: Packet): boolean {
  const { header: { messageId } } = packet;
  if (!sa.keys || !sa.exchange.chain || messageId === 0 || sa.messageIds.has(messageId)) return false;
  const exchange = core.exchangeFor(sa, EXCHANGE.INFO, messageId);
  const opened = openMessage(packet, exchange, PROTECTED, {
    state: "INFO_PROTECTED",
    exchangeName: "Informational Exchange",
    secretIsDoubtful: false,
  });
  if (!opened.ok || !hasHash(opened.message, firstHash(sa, messageId))) return false;
  const [notification] = payloadsOf(opened.message, "N");
  if (!notification) return false;
  const name = notifyName(notification.notify);
  core.usedMessageId(sa, messageId);
  sa.peerSaid = name;
  core.refuse(sa, "informationalTooEarly", `ignoring informational payload, type ${name}`, 3);
  return true;
}

/** Anybody may have sent it: it is said, and nothing else. */
function receiveClear(core: EngineCore, packet: Packet): void {
  const { initiatorCookie } = packet.header;
  const sa = findSa(core, packet) ?? core.table.findByCookies(initiatorCookie, NO_COOKIE);
  if (sa?.isAuthenticated) {
    const text = "Informational Exchange message for an established ISAKMP SA must be encrypted";
    return core.refuse(sa, "notEncrypted", text, 3);
  }
  const known = sa && sameAddress(sa.path.remote, packet.path.remote) ? sa : undefined;
  const exchange = new Exchange(EXCHANGE.INFO, packet.header.messageId);
  const outcome = runInformational(core, known, exchange, packet, CLEAR);
  if (outcome?.kind !== "advance") return;
  for (const effect of outcome.effects ?? []) {
    if (effect.effect === "tell") core.tellDoubtful(known ?? packet.path, effect.code, effect.text);
  }
}

/** @returns undefined where the message was refused, and that has been said */
function runInformational(
  core: EngineCore,
  sa: IsakmpState | undefined,
  exchange: Exchange,
  packet: Packet,
  wanted: Wanted,
): Outcome<IsakmpState> | undefined {
  const about = sa ?? packet.path;
  const state = wanted.encrypted ? "INFO_PROTECTED" : "INFO";
  const opened = openMessage(packet, exchange, wanted, {
    state,
    exchangeName: "Informational Exchange",
    secretIsDoubtful: false,
  });
  if (!opened.ok) {
    core.refuse(about, opened.counter, opened.text, 3);
    return undefined;
  }
  const outcome = core.phase2.informational(sa, opened.message, core.stepDeps);
  if (outcome.kind === "ignore") {
    core.counters.count(outcome.counter);
    if (outcome.text !== undefined) core.tellDoubtful(about, 3, outcome.text);
  } else {
    for (const { code, text } of outcome.lines ?? []) core.tellDoubtful(about, code, text);
    if (outcome.kind === "fail") core.refuse(about, `failed.${state}`, outcome.text, 3);
  }
  return outcome;
}
