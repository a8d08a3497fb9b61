/** A message for a row of a table: decrypted, taken apart, and held against what the row expects (pluto.md §8.1, 6 to 9). */
import { FLAG, HEADER_BYTES, NOTIFY, PAYLOAD } from "./constants.ts";
import type { Exchange } from "./exchange.ts";
import type { Expects, Message } from "./exchange_table.ts";
import type { IsakmpHeader, PayloadType, ReceivedPayload } from "./payload.ts";
import { decodePayloads, payloadNumber } from "./payload_codec.ts";
import { payloadName } from "./constants.ts";
import type { Path } from "./state.ts";

/** One datagram with its header read; fragments have been joined. */
export interface Packet {
  readonly header: IsakmpHeader;
  readonly firstPayload: number;
  readonly datagram: Uint8Array;
  readonly path: Path;
}

export interface Refused {
  readonly ok: false;
  readonly counter: string;
  readonly text: string;
  readonly notify: number;
}

export interface Opened {
  readonly ok: true;
  readonly message: Message;
  /** The message is authentic: the chain of IVs follows on it. */
  accept(): void;
}

/** What the message must be like: a part of a row. */
export interface Wanted {
  readonly expects: Expects;
  readonly begins?: readonly PayloadType[];
  readonly encrypted: boolean;
}

export interface Circumstances {
  /** `MAIN_R2`, for the log. */
  readonly state: string;
  /** `Main Mode`. */
  readonly exchangeName: string;
  /** The first message under keys that a preshared secret has gone into: what is garbled there means another secret. */
  readonly secretIsDoubtful: boolean;
}

const EXCUSE = "probable authentication failure (mismatch of preshared secrets?): ";
const ANYWHERE: ReadonlySet<PayloadType> = new Set(["N", "D", "VID"]);

export function isEncrypted({ header }: Packet): boolean {
  return (header.flags & FLAG.ENCRYPTION) !== 0;
}

/** Of an encrypted message: the IV of what follows it (RFC 2409 appendix B). */
export function lastBlock({ datagram }: Packet, bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(datagram.slice(-bytes));
}

export function openMessage(
  packet: Packet,
  exchange: Exchange,
  wanted: Wanted,
  about: Circumstances,
): Opened | Refused {
  const clear = decrypt(packet, exchange, wanted.encrypted);
  if (!clear.ok) return clear;
  const decoded = decodePayloads(packet.firstPayload, clear.body);
  if (!decoded.ok) {
    const excuse = about.secretIsDoubtful && decoded.atFirst ? EXCUSE : "";
    const text = `${excuse}malformed payload in packet: ${decoded.reason}`;
    return refuse(excuse ? "mismatchedSecret" : "malformedPayload", text, decoded.notify);
  }
  const { payloads } = decoded;
  const wrong = findUnexpected(payloads, wanted.expects, about) ?? findMissing(payloads, wanted, about) ??
    findDisorder(payloads, wanted, about);
  if (wrong) return wrong;
  const { header, path } = packet;
  const message = { header, payloads, body: clear.body, path, exchange, encrypted: isEncrypted(packet) };
  return { ok: true, message, accept: clear.accept };
}

type Clear = { readonly ok: true; readonly body: Uint8Array; accept(): void } | Refused;

function decrypt(packet: Packet, exchange: Exchange, mustBeEncrypted: boolean): Clear {
  const body = packet.datagram.subarray(HEADER_BYTES);
  if (!isEncrypted(packet)) {
    if (mustBeEncrypted) return refuse("notEncrypted", "packet rejected: should have been encrypted", 0);
    return { ok: true, body, accept: () => {} };
  }
  if (!exchange.chain) {
    const text = "discarding encrypted message because we haven't yet negotiated keying materiel";
    return refuse("noKeysYet", text, 0);
  }
  if (!mustBeEncrypted) return refuse("encryptedTooEarly", "packet rejected: should not have been encrypted", 0);
  const opened = exchange.chain.open(body);
  if (!opened) return refuse("notWholeBlocks", "malformed message: not a multiple of encryption blocksize", 0);
  return { ok: true, body: opened.plain, accept: () => opened.accept() };
}

function findUnexpected(
  payloads: readonly ReceivedPayload[],
  expects: Expects,
  { secretIsDoubtful }: Circumstances,
): Refused | undefined {
  const counts = new Map<PayloadType, number>();
  for (const [i, payload] of payloads.entries()) {
    const { type } = payload;
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    const most = expects[type]?.[1] ?? (ANYWHERE.has(type) ? Infinity : 0);
    if (count <= most) continue;
    const excuse = secretIsDoubtful && i === 0 ? EXCUSE : "";
    const name = payloadName(payloadNumber(payload));
    const text = type === "unknown"
      ? `message ignored because it contains an unknown or unexpected payload type (${name}) at the outermost level`
      : `message ignored because it contains an unexpected payload type (${name})`;
    return refuse(excuse ? "mismatchedSecret" : "unexpectedPayload", excuse + text, NOTIFY.INVALID_PAYLOAD_TYPE);
  }
  return undefined;
}

function findMissing(
  payloads: readonly ReceivedPayload[],
  { expects }: Wanted,
  { state }: Circumstances,
): Refused | undefined {
  const missing = (Object.keys(expects) as PayloadType[]).filter((type) =>
    payloads.filter((payload) => payload.type === type).length < expects[type]![0]
  );
  if (missing.length === 0) return undefined;
  const names = missing.map((type) => payloadName(type === "unknown" ? PAYLOAD.NONE : PAYLOAD[type]));
  return refuse(
    "missingPayload",
    `message for STATE_${state} is missing payloads ${names.join("+")}`,
    NOTIFY.PAYLOAD_MALFORMED,
  );
}

function findDisorder(
  payloads: readonly ReceivedPayload[],
  { begins = [] }: Wanted,
  { exchangeName }: Circumstances,
): Refused | undefined {
  const at = begins.findIndex((type, i) => payloads[i]?.type !== type);
  if (at < 0) return undefined;
  const type = begins[at];
  const text = at === 0
    ? `malformed ${exchangeName} message: does not start with ${ARTICLES[type] ?? "a"} ${type} payload`
    : `malformed ${exchangeName} message: ${type} payload is in wrong position`;
  return refuse("payloadsInDisorder", text, NOTIFY.PAYLOAD_MALFORMED);
}

const ARTICLES: Partial<Record<PayloadType, string>> = { SA: "an", ID: "an" };

function refuse(counter: string, text: string, notify: number): Refused {
  return { ok: false, counter, text, notify };
}
