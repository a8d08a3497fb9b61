/** Every packet that passes a device, in both directions, from the IP header on (packet(7)). */
import { addressOf, checked, closeSocket, cString, ERRNO, errno, libc, SystemError } from "./libc.ts";

const AF_PACKET = 17;
/** Cooked: the kernel takes the link header off. */
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const ETH_P_ALL = 3;
const LARGEST_PACKET = 65536;

export class PacketTap {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(LARGEST_PACKET);
  readonly #address = addressOf(this.#buffer);

  constructor(device: string) {
    const index = libc().if_nametoindex(cString(device));
    if (index === 0) throw new SystemError("if_nametoindex", ERRNO.ENODEV, `watch ${device}`);
    // protocol 0 hears nothing until bind() names the device, so no packet of another one gets in
    this.#fd = checked(
      libc().socket(AF_PACKET, SOCK_DGRAM_CLOEXEC, 0),
      "socket",
      `watch ${device}`,
      "run as root or grant CAP_NET_RAW",
    );
    const address = new Uint8Array(20); // struct sockaddr_ll
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setUint16(2, ETH_P_ALL);
    view.setInt32(4, index, true);
    checked(libc().bind(this.#fd, address, address.length), "bind", `watch ${device}`);
  }

  /** Blocks until a packet passes. @returns a view that the next call overwrites */
  next(): Uint8Array {
    for (;;) {
      const length = libc().read(this.#fd, this.#address, BigInt(LARGEST_PACKET));
      if (length >= 0) return this.#buffer.subarray(0, length);
      const code = errno();
      if (code !== ERRNO.EINTR) throw new SystemError("read", code, "read packets");
    }
  }

  close(): void {
    closeSocket(this.#fd);
  }
}
