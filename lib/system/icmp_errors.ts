/** ICMP errors that say that packets were too large for their path, from whatever device they come. */
import { closeSocket } from "../ffi/libc.ts";
import { openIcmpErrors } from "../ffi/packet_sockets.ts";
import { ReceiveBatch, type ReceiveSlots } from "../ffi/receive_batch.ts";
import type { Poller } from "./poller.ts";

export class IcmpErrors {
  readonly #fds: number[] = [];

  /** @param heard told of each error: offset of its ICMP header, length from there on */
  constructor(
    readonly slots: ReceiveSlots,
    readonly poller: Poller,
    readonly heard: (at: number, length: number, addressBytes: 4 | 16) => void,
  ) {
    for (const addressBytes of [4, 16] as const) {
      const batch = new ReceiveBatch(openIcmpErrors(addressBytes), slots, addressBytes);
      this.#fds.push(batch.fd);
      poller.add(batch.fd, () => this.#drain(batch, addressBytes));
    }
  }

  close(): void {
    for (const fd of this.#fds) {
      this.poller.remove(fd);
      closeSocket(fd);
    }
  }

  /** One batch for each turn: nobody is in a hurry here. */
  #drain(batch: ReceiveBatch, addressBytes: 4 | 16): void {
    const count = batch.receive();
    const { bytes } = this.slots.memory;
    for (let i = 0; i < count; i++) {
      const at = this.slots.at[i];
      const header = addressBytes === 4 ? (bytes[at] & 0x0f) << 2 : 0; // the kernel takes IPv6 headers off
      const length = batch.length(i) - header;
      if (length > 0 && !batch.truncated(i)) this.heard(at + header, length, addressBytes);
    }
  }
}
