/**
 * Super-packets on their way out of an Ethernet device, uncut (packet(7), PACKET_VNET_HDR): the kernel or its network card
 * makes segments of them and completes their checksums. Routing and the packet filter are passed by. The device's link
 * header must have 14 bytes.
 */
import type { PacketMemory } from "../packet/memory.ts";
import { VNET } from "../packet/tcp_segments.ts";
import { addressAt, addressOf, checked, closeSocket, libc } from "./libc.ts";
import { IOVEC, MMSGHDR, setWord64 } from "./native_layout.ts";

const AF_PACKET = 17;
const SOCK_RAW_NONBLOCK = 3 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1, SO_SNDBUF = 7;
const SOL_PACKET = 263, PACKET_VNET_HDR = 15;
/** As much as the sockets have that take segments; without a right to more the host's limit holds. */
const BUFFER_BYTES = 4 << 20;
/** Destination, source, what follows (IEEE 802.3 §3.2). */
export const ETHERNET_BYTES = 14;
/** struct sockaddr_ll. */
const NAME_BYTES = 20;

export class LinkOutput {
  readonly #c = libc();
  readonly #fd: number;
  readonly #memory: PacketMemory;
  readonly #base: bigint;
  readonly #message = new Uint8Array(MMSGHDR.bytes);
  readonly #vectors = new Uint8Array(2 * IOVEC.bytes);
  readonly #vector = new DataView(this.#vectors.buffer);
  readonly #name = new Uint8Array(NAME_BYTES);
  /** The virtio header, then the link's. */
  readonly #head = new Uint8Array(VNET.bytes + ETHERNET_BYTES);
  readonly #headView = new DataView(this.#head.buffer);
  readonly #messageAddress = addressOf(this.#message);

  /** @param device its index */
  constructor(device: number, memory: PacketMemory) {
    this.#memory = memory;
    this.#base = addressOf(memory.bytes);
    this.#fd = checked(this.#c.socket(AF_PACKET, SOCK_RAW_NONBLOCK, 0), "socket", "open a packet socket");
    const on = Uint8Array.of(1, 0, 0, 0);
    const failed = this.#c.setsockopt(this.#fd, SOL_PACKET, PACKET_VNET_HDR, on, on.length) < 0;
    if (failed) {
      closeSocket(this.#fd);
      checked(-1, "setsockopt", "send super-packets to a link");
    }
    const size = new Uint8Array(new Int32Array([BUFFER_BYTES]).buffer);
    this.#c.setsockopt(this.#fd, SOL_SOCKET, SO_SNDBUF, size, size.length);

    const name = new DataView(this.#name.buffer);
    name.setUint16(0, AF_PACKET, true);
    name.setInt32(4, device, true);
    const message = new DataView(this.#message.buffer);
    setWord64(message, MMSGHDR.name, addressOf(this.#name));
    message.setUint32(MMSGHDR.nameLength, NAME_BYTES, true);
    setWord64(message, MMSGHDR.vector, addressOf(this.#vectors));
    message.setUint32(MMSGHDR.vectorCount, 2, true);
    setWord64(this.#vector, IOVEC.base, addressOf(this.#head));
    this.#vector.setUint32(IOVEC.length, this.#head.length, true);
  }

  /**
   * Sends the packet at `at`, behind its virtio header, at once.
   *
   * @param link the Ethernet header
   * @returns whether the kernel took it
   */
  send(at: number, length: number, link: Uint8Array): boolean {
    const { bytes } = this.#memory;
    const head = this.#head, view = this.#headView;
    for (let i = 0; i < VNET.bytes; i++) head[i] = bytes[at - VNET.bytes + i];
    for (let i = 0; i < ETHERNET_BYTES; i++) head[VNET.bytes + i] = link[i];
    // These count from the link's header on.
    view.setUint16(VNET.headerLength, view.getUint16(VNET.headerLength, true) + ETHERNET_BYTES, true);
    view.setUint16(VNET.checksumStart, view.getUint16(VNET.checksumStart, true) + ETHERNET_BYTES, true);
    this.#name[2] = link[ETHERNET_BYTES - 2];
    this.#name[3] = link[ETHERNET_BYTES - 1];
    setWord64(this.#vector, IOVEC.bytes + IOVEC.base, addressAt(this.#base, at));
    this.#vector.setUint32(IOVEC.bytes + IOVEC.length, length, true);
    return this.#c.sendmmsg(this.#fd, this.#messageAddress, 1, 0) === 1;
  }

  close(): void {
    closeSocket(this.#fd);
  }
}
