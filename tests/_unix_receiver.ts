/** A datagram socket that keeps what it is sent: what a syslog daemon, or systemd, is to a program. */
import { unixAddress } from "../lib/ffi/unix_datagram.ts";
import { addressOf, checked, closeSocket, libc } from "../lib/ffi/libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;

export class UnixReceiver implements Disposable {
  readonly #fd = checked(libc().socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0), "socket", "open a Unix socket");
  readonly #buffer = new Uint8Array(4096);
  readonly #messages: string[] = [];

  constructor(path: string) {
    const address = unixAddress(path);
    checked(libc().bind(this.#fd, address, address.length), "bind", `listen at ${path}`);
  }

  /** All that have come so far. */
  get messages(): readonly string[] {
    for (;;) {
      const length = libc().read(this.#fd, addressOf(this.#buffer), BigInt(this.#buffer.length));
      if (length < 0) return this.#messages;
      this.#messages.push(new TextDecoder().decode(this.#buffer.subarray(0, length)));
    }
  }

  [Symbol.dispose](): void {
    closeSocket(this.#fd);
  }
}
