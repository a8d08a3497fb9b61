/**
 * PF_KEY messages as `ipsec pf_key` prints them (klips.md §7). They are read from the bytes here, not through the codec,
 * because what is wrong with a message must be shown too. Bodies that may hold a key are never shown.
 */
import { decodeMessage } from "../lib/pfkey/codec.ts";
import { EXT, HEADER_BYTES, MESSAGE_BY_NUMBER, messageName, satypeName } from "../lib/pfkey/constants.ts";

const WORD = 8;
/** Bytes of an extension's own length and number. */
const HEAD = 4;
/** Private extensions may hold anything. */
const SECRET = new Set<number>([EXT.KEY_AUTH, EXT.KEY_ENCRYPT, EXT.SENSITIVITY, EXT.KMPRIVATE]);
const ADDRESSES = new Set<number>([
  EXT.ADDRESS_SRC,
  EXT.ADDRESS_DST,
  EXT.SRC_FLOW,
  EXT.DST_FLOW,
  EXT.SRC_MASK,
  EXT.DST_MASK,
]);
const LIFETIMES = new Set<number>([EXT.LIFETIME_CURRENT, EXT.LIFETIME_HARD, EXT.LIFETIME_SOFT]);
const SA_BYTES = 24, LIFETIME_BYTES = 40, ADDRESS_BYTES = 24, PROTOCOL_BYTES = 8;

/** @param raw one whole message, `HEADER_BYTES` or longer */
export function messageText(raw: Uint8Array): string {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const [version, type, errno, satype] = raw;
  const words = view.getUint16(4, true), seq = view.getUint32(8, true), pid = view.getUint32(12, true);
  // Where lengths are wrong, what passes for an address, even for a length, may be a key.
  const hidden = mayCarryKeys(type) && !decodeMessage(raw).ok && raw.length > HEADER_BYTES;
  return `\npfkey v${version} msg. type=${type}(${messageName(type)}) seq=${seq} len=${words} pid=${pid} ` +
    `errno=${errno} satype=${satype}(${satypeName(satype)})\n` +
    `version=${version} type=${type} errno=${errno} satype=${satype} len=${words} seq=${seq} pid=${pid} ` +
    `${hidden ? "malformed(not shown) " : extensionsText(raw, view)}\n`;
}

function extensionsText(raw: Uint8Array, view: DataView): string {
  let text = "";
  for (let at = HEADER_BYTES; at < raw.length;) {
    if (raw.length - at < HEAD) return `${text}short-packet(${raw.length - at}<${HEAD}) `;
    text += extensionText(new DataView(raw.buffer, raw.byteOffset + at, raw.length - at));
    const size = view.getUint16(at, true) * WORD;
    if (size === 0) break;
    at += size;
  }
  return text;
}

/** @param rest from the extension to the end of the message, {@linkcode HEAD} or longer */
function extensionText(rest: DataView): string {
  const words = rest.getUint16(0, true), number = rest.getUint16(2, true);
  const start = `{ext=${number} len=${words} `;
  if (words === 0) return `${start}illegal-length(0) `;
  const size = words * WORD;
  const short = size > rest.byteLength ? `short-packet(${rest.byteLength}<${size}) ` : "";
  if (SECRET.has(number)) return `${start}${short}bytes=(not shown) } `;
  const body = new DataView(rest.buffer, rest.byteOffset, Math.min(size, rest.byteLength));
  const bytes = hex(new Uint8Array(rest.buffer, rest.byteOffset + HEAD, body.byteLength - HEAD));
  if (short) return `${start}${short}bytes=0x${bytes} } `;
  const form = formOf(number);
  if (!form) return `${start}bytes=0x${bytes} } `;
  if (size < form.bytes) return `${start}short-packet(${size}<${form.bytes}) bytes=0x${bytes} } `;
  return start + form.text(body);
}

/** A message of a type that we do not know may carry anything. */
function mayCarryKeys(type: number): boolean {
  return MESSAGE_BY_NUMBER.get(type)?.permitted.includes(EXT.KEY_ENCRYPT) ?? true;
}

interface Form {
  /** Length that the text needs. */
  readonly bytes: number;
  /** @param body the whole extension */
  text(body: DataView): string;
}

function formOf(number: number): Form | undefined {
  if (number === EXT.SA) return { bytes: SA_BYTES, text: saText };
  if (LIFETIMES.has(number)) return { bytes: LIFETIME_BYTES, text: lifetimeText };
  if (ADDRESSES.has(number)) return { bytes: ADDRESS_BYTES, text: addressText };
  if (number === EXT.PROTOCOL) return { bytes: PROTOCOL_BYTES, text: protocolText };
  return undefined;
}

/** The SPI is in network order and was printed as a host's integer: 0x12345678 shows as 78563412. No blank at the end. */
function saText(body: DataView): string {
  return `spi=${hex32(body.getUint32(4, true))} replay=${body.getUint8(8)} state=${body.getUint8(9)} ` +
    `auth=${body.getUint8(10)} encrypt=${body.getUint8(11)} flags=${hex32(body.getUint32(12, true))} ` +
    `ref=${hex32(body.getUint32(16, true))}}`;
}

function lifetimeText(body: DataView): string {
  return `allocations=${body.getUint32(4, true)} bytes=${body.getBigUint64(8, true)} ` +
    `addtime=${body.getBigUint64(16, true)} usetime=${body.getBigUint64(24, true)} ` +
    `packets=${body.getUint32(32, true)} } `;
}

function addressText(body: DataView): string {
  const sockaddr = new Uint8Array(body.buffer, body.byteOffset + 8, body.byteLength - 8);
  return `proto=${body.getUint8(4)} prefixlen=${body.getUint8(5)} addr=0x${hex(sockaddr)} } `;
}

function protocolText(body: DataView): string {
  return `proto=${body.getUint8(4)} direction=${body.getUint8(5)} flags=${body.getUint8(6)} } `;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, "0");
}
