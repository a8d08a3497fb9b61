/**
 * The packet in hand: an IP packet in the packet memory, with free room on both sides. One frame object serves the
 * whole engine; transforms move its borders and never allocate.
 */
import { copyWords, type PacketMemory } from "../packet/memory.ts";

const IPV4_PROTOCOL = 9;
const IPV6_NEXT_HEADER = 6;
const IPV6_HEADER = 40;
const HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, ESP = 50, AH = 51, DESTINATION = 60;
/** Extension headers that are followed, and what they come to at most (RFC 8200 §4: 256 times 8 bytes each). */
const EXTENSIONS = 8;
export const LONGEST_HEADER = IPV6_HEADER + EXTENSIONS * 2048;

export class Frame {
  /** First byte of the IP header. */
  start = 0;
  /** One past the packet's last byte. */
  end = 0;
  /** IP header with the extension headers that precede a transform (RFC 4303 §3.1.1). */
  headerLength = 0;
  /** Offset of the byte that names what follows the header. */
  protocolAt = 0;
  addressBytes: 4 | 16 = 4;

  constructor(readonly memory: PacketMemory) {}

  get protocol(): number {
    return this.memory.bytes[this.protocolAt];
  }

  /** Offset of the source address. */
  get source(): number {
    return this.start + (this.addressBytes === 4 ? 12 : 8);
  }

  get destination(): number {
    return this.start + (this.addressBytes === 4 ? 16 : 24);
  }

  get tos(): number {
    const { bytes } = this.memory;
    const at = this.start;
    return this.addressBytes === 4 ? bytes[at + 1] : (bytes[at] & 0x0f) << 4 | bytes[at + 1] >>> 4;
  }

  /** Takes the IP packet from `start` to `end`, whose header has been checked. */
  set(start: number, end: number): void {
    const { bytes } = this.memory;
    this.start = start;
    this.end = end;
    if (bytes[start] >>> 4 === 4) {
      this.addressBytes = 4;
      this.headerLength = (bytes[start] & 0x0f) << 2;
      this.protocolAt = start + IPV4_PROTOCOL;
      return;
    }
    this.addressBytes = 16;
    this.headerLength = IPV6_HEADER;
    this.protocolAt = start + IPV6_NEXT_HEADER;
    this.#skipExtensions();
  }

  /** Opens a gap of `room` bytes after the header, by moving the header to lower addresses. */
  insert(room: number): void {
    copyWords(this.memory, this.start - room, this.start, this.headerLength);
    this.start -= room;
    this.protocolAt -= room;
  }

  /** Closes a gap of `room` bytes after the header. */
  remove(room: number): void {
    // From the back, since the two places may overlap.
    const { view } = this.memory;
    for (let at = this.start + this.headerLength - 4; at >= this.start; at -= 4) {
      view.setUint32(at + room, view.getUint32(at));
    }
    this.start += room;
    this.protocolAt += room;
  }

  /** Takes the header along to `start`; what followed it stays, and `end` is the caller's to set. */
  moveHeader(start: number): void {
    this.memory.bytes.copyWithin(start, this.start, this.start + this.headerLength);
    this.protocolAt += start - this.start;
    this.start = start;
  }

  /** Sets what follows the header, and makes the lengths and the IPv4 checksum right. */
  finish(protocol: number): void {
    const { bytes, view } = this.memory;
    bytes[this.protocolAt] = protocol;
    const at = this.start;
    if (this.addressBytes === 16) {
      view.setUint16(at + 4, this.end - at - IPV6_HEADER);
      return;
    }
    view.setUint16(at + 2, this.end - at);
    this.finishChecksum();
  }

  /** The IPv4 header checksum (RFC 1071). */
  finishChecksum(): void {
    const { view } = this.memory;
    const at = this.start;
    view.setUint16(at + 10, 0);
    let sum = 0;
    for (let i = 0; i < this.headerLength; i += 2) sum += view.getUint16(at + i);
    sum = (sum & 0xffff) + (sum >>> 16);
    sum += sum >>> 16;
    view.setUint16(at + 10, ~sum & 0xffff);
  }

  /** Extension headers that routers read stay before ESP and AH; the walk is bounded by the packet. */
  #skipExtensions(): void {
    const { bytes } = this.memory;
    for (let hops = 0; hops < EXTENSIONS; hops++) {
      const next = bytes[this.protocolAt];
      if (next !== HOP_BY_HOP && next !== ROUTING && next !== FRAGMENT && !this.#isEarlyDestination()) return;
      const at = this.start + this.headerLength;
      const length = next === FRAGMENT ? 8 : (bytes[at + 1] + 1) << 3;
      if (at + length > this.end) return;
      this.protocolAt = at;
      this.headerLength += length;
    }
  }

  /** Destination options before a routing header, or before ESP or AH where a sender has put them (RFC 4302 §3.1.1). */
  #isEarlyDestination(): boolean {
    const { bytes } = this.memory;
    const at = this.start + this.headerLength;
    if (bytes[this.protocolAt] !== DESTINATION || at + 8 > this.end) return false;
    return bytes[at] === ROUTING || bytes[at] === ESP || bytes[at] === AH;
  }
}
