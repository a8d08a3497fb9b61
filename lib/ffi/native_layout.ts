/** Layouts of the C structures of sendmmsg(2) and recvmmsg(2) on 64-bit Linux, all little-endian. */

/** struct mmsghdr: a msghdr of 56 bytes, then the length that the kernel fills in. */
export const MMSGHDR = {
  bytes: 64,
  name: 0,
  nameLength: 8,
  vector: 16,
  vectorCount: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  length: 56,
} as const;

/** struct iovec. */
export const IOVEC = { bytes: 16, base: 0, length: 8 } as const;

/** struct cmsghdr: size_t length, int level, int type, then the data. */
export const CMSG = { length: 0, level: 8, type: 12, data: 16 } as const;

/** Room for a sockaddr_in6 (28 bytes), aligned. */
export const SOCKADDR_BYTES = 32;

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOL_IP = 0;
export const IP_TOS = 1;
export const IP_PKTINFO = 8;
export const SOL_IPV6 = 41;
export const IPV6_PKTINFO = 50;
export const IPV6_HOPOPTS = 54;
export const IPV6_RTHDR = 57;
export const IPV6_DSTOPTS = 59;
export const IPV6_TCLASS = 67;
export const SOL_UDP = 17;
export const UDP_SEGMENT = 103;
export const UDP_GRO = 104;

/** Writes a 64-bit address or size. */
export function setWord64(view: DataView, at: number, value: bigint): void {
  view.setBigUint64(at, value, true);
}
