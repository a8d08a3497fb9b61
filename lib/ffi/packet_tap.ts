/** Every packet that passes a device, in both directions (packet(7)). */
import { addressOf, checked, closeSocket, cString, ERRNO, errno, libc, SystemError } from "./libc.ts";

const AF_PACKET = 17;
const SOCK_RAW_NONBLOCK = 3 | 0o4000 | 0o2000000;
/** Cooked: the kernel takes the link header off. */
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000 | 0o2000000;
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
const LARGEST_PACKET = 65536 + 64;
/** For what comes while the reader is busy. */
const BUFFER_BYTES = 16 << 20;
const POLLIN = 1;

/** One instruction of a classic BPF program, as `tcpdump -ddd` prints it. */
export type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, operand: number];

export interface TapOptions {
  /** With the link header before the IP header; without it packets begin with their IP header. */
  readonly link?: boolean;
  /** Only packets that it accepts; written for packets as `link` has them. */
  readonly filter?: readonly Instruction[];
}

export class PacketTap {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(LARGEST_PACKET);
  readonly #address = addressOf(this.#buffer);
  readonly #poll = new Uint8Array(8);

  constructor(device: string, { link = false, filter = [] }: TapOptions = {}) {
    const index = libc().if_nametoindex(cString(device));
    if (index === 0) throw new SystemError("if_nametoindex", ERRNO.ENODEV, `watch ${device}`);
    // protocol 0 hears nothing until bind() names the device, so no packet of another one gets in
    this.#fd = checked(
      libc().socket(AF_PACKET, link ? SOCK_RAW_NONBLOCK : SOCK_DGRAM_NONBLOCK, 0),
      "socket",
      `watch ${device}`,
      "run as root or grant CAP_NET_RAW",
    );
    try {
      this.#enlarge();
      if (filter.length > 0) this.#attach(filter);
      const address = new Uint8Array(20); // struct sockaddr_ll
      const view = new DataView(address.buffer);
      view.setUint16(0, AF_PACKET, true);
      view.setUint16(2, ETH_P_ALL);
      view.setInt32(4, index, true);
      checked(libc().bind(this.#fd, address, address.length), "bind", `watch ${device}`);
    } catch (error) {
      this.close();
      throw error;
    }
    const view = new DataView(this.#poll.buffer); // struct pollfd
    view.setInt32(0, this.#fd, true);
    view.setInt16(4, POLLIN, true);
  }

  #enlarge(): void {
    const cell = new Uint8Array(new Int32Array([BUFFER_BYTES]).buffer);
    // not allowed in a user namespace, which has what the host allows everybody
    if (libc().setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, cell, 4) === 0) return;
    checked(libc().setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUF, cell, 4), "setsockopt", "enlarge a receive buffer");
  }

  #attach(filter: readonly Instruction[]): void {
    const program = new Uint8Array(filter.length * 8); // struct sock_filter
    const view = new DataView(program.buffer);
    for (const [i, [code, jumpTrue, jumpFalse, operand]] of filter.entries()) {
      view.setUint16(i * 8, code, true);
      view.setUint8(i * 8 + 2, jumpTrue);
      view.setUint8(i * 8 + 3, jumpFalse);
      view.setUint32(i * 8 + 4, operand, true);
    }
    const pointer = new Uint8Array(16); // struct sock_fprog
    const header = new DataView(pointer.buffer);
    header.setUint16(0, filter.length, true);
    header.setBigUint64(8, addressOf(program), true);
    checked(libc().setsockopt(this.#fd, SOL_SOCKET, SO_ATTACH_FILTER, pointer, 16), "setsockopt", "attach a filter");
  }

  /** @returns a packet, as a view that the next call overwrites; undefined where none waits */
  next(): Uint8Array<ArrayBuffer> | undefined {
    const length = libc().read(this.#fd, this.#address, BigInt(LARGEST_PACKET));
    if (length >= 0) return this.#buffer.subarray(0, length);
    const code = errno();
    if (code === ERRNO.EAGAIN || code === ERRNO.EINTR) return undefined;
    throw new SystemError("read", code, "read packets");
  }

  /** Waits until a packet is there or the time is over. */
  async wait(timeoutMs: number): Promise<void> {
    await libc().pollWaiting(this.#poll, 1n, timeoutMs);
  }

  close(): void {
    closeSocket(this.#fd);
  }
}
