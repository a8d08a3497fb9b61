/** An ipsecN device: the TUN side of a {@linkcode Device}, read in bursts and written through a segment joiner. */
import { addressAt, addressOf, closeSocket, errno, lengthOf, libc } from "../ffi/libc.ts";
import { openTun, setInterfaceMtu, setTunPersistent } from "../ffi/tun.ts";
import { type Device, type Inlet, VIRTUAL_MTU } from "../klips/device.ts";
import type { PacketMemory } from "../packet/memory.ts";
import type { Poller } from "./poller.ts";
import type { RoutedOutput } from "./routed_output.ts";

/** Packets taken from one device before the others get a turn. */
const BURST = 64;

export class VirtualDevice implements Inlet {
  readonly #c = libc();
  readonly #base: bigint;
  readonly #readAddress: bigint;
  readonly #readBytes: bigint;
  #fd = -1;

  /**
   * @param readAt offset of the region that packets are read to
   * @param packet told of each packet: offset of its virtio header and length of both
   * @param gone told when the device was deleted from outside
   * @param routed the way of KLIPS's own answers
   */
  constructor(
    readonly device: Device,
    readonly memory: PacketMemory,
    readonly readAt: number,
    readBytes: number,
    readonly poller: Poller,
    readonly packet: (device: Device, at: number, length: number) => void,
    readonly gone: (device: Device) => void,
    readonly routed: RoutedOutput,
  ) {
    this.#base = addressOf(memory.bytes);
    this.#readBytes = BigInt(readBytes);
    this.#readAddress = addressAt(this.#base, readAt);
  }

  get exists(): boolean {
    return this.#fd >= 0;
  }

  /** Makes the TUN device where it is not there yet. */
  open(): void {
    if (this.#fd >= 0) return;
    const { fd, udpOffload } = openTun(this.device.name);
    try {
      setTunPersistent(fd, true);
      setInterfaceMtu(this.device.name, VIRTUAL_MTU);
    } catch (error) {
      closeSocket(fd);
      throw error;
    }
    this.#fd = fd;
    this.device.inlet = this;
    this.device.joiner.joinsUdp = udpOffload;
    this.poller.add(fd, () => this.#drain());
  }

  /** Removes the TUN device with its addresses and routes. */
  close(): void {
    if (this.#fd < 0) return;
    this.poller.remove(this.#fd);
    try {
      setTunPersistent(this.#fd, false);
    } finally {
      closeSocket(this.#fd);
      this.#fd = -1;
      this.device.inlet = undefined;
    }
  }

  /** Forgets a TUN device that somebody else deleted. */
  abandon(): void {
    if (this.#fd < 0) return;
    this.poller.remove(this.#fd);
    closeSocket(this.#fd);
    this.#fd = -1;
    this.device.inlet = undefined;
  }

  write(at: number, length: number): boolean {
    return this.#c.write(this.#fd, addressAt(this.#base, at), lengthOf(length)) === length;
  }

  answer(at: number, length: number): void {
    this.routed.send(at, length);
  }

  #drain(): void {
    for (let i = 0; i < BURST && this.#fd >= 0; i++) {
      const length = this.#c.read(this.#fd, this.#readAddress, this.#readBytes);
      if (length > 0) {
        this.packet(this.device, this.readAt, length);
        continue;
      }
      if (length < 0 && errno() === EBADFD) this.gone(this.device);
      return;
    }
  }
}

/** What a read of a TUN device gives that was deleted from outside. */
const EBADFD = 77;

/** Removes an ipsecN device that a killed daemon left behind. */
export function removeStaleDevice(name: string): void {
  const { fd } = openTun(name);
  try {
    setTunPersistent(fd, false);
  } finally {
    closeSocket(fd);
  }
}
