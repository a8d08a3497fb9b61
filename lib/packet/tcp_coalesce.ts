/**
 * Joining of consecutive TCP segments on their way into a TUN device: the host then handles one super-packet instead of
 * dozens of segments. The mirror of tcp_segments.ts; what the host's own GRO would refuse is refused here as well.
 */
import { fold, pseudoHeaderSum, sum } from "./checksum.ts";
import type { PacketMemory } from "./memory.ts";
import { GSO, VNET, VNET_NEEDS_CHECKSUM } from "./tcp_segments.ts";

const TCP = 6;
const ACK = 0x10, PSH = 0x08;
const LARGEST = 65535;

/** What became of a packet that was offered. */
export const OFFER = { REFUSED: 0, APPENDED: 1, STARTED: 2 } as const;

export class Coalescer {
  /** Where the virtio header lies that goes with the packet to be written. */
  readonly start: number;
  #length = 0;
  #segments = 0;
  #joinable = false;
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
      this.#append(at, length, size);
      return OFFER.APPENDED;
    }
    const { bytes } = this.memory;
    bytes.copyWithin(this.start + VNET.bytes, at, at + length);
    this.#length = length;
    this.#segments = 1;
    this.#joinable = size > 0 && (bytes[at + headerOf(memory, at) + 13] & PSH) === 0;
    if (!this.#joinable) return OFFER.STARTED;
    this.#ipHeader = headerOf(memory, at);
    this.#headers = length - size;
    this.#size = size;
    this.#nextSequence = memory.view.getUint32(at + this.#ipHeader + 4) + size >>> 0;
    this.#firstId = memory.view.getUint16(at + 4);
    return OFFER.STARTED;
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
    bytes[this.start + VNET.gsoType] = v4 ? GSO.TCPV4 : GSO.TCPV6;
    view.setUint16(this.start + VNET.headerLength, this.#headers, true);
    view.setUint16(this.start + VNET.gsoSize, this.#size, true);
    view.setUint16(this.start + VNET.checksumStart, this.#ipHeader, true);
    view.setUint16(this.start + VNET.checksumOffset, 16, true);
    if (v4) {
      view.setUint16(packet + 2, this.#length);
      view.setUint16(packet + 10, 0);
      view.setUint16(packet + 10, ~fold(sum(this.memory, packet, this.#ipHeader)) & 0xffff, true);
    } else {
      view.setUint16(packet + 4, this.#length - 40);
    }
    const source = packet + (v4 ? 12 : 8);
    const size = this.#length - this.#ipHeader;
    const pseudo = pseudoHeaderSum(this.memory, source, source + (v4 ? 4 : 16), v4 ? 4 : 16, TCP, size);
    view.setUint16(transport + 16, fold(pseudo), true);
  }

  /** Whether the packet is the next segment of the train. */
  #continues(at: number, length: number, size: number): boolean {
    const { bytes, view } = this.memory;
    const first = this.start + VNET.bytes;
    const ipHeader = this.#ipHeader;
    if (length - size !== this.#headers || size > this.#size) return false;
    if (this.#length + size > LARGEST) return false;
    // IP: version, header length and TOS; TTL and protocol; addresses. IDs count up, as the kernel will number them again.
    if (bytes[at] !== bytes[first] || bytes[at + 1] !== bytes[first + 1]) return false;
    if (bytes[at] >>> 4 === 4) {
      if (view.getUint16(at + 6) !== view.getUint16(first + 6)) return false;
      if (view.getUint16(at + 8) !== view.getUint16(first + 8)) return false;
      if (view.getUint16(at + 4) !== (this.#firstId + this.#segments & 0xffff)) return false;
      if (view.getUint32(at + 12) !== view.getUint32(first + 12)) return false;
      if (view.getUint32(at + 16) !== view.getUint32(first + 16)) return false;
    } else {
      if (view.getUint32(at) !== view.getUint32(first) || view.getUint16(at + 6) !== view.getUint16(first + 6)) {
        return false;
      }
      for (let i = 8; i < 40; i += 4) if (view.getUint32(at + i) !== view.getUint32(first + i)) return false;
    }
    // TCP: ports, acknowledgement, header length, window, options; the sequence number goes on; ACK and perhaps PSH.
    // The byte of the header length also holds the accurate-ECN flag (RFC 9768 §3.1).
    const tcp = at + ipHeader, firstTcp = first + ipHeader;
    if (view.getUint32(tcp) !== view.getUint32(firstTcp)) return false;
    if (view.getUint32(tcp + 4) !== this.#nextSequence) return false;
    if (view.getUint32(tcp + 8) !== view.getUint32(firstTcp + 8)) return false;
    if (bytes[tcp + 12] !== bytes[firstTcp + 12]) return false;
    if (view.getUint16(tcp + 14) !== view.getUint16(firstTcp + 14)) return false;
    if (view.getUint16(tcp + 18) !== view.getUint16(firstTcp + 18)) return false;
    for (let i = 20; i < this.#headers - ipHeader; i += 4) {
      if (view.getUint32(tcp + i) !== view.getUint32(firstTcp + i)) return false;
    }
    return true;
  }

  #append(at: number, length: number, size: number): void {
    const { bytes } = this.memory;
    const tcp = at + this.#ipHeader;
    bytes.copyWithin(this.start + VNET.bytes + this.#length, at + length - size, at + length);
    this.#length += size;
    this.#segments++;
    this.#nextSequence = this.#nextSequence + size >>> 0;
    // A short segment or a push ends the train.
    if (size < this.#size || (bytes[tcp + 13] & PSH) !== 0) this.#joinable = false;
    if ((bytes[tcp + 13] & PSH) !== 0) bytes[this.start + VNET.bytes + this.#ipHeader + 13] |= PSH;
  }
}

function headerOf(memory: PacketMemory, at: number): number {
  return memory.bytes[at] >>> 4 === 4 ? 20 : 40;
}

/**
 * Bytes of TCP payload of a packet that may be joined: plain headers, no fragment, flags ACK and perhaps PSH, and a true
 * checksum, since the host will not look at it again. 0 or less for all others.
 */
function payloadOf(memory: PacketMemory, at: number, length: number): number {
  const { bytes, view } = memory;
  const v4 = bytes[at] >>> 4 === 4;
  const header = v4 ? 20 : 40;
  if (v4) {
    if (bytes[at] !== 0x45 || bytes[at + 9] !== TCP || (view.getUint16(at + 6) & 0x3fff) !== 0) return 0;
  } else if (bytes[at + 6] !== TCP) return 0;
  if (length < header + 20) return 0;
  const tcp = at + header;
  if ((bytes[tcp + 13] & ~PSH) !== ACK) return 0;
  const tcpHeader = bytes[tcp + 12] >>> 4 << 2;
  const payload = length - header - tcpHeader;
  if (tcpHeader < 20 || payload <= 0) return 0;
  const source = at + (v4 ? 12 : 8);
  const pseudo = pseudoHeaderSum(memory, source, source + (v4 ? 4 : 16), v4 ? 4 : 16, TCP, length - header);
  return fold(sum(memory, tcp, length - header, pseudo)) === 0xffff ? payload : 0;
}
