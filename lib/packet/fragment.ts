/** Fragmentation (RFC 791 §3.2, RFC 8200 §4.5). */
import { fold, sum } from "./checksum.ts";
import type { PacketMemory } from "./memory.ts";

const MORE = 0x2000;
const IPV6_HEADER = 40, FRAGMENT_HEADER = 8;
const HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60;
const EXTENSIONS = 8;
/** Options whose highest bit is set are copied into every fragment. */
const COPIED = 0x80;

/** Bytes of payload in every fragment but the last. */
function pieceOf(memory: PacketMemory, at: number, header: number, mtu: number): number {
  const v4 = memory.bytes[at] >>> 4 === 4;
  return (mtu - header - (v4 ? 0 : FRAGMENT_HEADER)) & ~7;
}

/** Bytes that every fragment repeats: for IPv6 up to what routers on the way read (RFC 8200 §4.5). */
function headerOf({ bytes }: PacketMemory, at: number, length: number): number {
  if (bytes[at] >>> 4 === 4) return (bytes[at] & 0x0f) << 2;
  let next = bytes[at + 6], header = IPV6_HEADER, repeated = IPV6_HEADER;
  for (let i = 0; i < EXTENSIONS && header + 8 <= length; i++) {
    if (next !== HOP_BY_HOP && next !== ROUTING && next !== DESTINATION) break;
    const size = (bytes[at + header + 1] + 1) << 3;
    if (header + size > length) break;
    // Destination options belong to it only where a routing header follows.
    if (next !== DESTINATION) repeated = header + size;
    next = bytes[at + header];
    header += size;
  }
  return repeated;
}

/** Offset of the byte that names what follows the first `header` bytes of an IPv6 packet. */
function nextHeaderAt({ bytes }: PacketMemory, at: number, header: number): number {
  let field = 6;
  for (let end = IPV6_HEADER; end < header;) {
    field = end;
    end += (bytes[at + end + 1] + 1) << 3;
  }
  return at + field;
}

/** @returns how many fragments a packet of `length` bytes needs on a link of `mtu`; 0 where the MTU allows none */
export function countFragments(memory: PacketMemory, at: number, length: number, mtu: number): number {
  const header = headerOf(memory, at, length);
  const piece = pieceOf(memory, at, header, mtu);
  return piece < 8 ? 0 : Math.ceil((length - header) / piece);
}

/**
 * Writes fragment `index` to `target`, where `mtu` bytes are free.
 *
 * @param identification for IPv6; an IPv4 packet keeps its own, or gets this one where it has none
 * @returns its length in bytes
 */
export function writeFragment(
  memory: PacketMemory,
  at: number,
  length: number,
  mtu: number,
  index: number,
  target: number,
  identification: number,
): number {
  const { bytes, view } = memory;
  const header = headerOf(memory, at, length);
  const piece = pieceOf(memory, at, header, mtu);
  const from = at + header + index * piece;
  const size = Math.min(piece, at + length - from);
  const last = from + size === at + length;
  bytes.copyWithin(target, at, at + header);
  if (bytes[at] >>> 4 === 4) {
    bytes.copyWithin(target + header, from, from + size);
    const field = view.getUint16(at + 6);
    const offset = (field & 0x1fff) + (index * piece >> 3);
    view.setUint16(target + 2, header + size);
    if (view.getUint16(at + 4) === 0) view.setUint16(target + 4, identification);
    view.setUint16(target + 6, offset | (last ? field & MORE : MORE));
    if (index > 0) hideUncopiedOptions(bytes, target, header);
    view.setUint16(target + 10, 0);
    view.setUint16(target + 10, ~fold(sum(memory, target, header)) & 0xffff, true);
    return header + size;
  }
  const extension = target + header;
  const nextHeader = nextHeaderAt(memory, target, header);
  view.setUint16(target + 4, header - IPV6_HEADER + FRAGMENT_HEADER + size);
  bytes[extension] = bytes[nextHeader];
  bytes[nextHeader] = FRAGMENT;
  bytes[extension + 1] = 0;
  view.setUint16(extension + 2, index * piece | (last ? 0 : 1));
  view.setUint32(extension + 4, identification);
  bytes.copyWithin(extension + FRAGMENT_HEADER, from, from + size);
  return header + FRAGMENT_HEADER + size;
}

/** Later fragments carry no-operations where the first one has options that are not copied. */
function hideUncopiedOptions(bytes: Uint8Array, at: number, header: number): void {
  const NO_OPERATION = 1;
  for (let i = at + 20; i < at + header;) {
    const type = bytes[i];
    if (type === 0) return;
    const size = type === NO_OPERATION ? 1 : Math.max(2, bytes[i + 1]);
    if ((type & COPIED) === 0) bytes.fill(NO_OPERATION, i, Math.min(i + size, at + header));
    i += size;
  }
}
