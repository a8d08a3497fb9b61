/** PF_KEYv2 messages: bytes to value and back (RFC 2367 §2), and what every request must satisfy (klips.md §12). */
import { Malformed, Reader, Writer } from "./bytes.ts";
import {
  HEADER_BYTES,
  LARGEST_MESSAGE,
  MESSAGE_BY_NUMBER,
  MESSAGES,
  NO_REFERENCE,
  satypeProtocol,
  VERSION,
} from "./constants.ts";
import { ERRNO } from "./errno.ts";
import { EXTENSION_BY_NUMBER, EXTENSIONS } from "./extension_codec.ts";
import type { Extensions, PfkeyMessage } from "./message.ts";

const WORD = 8;
const LARGEST_SATYPE = 11;
const LARGEST_WINDOW = 64;
const LARGEST_REFERENCE = 0xffff;
const ADDRESS_FIELDS = [
  "source",
  "destination",
  "proxy",
  "destination2",
  "sourceFlow",
  "destinationFlow",
  "sourceMask",
  "destinationMask",
  "natOa",
] as const satisfies readonly (keyof Extensions)[];

/** @throws RangeError for a message that its length field cannot express */
export function encodeMessage(message: PfkeyMessage): Uint8Array<ArrayBuffer> {
  const w = new Writer();
  w.u8(VERSION).u8(message.type).u8(message.errno).u8(message.satype).u16(0).u16(0).u32(message.seq).u32(message.pid);
  for (const { number, field, codec } of EXTENSIONS) {
    const value = message.extensions[field];
    if (value === undefined) continue;
    const start = w.length;
    w.u16(0).u16(number);
    codec.encode(w, value);
    w.zeros(-w.length & WORD - 1);
    w.setU16(start, (w.length - start) / WORD);
  }
  if (w.length > LARGEST_MESSAGE) throw new RangeError(`Cannot encode a PF_KEY message of ${w.length} bytes`);
  w.setU16(4, w.length / WORD);
  return w.done();
}

export type Decoded =
  | { readonly ok: true; readonly message: PfkeyMessage }
  | { readonly ok: false; readonly errno: number; readonly reason: string };

/** Total: any bytes give a message or an errno with its reason. */
export function decodeMessage(bytes: Uint8Array): Decoded {
  try {
    return { ok: true, message: decode(bytes) };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const errno = error.reason === WRONG_LENGTH ? ERRNO.EMSGSIZE : ERRNO.EINVAL;
    return { ok: false, errno, reason: error.message };
  }
}

/** Process id of a message's sender, which need not be decoded for it; 0 is KLIPS, and what is too short to say. */
export function senderOf(bytes: Uint8Array): number {
  return headerNumber(bytes, 12);
}

/** Sequence number of a message, likewise. */
export function sequenceOf(bytes: Uint8Array): number {
  return headerNumber(bytes, 8);
}

function headerNumber(bytes: Uint8Array, at: number): number {
  return bytes.length < HEADER_BYTES ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

const WRONG_LENGTH = "length differs from what the header says";

function decode(bytes: Uint8Array): PfkeyMessage {
  const r = new Reader(bytes);
  const version = r.u8(), type = r.u8(), errno = r.u8(), satype = r.u8();
  const words = r.u16(), reserved = r.u16(), seq = r.u32(), pid = r.u32();
  if (words * WORD !== bytes.length) throw new Malformed(WRONG_LENGTH, 4);
  if (version !== VERSION) throw new Malformed(`version ${version}`, 0);
  if (reserved !== 0) throw new Malformed("reserved field set", 6);
  if (!MESSAGE_BY_NUMBER.has(type)) throw new Malformed(`unknown message type ${type}`, 1);
  if (satype > LARGEST_SATYPE) throw new Malformed(`unknown SA type ${satype}`, 3);
  const extensions: Extensions = {};
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const head = new Reader(bytes, at);
    const size = head.u16() * WORD, number = head.u16();
    if (size === 0 || at + size > bytes.length) throw new Malformed(`extension ${number} of ${size} bytes`, at);
    const row = EXTENSION_BY_NUMBER.get(number);
    if (!row) throw new Malformed(`unknown extension ${number}`, at);
    if (extensions[row.field] !== undefined) throw new Malformed(`extension ${number} twice`, at);
    const body = new Reader(bytes, at + 4, at + size);
    (extensions as Record<string, unknown>)[row.field] = row.codec.decode(body);
    if (body.left >= WORD) throw new Malformed(`extension ${number} has ${body.left} bytes too many`, at);
    at += size;
  }
  return { type, errno, satype, seq, pid, extensions };
}

/** What a request must satisfy before it is looked at; @returns 0 or an errno */
export function checkRequest(message: PfkeyMessage): number {
  const row = MESSAGE_BY_NUMBER.get(message.type);
  if (!row) return ERRNO.EINVAL;
  if (message.errno !== 0 && row !== MESSAGES.ACQUIRE) return ERRNO.EINVAL;
  if (row.needsSatype && satypeProtocol(message.satype) === undefined) return ERRNO.EINVAL;
  const { extensions } = message;
  for (const { number, field } of EXTENSIONS) {
    const there = extensions[field] !== undefined;
    if (!there && row.required.includes(number)) return ERRNO.EINVAL;
    if (there && !row.required.includes(number) && !row.permitted.includes(number)) return ERRNO.EINVAL;
  }
  for (const sa of [extensions.sa, extensions.sa2]) {
    if (sa && (sa.replay > LARGEST_WINDOW || sa.ref > LARGEST_REFERENCE && sa.ref !== NO_REFERENCE)) {
      return ERRNO.EINVAL;
    }
  }
  if (extensions.sensitivity) return ERRNO.EINVAL; // no labels here
  // Networks have masks in extensions of their own (klips.md §12).
  for (const field of ADDRESS_FIELDS) if (extensions[field]?.prefixLength) return ERRNO.EINVAL;
  return 0;
}

/** A request's header with an errno and nothing else. */
export function encodeRefusal(raw: Uint8Array, errno: number): Uint8Array<ArrayBuffer> {
  const reply = new Uint8Array(HEADER_BYTES);
  reply.set(raw.subarray(0, HEADER_BYTES));
  reply[0] = VERSION;
  reply[2] = errno;
  reply.set([HEADER_BYTES / WORD, 0, 0, 0], 4);
  return reply;
}
