/**
 * What the path to a peer carries, learned from ICMP errors about our own ESP and AH packets (RFC 1191, RFC 8201,
 * RFC 4301 §8.2). An error counts only where it quotes the SPI of an SA of ours, which those off the path do not know.
 */
import { fold, sum } from "../packet/checksum.ts";
import type { PacketMemory } from "../packet/memory.ts";
import type { Sa } from "./sa.ts";
import type { Sad } from "./sad.ts";

const UDP = 17, FRAGMENT = 44, ESP = 50, AH = 51;
const UNREACHABLE = 3, FRAGMENTATION_NEEDED = 4, PACKET_TOO_BIG = 2;
const ICMP_HEADER = 8, UDP_HEADER = 8, FRAGMENT_HEADER = 8, IPV6_HEADER = 40;
/** Nobody needs to go below these: Linux's own limit, and RFC 8200 §5. */
const LEAST = { 4: 552, 16: 1280 } as const;
/** RFC 1191 §6.3: a path that has become wider is noticed after this long. */
const REMEMBER_SECONDS = 600;

/**
 * Takes an ICMP (or ICMPv6) message at `icmp`, whose ICMPv6 checksum the kernel has checked.
 *
 * @param now the engine's clock, in seconds
 * @returns the SA that it is about, where something was learned
 */
export function learnPathMtu(
  memory: PacketMemory,
  sad: Sad,
  icmp: number,
  length: number,
  addressBytes: 4 | 16,
  now: number,
): Sa | undefined {
  const { bytes, view } = memory;
  const quote = icmp + ICMP_HEADER, end = icmp + length;
  if (end - quote < IPV6_HEADER && addressBytes === 16 || end - quote < 28) return undefined;
  const v4 = addressBytes === 4;
  if (v4) {
    if (bytes[icmp] !== UNREACHABLE || bytes[icmp + 1] !== FRAGMENTATION_NEEDED) return undefined;
    if (fold(sum(memory, icmp, length)) !== 0xffff) return undefined;
  } else if (bytes[icmp] !== PACKET_TOO_BIG) return undefined;
  const said = v4 ? view.getUint16(icmp + 6) : view.getUint32(icmp + 4);
  const size = v4 ? view.getUint16(quote + 2) : IPV6_HEADER + view.getUint16(quote + 4);
  if (bytes[quote] >>> 4 !== (v4 ? 4 : 6) || said === 0 || said >= size) return undefined;
  const about = quotedSa(memory, sad, quote, end, addressBytes);
  if (!about) return undefined;
  const mtu = Math.max(said, LEAST[addressBytes]);
  if (about.pathMtu !== 0 && about.pathMtuUntil > now && about.pathMtu <= mtu) return undefined;
  for (const sa of sad) {
    if (sa.inbound || !sameBytes(sa.id.destination.bytes, about.id.destination.bytes)) continue;
    sa.pathMtu = mtu;
    sa.pathMtuUntil = now + REMEMBER_SECONDS;
  }
  return about;
}

/** The SA that sent the packet whose beginning lies at `quote`. */
function quotedSa(memory: PacketMemory, sad: Sad, quote: number, end: number, addressBytes: 4 | 16): Sa | undefined {
  const { bytes, view } = memory;
  const v4 = addressBytes === 4;
  let protocol = bytes[quote + (v4 ? 9 : 6)];
  const destination = quote + (v4 ? 16 : 24);
  let payload = quote + (v4 ? (bytes[quote] & 0x0f) << 2 : IPV6_HEADER);
  const fragment = v4 ? quote + 6 : payload + 2; // the field with the offset, 13 bits on either side
  if (!v4 && protocol === FRAGMENT && end - payload >= FRAGMENT_HEADER) {
    if (view.getUint16(fragment) & 0xfff8) return undefined;
    protocol = bytes[payload];
    payload += FRAGMENT_HEADER;
  } else if (v4 && view.getUint16(fragment) & 0x1fff) return undefined;
  if (end - payload < 8) return undefined;
  if (protocol === ESP) return sad.lookup(memory, ESP, view.getUint32(payload), destination, addressBytes);
  if (protocol === AH) return sad.lookup(memory, AH, view.getUint32(payload + 4), destination, addressBytes);
  if (protocol !== UDP || end - payload < UDP_HEADER + 4) return undefined;
  const spi = view.getUint32(payload + UDP_HEADER);
  for (const sa of sad) {
    if (sa.id.spi !== spi || sa.inbound || sa.udp?.dport !== view.getUint16(payload + 2)) continue;
    const peer = (sa.udp.peer ?? sa.id.destination).bytes;
    if (sameBytes(peer, bytes.subarray(destination, destination + addressBytes))) return sa;
  }
  return undefined;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
