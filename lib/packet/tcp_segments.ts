/**
 * Cutting of super-packets that a TUN device delivers with a virtio header (virtio 1.2 §5.1.6.4): one IP packet of up to
 * 64 KB that stands for a train of TCP segments or UDP datagrams.
 */
import { copyAndSum, fold, pseudoHeaderSum, sum } from "./checksum.ts";
import { copyWords, type PacketMemory } from "./memory.ts";

/** struct virtio_net_hdr, little-endian. */
export const VNET = {
  bytes: 10,
  flags: 0,
  gsoType: 1,
  headerLength: 2,
  gsoSize: 4,
  checksumStart: 6,
  checksumOffset: 8,
} as const;
export const VNET_NEEDS_CHECKSUM = 1;
export const GSO = { NONE: 0, TCPV4: 1, TCPV6: 4, UDP_L4: 5, ECN: 0x80 } as const;

const TCP = 6, UDP = 17;
const FIN_PSH = 0x09, CWR = 0x80;

export class Segmenter {
  /** Bytes of the largest segment, headers included. */
  largest = 0;
  #packet = 0;
  #length = 0;
  #ipHeader = 0;
  #headers = 0;
  #size = 0;
  #count = 0;
  #v4 = true;
  #protocol = TCP;

  /** Bytes of all segments together. */
  get bytes(): number {
    return this.#length + (this.#count - 1) * this.#headers;
  }

  /**
   * Looks at the virtio header at `header` and the packet behind it, whose IP header has been checked.
   *
   * @param length of both, in bytes
   * @returns the number of segments, 1 for an ordinary packet, -1 where the header and the packet contradict each other
   */
  begin(memory: PacketMemory, header: number, length: number): number {
    const { bytes, view } = memory;
    const packet = header + VNET.bytes;
    const size = length - VNET.bytes;
    const type = bytes[header + VNET.gsoType] & ~GSO.ECN;
    this.largest = size;
    if (type === GSO.NONE) return 1;
    const gsoSize = view.getUint16(header + VNET.gsoSize, true);
    const ipHeader = view.getUint16(header + VNET.checksumStart, true);
    const v4 = bytes[packet] >>> 4 === 4;
    const udp = type === GSO.UDP_L4;
    if (type === GSO.TCPV4 ? !v4 : type === GSO.TCPV6 ? v4 : !udp) return -1;
    if (ipHeader < (v4 ? 20 : 40) || ipHeader + (udp ? 8 : 20) > size || gsoSize === 0) return -1;
    const transport = udp ? 8 : bytes[packet + ipHeader + 12] >>> 4 << 2;
    const headers = ipHeader + transport;
    if (transport < (udp ? 8 : 20) || headers >= size) return size === headers ? 1 : -1;
    this.#packet = packet;
    this.#length = size;
    this.#ipHeader = ipHeader;
    this.#headers = headers;
    this.#size = gsoSize;
    this.#v4 = v4;
    this.#protocol = udp ? UDP : TCP;
    this.#count = Math.ceil((size - headers) / gsoSize);
    this.largest = Math.min(size, headers + gsoSize);
    return this.#count;
  }

  /**
   * Writes segment `index` to `target`, where {@linkcode largest} bytes are free and whose offset is best a multiple of 4.
   *
   * @returns its length in bytes
   */
  writeSegment(memory: PacketMemory, index: number, target: number): number {
    const { bytes, view } = memory;
    const from = this.#packet + this.#headers + index * this.#size;
    const payload = Math.min(this.#size, this.#packet + this.#length - from);
    const headers = this.#headers;
    const length = headers + payload;
    copyWords(memory, target, this.#packet, headers);
    const payloadSum = copyAndSum(memory, target + headers, from, payload);

    if (this.#v4) {
      view.setUint16(target + 2, length);
      view.setUint16(target + 4, view.getUint16(target + 4) + index);
      view.setUint16(target + 10, 0);
      view.setUint16(target + 10, ~fold(sum(memory, target, this.#ipHeader)) & 0xffff, true);
    } else {
      view.setUint16(target + 4, length - 40);
    }
    const transport = target + this.#ipHeader;
    const size = length - this.#ipHeader;
    let field = transport + 6;
    if (this.#protocol === TCP) {
      field = transport + 16;
      view.setUint32(transport + 4, view.getUint32(transport + 4) + index * this.#size);
      if (index < this.#count - 1) bytes[transport + 13] &= ~FIN_PSH;
      if (index > 0) bytes[transport + 13] &= ~CWR;
    } else {
      view.setUint16(transport + 4, size);
    }
    view.setUint16(field, 0);
    const source = target + (this.#v4 ? 12 : 8);
    const addressBytes = this.#v4 ? 4 : 16;
    const pseudo = pseudoHeaderSum(memory, source, source + addressBytes, addressBytes, this.#protocol, size);
    const headerSum = sum(memory, transport, headers - this.#ipHeader, pseudo);
    let checksum = ~fold(headerSum + payloadSum) & 0xffff;
    if (checksum === 0 && this.#protocol === UDP) checksum = 0xffff;
    view.setUint16(field, checksum, true);
    return length;
  }
}
