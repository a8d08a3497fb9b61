/**
 * Word from the kernel that links or addresses changed (rtnetlink(7)). What changed is then read anew by those who
 * care, so nothing of the messages needs to be understood here, and a lost one does no harm.
 */
import { addressOf, checked, libc } from "./libc.ts";

const AF_NETLINK = 16;
const SOCK_RAW_NONBLOCK = 3 | 0o4000 | 0o2000000;
const RTMGRP_LINK = 0x1, RTMGRP_IPV4_IFADDR = 0x10, RTMGRP_IPV6_IFADDR = 0x100;

export class LinkEvents {
  readonly fd: number;
  readonly #buffer = new Uint8Array(16384);
  readonly #address = addressOf(this.#buffer);

  constructor() {
    this.fd = checked(libc().socket(AF_NETLINK, SOCK_RAW_NONBLOCK, 0), "socket", "open a netlink socket");
    const address = new Uint8Array(12);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_NETLINK, true);
    view.setUint32(8, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, true);
    checked(libc().bind(this.fd, address, address.length), "bind", "listen for link changes");
  }

  /** Empties the socket. */
  drain(): void {
    const ROUNDS = 64;
    for (let i = 0; i < ROUNDS && libc().read(this.fd, this.#address, BigInt(this.#buffer.length)) > 0; i++);
  }
}
