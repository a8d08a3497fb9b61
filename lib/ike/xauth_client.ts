/** XAUTH, client's side (draft-beaulieu-ike-xauth-02): answers with user and password, and hears whether they are right. */
import type { Secret } from "../crypto/secret.ts";
import { attributeNumber } from "./attribute_codec.ts";
import { readText } from "./config_attributes.ts";
import {
  CFG_ATTRIBUTE,
  CFG_KIND,
  cfgAttributeName,
  NOTIFY,
  notifyName,
  XAUTH_STATUS,
  XAUTH_TYPE,
} from "./constants.ts";
import type { Line, Message, StepDeps } from "./exchange_table.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import { beginModeConfig } from "./mode_config.ts";
import type { Attribute } from "./payload.ts";
import { type AttributePayload, goOn, isOutcome, type Out, readAttributes, transactionMessage } from "./transaction.ts";

/** A server that goes on asking does not get the password for ever. */
const MOST_ANSWERS = 3;
const NAMES: readonly number[] = [CFG_ATTRIBUTE.XAUTH_USER_NAME];
const PASSWORDS: readonly number[] = [CFG_ATTRIBUTE.XAUTH_USER_PASSWORD, CFG_ATTRIBUTE.XAUTH_PASSCODE];

/** <-- HDR*, HASH, ATTR(REQUEST)  --> HDR*, HASH, ATTR(REPLY);  <-- HDR*, HASH, ATTR(SET)  --> HDR*, HASH, ATTR(ACK) */
export function answerServer(sa: IsakmpState, message: Message, deps: StepDeps): Out | Promise<Out> {
  const asked = readAttributes(sa, message, ["REQUEST", "SET"]);
  if (isOutcome(asked)) return asked;
  return asked.kind === CFG_KIND.SET ? hearStatus(sa, message, asked) : answerRequest(sa, message, asked, deps);
}

async function answerRequest(
  sa: IsakmpState,
  message: Message,
  asked: AttributePayload,
  { host }: StepDeps,
): Promise<Out> {
  const { attributes } = asked;
  const type = valueOf(attributes, CFG_ATTRIBUTE.XAUTH_TYPE);
  if (type !== undefined && type !== XAUTH_TYPE.GENERIC) return giveUp(sa, `XAUTH: Unsupported type: ${type}`);
  if (!attributes.some((one) => NAMES.includes(one.type) || PASSWORDS.includes(one.type))) {
    const names = attributes.map((one) => cfgAttributeName(one.type)).join("+") || "nothing";
    return giveUp(sa, `XAUTH: No username/password request was received: the server asks for ${names}`);
  }
  const answers = (sa.xauth?.answers ?? 0) + 1;
  if (answers > MOST_ANSWERS) return giveUp(sa, `XAUTH: the server has asked ${MOST_ANSWERS} times already`);
  if (sa.xauth?.isAsking) return { kind: "ignore", counter: "credentialsAwaited" };
  const credentials = await askOnce(sa, () => host.credentials(sa));
  if (sa.isGone) return { kind: "ignore", counter: "answeredTooLate" };
  if (!credentials) {
    return giveUp(sa, "XAUTH: no user name and password: there is no XAUTH entry in ipsec.secrets, and nobody to ask");
  }
  const { user, password } = credentials;
  return {
    kind: "advance",
    lines: [...serverSays(attributes), { code: 2, text: `XAUTH: Answering XAUTH challenge with user='${user}'` }],
    changes: { xauth: { ...sa.xauth, user, answers } },
    reply: transactionMessage(sa, message.header, "REPLY", reply(attributes, user, password), asked.identifier),
  };
}

/** The server repeats its request while a user types: nobody is to be asked twice, so this is known before the outcome. */
async function askOnce<T>(sa: IsakmpState, ask: () => Promise<T>): Promise<T> {
  sa.xauth = { ...sa.xauth, isAsking: true };
  try {
    return await ask();
  } finally {
    sa.xauth = { ...sa.xauth, isAsking: false };
  }
}

function reply(asked: readonly Attribute[], user: string, password: Secret): Attribute[] {
  return asked.flatMap(({ type }): Attribute[] => {
    if (type === CFG_ATTRIBUTE.XAUTH_TYPE) return [{ type, value: XAUTH_TYPE.GENERIC }];
    if (NAMES.includes(type)) return [{ type, value: new TextEncoder().encode(user) }];
    return PASSWORDS.includes(type) ? [{ type, value: password.reveal() }] : [];
  });
}

function hearStatus(sa: IsakmpState, message: Message, asked: AttributePayload): Out {
  const status = valueOf(asked.attributes, CFG_ATTRIBUTE.XAUTH_STATUS);
  if (status === undefined) {
    return { kind: "ignore", counter: "noXauthStatus", text: "XAUTH: status message without XAUTH_STATUS" };
  }
  const attributes = [{ type: CFG_ATTRIBUTE.XAUTH_STATUS, value: status & 0xffff }];
  const reply = transactionMessage(sa, message.header, "ACK", attributes, asked.identifier);
  const lines = serverSays(asked.attributes);
  if (status !== XAUTH_STATUS.OK) {
    return {
      ...giveUp(sa, "XAUTH: Authentication Failed: the server does not accept user name and password", lines),
      reply,
    };
  }
  return {
    kind: "advance",
    ...goOn(sa, beginModeConfig(sa)),
    lines: [...lines, { code: 2, text: "XAUTH: Successfully Authenticated" }],
    changes: { xauth: { ...sa.xauth, accepted: true } },
    reply,
  };
}

type Advance = Extract<Out, { kind: "advance" }>;

/** Whack gets the status that AUTHENTICATION_FAILED has elsewhere. */
function giveUp(sa: IsakmpState, text: string, before: readonly Line[] = []): Advance {
  const notify = NOTIFY.AUTHENTICATION_FAILED;
  return {
    kind: "advance",
    lines: [
      ...before,
      { code: 3, text },
      { code: 200 + notify, text: `STATE_${sa.name}: ${notifyName(notify)}` },
    ],
    to: sa.name,
    effects: [{ effect: "giveUp", state: sa, detail: `: ${text}` }],
  };
}

function valueOf(attributes: readonly Attribute[], type: number): number | undefined {
  const found = attributes.find((one) => one.type === type);
  return found && attributeNumber(found);
}

/** Some servers explain themselves. */
function serverSays(attributes: readonly Attribute[]): Line[] {
  return attributes.flatMap(({ type, value }) =>
    type === CFG_ATTRIBUTE.XAUTH_MESSAGE && value instanceof Uint8Array && value.length > 0
      ? [{ code: 2, text: `XAUTH: the server says: ${readText(value)}` }]
      : []
  );
}
