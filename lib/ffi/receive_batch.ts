/** Packets on their way in: one recvmmsg(2) fills several slots of the packet memory. */
import type { PacketMemory } from "../packet/memory.ts";
import { addressAt, addressOf, libc } from "./libc.ts";
import {
  CMSG,
  IOVEC,
  IP_PKTINFO,
  IP_TOS,
  IPV6_DSTOPTS,
  IPV6_HOPOPTS,
  IPV6_PKTINFO,
  IPV6_RTHDR,
  IPV6_TCLASS,
  MMSGHDR,
  setWord64,
  SOCKADDR_BYTES,
  SOL_IP,
  SOL_IPV6,
  SOL_UDP,
  UDP_GRO,
} from "./native_layout.ts";

const CONTROL_BYTES = 384;
/** More than an IPv6 packet has before AH or ESP (RFC 8200 §4.1). */
const EXTENSIONS = 4;
/** Protocol number of an extension header by the type of its control message; 0 is hop-by-hop, so -1 is none. */
const protocolOf = (type: number) =>
  type === IPV6_HOPOPTS ? 0 : type === IPV6_RTHDR ? 43 : type === IPV6_DSTOPTS ? 60 : -1;
const MSG_TRUNC = 0x20;

/** Slots for received packets, shared by all sockets: each drains them before the next one fills them. */
export class ReceiveSlots {
  /** Offset of each slot's first byte; at least `headroom` bytes before it are free. */
  readonly at: Int32Array;

  /**
   * @param start first byte of the region in the packet memory
   * @param stride bytes from slot to slot; not a power of two, so that slots do not share cache sets
   */
  constructor(
    readonly memory: PacketMemory,
    start: number,
    readonly count: number,
    readonly capacity: number,
    readonly headroom: number,
    stride: number,
  ) {
    this.at = Int32Array.from({ length: count }, (_, i) => start + headroom + i * stride);
  }
}

export class ReceiveBatch {
  readonly #c = libc();
  readonly #headers: Uint8Array<ArrayBuffer>;
  readonly #names: Uint8Array<ArrayBuffer>;
  readonly #controls: Uint8Array<ArrayBuffer>;
  readonly #vectors: Uint8Array<ArrayBuffer>;
  readonly #header: DataView;
  readonly #name: DataView;
  readonly #control: DataView;
  readonly #headersAddress: bigint;
  #used = 0;

  // Filled by readControl().
  /** Size of the joined datagrams (0 if not joined), and TOS or traffic class. */
  segmentSize = 0;
  tos = 0;
  /** Offset of the local address in {@linkcode controls}, -1 where the kernel did not say. */
  localAddress = -1;
  /** How many IPv6 extension headers the kernel took off, and their length together, in bytes. */
  extensions = 0;
  extensionBytes = 0;
  /** Protocol number of the first of them. */
  firstExtension = 0;
  /** Where in {@linkcode controls} each lies, and its length, in the order of the packet. */
  readonly extensionAt = new Int32Array(EXTENSIONS);
  readonly extensionLength = new Int32Array(EXTENSIONS);

  constructor(readonly fd: number, readonly slots: ReceiveSlots, readonly addressBytes: 4 | 16) {
    const n = slots.count;
    this.#headers = new Uint8Array(n * MMSGHDR.bytes);
    this.#names = new Uint8Array(n * SOCKADDR_BYTES);
    this.#controls = new Uint8Array(n * CONTROL_BYTES);
    this.#vectors = new Uint8Array(n * IOVEC.bytes);
    this.#header = new DataView(this.#headers.buffer);
    this.#name = new DataView(this.#names.buffer);
    this.#control = new DataView(this.#controls.buffer);
    this.#headersAddress = addressOf(this.#headers);
    const vector = new DataView(this.#vectors.buffer);
    const base = addressOf(slots.memory.bytes);
    for (let i = 0; i < n; i++) {
      const at = i * MMSGHDR.bytes;
      setWord64(this.#header, at + MMSGHDR.name, addressAt(addressOf(this.#names), i * SOCKADDR_BYTES));
      setWord64(this.#header, at + MMSGHDR.vector, addressAt(addressOf(this.#vectors), i * IOVEC.bytes));
      setWord64(this.#header, at + MMSGHDR.vectorCount, 1n);
      setWord64(this.#header, at + MMSGHDR.control, addressAt(addressOf(this.#controls), i * CONTROL_BYTES));
      setWord64(vector, i * IOVEC.bytes + IOVEC.base, addressAt(base, slots.at[i]));
      setWord64(vector, i * IOVEC.bytes + IOVEC.length, BigInt(slots.capacity));
    }
    this.#used = n;
  }

  /** Bytes of the source addresses and of the control messages, for the offsets given below. */
  get names(): Uint8Array {
    return this.#names;
  }
  get controls(): Uint8Array {
    return this.#controls;
  }

  /** @returns how many slots were filled; 0 where nothing waits */
  receive(): number {
    const view = this.#header;
    for (let i = 0; i < this.#used; i++) {
      const at = i * MMSGHDR.bytes;
      view.setUint32(at + MMSGHDR.nameLength, SOCKADDR_BYTES, true);
      view.setUint32(at + MMSGHDR.controlLength, CONTROL_BYTES, true);
      view.setUint32(at + MMSGHDR.flags, 0, true);
    }
    const received = this.#c.recvmmsg(this.fd, this.#headersAddress, this.slots.count, 0, 0n);
    this.#used = received > 0 ? received : 0;
    return this.#used;
  }

  length(slot: number): number {
    return this.#header.getUint32(slot * MMSGHDR.bytes + MMSGHDR.length, true);
  }

  truncated(slot: number): boolean {
    return (this.#header.getUint32(slot * MMSGHDR.bytes + MMSGHDR.flags, true) & MSG_TRUNC) !== 0;
  }

  /** Offset of the source address in {@linkcode names}. */
  sourceAddress(slot: number): number {
    return slot * SOCKADDR_BYTES + (this.addressBytes === 4 ? 4 : 8);
  }

  sourcePort(slot: number): number {
    return this.#name.getUint16(slot * SOCKADDR_BYTES + 2);
  }

  /** Reads the control messages of a slot into the fields above. */
  readControl(slot: number): void {
    this.segmentSize = 0;
    this.tos = 0;
    this.localAddress = -1;
    this.extensions = 0;
    this.extensionBytes = 0;
    const view = this.#control;
    let at = slot * CONTROL_BYTES;
    const end = at + this.#header.getUint32(slot * MMSGHDR.bytes + MMSGHDR.controlLength, true);
    while (at + CMSG.data <= end) {
      const length = view.getUint32(at + CMSG.length, true);
      if (length < CMSG.data || at + length > end) return;
      const level = view.getInt32(at + CMSG.level, true);
      const type = view.getInt32(at + CMSG.type, true);
      const data = at + CMSG.data;
      if (level === SOL_UDP && type === UDP_GRO) this.segmentSize = view.getInt32(data, true);
      else if (level === SOL_IP && type === IP_PKTINFO) this.localAddress = data + 8; // ipi_addr
      else if (level === SOL_IP && type === IP_TOS) this.tos = view.getUint8(data);
      else if (level === SOL_IPV6 && type === IPV6_PKTINFO) this.localAddress = data;
      else if (level === SOL_IPV6 && type === IPV6_TCLASS) this.tos = view.getInt32(data, true) & 0xff;
      else if (level === SOL_IPV6) this.#noteExtension(protocolOf(type), data, at + length - data);
      at += (length + 7) & ~7;
    }
  }

  #noteExtension(protocol: number, at: number, length: number): void {
    if (protocol < 0 || this.extensions === EXTENSIONS) return;
    if (this.extensions === 0) this.firstExtension = protocol;
    this.extensionAt[this.extensions] = at;
    this.extensionLength[this.extensions++] = length;
    this.extensionBytes += length;
  }
}
