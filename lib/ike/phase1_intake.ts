/** Whose a message of Main or Aggressive Mode is, or whether it begins a new exchange (pluto.md §8.1, check 2; §11). */
import { formatAddress, sameAddress } from "../text/address.ts";
import type { Identity } from "../text/identity.ts";
import { AGGRESSIVE_MODE } from "./aggressive_mode.ts";
import type { IkeConnection } from "./connection.ts";
import { COOKIE_BYTES, EXCHANGE, HEADER_BYTES } from "./constants.ts";
import { isRepeat } from "./duplicates.ts";
import type { EngineCore } from "./engine_core.ts";
import type { ExchangeTable } from "./exchange_table.ts";
import type { Refusal } from "./host.ts";
import { decodeIdentity } from "./identity_codec.ts";
import { isEncrypted, type Packet } from "./incoming.ts";
import { IsakmpState } from "./isakmp_sa.ts";
import { MAIN_MODE } from "./main_mode.ts";
import { decodePayloads } from "./payload_codec.ts";
import type { StateName } from "./state.ts";

interface Mode {
  readonly word: "main" | "aggressive";
  readonly table: ExchangeTable<IsakmpState>;
  readonly first: StateName;
}

export const PHASE1_MODES: Readonly<Record<number, Mode>> = {
  [EXCHANGE.IDPROT]: { word: "main", table: MAIN_MODE, first: "MAIN_R0" },
  [EXCHANGE.AGGR]: { word: "aggressive", table: AGGRESSIVE_MODE, first: "AGGR_R0" },
};

/** No honest first message is longer; each is kept while its exchange is half open. */
const LONGEST_FIRST_MESSAGE = 8192;
export const NO_COOKIE: Uint8Array = new Uint8Array(COOKIE_BYTES);

export function isZero(cookie: Uint8Array): boolean {
  return cookie.every((byte) => byte === 0);
}

export function receivePhase1(core: EngineCore, packet: Packet): void {
  const mode = PHASE1_MODES[packet.header.exchange];
  const { header: { messageId, initiatorCookie, responderCookie }, path } = packet;
  const { name } = mode.table;
  if (messageId !== 0) {
    const id = messageId.toString(16).padStart(8, "0");
    return core.refuse(path, "messageIdNotZero", `Message ID was 0x${id} but should be zero in ${name}`);
  }
  if (isZero(initiatorCookie)) {
    return core.refuse(path, "initiatorCookieZero", `Initiator Cookie must not be zero in ${name} message`);
  }
  if (isZero(responderCookie)) return receiveFirst(core, packet, mode);
  const state = core.table.findByCookies(initiatorCookie, responderCookie) ??
    core.table.findByCookies(initiatorCookie, NO_COOKIE);
  if (!state || state.exchange.type !== mode.table.type || !sameAddress(state.path.remote, path.remote)) {
    return core.refuse(path, "unknownExchange", `${name} message is part of an unknown exchange`);
  }
  core.machine.receive(mode.table, state, state.exchange, packet);
}

/** Costs a state, and no Diffie-Hellman in Main Mode. */
function receiveFirst(core: EngineCore, packet: Packet, { word, table, first }: Mode): void {
  const { header: { initiatorCookie }, path, datagram } = packet;
  if (isEncrypted(packet)) {
    const text = `initial ${table.name} message is invalid: its Encrypted Flag is on`;
    return core.refuse(path, "encryptedTooEarly", text);
  }
  if (datagram.length > LONGEST_FIRST_MESSAGE) {
    const text = `initial ${table.name} message of ${datagram.length} bytes is longer than ${LONGEST_FIRST_MESSAGE}`;
    return core.refuse(path, "firstMessageTooLong", text);
  }
  const begun = core.table.findByFirstMessage(initiatorCookie, path);
  if (begun) return receiveAgain(core, packet, begun, table);
  if (core.table.findByCookies(initiatorCookie, NO_COOKIE)) {
    return core.refuse(path, "ownCookie", `initial ${table.name} message has an Initiator Cookie of ours`);
  }
  const chosen = core.deps.host.chooseByAddress(path, word, word === "aggressive" ? readIdentity(packet) : undefined);
  if ("refused" in chosen) return refuseFirst(core, packet, chosen);
  if (word === "aggressive" && !chosen.aggressive) {
    const refused = `initial Aggressive Mode message received, but ${chosen.label} does not allow Aggressive Mode`;
    return refuseFirst(core, packet, { refused, notify: 0 });
  }
  const state = newResponder(core, packet, chosen, first, table.type);
  core.tellDoubtful(state, 2, respondingText(word, state));
  core.machine.receive(table, state, state.exchange, packet);
}

/** A first message with the cookie of one that there has been: its repeat, or nothing that could be answered. */
function receiveAgain(core: EngineCore, packet: Packet, state: IsakmpState, table: ExchangeTable<IsakmpState>): void {
  if (isRepeat(state.exchange, packet.datagram)) core.machine.receive(table, state, state.exchange, packet);
  else core.refuse(state, "lateFirstMessage", `discarding initial ${table.name} message; already STATE_${state.name}`);
}

function refuseFirst(core: EngineCore, packet: Packet, { refused, notify }: Refusal): void {
  core.refuse(packet.path, "noConnection", refused, 3);
  core.notify(packet, notify);
}

function newResponder(
  core: EngineCore,
  { header: { initiatorCookie }, path }: Packet,
  connection: IkeConnection,
  name: StateName,
  exchangeType: number,
): IsakmpState {
  const givesWay = core.table.givesWay();
  if (givesWay) {
    core.counters.count("halfOpenGaveWay");
    core.drop(givesWay);
  }
  const state = new IsakmpState({
    number: core.table.nextNumber(),
    name,
    role: "responder",
    connection,
    path,
    attempt: 1,
    replaces: 0,
    exchangeType,
    initiatorCookie,
    responderCookie: drawCookie(core),
  });
  core.table.add(state);
  return state;
}

export function drawCookie({ deps: { random } }: EngineCore): Uint8Array {
  const cookie = random(COOKIE_BYTES);
  if (isZero(cookie)) cookie[0] = 1;
  return cookie;
}

function respondingText(word: Mode["word"], { number, connection, path }: IsakmpState): string {
  if (word === "aggressive") {
    return `responding to Aggressive Mode, state #${number}, connection ${connection.label}`;
  }
  // An instance has more in its label than the name.
  const isInstance = connection.label !== `"${connection.name}"`;
  return `responding to Main Mode${isInstance ? ` from unknown peer ${formatAddress(path.remote)}` : ""}`;
}

/** Aggressive Mode says who it is at once; whether the message is right otherwise is seen later. */
function readIdentity({ firstPayload, datagram }: Packet): Identity | undefined {
  const decoded = decodePayloads(firstPayload, datagram.subarray(HEADER_BYTES));
  const id = decoded.ok ? decoded.payloads.find((payload) => payload.type === "ID") : undefined;
  const identity = id?.type === "ID" ? decodeIdentity(id) : undefined;
  return identity?.ok ? identity.value : undefined;
}
