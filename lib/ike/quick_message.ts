/** What the first two messages of Quick Mode have in common: nonce, KE and identities, and what may be wrong with them. */
import type { GroupName } from "../crypto/dh_groups.ts";
import { type Client, readClient } from "./client_ids.ts";
import { NOTIFY } from "./constants.ts";
import type { Line, Message, Outcome } from "./exchange_table.ts";
import type { IpsecState } from "./ipsec_sa.ts";
import { payloadsOf } from "./phase2_hash.ts";
import { refuseNonce, refusePublicValue } from "./share_checks.ts";

export type Failure = Extract<Outcome<IpsecState>, { kind: "fail" }>;

/** As log lines name the two messages. */
export type Which = "I1" | "R1";

export function fail(notify: number, text: string, lines?: readonly Line[]): Failure {
  return { kind: "fail", notify, text, lines };
}

/** Why transforms were not taken: for the log. */
export function rejections(texts: readonly string[]): Line[] {
  return texts.map((text) => ({ code: 3, text }));
}

/** Of the peer. */
export function readNonce(message: Message, which: Which): Uint8Array | Failure {
  const [{ data }] = payloadsOf(message, "NONCE");
  const wrong = refuseNonce(data, which === "I1" ? "i" : "r");
  return wrong === undefined ? data : fail(NOTIFY.PAYLOAD_MALFORMED, wrong);
}

/** The peer's public value; undefined where there is no PFS and no KE. */
export function readKe(message: Message, which: Which, group: GroupName | undefined): Uint8Array | undefined | Failure {
  const payloads = payloadsOf(message, "KE");
  const refuse = (text: string) => fail(NOTIFY.INVALID_KEY_INFORMATION, text);
  const name = `Quick Mode ${which}`;
  if (payloads.length > 1) return refuse(`${name} message contains several KE payloads; we accept at most one`);
  if (!group) {
    return payloads.length === 0
      ? undefined
      : refuse(`${name} message KE payload requires a GROUP_DESCRIPTION attribute in SA`);
  }
  if (payloads.length === 0) return refuse(`missing KE payload in ${name} message`);
  const [{ data }] = payloads;
  const wrong = refusePublicValue(group, data);
  return wrong === undefined ? data : refuse(wrong);
}

/** Names for the sentences: whose each of the two is, as the receiver sees it. */
const WHOSE: Readonly<Record<Which, readonly [string, string]>> = {
  I1: ["peer client", "our client"],
  R1: ["our client", "peer client"],
};

/** Initiator's and responder's; undefined where the message names none. */
export function readClients(message: Message, which: Which): readonly [Client, Client] | undefined | Failure {
  const ids = message.payloads.filter(({ type }) => type === "ID");
  if (ids.length === 0) return undefined;
  if (ids.length !== 2) {
    return fail(
      NOTIFY.PAYLOAD_MALFORMED,
      "malformed Quick Mode message: if any ID payload is present, there must be exactly two",
    );
  }
  if (ids[0].end !== ids[1].start) {
    return fail(NOTIFY.PAYLOAD_MALFORMED, "malformed Quick Mode message: the ID payloads are not adjacent");
  }
  const [initiators, responders] = payloadsOf(message, "ID").map((id, i) => readClient(id, WHOSE[which][i]));
  if (!initiators.ok) return fail(NOTIFY.INVALID_ID_INFORMATION, initiators.error);
  if (!responders.ok) return fail(NOTIFY.INVALID_ID_INFORMATION, responders.error);
  return [initiators.value, responders.value];
}

export function isFailure<T>(value: T | Failure): value is Failure {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "fail";
}
