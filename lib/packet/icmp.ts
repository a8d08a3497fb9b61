/** ICMP errors (RFC 792, RFC 4443) about a packet that cannot be carried. */
import { fold, pseudoHeaderSum, sum } from "./checksum.ts";
import type { PacketMemory } from "./memory.ts";

const ICMP = 1, ICMPV6 = 58;
const ICMP_HEADER = 8;
/** RFC 1812 §4.3.2.3 and RFC 4443 §2.4: how long an error may be. */
const LONGEST_V4 = 576, LONGEST_V6 = 1280;
/** RFC 4443 §2.4: no error about a redirect, though its type is not an error's. */
const ICMPV6_QUERIES_FROM = 128, ICMPV6_REDIRECT = 137;
const EXTENSIONS = 8;
const HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60;
/** ICMP types that are answers or questions, not errors. */
const ICMP_QUERIES = [0, 8, 9, 10, 13, 14, 15, 16, 17, 18];

/** Whether RFC 1812 §4.3.2.7 and RFC 4443 §2.4 allow an error about this packet. */
export function mayAnswerWithIcmp(memory: PacketMemory, at: number, length: number): boolean {
  const { bytes, view } = memory;
  if (bytes[at] >>> 4 === 4) {
    const header = (bytes[at] & 0x0f) << 2;
    if (length < header + 8 || (view.getUint16(at + 6) & 0x1fff) !== 0) return false;
    const source = bytes[at + 12], destination = bytes[at + 16];
    if (source === 0 || source === 127 || source >= 224 || destination >= 224) return false;
    return bytes[at + 9] !== ICMP || ICMP_QUERIES.includes(bytes[at + header]);
  }
  if (length < 48 || bytes[at + 8] === 0xff || bytes[at + 24] === 0xff) return false;
  let any = 0;
  for (let i = 8; i < 24; i++) any |= bytes[at + i];
  return any !== 0 && !isIcmpv6Error(memory, at, length);
}

/** Whether the packet is an error or a redirect itself, or hides that behind its length. */
function isIcmpv6Error({ bytes }: PacketMemory, at: number, length: number): boolean {
  let next = bytes[at + 6], header = 40;
  for (let i = 0; i < EXTENSIONS; i++) {
    if (next !== HOP_BY_HOP && next !== ROUTING && next !== FRAGMENT && next !== DESTINATION) break;
    if (header + 8 > length) return true;
    const size = next === FRAGMENT ? 8 : (bytes[at + header + 1] + 1) << 3;
    next = bytes[at + header];
    header += size;
  }
  if (next !== ICMPV6) return false;
  if (header >= length) return true;
  const type = bytes[at + header];
  return type < ICMPV6_QUERIES_FROM || type === ICMPV6_REDIRECT;
}

/**
 * Writes an ICMP error about the packet at `about` to `target`.
 *
 * @param mtu for "fragmentation needed" and "packet too big", else 0
 * @param from the address it comes from, of the packet's family
 * @returns its length in bytes
 */
export function writeIcmpError(
  memory: PacketMemory,
  about: number,
  length: number,
  target: number,
  type: number,
  code: number,
  mtu: number,
  from: Uint8Array,
): number {
  const { bytes, view } = memory;
  const v4 = bytes[about] >>> 4 === 4;
  const header = v4 ? 20 : 40;
  const quoted = Math.min(length, (v4 ? LONGEST_V4 : LONGEST_V6) - header - ICMP_HEADER);
  const total = header + ICMP_HEADER + quoted;
  const icmp = target + header;
  bytes.copyWithin(icmp + ICMP_HEADER, about, about + quoted);
  bytes[icmp] = type;
  bytes[icmp + 1] = code;
  view.setUint16(icmp + 2, 0);
  view.setUint32(icmp + 4, mtu);
  if (v4) {
    view.setUint32(target, 0x45c00000 | total);
    view.setUint32(target + 4, 0);
    view.setUint32(target + 8, 64 << 24 | ICMP << 16);
    bytes.set(from, target + 12);
    for (let i = 0; i < 4; i++) bytes[target + 16 + i] = bytes[icmp + ICMP_HEADER + 12 + i];
    view.setUint16(target + 10, ~fold(sum(memory, target, header)) & 0xffff, true);
    view.setUint16(icmp + 2, ~fold(sum(memory, icmp, total - header)) & 0xffff, true);
    return total;
  }
  view.setUint32(target, 0x60000000);
  view.setUint16(target + 4, total - header);
  bytes[target + 6] = ICMPV6;
  bytes[target + 7] = 64;
  bytes.set(from, target + 8);
  for (let i = 0; i < 16; i++) bytes[target + 24 + i] = bytes[icmp + ICMP_HEADER + 8 + i];
  const pseudo = pseudoHeaderSum(memory, target + 8, target + 24, 16, ICMPV6, total - header);
  view.setUint16(icmp + 2, ~fold(sum(memory, icmp, total - header, pseudo)) & 0xffff, true);
  return total;
}
