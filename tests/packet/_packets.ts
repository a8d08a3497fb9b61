/** Packets for tests, put together byte by byte with a checksum of their own, so that lib/packet is not tested with itself. */
import { PacketMemory } from "../../lib/packet/memory.ts";
import { GSO, VNET, VNET_NEEDS_CHECKSUM } from "../../lib/packet/tcp_segments.ts";

/** RFC 1071 §4.1 as it stands there: 16-bit words in network order, carries added back. */
export function naiveChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i] << 8 | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
}

export function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value >>> 16);
  put16(bytes, at + 2, value & 0xffff);
}

export function get16(bytes: Uint8Array, at: number): number {
  return bytes[at] << 8 | bytes[at + 1];
}

export function get32(bytes: Uint8Array, at: number): number {
  return (get16(bytes, at) * 0x10000) + get16(bytes, at + 2);
}

export interface Ipv4Fields {
  source?: number[];
  destination?: number[];
  protocol?: number;
  id?: number;
  /** Flags and offset. */
  fragment?: number;
  ttl?: number;
  tos?: number;
  /** A multiple of 4 bytes. */
  options?: number[];
}

export function ipv4(payload: ArrayLike<number>, fields: Ipv4Fields = {}): Uint8Array<ArrayBuffer> {
  const options = fields.options ?? [];
  const header = 20 + options.length;
  const bytes = new Uint8Array(header + payload.length);
  bytes[0] = 0x40 | header / 4;
  bytes[1] = fields.tos ?? 0;
  put16(bytes, 2, bytes.length);
  put16(bytes, 4, fields.id ?? 0x1234);
  put16(bytes, 6, fields.fragment ?? 0);
  bytes[8] = fields.ttl ?? 64;
  bytes[9] = fields.protocol ?? 253;
  bytes.set(fields.source ?? [10, 1, 0, 10], 12);
  bytes.set(fields.destination ?? [10, 2, 0, 10], 16);
  bytes.set(options, 20);
  put16(bytes, 10, naiveChecksum(bytes.subarray(0, header)));
  bytes.set(Array.from(payload), header);
  return bytes;
}

export const SOURCE_V6 = [0xfd, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];
export const DESTINATION_V6 = [0xfd, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];

export interface Ipv6Fields {
  source?: number[];
  destination?: number[];
  next?: number;
  hopLimit?: number;
  trafficClass?: number;
  flowLabel?: number;
}

export function ipv6(payload: ArrayLike<number>, fields: Ipv6Fields = {}): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(40 + payload.length);
  put32(bytes, 0, 6 * 2 ** 28 + (fields.trafficClass ?? 0) * 2 ** 20 + (fields.flowLabel ?? 0));
  put16(bytes, 4, payload.length);
  bytes[6] = fields.next ?? 253;
  bytes[7] = fields.hopLimit ?? 64;
  bytes.set(fields.source ?? SOURCE_V6, 8);
  bytes.set(fields.destination ?? DESTINATION_V6, 24);
  bytes.set(Array.from(payload), 40);
  return bytes;
}

export const FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 0x10, URG: 0x20, ECE: 0x40, CWR: 0x80 } as const;

export interface TcpFields {
  v6?: boolean;
  sequence?: number;
  acknowledgement?: number;
  flags?: number;
  window?: number;
  /** A multiple of 4 bytes. */
  options?: number[];
  ip?: Ipv4Fields & Ipv6Fields;
}

/** A TCP packet with true checksums. */
export function tcp(payload: ArrayLike<number>, fields: TcpFields = {}): Uint8Array<ArrayBuffer> {
  const options = fields.options ?? [];
  const segment = new Uint8Array(20 + options.length + payload.length);
  put16(segment, 0, 40000);
  put16(segment, 2, 443);
  put32(segment, 4, fields.sequence ?? 1000);
  put32(segment, 8, fields.acknowledgement ?? 77);
  segment[12] = (20 + options.length) / 4 << 4;
  segment[13] = fields.flags ?? FLAG.ACK;
  put16(segment, 14, fields.window ?? 500);
  segment.set(options, 20);
  segment.set(Array.from(payload), 20 + options.length);
  const packet = fields.v6
    ? ipv6(segment, { ...fields.ip, next: 6 })
    : ipv4(segment, { fragment: 0x4000, ...fields.ip, protocol: 6 });
  finishTransport(packet, fields.v6 ? 40 : 20, 6, 16);
  return packet;
}

/** A UDP packet with a true checksum. */
export function udp(
  payload: ArrayLike<number>,
  v6 = false,
  ports = [5000, 53],
  ip: Ipv4Fields & Ipv6Fields = {},
): Uint8Array<ArrayBuffer> {
  const datagram = new Uint8Array(8 + payload.length);
  put16(datagram, 0, ports[0]);
  put16(datagram, 2, ports[1]);
  put16(datagram, 4, datagram.length);
  datagram.set(Array.from(payload), 8);
  const packet = v6 ? ipv6(datagram, { ...ip, next: 17 }) : ipv4(datagram, { ...ip, protocol: 17 });
  finishTransport(packet, v6 ? 40 : 20, 17, 6);
  return packet;
}

function finishTransport(packet: Uint8Array, header: number, protocol: number, offset: number): void {
  put16(packet, header + offset, 0);
  const checksum = transportChecksum(packet, header, protocol);
  put16(packet, header + offset, checksum === 0 && protocol === 17 ? 0xffff : checksum);
}

/** The checksum of pseudo-header and payload; 0 where the field in the packet is right. */
export function transportChecksum(packet: Uint8Array, header: number, protocol: number): number {
  return naiveChecksum(Uint8Array.from([...pseudoHeader(packet, header, protocol), ...packet.subarray(header)]));
}

/** RFC 9293 §3.1, RFC 8200 §8.1. */
export function pseudoHeader(packet: Uint8Array, header: number, protocol: number): number[] {
  const size = packet.length - header;
  const v4 = packet[0] >>> 4 === 4;
  const addresses = packet.subarray(v4 ? 12 : 8, v4 ? 20 : 40);
  return v4
    ? [...addresses, 0, protocol, size >>> 8, size & 0xff]
    : [...addresses, 0, 0, size >>> 8, size & 0xff, 0, 0, 0, protocol];
}

/** What a TUN device delivers: a virtio header and a packet whose checksum field holds the pseudo-header's sum. */
export function superPacket(packet: Uint8Array, type: number, gsoSize: number): Uint8Array {
  const v4 = packet[0] >>> 4 === 4;
  const ip = v4 ? 20 : 40;
  const udp = type === GSO.UDP_L4;
  const protocol = udp ? 17 : 6, offset = udp ? 6 : 16;
  const headers = ip + (udp ? 8 : packet[ip + 12] >>> 4 << 2);
  const bytes = new Uint8Array(VNET.bytes + packet.length);
  bytes[VNET.flags] = VNET_NEEDS_CHECKSUM;
  bytes[VNET.gsoType] = type;
  const view = new DataView(bytes.buffer);
  view.setUint16(VNET.headerLength, headers, true);
  view.setUint16(VNET.gsoSize, gsoSize, true);
  view.setUint16(VNET.checksumStart, ip, true);
  view.setUint16(VNET.checksumOffset, offset, true);
  bytes.set(packet, VNET.bytes);
  const pseudo = naiveChecksum(Uint8Array.from(pseudoHeader(packet, ip, protocol)));
  put16(bytes, VNET.bytes + ip + offset, ~pseudo & 0xffff);
  return bytes;
}

/** Counts up from `first`, so that a byte out of place shows. */
export function counting(length: number, first = 0): number[] {
  return Array.from({ length }, (_, i) => first + i * 7 & 0xff);
}

const GUARD = 0xa5;

/** Packet memory that is filled with guard bytes, so that a write outside its region is noticed. */
export class GuardedMemory extends PacketMemory {
  constructor(size: number) {
    super(size);
    this.bytes.fill(GUARD);
  }

  /** @returns the offsets outside the given regions that have changed since construction, or -1 for none */
  firstTouchedOutside(...regions: [start: number, end: number][]): number {
    return this.bytes.findIndex((byte, i) => byte !== GUARD && !regions.some(([start, end]) => i >= start && i < end));
  }
}
