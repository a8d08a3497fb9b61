/**
 * Netlink messages (netlink(7), RFC 3549 §2.2): the header, attributes, acknowledgements. Fields are in host order,
 * which is little-endian on every Deno target, and so is what is built on top unless its docstring says otherwise.
 *
 * What the kernel answers is decoded like a peer's words: any bytes give a value or {@linkcode NetlinkMalformed}.
 */

/** Bytes that are no netlink message, with the offset where that was seen. */
export class NetlinkMalformed extends Error {
  constructor(readonly reason: string, readonly offset: number) {
    super(`${reason} at byte ${offset}`);
    this.name = "NetlinkMalformed";
  }
}

export const NLM = {
  REQUEST: 0x1,
  ACK: 0x4,
  /** A listing that changed while it was sent. */
  DUMP_INTERRUPTED: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCLUSIVE: 0x200,
  CREATE: 0x400,
} as const;

/** In acknowledgements, where DUMP's bits mean something else. */
const ACK_CAPPED = 0x100, ACK_ATTRIBUTES = 0x200;
const ERROR = 2, DONE = 3, FIRST_OF_FAMILIES = 16;
const HEADER_BYTES = 16;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** What follows the header. */
  readonly body: Uint8Array;
}

/** How a request ended: `errno` 0 is success. */
export interface NetlinkEnd {
  readonly errno: number;
  /** The kernel's own sentence, where it has one. */
  readonly text: string;
}

export function encodeMessage({ type, flags, sequence, body }: NetlinkMessage): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(aligned(HEADER_BYTES + body.length));
  const view = viewOf(bytes);
  view.setUint32(0, HEADER_BYTES + body.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** All messages of a datagram. */
export function decodeMessages(bytes: Uint8Array): NetlinkMessage[] {
  const view = viewOf(bytes);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = at + HEADER_BYTES <= bytes.length ? view.getUint32(at, true) : 0;
    if (length < HEADER_BYTES || at + length > bytes.length) throw new NetlinkMalformed("a message cut short", at);
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: bytes.subarray(at + HEADER_BYTES, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** @returns undefined for a message that ends nothing */
export function decodeEnd({ type, flags, body }: NetlinkMessage): NetlinkEnd | undefined {
  if (type !== ERROR && type !== DONE) return undefined;
  if (body.length < 4) {
    if (type === DONE) return { errno: 0, text: "" };
    throw new NetlinkMalformed("an acknowledgement without its number", body.length);
  }
  const errno = Math.abs(viewOf(body).getInt32(0, true));
  return { errno, text: flags & ACK_ATTRIBUTES ? extendedText(body, type === DONE ? 4 : echoedEnd(body, flags)) : "" };
}

/** Where the attributes start: behind the number and the request, or its header alone, which the kernel repeats. */
function echoedEnd(body: Uint8Array, flags: number): number {
  if (body.length < 4 + HEADER_BYTES) throw new NetlinkMalformed("an acknowledgement cut short", body.length);
  return 4 + (flags & ACK_CAPPED ? HEADER_BYTES : aligned(viewOf(body).getUint32(4, true)));
}

function extendedText(body: Uint8Array, from: number): string {
  const MESSAGE = 1;
  const text = decodeAttributes(body, from).get(MESSAGE);
  return text ? textOf(text) : "";
}

/** Whether a message belongs to a family's listing or answer, rather than to netlink itself. */
export function isAnswer({ type }: NetlinkMessage): boolean {
  return type >= FIRST_OF_FAMILIES;
}

/** A type's number, without the bits that say nested and network order. */
const TYPE_MASK = 0x3fff;
const NESTED = 0x8000;
const ATTRIBUTE_BYTES = 4;

/** Attributes by type; of several of one type the last counts, as in the kernel. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

export function decodeAttributes(bytes: Uint8Array, from = 0): Attributes {
  return new Map(decodeList(bytes, from));
}

/** Attributes in their order, where several of one type make a list. */
export function decodeList(bytes: Uint8Array, from = 0): [type: number, value: Uint8Array][] {
  const view = viewOf(bytes);
  const found: [number, Uint8Array][] = [];
  for (let at = from; at < bytes.length;) {
    const length = at + ATTRIBUTE_BYTES <= bytes.length ? view.getUint16(at, true) : 0;
    if (length < ATTRIBUTE_BYTES || at + length > bytes.length) {
      throw new NetlinkMalformed("an attribute cut short", at);
    }
    found.push([view.getUint16(at + 2, true) & TYPE_MASK, bytes.subarray(at + ATTRIBUTE_BYTES, at + length)]);
    at += aligned(length);
  }
  return found;
}

/** Fixed fields and attributes, written one after another; methods return the writer. */
export class NetlinkWriter {
  readonly #parts: Uint8Array[] = [];

  fixed(...octets: number[]): this {
    return this.raw(Uint8Array.from(octets));
  }

  fixed32(value: number): this {
    return this.raw(word32(value, true));
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  /** An attribute; undefined writes none. */
  bytes(type: number, value: Uint8Array | undefined): this {
    if (!value) return this;
    const attribute = new Uint8Array(aligned(ATTRIBUTE_BYTES + value.length));
    viewOf(attribute).setUint16(0, ATTRIBUTE_BYTES + value.length, true);
    viewOf(attribute).setUint16(2, type, true);
    attribute.set(value, ATTRIBUTE_BYTES);
    return this.raw(attribute);
  }

  u32(type: number, value: number | undefined): this {
    return this.bytes(type, value === undefined ? undefined : word32(value, true));
  }

  /** In network order. */
  n32(type: number, value: number): this {
    return this.bytes(type, word32(value, false));
  }

  /** NUL-terminated. */
  text(type: number, value: string): this {
    return this.bytes(type, new TextEncoder().encode(`${value}\0`));
  }

  nested(type: number, write: (inner: NetlinkWriter) => void): this {
    const inner = new NetlinkWriter();
    write(inner);
    return this.bytes(type | NESTED, inner.done());
  }

  done(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** A 32-bit attribute, 0 where there is none. */
export function u32Of(value: Uint8Array | undefined, littleEndian = true): number {
  if (!value) return 0;
  if (value.length < 4) throw new NetlinkMalformed(`needs 4 bytes, has ${value.length}`, 0);
  return viewOf(value).getUint32(0, littleEndian);
}

/** Text up to its NUL. */
export function textOf(value: Uint8Array): string {
  const end = value.indexOf(0);
  return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The fixed part of a message. */
export function headOf(body: Uint8Array, bytes: number): DataView {
  if (body.length < bytes) {
    throw new NetlinkMalformed(`a message needs ${bytes} bytes, has ${body.length}`, body.length);
  }
  return viewOf(body);
}

function word32(value: number, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, littleEndian);
  return bytes;
}

function aligned(length: number): number {
  return (length + 3 & ~3) >>> 0;
}
