/** The header of ISAKMP (RFC 2408 §3.1). */
import { Malformed, Reader, Writer } from "./bytes.ts";
import { COOKIE_BYTES, FLAG, flagNames, HEADER_BYTES, LARGEST_MESSAGE, NOTIFY, VERSION } from "./constants.ts";
import type { IsakmpHeader } from "./payload.ts";

const WHAT = "ISAKMP Message";
const KNOWN_FLAGS = FLAG.ENCRYPTION | FLAG.COMMIT;
const AT = { version: 17, flags: 19, length: 24 } as const;

export type DecodedHeader =
  | {
    readonly ok: true;
    readonly header: IsakmpHeader;
    readonly firstPayload: number;
    /** Of the whole message, which is what the datagram has. */
    readonly lengthBytes: number;
  }
  | { readonly ok: false; readonly reason: string; readonly notify: number };

/**
 * Total. The exchange type, and whether it may be encrypted, is decided elsewhere.
 *
 * @param bytes of one datagram, without a non-ESP marker
 */
export function decodeHeader(bytes: Uint8Array): DecodedHeader {
  try {
    return { ok: true, ...decode(bytes) };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { ok: false, reason: error.reason, notify: error.notify ?? NOTIFY.PAYLOAD_MALFORMED };
  }
}

function decode(bytes: Uint8Array): Omit<Extract<DecodedHeader, { ok: true }>, "ok"> {
  const r = new Reader(bytes, WHAT);
  if (r.left < HEADER_BYTES) throw new Malformed(`not enough room in input packet for ${WHAT}`, 0);
  const initiatorCookie = r.copy(COOKIE_BYTES, "cookie"), responderCookie = r.copy(COOKIE_BYTES, "cookie");
  const firstPayload = r.u8(), version = r.u8(), exchange = r.u8(), flags = r.u8();
  const messageId = r.u32(), lengthBytes = r.u32();
  if (version !== VERSION) {
    const notify = version >> 4 === VERSION >> 4 ? NOTIFY.INVALID_MINOR_VERSION : NOTIFY.INVALID_MAJOR_VERSION;
    throw new Malformed(`ISAKMP version of ${WHAT} has an unknown value: ${version}`, AT.version, notify);
  }
  if (flags & ~KNOWN_FLAGS) {
    const reason = `bitset flags of ${WHAT} has unknown member(s): ${flagNames(flags)}`;
    throw new Malformed(reason, AT.flags, NOTIFY.INVALID_FLAGS);
  }
  if (lengthBytes < HEADER_BYTES) throw new Malformed(`length of ${WHAT} is smaller than minimum`, AT.length);
  if (lengthBytes > bytes.length) throw new Malformed(`length of ${WHAT} is larger than can fit`, AT.length);
  if (lengthBytes < bytes.length) {
    throw new Malformed(`size (${bytes.length}) differs from size specified in ISAKMP HDR (${lengthBytes})`, AT.length);
  }
  return {
    header: { initiatorCookie, responderCookie, exchange, flags, messageId },
    firstPayload,
    lengthBytes,
  };
}

/** The header, and behind it the payloads, encrypted or not. @throws RangeError for more than 65535 bytes */
export function encodeMessage(header: IsakmpHeader, first: number, payloadBytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const lengthBytes = HEADER_BYTES + payloadBytes.length;
  if (lengthBytes > LARGEST_MESSAGE) throw new RangeError(`Cannot encode an ISAKMP message of ${lengthBytes} bytes`);
  const w = new Writer();
  w.bytes(header.initiatorCookie).bytes(header.responderCookie);
  w.u8(first).u8(VERSION).u8(header.exchange).u8(header.flags).u32(header.messageId).u32(lengthBytes);
  return w.bytes(payloadBytes).done();
}
