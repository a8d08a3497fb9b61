/** IP in IP, any version in any version (RFC 2003, 2473, 4213), with ECN kept as RFC 6040 says. */
import type { Frame } from "./frame.ts";
import type { Sa } from "./sa.ts";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
/** Linux's default TTL; the inner one is not copied (klips.md §15.5). */
const DEFAULT_TTL = 64;
export const IPIP = 4;
export const IPV6_IN_IP = 41;

const ECN = 0x03;
const CONGESTION_EXPERIENCED = 0x03;

export function ipipHeadroom(sa: Sa): number {
  return sa.id.destination.bytes.length === 4 ? IPV4_HEADER : IPV6_HEADER;
}

/**
 * Puts the SA's outer header before the frame, and leaves the frame at that header.
 *
 * @param hideTos set the outer TOS to zero instead of copying it
 * @param identification of the outer IPv4 header
 */
export function wrapIpip(frame: Frame, sa: Sa, hideTos: boolean, identification: number): void {
  const { bytes, view } = frame.memory;
  const inner = frame.addressBytes === 4 ? IPIP : IPV6_IN_IP;
  const tos = frame.tos;
  // With the TOS hidden, ECN is hidden too: the compatibility mode of RFC 6040 §4.3.
  const outerTos = hideTos ? 0 : tos;
  const destination = sa.id.destination.bytes;
  const source = sa.source.bytes;
  const at = frame.start - ipipHeadroom(sa);
  if (destination.length === 4) {
    view.setUint32(at, 0x45000000 | outerTos << 16 | (frame.end - at));
    view.setUint32(at + 4, identification << 16); // DF clear
    view.setUint32(at + 8, DEFAULT_TTL << 24 | inner << 16);
    for (let i = 0; i < 4; i++) {
      bytes[at + 12 + i] = source[i];
      bytes[at + 16 + i] = destination[i];
    }
    frame.start = at;
    frame.addressBytes = 4;
    frame.headerLength = IPV4_HEADER;
    frame.protocolAt = at + 9;
    frame.finishChecksum();
    return;
  }
  view.setUint32(at, 0x60000000 | outerTos << 20);
  view.setUint16(at + 4, frame.end - at - IPV6_HEADER);
  bytes[at + 6] = inner;
  bytes[at + 7] = DEFAULT_TTL;
  for (let i = 0; i < 16; i++) {
    bytes[at + 8 + i] = source[i];
    bytes[at + 24 + i] = destination[i];
  }
  frame.start = at;
  frame.addressBytes = 16;
  frame.headerLength = IPV6_HEADER;
  frame.protocolAt = at + 6;
}

/**
 * Takes the outer header off. The caller has seen that `protocol` is 4 or 41.
 *
 * @returns whether the inner packet may go on: not where congestion was marked on a packet that cannot say so (RFC 6040 §4.2)
 */
export function unwrapIpip(frame: Frame): boolean {
  const congested = (frame.tos & ECN) === CONGESTION_EXPERIENCED;
  frame.set(frame.start + frame.headerLength, frame.end);
  if (!congested) return true;
  const { bytes, view } = frame.memory;
  const at = frame.start;
  if ((frame.tos & ECN) === 0) return false;
  if (frame.addressBytes === 4) {
    bytes[at + 1] |= CONGESTION_EXPERIENCED;
    frame.finishChecksum();
  } else {
    view.setUint32(at, view.getUint32(at) | CONGESTION_EXPERIENCED << 20);
  }
  return true;
}
