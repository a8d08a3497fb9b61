/**
 * Packets on their way out, collected and handed to the kernel with one sendmmsg(2). Positions are offsets into the
 * packet memory, which must stay as it is until `flush`.
 */
import type { PacketMemory } from "../packet/memory.ts";
import { addressAt, addressOf, ERRNO, errno, libc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  CMSG,
  IOVEC,
  IP_PKTINFO,
  IP_TOS,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  MMSGHDR,
  setWord64,
  SOCKADDR_BYTES,
  SOL_IP,
  SOL_IPV6,
  SOL_UDP,
  UDP_SEGMENT,
} from "./native_layout.ts";

const MESSAGES = 64;
const VECTORS = 512;
const CONTROL_BYTES = 96;
/** The control message that makes a datagram train. */
const SEGMENT_CONTROL_BYTES = 24;
/** UDP_MAX_SEGMENTS of the kernel, and the largest datagram that it cuts. */
const SEGMENTS = 64;
const SEGMENTED_BYTES = 65000;

/** What became of a flush: packets that the kernel took and that it refused. */
export interface SendOutcome {
  sent: number;
  sentBytes: number;
  failed: number;
  /** errno of the last refusal. */
  error: number;
}

export class SendBatch {
  readonly outcome: SendOutcome = { sent: 0, sentBytes: 0, failed: 0, error: 0 };
  readonly #c = libc();
  readonly #memory: PacketMemory;
  readonly #base: bigint;
  readonly #headers = new Uint8Array(MESSAGES * MMSGHDR.bytes);
  readonly #vectors = new Uint8Array(VECTORS * IOVEC.bytes);
  readonly #names = new Uint8Array(MESSAGES * SOCKADDR_BYTES);
  readonly #controls = new Uint8Array(MESSAGES * CONTROL_BYTES);
  readonly #header = new DataView(this.#headers.buffer);
  readonly #vector = new DataView(this.#vectors.buffer);
  readonly #name = new DataView(this.#names.buffer);
  readonly #control = new DataView(this.#controls.buffer);
  readonly #headersAddress = addressOf(this.#headers);
  readonly #vectorsAddress = addressOf(this.#vectors);
  readonly #namesAddress = addressOf(this.#names);
  readonly #controlsAddress = addressOf(this.#controls);
  #messages = 0;
  #vectorsUsed = 0;
  // The message still open for more segments of one datagram train, -1 if none.
  #open = -1;
  #openSize = 0;
  #openBytes = 0;
  #openCount = 0;
  #openTos = 0;
  /** Packets per message, for counting after the flush. */
  readonly #packets = new Int32Array(MESSAGES);
  readonly #bytes = new Int32Array(MESSAGES);

  constructor(readonly fd: number, memory: PacketMemory, readonly addressBytes: 4 | 16) {
    this.#memory = memory;
    this.#base = addressOf(memory.bytes);
    for (let i = 0; i < MESSAGES; i++) {
      const at = i * MMSGHDR.bytes;
      setWord64(this.#header, at + MMSGHDR.name, addressAt(this.#namesAddress, i * SOCKADDR_BYTES));
      this.#header.setUint32(at + MMSGHDR.nameLength, addressBytes === 4 ? 16 : 28, true);
      this.#name.setUint16(i * SOCKADDR_BYTES, addressBytes === 4 ? AF_INET : AF_INET6, true);
    }
  }

  get empty(): boolean {
    return this.#messages === 0;
  }

  /** Queues an IP packet with its header; `destination` is the offset of its destination address. */
  packet(at: number, length: number, destination: number): void {
    if (this.#messages === MESSAGES || this.#vectorsUsed === VECTORS) this.flush();
    const message = this.#begin(at, length);
    this.#setName(message, 0, this.#memory.bytes, destination);
    setWord64(this.#header, message * MMSGHDR.bytes + MMSGHDR.controlLength, 0n);
  }

  /**
   * Queues the payload of a UDP datagram. Consecutive ones of equal size to one peer leave as one segmented datagram.
   *
   * @param source offset of the source address in the packet memory
   * @param peer the peer's address, 4 or 16 bytes
   * @param segmentable whether the datagram with its headers fits the device's MTU
   */
  datagram(
    at: number,
    length: number,
    source: number,
    peer: Uint8Array,
    port: number,
    tos: number,
    segmentable: boolean,
  ): void {
    const open = this.#open;
    if (
      open >= 0 && segmentable && length <= this.#openSize && this.#openCount < SEGMENTS &&
      this.#openBytes + length <= SEGMENTED_BYTES && this.#vectorsUsed < VECTORS && tos === this.#openTos &&
      this.#sameName(open, port, peer)
    ) {
      this.#addVector(at, length);
      this.#openCount++;
      this.#openBytes += length;
      const header = open * MMSGHDR.bytes;
      this.#header.setUint32(header + MMSGHDR.vectorCount, this.#openCount, true);
      this.#packets[open]++;
      this.#bytes[open] += length;
      if (this.#openCount === 2) this.#addSegmentControl(open);
      if (length < this.#openSize) this.#open = -1; // only the last segment may be shorter
      return;
    }
    if (this.#messages === MESSAGES || this.#vectorsUsed === VECTORS) this.flush();
    const message = this.#begin(at, length);
    this.#setName(message, port, peer, 0);
    this.#setControl(message, source, tos);
    this.#open = segmentable ? message : -1;
    this.#openSize = length;
    this.#openBytes = length;
    this.#openCount = 1;
    this.#openTos = tos;
  }

  /** Hands everything to the kernel and adds to {@linkcode outcome}. */
  flush(): void {
    let from = 0;
    const count = this.#messages;
    while (from < count) {
      const sent = this.#c.sendmmsg(this.fd, addressAt(this.#headersAddress, from * MMSGHDR.bytes), count - from, 0);
      if (sent <= 0) {
        const code = errno();
        if (code === ERRNO.EINTR) continue;
        // One refused message must not hold up those behind it.
        if (this.#packets[from] > 1) this.#sendOneByOne(from);
        else {
          this.outcome.error = code;
          this.outcome.failed++;
        }
        from++;
        continue;
      }
      for (let i = from; i < from + sent; i++) {
        this.outcome.sent += this.#packets[i];
        this.outcome.sentBytes += this.#bytes[i];
      }
      from += sent;
    }
    this.#messages = 0;
    this.#vectorsUsed = 0;
    this.#open = -1;
  }

  /**
   * Sends the segments of a datagram train as datagrams of their own. The kernel takes no train whose segments exceed
   * what it knows of the path (EINVAL), but fragments single datagrams.
   */
  #sendOneByOne(message: number): void {
    const header = message * MMSGHDR.bytes;
    const view = this.#header;
    const first = view.getBigUint64(header + MMSGHDR.vector, true);
    const count = this.#packets[message];
    view.setUint32(header + MMSGHDR.vectorCount, 1, true);
    const control = view.getUint32(header + MMSGHDR.controlLength, true);
    view.setUint32(header + MMSGHDR.controlLength, control - SEGMENT_CONTROL_BYTES, true);
    for (let i = 0; i < count; i++) {
      setWord64(view, header + MMSGHDR.vector, addressAt(first, i * IOVEC.bytes));
      const sent = this.#c.sendmmsg(this.fd, addressAt(this.#headersAddress, header), 1, 0);
      if (sent === 1) {
        this.outcome.sent++;
        this.outcome.sentBytes += view.getUint32(header + MMSGHDR.length, true);
      } else {
        this.outcome.error = errno();
        this.outcome.failed++;
      }
    }
  }

  #begin(at: number, length: number): number {
    const message = this.#messages++;
    const header = message * MMSGHDR.bytes;
    setWord64(this.#header, header + MMSGHDR.vector, addressAt(this.#vectorsAddress, this.#vectorsUsed * IOVEC.bytes));
    this.#header.setUint32(header + MMSGHDR.vectorCount, 1, true);
    this.#addVector(at, length);
    this.#packets[message] = 1;
    this.#bytes[message] = length;
    return message;
  }

  #addVector(at: number, length: number): void {
    const vector = this.#vectorsUsed++ * IOVEC.bytes;
    setWord64(this.#vector, vector + IOVEC.base, addressAt(this.#base, at));
    this.#vector.setUint32(vector + IOVEC.length, length, true);
  }

  #setName(message: number, port: number, address: Uint8Array, at: number): void {
    const name = message * SOCKADDR_BYTES;
    this.#name.setUint16(name + 2, port);
    const to = name + (this.addressBytes === 4 ? 4 : 8);
    for (let i = 0; i < this.addressBytes; i++) this.#names[to + i] = address[at + i];
  }

  #sameName(message: number, port: number, address: Uint8Array): boolean {
    const name = message * SOCKADDR_BYTES;
    if (this.#name.getUint16(name + 2) !== port) return false;
    const at = name + (this.addressBytes === 4 ? 4 : 8);
    for (let i = 0; i < this.addressBytes; i++) if (this.#names[at + i] !== address[i]) return false;
    return true;
  }

  /** Source address and TOS. */
  #setControl(message: number, source: number, tos: number): void {
    const view = this.#control;
    const at = message * CONTROL_BYTES;
    const v4 = this.addressBytes === 4;
    view.setUint32(at + CMSG.length, v4 ? 28 : 36, true);
    view.setInt32(at + CMSG.level, v4 ? SOL_IP : SOL_IPV6, true);
    view.setInt32(at + CMSG.type, v4 ? IP_PKTINFO : IPV6_PKTINFO, true);
    view.setUint32(at + CMSG.data, 0, true); // in_pktinfo.ipi_ifindex; overwritten for IPv6
    const address = at + CMSG.data + (v4 ? 4 : 0);
    for (let i = 0; i < this.addressBytes; i++) this.#controls[address + i] = this.#memory.bytes[source + i];
    const next = at + (v4 ? 32 : 40);
    view.setUint32(next + CMSG.length, 20, true);
    view.setInt32(next + CMSG.level, v4 ? SOL_IP : SOL_IPV6, true);
    view.setInt32(next + CMSG.type, v4 ? IP_TOS : IPV6_TCLASS, true);
    view.setInt32(next + CMSG.data, tos, true);
    const header = message * MMSGHDR.bytes;
    setWord64(this.#header, header + MMSGHDR.control, addressAt(this.#controlsAddress, at));
    this.#header.setUint32(header + MMSGHDR.controlLength, v4 ? 56 : 64, true);
    this.#header.setUint32(header + MMSGHDR.controlLength + 4, 0, true);
  }

  #addSegmentControl(message: number): void {
    const header = message * MMSGHDR.bytes;
    const used = this.#header.getUint32(header + MMSGHDR.controlLength, true);
    const at = message * CONTROL_BYTES + used;
    this.#control.setUint32(at + CMSG.length, 18, true);
    this.#control.setInt32(at + CMSG.level, SOL_UDP, true);
    this.#control.setInt32(at + CMSG.type, UDP_SEGMENT, true);
    this.#control.setUint16(at + CMSG.data, this.#openSize, true);
    this.#header.setUint32(header + MMSGHDR.controlLength, used + SEGMENT_CONTROL_BYTES, true);
  }
}
