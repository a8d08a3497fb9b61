/**
 * Which refusals are said to the peer, by a notification (RFC 2408 §3.14.1). In the clear anybody may get one, and anybody
 * may be the reason for one: only what helps an administrator over there is said, seldom, never about a notification, and
 * never more bytes than have come.
 */
import { DOI, EXCHANGE, NOTIFY, PROTOCOL } from "./constants.ts";
import type { Packet } from "./incoming.ts";
import { encodeMessage } from "./header_codec.ts";
import type { Payload, Proposal } from "./payload.ts";
import { encodePayloads } from "./payload_codec.ts";

/** In a second, to whomever. */
export const MOST_NOTICES = 10;
/** Of proofs, in one phase 1: the peer may not have got the first. */
export const MOST_REFUSALS = 3;

const IN_CLEAR: ReadonlySet<number> = new Set<number>([
  NOTIFY.DOI_NOT_SUPPORTED,
  NOTIFY.SITUATION_NOT_SUPPORTED,
  NOTIFY.INVALID_EXCHANGE_TYPE,
  NOTIFY.INVALID_PROTOCOL_ID,
  NOTIFY.INVALID_SPI,
  NOTIFY.INVALID_TRANSFORM_ID,
  NOTIFY.ATTRIBUTES_NOT_SUPPORTED,
  NOTIFY.NO_PROPOSAL_CHOSEN,
  NOTIFY.BAD_PROPOSAL_SYNTAX,
  NOTIFY.INVALID_KEY_INFORMATION,
  NOTIFY.INVALID_ID_INFORMATION,
  NOTIFY.AUTHENTICATION_FAILED,
]);

/** Under an ISAKMP SA: all but what says that the message may not have been the peer's. */
const NEVER_PROTECTED: ReadonlySet<number> = new Set<number>([
  0,
  NOTIFY.INVALID_HASH_INFORMATION,
  NOTIFY.PAYLOAD_MALFORMED,
]);

export function isSaidInClear(notify: number): boolean {
  return IN_CLEAR.has(notify);
}

export function isSaidProtected(notify: number): boolean {
  return notify !== 0 && !NEVER_PROTECTED.has(notify);
}

/** @param about the peer's proposal, by which it knows which of its Quick Modes is meant */
export function noticePayload(notify: number, about?: Pick<Proposal, "protocol" | "spi">): Payload {
  const nothing = new Uint8Array(0);
  const { protocol, spi } = about ?? { protocol: PROTOCOL.ISAKMP, spi: nothing };
  return { type: "N", doi: DOI.IPSEC, protocol, spi, notify, data: nothing };
}

/** With the cookies that the peer has used, by which it finds what it is about. */
export function clearNotice({ header }: Packet, notify: number, messageId: number): Uint8Array {
  const { first, bytes } = encodePayloads([noticePayload(notify)]);
  return encodeMessage({ ...header, exchange: EXCHANGE.INFO, flags: 0, messageId }, first, bytes);
}
