/**
 * Packets of KLIPS's own that the host routes, such as ICMP errors to senders. The TUN device is not their way: a host
 * takes nothing from outside that bears one of its own addresses as source.
 */
import { closeSocket } from "../ffi/libc.ts";
import { openIpOutput } from "../ffi/packet_sockets.ts";
import { SendBatch } from "../ffi/send_batch.ts";
import type { PacketMemory } from "../packet/memory.ts";

export class RoutedOutput {
  readonly #v4: SendBatch;
  readonly #v6: SendBatch;

  constructor(readonly memory: PacketMemory) {
    this.#v4 = new SendBatch(openIpOutput(undefined, 4), memory, 4);
    this.#v6 = new SendBatch(openIpOutput(undefined, 16), memory, 16);
  }

  /** Sends the IP packet at `at` at once; one that the host cannot route is lost, as on any wire. */
  send(at: number, length: number): void {
    const v4 = this.memory.bytes[at] >>> 4 === 4;
    const batch = v4 ? this.#v4 : this.#v6;
    batch.packet(at, length, at + (v4 ? 16 : 24));
    batch.flush();
  }

  close(): void {
    closeSocket(this.#v4.fd);
    closeSocket(this.#v6.fd);
  }
}
