/** What an ICMP error tells of a UDP datagram of ours (RFC 792): who could not deliver it, and why. */
import type { Address } from "../text/address.ts";

export interface UdpRefusal {
  /** Who says so. */
  readonly complainant: Address;
  /** Of destination unreachable. */
  readonly code: number;
  readonly from: Address;
  readonly fromPort: number;
  readonly to: Address;
  readonly toPort: number;
}

const UDP = 17;
const UNREACHABLE = 3;
const ICMP_HEADER_BYTES = 8;
const PORTS_BYTES = 4;
const FRAGMENT_OFFSET = 0x1fff;

/** @param packet of IPv4, its header first; of anything else undefined comes back */
export function readUdpRefusal(packet: Uint8Array): UdpRefusal | undefined {
  const icmp = behindHeader(packet);
  if (!icmp || icmp.length < ICMP_HEADER_BYTES || icmp[0] !== UNREACHABLE) return undefined;
  const quoted = icmp.subarray(ICMP_HEADER_BYTES);
  const udp = behindHeader(quoted);
  if (!udp || udp.length < PORTS_BYTES || quoted[9] !== UDP || u16(quoted, 6) & FRAGMENT_OFFSET) return undefined;
  return {
    complainant: addressAt(packet, 12),
    code: icmp[1],
    from: addressAt(quoted, 12),
    fromPort: u16(udp, 0),
    to: addressAt(quoted, 16),
    toPort: u16(udp, 2),
  };
}

function behindHeader(packet: Uint8Array): Uint8Array | undefined {
  const bytes = (packet[0] & 0x0f) << 2;
  const isHeader = packet[0] >>> 4 === 4 && bytes >= 20 && bytes <= packet.length;
  return isHeader ? packet.subarray(bytes) : undefined;
}

function u16(bytes: Uint8Array, at: number): number {
  return bytes[at] << 8 | bytes[at + 1];
}

function addressAt(bytes: Uint8Array, at: number): Address {
  return { family: "inet", bytes: bytes.slice(at, at + 4) };
}
