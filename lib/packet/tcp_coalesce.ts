/**
 * Joining of consecutive TCP segments, or UDP datagrams of one size, on their way into a TUN device: the host then handles
 * one super-packet instead of dozens. The mirror of tcp_segments.ts; what the host's own GRO would refuse is refused here
 * as well.
 */
import { copyAndSum, fold, pseudoHeaderSum, sum } from "./checksum.ts";
import type { PacketMemory } from "./memory.ts";
import { GSO, VNET, VNET_NEEDS_CHECKSUM } from "./tcp_segments.ts";

const TCP = 6, UDP = 17;
const UDP_HEADER = 8;
const ACK = 0x10, PSH = 0x08;
const DONT_FRAGMENT = 0x4000;
const LARGEST = 65535;
/** Datagrams that a host cuts a super-packet into at once: UDP_MAX_SEGMENTS of older kernels. */
const DATAGRAMS = 64;

/** What became of a packet that was offered. */
export const OFFER = { REFUSED: 0, APPENDED: 1, STARTED: 2 } as const;

export class Coalescer {
  /** Where the virtio header lies that goes with the packet to be written. */
  readonly start: number;
  /** Whether UDP datagrams are joined: only where the host takes such super-packets (Linux 6.2). */
  joinsUdp = false;
  #length = 0;
  #segments = 0;
  #joinable = false;
  #protocol = TCP;
  #ipHeader = 0;
  #headers = 0;
  /** Payload of every segment but the last. */
  #size = 0;
  #nextSequence = 0;
  #firstId = 0;

  /** @param start offset of a region of 65 545 bytes and 2; best 2 past a multiple of 4 */
  constructor(readonly memory: PacketMemory, start: number) {
    this.start = start;
  }

  /**
   * Takes an IP packet whose header has been checked; copies it.
   *
   * @returns `REFUSED` where what is there must be flushed first
   */
  offer(memory: PacketMemory, at: number, length: number): number {
    if (length > LARGEST) return OFFER.REFUSED;
    const size = payloadOf(memory, at, length);
    if (this.#segments > 0) {
      if (size <= 0 || !this.#joinable || !this.#continues(at, length, size)) return OFFER.REFUSED;
      return this.#append(at, length, size) ? OFFER.APPENDED : OFFER.REFUSED;
    }
    const { bytes, view } = this.memory;
    bytes.copyWithin(this.start + VNET.bytes, at, at + length);
    this.#length = length;
    this.#segments = 1;
    this.#joinable = size > 0 && this.#mayBegin(at) && checksumHolds(memory, at, length);
    if (!this.#joinable) return OFFER.STARTED;
    this.#ipHeader = headerOf(memory, at);
    this.#headers = length - size;
    this.#size = size;
    this.#nextSequence = view.getUint32(at + this.#ipHeader + 4) + size >>> 0;
    this.#firstId = view.getUint16(at + 4);
    return OFFER.STARTED;
  }

  /** Whether others may follow the packet: datagrams where the host takes such trains, segments that push nothing. */
  #mayBegin(at: number): boolean {
    this.#protocol = protocolOf(this.memory, at);
    if (this.#protocol === UDP) return this.joinsUdp;
    return (this.memory.bytes[at + headerOf(this.memory, at) + 13] & PSH) === 0;
  }

  /** Packets collected since the last flush. */
  get segments(): number {
    return this.#segments;
  }

  /** Readies what was collected at {@linkcode start}; @returns its length with the virtio header, 0 where there is nothing */
  flush(): number {
    if (this.#segments === 0) return 0;
    const { bytes, view } = this.memory;
    bytes.fill(0, this.start, this.start + VNET.bytes);
    if (this.#segments > 1) this.#finish(bytes, view);
    this.#segments = 0;
    return VNET.bytes + this.#length;
  }

  #finish(bytes: Uint8Array, view: DataView): void {
    const packet = this.start + VNET.bytes;
    const v4 = bytes[packet] >>> 4 === 4;
    const transport = packet + this.#ipHeader;
    bytes[this.start + VNET.flags] = VNET_NEEDS_CHECKSUM;
    const udp = this.#protocol === UDP;
    const checksumOffset = udp ? 6 : 16;
    bytes[this.start + VNET.gsoType] = udp ? GSO.UDP_L4 : v4 ? GSO.TCPV4 : GSO.TCPV6;
    view.setUint16(this.start + VNET.headerLength, this.#headers, true);
    view.setUint16(this.start + VNET.gsoSize, this.#size, true);
    view.setUint16(this.start + VNET.checksumStart, this.#ipHeader, true);
    view.setUint16(this.start + VNET.checksumOffset, checksumOffset, true);
    if (v4) {
      view.setUint16(packet + 2, this.#length);
      view.setUint16(packet + 10, 0);
      view.setUint16(packet + 10, ~fold(sum(this.memory, packet, this.#ipHeader)) & 0xffff, true);
    } else {
      view.setUint16(packet + 4, this.#length - 40);
    }
    const source = packet + (v4 ? 12 : 8);
    const size = this.#length - this.#ipHeader;
    if (udp) view.setUint16(transport + 4, size);
    const pseudo = pseudoHeaderSum(this.memory, source, source + (v4 ? 4 : 16), v4 ? 4 : 16, this.#protocol, size);
    view.setUint16(transport + checksumOffset, fold(pseudo), true);
  }

  /** Whether the packet is the next one of the train, its checksum aside. */
  #continues(at: number, length: number, size: number): boolean {
    if (length - size !== this.#headers || size > this.#size || this.#length + size > LARGEST) return false;
    if (protocolOf(this.memory, at) !== this.#protocol || !this.#sameIpHeader(at)) return false;
    const tcp = at + this.#ipHeader;
    // Source and destination port.
    const { view } = this.memory;
    if (view.getUint32(tcp) !== view.getUint32(this.start + VNET.bytes + this.#ipHeader)) return false;
    return this.#protocol === UDP ? this.#segments < DATAGRAMS : this.#nextOfTcp(tcp);
  }

  /**
   * Version, header length and TOS, TTL and protocol, addresses. IPv4 IDs count up, as the kernel will number them again,
   * except in datagrams that may not be fragmented, where they mean nothing (RFC 6864 §4.1).
   */
  #sameIpHeader(at: number): boolean {
    const { bytes, view } = this.memory;
    const first = this.start + VNET.bytes;
    if (bytes[at] !== bytes[first] || bytes[at + 1] !== bytes[first + 1]) return false;
    if (bytes[at] >>> 4 === 4) {
      const fragment = view.getUint16(at + 6);
      if (fragment !== view.getUint16(first + 6)) return false;
      if (view.getUint16(at + 8) !== view.getUint16(first + 8)) return false;
      const numbered = this.#protocol === TCP || (fragment & DONT_FRAGMENT) === 0;
      if (numbered && view.getUint16(at + 4) !== (this.#firstId + this.#segments & 0xffff)) return false;
      return view.getUint32(at + 12) === view.getUint32(first + 12) &&
        view.getUint32(at + 16) === view.getUint32(first + 16);
    }
    if (view.getUint32(at) !== view.getUint32(first) || view.getUint16(at + 6) !== view.getUint16(first + 6)) {
      return false;
    }
    for (let i = 8; i < 40; i += 4) if (view.getUint32(at + i) !== view.getUint32(first + i)) return false;
    return true;
  }

  /**
   * Acknowledgement, header length, window, options; the sequence number goes on; ACK and perhaps PSH. The byte of the
   * header length also holds the accurate-ECN flag (RFC 9768 §3.1).
   */
  #nextOfTcp(tcp: number): boolean {
    const { bytes, view } = this.memory;
    const firstTcp = this.start + VNET.bytes + this.#ipHeader;
    if (view.getUint32(tcp + 4) !== this.#nextSequence) return false;
    if (view.getUint32(tcp + 8) !== view.getUint32(firstTcp + 8)) return false;
    if (bytes[tcp + 12] !== bytes[firstTcp + 12]) return false;
    if (view.getUint16(tcp + 14) !== view.getUint16(firstTcp + 14)) return false;
    if (view.getUint16(tcp + 18) !== view.getUint16(firstTcp + 18)) return false;
    for (let i = 20; i < this.#headers - this.#ipHeader; i += 4) {
      if (view.getUint32(tcp + i) !== view.getUint32(firstTcp + i)) return false;
    }
    return true;
  }

  /** @returns false, with nothing appended, where the checksum is wrong; it is reckoned while the payload is copied */
  #append(at: number, length: number, size: number): boolean {
    const { memory } = this;
    const { bytes } = memory;
    const payload = copyAndSum(memory, this.start + VNET.bytes + this.#length, at + length - size, size);
    const headers = sum(memory, at + this.#ipHeader, this.#headers - this.#ipHeader, pseudoSum(memory, at, length));
    if (fold(headers + payload) !== 0xffff) return false;
    this.#length += size;
    this.#segments++;
    this.#nextSequence = this.#nextSequence + size >>> 0;
    // A short one ends the train, and so does a push.
    if (size < this.#size) this.#joinable = false;
    if (this.#protocol === TCP && (bytes[at + this.#ipHeader + 13] & PSH) !== 0) {
      this.#joinable = false;
      bytes[this.start + VNET.bytes + this.#ipHeader + 13] |= PSH;
    }
    return true;
  }
}

function headerOf(memory: PacketMemory, at: number): number {
  return memory.bytes[at] >>> 4 === 4 ? 20 : 40;
}

function protocolOf(memory: PacketMemory, at: number): number {
  return memory.bytes[at + (memory.bytes[at] >>> 4 === 4 ? 9 : 6)];
}

/**
 * Bytes of payload of a packet that may be joined, if its checksum is true: plain IP header, no fragment; TCP with flags
 * ACK and perhaps PSH, or UDP with a checksum. 0 or less for all others.
 */
function payloadOf(memory: PacketMemory, at: number, length: number): number {
  const { bytes, view } = memory;
  const header = headerOf(memory, at);
  if (header === 20 && (bytes[at] !== 0x45 || (view.getUint16(at + 6) & 0x3fff) !== 0)) return 0;
  const transport = at + header;
  switch (protocolOf(memory, at)) {
    case TCP: {
      if (length < header + 20 || (bytes[transport + 13] & ~PSH) !== ACK) return 0;
      const tcpHeader = bytes[transport + 12] >>> 4 << 2;
      return tcpHeader < 20 ? 0 : length - header - tcpHeader;
    }
    case UDP: {
      if (length < header + UDP_HEADER) return 0;
      const whole = view.getUint16(transport + 4) === length - header && view.getUint16(transport + 6) !== 0;
      return whole ? length - header - UDP_HEADER : 0;
    }
    default:
      return 0;
  }
}

/** The host will not look at a joined packet's checksum again, so that only true ones may be joined. */
function checksumHolds(memory: PacketMemory, at: number, length: number): boolean {
  const header = headerOf(memory, at);
  return fold(sum(memory, at + header, length - header, pseudoSum(memory, at, length))) === 0xffff;
}

function pseudoSum(memory: PacketMemory, at: number, length: number): number {
  const v4 = memory.bytes[at] >>> 4 === 4;
  const source = at + (v4 ? 12 : 8);
  const addressBytes = v4 ? 4 : 16;
  const payload = length - (v4 ? 20 : 40);
  return pseudoHeaderSum(memory, source, source + addressBytes, addressBytes, protocolOf(memory, at), payload);
}
