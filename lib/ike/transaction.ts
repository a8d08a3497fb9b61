/**
 * Transaction exchanges (draft-ietf-ipsec-isakmp-mode-cfg-05 §3.3): a request and its reply, or a setting and its
 * acknowledgement, each with HASH(1) before it. XAUTH comes first, Mode Config second, and both before any Quick Mode.
 */
import type { IkeConnection } from "./connection.ts";
import { CFG_KIND, cfgKindName, EXCHANGE, NOTIFY } from "./constants.ts";
import type { Exchange } from "./exchange.ts";
import type { Effect, Message, Opening, Outcome, Reply, StepDeps } from "./exchange_table.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Attribute, Payload } from "./payload.ts";
import type { AfterPhase1 } from "./phase2.ts";
import { firstHash, hasHash, payloadsOf } from "./phase2_hash.ts";
import type { StateName } from "./state.ts";

export type AttributePayload = Extract<Payload, { type: "ATTR" }>;
export type Out = Outcome<IsakmpState>;
export type KindName = keyof typeof CFG_KIND;

/** Which sides of XAUTH and Mode Config we are: either end's words in ipsec.conf will do. */
export function sidesOf({ ours, peers }: IkeConnection) {
  return {
    xauthServer: ours.xauthServer || peers.xauthClient,
    xauthClient: ours.xauthClient || peers.xauthServer,
    modecfgServer: ours.modecfgServer || peers.modecfgClient,
    modecfgClient: ours.modecfgClient || peers.modecfgServer,
  };
}

/** What phase 1 has ended in, and Transactions end in again. */
export function restingState({ role, exchange }: IsakmpState): StateName {
  if (exchange.type === EXCHANGE.AGGR) return role === "initiator" ? "AGGR_I2" : "AGGR_R2";
  return role === "initiator" ? "MAIN_I4" : "MAIN_R3";
}

export const RESTING: readonly StateName[] = ["MAIN_I4", "MAIN_R3", "AGGR_I2", "AGGR_R2"];

/** The attributes that have come, their HASH checked. */
export function readAttributes(sa: IsakmpState, message: Message, kinds: readonly KindName[]): AttributePayload | Out {
  if (!hasHash(message, firstHash(sa, message.header.messageId))) {
    return {
      kind: "fail",
      notify: NOTIFY.INVALID_HASH_INFORMATION,
      text: "received HASH(1) does not match computed value in Transaction Exchange",
    };
  }
  const [payload] = payloadsOf(message, "ATTR");
  if (kinds.some((kind) => CFG_KIND[kind] === payload.kind)) return payload;
  const expected = kinds.map((kind) => cfgKindName(CFG_KIND[kind])).join(" or ");
  return {
    kind: "ignore",
    counter: "unexpectedTransaction",
    text: `Expecting ${expected}, got ${cfgKindName(payload.kind)} instead (ignored).`,
  };
}

export function isOutcome(value: AttributePayload | Out): value is Out {
  return "kind" in value && typeof value.kind === "string";
}

export function transactionMessage(
  sa: IsakmpState,
  { messageId }: { readonly messageId: number },
  kind: KindName,
  attributes: readonly Attribute[],
  identifier = 0,
): Reply {
  return {
    payloads: [{ type: "ATTR", kind: CFG_KIND[kind], identifier, attributes }],
    hash: firstHash(sa, messageId),
  };
}

/** Of a Transaction that we begin, and send again until it is answered. */
export function opening(
  to: StateName,
  flow: string,
  write: (sa: IsakmpState, exchange: Exchange, deps: StepDeps) => {
    readonly kind: KindName;
    readonly attributes: readonly Attribute[];
    readonly lines?: readonly { readonly code: number; readonly text: string }[];
    readonly changes?: Partial<IsakmpState>;
  },
): Opening<IsakmpState> {
  return {
    to,
    flow,
    encrypts: true,
    timer: "retransmit",
    step(sa, exchange, deps) {
      const { kind, attributes, lines, changes } = write(sa, exchange, deps);
      return { kind: "advance", lines, changes, reply: transactionMessage(sa, exchange, kind, attributes) };
    },
  };
}

export function openEffect(opening: Opening<IsakmpState>): Effect {
  return { effect: "open", opening };
}

/** How a step goes on to the next Transaction, or to Quick Mode. */
export function goOn(sa: IsakmpState, after: AfterPhase1): Pick<Extract<Out, { kind: "advance" }>, "to" | "effects"> {
  switch (after.next) {
    case "ready":
      return { to: restingState(sa), effects: [{ effect: "ready" }] };
    case "open":
      return { to: after.opening.to, effects: [openEffect(after.opening)] };
    case "wait":
      return { to: after.state };
  }
}
