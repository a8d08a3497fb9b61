/** The sockets through which packets leave and reach KLIPS, each bound to one physical device. */
import { checked, cString, libc } from "./libc.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000 | 0o2000000;
const SOCK_RAW_NONBLOCK = 3 | 0o4000 | 0o2000000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_RAW = 255;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ICMP_UNREACHABLE = 3, ICMPV6_TOO_BIG = 2;

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_BROADCAST = 6;
const SO_BINDTODEVICE = 25;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_IP = 0;
const IP_MTU_DISCOVER = 10;
const IP_PKTINFO = 8;
const IP_RECVTOS = 13;
const SOL_IPV6 = 41;
const IPV6_MTU_DISCOVER = 23;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const IPV6_RECVHOPOPTS = 53;
const IPV6_RECVRTHDR = 56;
const IPV6_RECVDSTOPTS = 58;
const IPV6_RECVTCLASS = 66;
const PMTUDISC_DONT = 0;
const SOL_UDP = 17;
const UDP_GRO = 104;

/** Socket buffers large enough for a burst of super-packets between two turns of the engine. */
const BUFFER_BYTES = 4 << 20;

export type AddressBytes = 4 | 16;

function option(fd: number, level: number, name: number, value: number, subject: string): void {
  const cell = new Uint8Array(new Int32Array([value]).buffer);
  checked(libc().setsockopt(fd, level, name, cell, 4), "setsockopt", subject);
}

function bindToDevice(fd: number, device: string): void {
  const name = cString(device);
  checked(libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length), "setsockopt", `bind to ${device}`);
  enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF, "enlarge a receive buffer");
  enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF, "enlarge a send buffer");
}

/** Beyond the limits of the host where its root may; a user namespace, a rootless container too, stays within them. */
function enlarge(fd: number, force: number, within: number, subject: string): void {
  const cell = new Uint8Array(new Int32Array([BUFFER_BYTES]).buffer);
  if (libc().setsockopt(fd, SOL_SOCKET, force, cell, 4) === 0) return;
  option(fd, SOL_SOCKET, within, BUFFER_BYTES, subject);
}

function opened(fd: number, configure: (fd: number) => void): number {
  try {
    configure(fd);
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/**
 * A socket that sends whole IP packets, header included, out of `device`, or where the host routes them. The kernel fills in an IPv4 checksum and a
 * zero ID, and does not fragment.
 */
export function openIpOutput(device: string | undefined, addressBytes: AddressBytes): number {
  const domain = addressBytes === 4 ? AF_INET : AF_INET6;
  const fd = checked(libc().socket(domain, SOCK_RAW_NONBLOCK, IPPROTO_RAW), "socket", "open a raw socket", RIGHTS);
  return opened(fd, (fd) => {
    if (device !== undefined) bindToDevice(fd, device);
    option(fd, SOL_SOCKET, SO_BROADCAST, 1, "allow broadcast");
  });
}

/** A socket that receives ICMP errors about packets too large for their path: for IPv4 with their IP header. */
export function openIcmpErrors(addressBytes: AddressBytes): number {
  const v4 = addressBytes === 4;
  const domain = v4 ? AF_INET : AF_INET6, protocol = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  const fd = checked(libc().socket(domain, SOCK_RAW_NONBLOCK, protocol), "socket", "open a raw socket", RIGHTS);
  return opened(fd, (fd) => {
    // A set bit keeps that type of message out.
    const filter = new Uint32Array(v4 ? 1 : 8).fill(0xffffffff);
    filter[0] &= ~(1 << (v4 ? ICMP_UNREACHABLE : ICMPV6_TOO_BIG));
    const level = v4 ? SOL_RAW : IPPROTO_ICMPV6;
    const bytes = new Uint8Array(filter.buffer);
    checked(libc().setsockopt(fd, level, ICMP_FILTER, bytes, bytes.length), "setsockopt", "choose ICMP errors");
  });
}

/**
 * A socket that receives packets of one protocol (50 or 51) from `device`: for IPv4 with their IP header, for IPv6
 * without it, the destination and extension headers in control messages.
 */
export function openIpInput(device: string, protocol: number, addressBytes: AddressBytes): number {
  const domain = addressBytes === 4 ? AF_INET : AF_INET6;
  const fd = checked(libc().socket(domain, SOCK_RAW_NONBLOCK, protocol), "socket", "open a raw socket", RIGHTS);
  return opened(fd, (fd) => {
    bindToDevice(fd, device);
    if (addressBytes === 16) {
      option(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1, "ask for destination addresses");
      option(fd, SOL_IPV6, IPV6_RECVTCLASS, 1, "ask for traffic classes");
      for (const name of [IPV6_RECVHOPOPTS, IPV6_RECVRTHDR, IPV6_RECVDSTOPTS]) {
        option(fd, SOL_IPV6, name, 1, "ask for extension headers");
      }
    }
  });
}

/** A UDP socket on `port` of `device` for ESP in UDP (RFC 3948), with segmentation offload in both directions. */
export function openUdpEncapsulation(device: string, port: number, addressBytes: AddressBytes): number {
  const domain = addressBytes === 4 ? AF_INET : AF_INET6;
  const fd = checked(libc().socket(domain, SOCK_DGRAM_NONBLOCK, 0), "socket", "open a UDP socket");
  return opened(fd, (fd) => {
    bindToDevice(fd, device);
    option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "share a port between devices");
    if (addressBytes === 4) {
      option(fd, SOL_IP, IP_PKTINFO, 1, "ask for destination addresses");
      option(fd, SOL_IP, IP_RECVTOS, 1, "ask for TOS");
      option(fd, SOL_IP, IP_MTU_DISCOVER, PMTUDISC_DONT, "let large datagrams be fragmented");
    } else {
      option(fd, SOL_IPV6, IPV6_V6ONLY, 1, "keep IPv6 to itself");
      option(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1, "ask for destination addresses");
      option(fd, SOL_IPV6, IPV6_RECVTCLASS, 1, "ask for traffic classes");
      option(fd, SOL_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DONT, "let large datagrams be fragmented");
    }
    option(fd, SOL_UDP, UDP_GRO, 1, "receive joined datagrams");
    const address = new Uint8Array(addressBytes === 4 ? 16 : 28);
    const view = new DataView(address.buffer);
    view.setUint16(0, domain, true);
    view.setUint16(2, port);
    checked(libc().bind(fd, address, address.length), "bind", `bind UDP port ${port} on ${device}`);
  });
}

const RIGHTS = "run as root or grant CAP_NET_RAW";
