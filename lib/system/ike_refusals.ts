/**
 * Hears who refuses IKE messages, in the process beside pluto: the runtime's UDP sockets keep what the kernel knows of that
 * to themselves, and pluto has no right to others. All ICMP errors are read some time after each message; nothing else is
 * worth waking up for.
 */
import { addressOf, closeSocket, libc } from "../ffi/libc.ts";
import { openIcmpErrors } from "../ffi/packet_sockets.ts";
import { readUdpRefusal, type UdpRefusal } from "../packet/icmp_refusal.ts";

/** A refusal comes within one round trip. */
const LATER_MS = 500;
/** Packets of one reading: of a flood the rest is left to the kernel, which drops it. */
const MOST_AT_ONCE = 64;
const BUFFER_BYTES = 1500;

export class IkeRefusals {
  readonly #fd: number;
  readonly #heard: (refusal: UdpRefusal) => void;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** While one reading is due already. */
  #sentSince = false;

  private constructor(fd: number, heard: (refusal: UdpRefusal) => void) {
    this.#fd = fd;
    this.#heard = heard;
  }

  /** @returns undefined where there is no right to it: then nothing is heard */
  static open(heard: (refusal: UdpRefusal) => void): IkeRefusals | undefined {
    try {
      return new IkeRefusals(openIcmpErrors(4), heard);
    } catch {
      return undefined;
    }
  }

  /** A message has gone. */
  sent(): void {
    if (this.#timer !== undefined) {
      this.#sentSince = true;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#read();
      if (this.#sentSince) this.sent();
      this.#sentSince = false;
    }, LATER_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    closeSocket(this.#fd);
  }

  #read(): void {
    for (let i = 0; i < MOST_AT_ONCE; i++) {
      const length = libc().read(this.#fd, addressOf(this.#buffer), BigInt(BUFFER_BYTES));
      if (length <= 0) return; // nothing more
      const refusal = readUdpRefusal(this.#buffer.subarray(0, length));
      if (refusal) this.#heard(refusal);
    }
  }
}
