/** XAUTH, server's side (draft-beaulieu-ike-xauth-02): asks for user and password, checks them, says what has come of it. */
import { Secret } from "../crypto/secret.ts";
import { emptyAttributes, readText } from "./config_attributes.ts";
import { CFG_ATTRIBUTE, CFG_KIND, cfgAttributeName, XAUTH_STATUS } from "./constants.ts";
import type { Message, StepDeps } from "./exchange_table.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import { beginModeConfig, replyTo } from "./mode_config.ts";
import type { Attribute } from "./payload.ts";
import { goOn, isOutcome, openEffect, opening, type Out, readAttributes } from "./transaction.ts";

export const ASK_LOGIN = opening("XAUTH_R0", "--> HDR*, HASH, ATTR(REQUEST)", () => ({
  kind: "REQUEST",
  attributes: emptyAttributes(["XAUTH_USER_NAME", "XAUTH_USER_PASSWORD"]),
  lines: [{ code: 2, text: "XAUTH: Sending Username/Password request (XAUTH_R0)" }],
}));

/** A Transaction of its own, as the draft has it. */
export const TELL_STATUS = opening("XAUTH_R1", "--> HDR*, HASH, ATTR(SET)", ({ xauth }) => ({
  kind: "SET",
  attributes: [{
    type: CFG_ATTRIBUTE.XAUTH_STATUS,
    value: xauth?.accepted ? XAUTH_STATUS.OK : XAUTH_STATUS.FAIL,
  }],
}));

const LONGEST_NAME_BYTES = 255;
const LONGEST_PASSWORD_BYTES = 1024;

/** <-- HDR*, HASH, ATTR(REPLY) */
export async function checkLogin(sa: IsakmpState, message: Message, { host }: StepDeps): Promise<Out> {
  const answer = readAttributes(sa, message, ["REPLY"]);
  if (isOutcome(answer)) return answer;
  const name = bytesOf(answer.attributes, CFG_ATTRIBUTE.XAUTH_USER_NAME);
  const secret = bytesOf(answer.attributes, CFG_ATTRIBUTE.XAUTH_USER_PASSWORD);
  const missing = [
    ...name ? [] : [CFG_ATTRIBUTE.XAUTH_USER_NAME],
    ...secret ? [] : [CFG_ATTRIBUTE.XAUTH_USER_PASSWORD],
  ].map(cfgAttributeName);
  if (!name || !secret) {
    const text = `XAUTH: Expected MODE_CFG_REPLY did not contain ${missing.join(" or ")} attribute`;
    return status({}, false, { code: 3, text });
  }
  const user = readText(name);
  host.tell(sa, 2, `XAUTH: User ${user}: Attempting to login`);
  const password = new Secret(secret);
  const isRight = name.length <= LONGEST_NAME_BYTES && secret.length <= LONGEST_PASSWORD_BYTES &&
    await host.checkPassword(sa.connection, user, password);
  password.wipe();
  secret.fill(0);
  return status(
    { user },
    isRight,
    isRight
      ? { code: 2, text: `XAUTH: User ${user}: Authentication Successful` }
      : { code: 3, text: `XAUTH: User ${user}: Authentication Failed: Incorrect Username or Password` },
  );
}

function status(who: { readonly user?: string }, accepted: boolean, line: { code: number; text: string }): Out {
  return {
    kind: "advance",
    lines: [line],
    changes: { xauth: { ...who, accepted } },
    effects: [openEffect(TELL_STATUS)],
  };
}

/** Some send an empty one where they have nothing. */
function bytesOf(attributes: readonly Attribute[], type: number): Uint8Array | undefined {
  const value = attributes.find((one) => one.type === type)?.value;
  return value instanceof Uint8Array ? value : undefined;
}

/** <-- HDR*, HASH, ATTR(ACK) */
export function hearAcknowledgement(sa: IsakmpState, message: Message, deps: StepDeps): Out {
  const answer = readAttributes(sa, message, ["ACK", "REQUEST"]);
  if (isOutcome(answer)) return answer;
  if (!sa.xauth?.accepted) {
    return { kind: "advance", to: sa.name, effects: [{ effect: "remove", state: sa, tellPeer: true }] };
  }
  // Its acknowledgement was lost, and it asks for an address already.
  if (answer.kind === CFG_KIND.REQUEST) return replyTo(sa, message, answer, deps);
  return { kind: "advance", ...goOn(sa, beginModeConfig(sa)) };
}
