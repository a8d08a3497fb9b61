/**
 * TUN devices (linux/if_tun.h) with virtio headers, so that one read or write carries a TCP super-packet of up to
 * 64 KB: the largest gain of the whole data path (design.md, part 1).
 */
import { HARDWARE } from "../packet/rtnetlink.ts";
import { checked, cString, errno, libc, SystemError } from "./libc.ts";

const O_RDWR_NONBLOCK_CLOEXEC = 0o2 | 0o4000 | 0o2000000;
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** Checksums, TCP segmentation for IPv4 and IPv6, with ECN. */
const OFFLOADS = 0x01 | 0x02 | 0x04 | 0x08;
/** UDP segmentation for IPv4 and IPv6: Linux 6.2. */
const UDP_OFFLOADS = 0x20 | 0x40;

const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;
const SIOCGIFHWADDR = 0x8927;
const IFF_UP = 1;

/** Bytes of struct virtio_net_hdr before every packet. */
export const VNET_HEADER_BYTES = 10;

/** A TUN device as its opener has it. */
export interface Tun {
  /** Non-blocking; the device lives as long as this is open, or longer where it was made persistent. */
  readonly fd: number;
  /** Whether super-packets of UDP datagrams may be read and written, not only of TCP segments. */
  readonly udpOffload: boolean;
}

/** Creates the TUN device `name`, or opens it where it is there and free. */
export function openTun(name: string): Tun {
  const c = libc();
  const fd = c.open(cString("/dev/net/tun"), O_RDWR_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) {
    const code = errno();
    const hint = code === 2
      ? "create it with 'mkdir -p /dev/net && mknod /dev/net/tun c 10 200', or give the container --device /dev/net/tun"
      : "run as root or grant CAP_NET_ADMIN";
    throw new SystemError("open", code, "open /dev/net/tun", hint);
  }
  try {
    const request = interfaceRequest(name);
    request.setUint16(16, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, true);
    checked(
      c.ioctl(fd, BigInt(TUNSETIFF), new Uint8Array(request.buffer)),
      "ioctl TUNSETIFF",
      `create the TUN device ${name}`,
      "run as root or grant CAP_NET_ADMIN",
    );
    const udpOffload = c.ioctlNumber(fd, BigInt(TUNSETOFFLOAD), BigInt(OFFLOADS | UDP_OFFLOADS)) === 0;
    if (!udpOffload) {
      checked(
        c.ioctlNumber(fd, BigInt(TUNSETOFFLOAD), BigInt(OFFLOADS)),
        "ioctl TUNSETOFFLOAD",
        `set offloads of ${name}`,
      );
    }
    return { fd, udpOffload };
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/** @returns the MTU of an interface in bytes, or undefined where there is no such interface */
export function interfaceMtu(name: string): number | undefined {
  const request = interfaceRequest(name);
  return interfaceCall(SIOCGIFMTU, request) < 0 ? undefined : request.getInt32(16, true);
}

export function setInterfaceMtu(name: string, mtu: number): void {
  const request = interfaceRequest(name);
  request.setInt32(16, mtu, true);
  checked(interfaceCall(SIOCSIFMTU, request), "ioctl SIOCSIFMTU", `set the MTU of ${name} to ${mtu}`);
}

/** @returns whether an interface is up, or undefined where there is none of that name */
export function interfaceIsUp(name: string): boolean | undefined {
  const request = interfaceRequest(name);
  return interfaceCall(SIOCGIFFLAGS, request) < 0 ? undefined : (request.getInt16(16, true) & IFF_UP) !== 0;
}

/** @returns the link address of an Ethernet interface, or undefined for any other */
export function ethernetAddress(name: string): Uint8Array | undefined {
  const request = interfaceRequest(name);
  if (interfaceCall(SIOCGIFHWADDR, request) < 0 || request.getUint16(16, true) !== HARDWARE.ETHER) return undefined;
  return new Uint8Array(request.buffer).slice(18, 24);
}

export function setInterfaceUp(name: string, up: boolean): void {
  const request = interfaceRequest(name);
  checked(interfaceCall(SIOCGIFFLAGS, request), "ioctl SIOCGIFFLAGS", `read the flags of ${name}`);
  const flags = request.getInt16(16, true);
  request.setInt16(16, up ? flags | IFF_UP : flags & ~IFF_UP, true);
  checked(interfaceCall(SIOCSIFFLAGS, request), "ioctl SIOCSIFFLAGS", `set ${name} ${up ? "up" : "down"}`);
}

/** @returns the interface's index, 0 where there is none of that name */
export function interfaceIndex(name: string): number {
  return libc().if_nametoindex(cString(name));
}

/** struct ifreq with the name filled in (15 characters at most). */
function interfaceRequest(name: string): DataView<ArrayBuffer> {
  const bytes = new Uint8Array(40);
  new TextEncoder().encodeInto(name.slice(0, 15), bytes);
  return new DataView(bytes.buffer);
}

function interfaceCall(call: number, request: DataView<ArrayBuffer>): number {
  const c = libc();
  const AF_INET = 2, SOCK_DGRAM = 2;
  const fd = checked(c.socket(AF_INET, SOCK_DGRAM, 0), "socket", "open a socket for interface settings");
  const result = c.ioctl(fd, BigInt(call), new Uint8Array(request.buffer));
  const code = result < 0 ? errno() : 0;
  c.close(fd);
  if (result < 0 && code !== 19) throw new SystemError("ioctl", code, "read or set an interface");
  return result;
}

/**
 * Whether a TUN device outlives its descriptor. KLIPS sets it, so that packets meant for a tunnel meet a dead device
 * and not the default route when the daemon is killed.
 */
export function setTunPersistent(fd: number, persistent: boolean): void {
  const TUNSETPERSIST = 0x400454cb;
  checked(
    libc().ioctlNumber(fd, BigInt(TUNSETPERSIST), persistent ? 1n : 0n),
    "ioctl TUNSETPERSIST",
    "set a TUN device's life",
  );
}
