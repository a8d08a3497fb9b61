/** The sockets on which ESP and AH come from one device: a physical one, or an ipsecN for what was in a tunnel. */
import { closeSocket } from "../ffi/libc.ts";
import { openIpInput } from "../ffi/packet_sockets.ts";
import { ReceiveBatch, type ReceiveSlots } from "../ffi/receive_batch.ts";
import type { Poller } from "./poller.ts";

const ESP = 50, AH = 51;
/** Batches taken from one socket before the others get a turn. */
const ROUNDS = 4;

export class IpInputs {
  readonly #fds: number[] = [];

  /** @param deliver told of `count` packets of IP protocol `protocol` */
  constructor(
    device: string,
    slots: ReceiveSlots,
    readonly poller: Poller,
    deliver: (batch: ReceiveBatch, count: number, protocol: number) => void,
  ) {
    for (const bytes of [4, 16] as const) {
      for (const protocol of [ESP, AH]) {
        const batch = new ReceiveBatch(openIpInput(device, protocol, bytes), slots, bytes);
        this.#fds.push(batch.fd);
        poller.add(batch.fd, () => drain(batch, slots, (count) => deliver(batch, count, protocol)));
      }
    }
  }

  close(): void {
    for (const fd of this.#fds) {
      this.poller.remove(fd);
      closeSocket(fd);
    }
  }
}

/** Takes what waits on a socket, within bounds, so that no one source starves the others. */
export function drain(batch: ReceiveBatch, slots: ReceiveSlots, deliver: (count: number) => void): void {
  for (let round = 0; round < ROUNDS; round++) {
    const count = batch.receive();
    if (count === 0) return;
    deliver(count);
    if (count < slots.count) return;
  }
}
