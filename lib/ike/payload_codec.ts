/** The chain of payloads of one message (RFC 2408 §3.2 to §3.16): bytes to values and back. */
import { decodeAttributes, encodeAttribute } from "./attribute_codec.ts";
import { Malformed, Reader, Writer } from "./bytes.ts";
import { LARGEST_MESSAGE, MOST_PAYLOADS, NOTIFY, PAYLOAD } from "./constants.ts";
import type { Payload, PayloadType, ReceivedPayload } from "./payload.ts";
import { decodeSaBody, encodeSaBody } from "./sa_payload.ts";

const GENERIC_BYTES = 4;
const MOST_SPIS = 1024;
const MOST_CFG_ATTRIBUTES = 256;
const LAST_FRAGMENT = 1;

type Of<T extends PayloadType> = Payload extends infer P extends Payload
  ? P extends unknown ? T extends P["type"] ? P & { readonly type: T } : never : never
  : never;

interface Row<T extends PayloadType> {
  /** In errors (pluto.md §8.2). */
  readonly what: string;
  /** Of the fixed fields, generic header included. */
  readonly headBytes: number;
  /** Gets a reader behind the generic header, and must read to its end. */
  decode(r: Reader): Of<T>;
  encode(w: Writer, payload: Of<T>): void;
}

/** A payload that is nothing but bytes. */
function plain<T extends "KE" | "HASH" | "SIG" | "NONCE" | "VID">(type: T, what: string) {
  return {
    what,
    headBytes: GENERIC_BYTES,
    decode: (r: Reader) => ({ type, data: r.rest() }),
    encode: (w: Writer, { data }: { readonly data: Uint8Array }) => void w.bytes(data),
  };
}

/** RFC 2408 §3.9, §3.10. */
function certificate<T extends "CERT" | "CR">(type: T, what: string) {
  return {
    what,
    headBytes: 5,
    decode: (r: Reader) => ({ type, encoding: r.u8(), data: r.rest() }),
    encode: (w: Writer, { encoding, data }: Omit<Of<"CERT">, "type">) => void w.u8(encoding).bytes(data),
  };
}

const ROWS: { readonly [T in PayloadType]: Row<T> } = {
  SA: {
    what: "ISAKMP Security Association Payload",
    headBytes: 8,
    decode: (r) => {
      const raw = r.bytes.slice(r.at, r.to);
      return { type: "SA", ...decodeSaBody(r), raw };
    },
    encode: encodeSaBody,
  },
  KE: plain("KE", "ISAKMP Key Exchange Payload"),
  ID: {
    what: "ISAKMP Identification Payload",
    headBytes: 8,
    decode: (r) => {
      const raw = r.bytes.slice(r.at, r.to);
      return { type: "ID", idType: r.u8(), protocol: r.u8(), port: r.u16(), data: r.rest(), raw };
    },
    encode: (w, { idType, protocol, port, data }) => w.u8(idType).u8(protocol).u16(port).bytes(data),
  },
  CERT: certificate("CERT", "ISAKMP Certificate Payload"),
  CR: certificate("CR", "ISAKMP Certificate RequestPayload"),
  HASH: plain("HASH", "ISAKMP Hash Payload"),
  SIG: plain("SIG", "ISAKMP Signature Payload"),
  NONCE: plain("NONCE", "ISAKMP Nonce Payload"),
  N: {
    what: "ISAKMP Notification Payload",
    headBytes: 12,
    decode: (r) => {
      const doi = r.u32(), protocol = r.u8(), spiBytes = r.u8(), notify = r.u16();
      return { type: "N", doi, protocol, spi: r.copy(spiBytes, "SPI"), notify, data: r.rest() };
    },
    encode: (w, { doi, protocol, spi, notify, data }) =>
      w.u32(doi).u8(protocol).u8(spi.length).u16(notify).bytes(spi).bytes(data),
  },
  D: {
    what: "ISAKMP Delete Payload",
    headBytes: 12,
    decode: (r) => {
      const doi = r.u32(), protocol = r.u8(), spiBytes = r.u8(), count = r.u16();
      // SPIs of no bytes are none, however many there are said to be.
      const spis: Uint8Array[] = [];
      if (spiBytes && count > MOST_SPIS) throw new Malformed(`more than ${MOST_SPIS} SPIs in ${r.what}`, r.at);
      while (spiBytes && spis.length < count) spis.push(r.copy(spiBytes, "SPI"));
      return { type: "D", doi, protocol, spis };
    },
    encode: (w, { doi, protocol, spis }) => {
      w.u32(doi).u8(protocol).u8(spis[0]?.length ?? 0).u16(spis.length);
      for (const spi of spis) {
        if (spi.length !== spis[0].length) throw new RangeError("Cannot encode SPIs of different sizes in one payload");
        w.bytes(spi);
      }
    },
  },
  VID: plain("VID", "ISAKMP Vendor ID Payload"),
  ATTR: {
    what: "ISAKMP Mode Attribute",
    headBytes: 8,
    decode: (r) => {
      const kind = r.u8();
      r.zeros(1);
      const identifier = r.u16();
      const attributes = decodeAttributes(r, "ISAKMP ModeCfg attribute", MOST_CFG_ATTRIBUTES);
      return { type: "ATTR", kind, identifier, attributes };
    },
    encode: (w, { kind, identifier, attributes }) => {
      w.u8(kind).u8(0).u16(identifier);
      for (const attribute of attributes) encodeAttribute(w, attribute);
    },
  },
  "NAT-D": {
    what: "ISAKMP NAT-D Payload",
    headBytes: GENERIC_BYTES,
    decode: (r) => ({ type: "NAT-D", data: r.rest() }),
    encode: (w, { data }) => w.bytes(data),
  },
  "NAT-OA": {
    what: "ISAKMP NAT-OA Payload",
    headBytes: 8,
    decode: (r) => {
      const idType = r.u8();
      r.zeros(3);
      return { type: "NAT-OA", idType, data: r.rest() };
    },
    encode: (w, { idType, data }) => w.u8(idType).zeros(3).bytes(data),
  },
  FRAG: {
    what: "ISAKMP Fragment Payload",
    headBytes: 8,
    decode: (r) => {
      const id = r.u16(), number = r.u8(), flags = r.u8();
      return { type: "FRAG", id, number, last: (flags & LAST_FRAGMENT) !== 0, data: r.rest() };
    },
    encode: (w, { id, number, last, data }) => w.u16(id).u8(number).u8(last ? LAST_FRAGMENT : 0).bytes(data),
  },
  unknown: {
    what: "ISAKMP Generic Payload",
    headBytes: GENERIC_BYTES,
    // The number is put in by who knows it.
    decode: (r) => ({ type: "unknown", payloadNumber: 0, data: r.rest() }),
    encode: (w, { data }) => w.bytes(data),
  },
};

const DRAFT_NUMBERS: ReadonlyMap<number, PayloadType> = new Map([
  [PAYLOAD.NATD_EARLY, "NAT-D"],
  [PAYLOAD.NATOA_EARLY, "NAT-OA"],
  [PAYLOAD.NATD_DRAFTS, "NAT-D"],
  [PAYLOAD.NATOA_DRAFTS, "NAT-OA"],
]);
const TYPE_BY_NUMBER = new Map<number, PayloadType>(
  (Object.keys(ROWS) as PayloadType[]).filter((type) => type !== "unknown").map((type) => [PAYLOAD[type], type]),
);

/** The number by which the payload before it announces this one. */
export function payloadNumber(payload: Payload): number {
  if (payload.type === "unknown") return payload.payloadNumber;
  if ("draft" in payload && payload.draft) {
    return payload.type === "NAT-D" ? PAYLOAD.NATD_DRAFTS : PAYLOAD.NATOA_DRAFTS;
  }
  return PAYLOAD[payload.type];
}

/** The first payload's number, and all payloads in their order. @throws RangeError for one of more than 65535 bytes */
export function encodePayloads(
  payloads: readonly Payload[],
): { readonly first: number; readonly bytes: Uint8Array<ArrayBuffer> } {
  const w = new Writer();
  for (const [i, payload] of payloads.entries()) {
    const start = w.length;
    w.u8(i + 1 < payloads.length ? payloadNumber(payloads[i + 1]) : PAYLOAD.NONE).u8(0).u16(0);
    ROWS[payload.type].encode(w, payload as never);
    const size = w.length - start;
    if (size > LARGEST_MESSAGE) throw new RangeError(`Cannot encode a ${payload.type} payload of ${size} bytes`);
    w.setU16(start + 2, size);
  }
  return { first: payloads.length ? payloadNumber(payloads[0]) : PAYLOAD.NONE, bytes: w.done() };
}

/** What one payload holds behind its generic header, as HASHes of phase 1 cover it (SAi_b, IDii_b of RFC 2409 §5). */
export function encodeBody(payload: Payload): Uint8Array<ArrayBuffer> {
  return encodePayloads([payload]).bytes.slice(GENERIC_BYTES);
}

export type DecodedPayloads =
  | {
    readonly ok: true;
    readonly payloads: readonly ReceivedPayload[];
    /** Where padding begins. */
    readonly end: number;
  }
  | {
    readonly ok: false;
    /** In the words of pluto.md §8.2. */
    readonly reason: string;
    readonly offset: number;
    /** The first payload is what is wrong: under a preshared key the key may be. */
    readonly atFirst: boolean;
    readonly notify: number;
  };

/**
 * Total: any bytes give payloads or a reason. Payloads of types nobody knows come as `unknown`: whether these, or ones
 * out of place, may be there is decided elsewhere. Values are copies; what follows the last payload is padding.
 *
 * @param first number of the first payload, from the header
 */
export function decodePayloads(first: number, bytes: Uint8Array): DecodedPayloads {
  const payloads: ReceivedPayload[] = [];
  try {
    let at = 0;
    for (let number = first; number !== PAYLOAD.NONE;) {
      if (payloads.length === MOST_PAYLOADS) {
        throw new Malformed(`more than ${MOST_PAYLOADS} payloads in message; ignored`, at);
      }
      const { next, payload } = decodePayload(number, new Reader(bytes, "ISAKMP Generic Payload", at));
      payloads.push(payload);
      at = payload.end;
      number = next;
    }
    return { ok: true, payloads, end: at };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const { reason, offset, notify = NOTIFY.PAYLOAD_MALFORMED } = error;
    return { ok: false, reason, offset, atFirst: payloads.length === 0, notify };
  }
}

function decodePayload(number: number, r: Reader): { readonly next: number; readonly payload: ReceivedPayload } {
  const draftType = DRAFT_NUMBERS.get(number);
  const type = draftType ?? TYPE_BY_NUMBER.get(number) ?? "unknown";
  const { what, headBytes, decode } = ROWS[type];
  const start = r.at;
  if (r.left < headBytes) throw new Malformed(`not enough room in input packet for ${what}`, start);
  const head = r.sub(what);
  const next = head.u8();
  head.zeros(1);
  const size = head.u16();
  if (size < headBytes) throw new Malformed(`length of ${what} is smaller than minimum`, start + 2);
  if (size > r.left) throw new Malformed(`length of ${what} is larger than can fit`, start + 2);
  const end = start + size;
  const body = head.until(end);
  const payload = decode(body);
  if (body.left) throw new Malformed(`${body.left} bytes are left at the end of ${what}`, body.at);
  const extra = draftType ? { draft: true } : type === "unknown" ? { payloadNumber: number } : {};
  return { next, payload: { ...payload, ...extra, start, end } as ReceivedPayload };
}
