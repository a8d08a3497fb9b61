/** Reading of IP headers (RFC 791, RFC 8200): what every packet must satisfy, and the flow that eroutes select by. */
import type { PacketMemory } from "./memory.ts";

const IPV4_HEADER = 20, IPV6_HEADER = 40;
const TCP = 6, UDP = 17;
const HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60;
/** Extension headers beyond these many are not followed. */
const EXTENSIONS = 8;

/** Why a packet is not one; each is the complement of nothing, just negative. */
export const NOT_IP = { TRUNCATED: -1, VERSION: -2, HEADER_LENGTH: -3, LENGTH: -4 } as const;

/** @returns 0 for a packet whose header fits its length, else one of {@linkcode NOT_IP} */
export function checkPacket(memory: PacketMemory, at: number, length: number): number {
  const { bytes, view } = memory;
  if (length < IPV4_HEADER) return NOT_IP.TRUNCATED;
  const version = bytes[at] >>> 4;
  if (version === 4) {
    const header = (bytes[at] & 0x0f) << 2;
    if (header < IPV4_HEADER || header > length) return NOT_IP.HEADER_LENGTH;
    return view.getUint16(at + 2) === length ? 0 : NOT_IP.LENGTH;
  }
  if (version !== 6) return NOT_IP.VERSION;
  if (length < IPV6_HEADER) return NOT_IP.TRUNCATED;
  return view.getUint16(at + 4) + IPV6_HEADER === length ? 0 : NOT_IP.LENGTH;
}

/** What an eroute selects by, beside the addresses; one object is filled again and again. */
export class FlowKey {
  protocol = 0;
  /** 0 where the protocol has none. */
  sourcePort = 0;
  destinationPort = 0;
  /** Offset of the transport header from the packet's start. */
  headerLength = 0;
  /** Whether this is a fragment, the first one or another. */
  fragment = false;
  /** Whether this is a fragment other than the first. */
  laterFragment = false;
}

/**
 * Reads protocol and ports of a packet that {@linkcode checkPacket} has passed. Ports of IPv4 fragments are read from
 * where they would stand, as KLIPS did (klips.md §14); later IPv6 fragments have none.
 *
 * @returns 0, or a negative number where the headers run past the packet's end
 */
export function readFlow(memory: PacketMemory, at: number, length: number, flow: FlowKey): number {
  const { bytes, view } = memory;
  flow.sourcePort = 0;
  flow.destinationPort = 0;
  flow.fragment = false;
  flow.laterFragment = false;
  let ports = true;
  if (bytes[at] >>> 4 === 4) {
    flow.protocol = bytes[at + 9];
    flow.headerLength = (bytes[at] & 0x0f) << 2;
    flow.fragment = (view.getUint16(at + 6) & 0x3fff) !== 0;
    flow.laterFragment = (view.getUint16(at + 6) & 0x1fff) !== 0;
  } else {
    let next = bytes[at + 6];
    let header = IPV6_HEADER;
    for (let i = 0; i < EXTENSIONS; i++) {
      if (next !== HOP_BY_HOP && next !== ROUTING && next !== FRAGMENT && next !== DESTINATION) break;
      if (header + 8 > length) return NOT_IP.TRUNCATED;
      if (next === FRAGMENT) {
        const field = view.getUint16(at + header + 2);
        if ((field & 0xfff9) !== 0) flow.fragment = true;
        if ((field & 0xfff8) !== 0) {
          flow.laterFragment = true;
          ports = false;
        }
      }
      const size = next === FRAGMENT ? 8 : (bytes[at + header + 1] + 1) << 3;
      next = bytes[at + header];
      header += size;
      if (header > length) return NOT_IP.TRUNCATED;
    }
    flow.protocol = next;
    flow.headerLength = header;
  }
  if (ports && (flow.protocol === TCP || flow.protocol === UDP) && flow.headerLength + 4 <= length) {
    flow.sourcePort = view.getUint16(at + flow.headerLength);
    flow.destinationPort = view.getUint16(at + flow.headerLength + 2);
  }
  return 0;
}
