/**
 * Informational exchanges (RFC 2409 §5.7, pluto.md §14). What comes in the clear is only said; what an established ISAKMP
 * SA protects, its HASH(1) checked, is obeyed.
 */
import { formatSubnet } from "../text/subnet.ts";
import { NOTIFY, notifyName, PROTOCOL } from "./constants.ts";
import { judgeDelete, spiNumber } from "./delete_payload.ts";
import type { DeadPeerDetection } from "./dead_peer_detection.ts";
import type { Effect, InformationalStep, Message, Outcome } from "./exchange_table.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";
import type { EngineServices } from "./phase2.ts";
import { firstHash, hasHash, payloadsOf } from "./phase2_hash.ts";
import { responderLifetime } from "./responder_lifetime.ts";
import type { IpsecState } from "./ipsec_sa.ts";

type Notification = Extract<Payload, { type: "N" }>;

const REFUSED = "the peer has refused";
/**
 * Refusals of Quick Mode, and what they mean to whoever reads our log. Others, as of a message that came damaged, end
 * nothing: it will be sent again.
 */
const REFUSALS: Readonly<Record<number, string>> = {
  [NOTIFY.DOI_NOT_SUPPORTED]: REFUSED,
  [NOTIFY.SITUATION_NOT_SUPPORTED]: REFUSED,
  [NOTIFY.INVALID_PROTOCOL_ID]: REFUSED,
  [NOTIFY.INVALID_SPI]: REFUSED,
  [NOTIFY.INVALID_TRANSFORM_ID]: REFUSED,
  [NOTIFY.ATTRIBUTES_NOT_SUPPORTED]: REFUSED,
  [NOTIFY.NO_PROPOSAL_CHOSEN]:
    "the peer accepts no proposal of ours: compare esp=, ah=, pfs= and compress= of both ends, or see its log",
  [NOTIFY.BAD_PROPOSAL_SYNTAX]: REFUSED,
  [NOTIFY.INVALID_KEY_INFORMATION]:
    "the peer does not accept our group for PFS: compare pfs= and pfsgroup= of both ends",
  [NOTIFY.INVALID_ID_INFORMATION]:
    "the peer has no connection for these networks: leftsubnet= and rightsubnet= must be the same at both ends",
  [NOTIFY.AUTHENTICATION_FAILED]: REFUSED,
};

export function informationalStep(services: EngineServices, dpd: DeadPeerDetection): InformationalStep {
  const obey = (sa: IsakmpState, payload: Payload): readonly Effect[] => {
    if (payload.type === "D") return obeyDelete(services, sa, payload);
    if (payload.type === "N") return (HANDLERS[payload.notify] ?? handleOther)({ services, dpd, sa }, payload);
    return [];
  };
  return (sa, message) => {
    if (!sa || !message.encrypted) return hearClear(sa, message);
    if (!hasHash(message, firstHash(sa, message.header.messageId))) {
      return {
        kind: "fail",
        notify: NOTIFY.INVALID_HASH_INFORMATION,
        text: "received HASH(1) does not match computed value in Informational Exchange",
      };
    }
    return { kind: "advance", effects: message.payloads.flatMap((payload) => obey(sa, payload)) };
  };
}

/** Anybody may have sent it. */
function hearClear(sa: IsakmpState | undefined, message: Message): Outcome<IsakmpState> {
  const [notification] = payloadsOf(message, "N");
  if (!notification) {
    const text = payloadsOf(message, "D").length ? "ignoring Delete SA payload: not encrypted" : undefined;
    return { kind: "ignore", counter: "informationalInClear", text };
  }
  const name = notifyName(notification.notify);
  if (sa) sa.peerSaid = name;
  return { kind: "ignore", counter: "informationalInClear", text: ignoring(name) };
}

function ignoring(name: string): string {
  return `ignoring informational payload, type ${name}`;
}

interface Context {
  readonly services: EngineServices;
  readonly dpd: DeadPeerDetection;
  readonly sa: IsakmpState;
}

type Handler = (context: Context, notification: Notification) => readonly Effect[];

const HANDLERS: Readonly<Record<number, Handler>> = {
  [NOTIFY.R_U_THERE]: ({ dpd, sa }, notification) => dpd.receive(sa, notification),
  [NOTIFY.R_U_THERE_ACK]: ({ dpd, sa }, notification) => dpd.receive(sa, notification),
  [NOTIFY.IPSEC_INITIAL_CONTACT]: () => [{ effect: "initial contact" }],
  [NOTIFY.IPSEC_RESPONDER_LIFETIME]({ services, sa }, notification) {
    const state = stateMeant(services, sa, notification);
    const seconds = responderLifetime(notification.data);
    if (!state || seconds === undefined || seconds >= state.lifetimeSeconds) return [];
    state.lifetimeSeconds = seconds;
    services.host.tell(state, 2, `peer says that the SA ends after ${seconds} seconds`);
    if (state.isEstablished) services.host.lifetimeChanged(state);
    return [];
  },
};

const handleOther: Handler = ({ services, sa }, notification) => {
  const name = notifyName(notification.notify);
  const isRefusal = Object.hasOwn(REFUSALS, notification.notify);
  const attempt = isRefusal ? attemptMeant(services, sa, notification) : undefined;
  if (!attempt) return [{ effect: "tell", code: 3, text: ignoring(name) }];
  services.host.tell(
    attempt,
    3,
    `received informational payload, type ${name}: ${meaningOf(notification, sa, attempt)}`,
  );
  services.host.tell(attempt, 200 + notification.notify, `STATE_${attempt.name}: ${name}`);
  return [{ effect: "giveUp", state: attempt, detail: `: ${name}` }];
};

function meaningOf({ notify }: Notification, sa: IsakmpState, { ourClient, connection }: IpsecState): string {
  const isOwnAddress = notify === NOTIFY.INVALID_ID_INFORMATION && sa.nat.ours && !connection.ours.client;
  if (!isOwnAddress) return REFUSALS[notify];
  const net = formatSubnet(ourClient), version = ourClient.address.family === "inet" ? "%v4" : "%v6";
  return `${REFUSALS[notify]}. ${net} is the address that this host has behind NAT: there ` +
    `rightsubnet=vhost:%priv,%no takes it, and virtual_private= with ${version}:${net}, or a network around it`;
}

/** The SA that a notification names by its SPI. */
function stateMeant(services: EngineServices, sa: IsakmpState, { protocol, spi }: Notification) {
  if (protocol === PROTOCOL.ISAKMP || spi.length !== 4) return sa;
  const wanted = spiNumber(spi);
  return [...services.statesUnder(sa.number)].find((state) =>
    state.protocols.some(({ inboundSpi, outboundSpi }) => inboundSpi === wanted || outboundSpi === wanted)
  );
}

/**
 * The Quick Mode of ours that an error is about. Not all peers quote our SPI; some quote none, or their own. Then it can
 * only be meant where there is no other.
 */
function attemptMeant(services: EngineServices, sa: IsakmpState, { spi }: Notification): IpsecState | undefined {
  const attempts = [...services.statesUnder(sa.number)].filter(({ name }) => name === "QUICK_I1");
  const quoted = spi.length === 4 ? spiNumber(spi) : undefined;
  const named = attempts.find((state) => quoted !== undefined && state.ourSpis.includes(quoted));
  return named ?? (attempts.length === 1 ? attempts[0] : undefined);
}

function obeyDelete(services: EngineServices, sa: IsakmpState, payload: Extract<Payload, { type: "D" }>): Effect[] {
  return judgeDelete(sa, payload, services).map((judgement): Effect => {
    if ("ignored" in judgement) return { effect: "tell", code: 3, text: judgement.ignored };
    const { state } = judgement;
    if (state.isEstablished) return { effect: "peerDeleted", state };
    // There is nothing to replace: what the peer gives up half-way has failed.
    const kind = state.kind === "isakmp" ? "ISAKMP" : "IPSEC";
    services.host.tell(state, 3, `received Delete SA payload: deleting ${kind} State #${state.number}`);
    return state.role === "initiator"
      ? { effect: "giveUp", state, detail: ": the peer has deleted it" }
      : { effect: "remove", state, tellPeer: false };
  });
}
