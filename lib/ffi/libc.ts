/**
 * The C library calls that KLIPS needs. Hot calls take addresses as bigints (`u64`), which optimized code keeps in registers:
 * a pointer object or a sub-array would be made anew for each call, and a plain number is not taken by V8's direct calls.
 */

const SYMBOLS = {
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  // Lengths stay far below 2 GiB, and a 32-bit result needs no bigint.
  read: { parameters: ["i32", "u64", "u64"], result: "i32" },
  write: { parameters: ["i32", "u64", "u64"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  ioctlNumber: { name: "ioctl", parameters: ["i32", "u64", "u64"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  sendmmsg: { parameters: ["i32", "u64", "u32", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "u64", "u32", "i32", "u64"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  pollWaiting: { name: "poll", parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  memcpy: { parameters: ["buffer", "u64", "u64"], result: "u64" },
  __errno_location: { parameters: [], result: "u64" },
  strerror: { parameters: ["i32"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let loaded: Libc | undefined;

/** The C library, opened at first use. */
export function libc(): Libc {
  loaded ??= Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  return loaded;
}

const errnoCell = new Int32Array(1);

/** errno of the call before; read it at once. */
export function errno(): number {
  libc().memcpy(errnoCell, libc().__errno_location(), 4n);
  return errnoCell[0];
}

export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  ENXIO: 6,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ERESTART: 85,
  EMSGSIZE: 90,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENOBUFS: 105,
  EHOSTUNREACH: 113,
} as const;

/** A system call that failed: which, why, and on what. */
export class SystemError extends Error {
  constructor(readonly call: string, readonly errno: number, subject: string, hint = "") {
    super(`Cannot ${subject}: ${errorText(errno)}${hint && `; ${hint}`}`);
    this.name = "SystemError";
  }
}

/** As strerror(3) puts it. */
export function errorText(code: number): string {
  const text = libc().strerror(code);
  return text ? Deno.UnsafePointerView.getCString(text) : `error ${code}`;
}

/** @returns `result`, or throws a {@linkcode SystemError} for a negative one */
export function checked(result: number, call: string, subject: string, hint?: string): number {
  if (result < 0) throw new SystemError(call, errno(), subject, hint);
  return result;
}

/** A NUL-terminated string for a call that takes one. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** The address of a buffer's first byte. The caller keeps the buffer alive as long as the address is in use. */
export function addressOf(buffer: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}

/**
 * `base + offset`, computed in registers where the caller is optimized. The offset is below 2^31, and is said to be, since
 * V8 makes an object of a bigint whose number might be any: 0.08 us for each packet.
 */
export function addressAt(base: bigint, offset: number): bigint {
  return BigInt.asUintN(64, base + BigInt(offset | 0));
}

/** A length in bytes, below 2^31, for a call that takes 64 bits; see {@linkcode addressAt}. */
export function lengthOf(bytes: number): bigint {
  return BigInt.asUintN(64, BigInt(bytes | 0));
}

export function closeSocket(fd: number): void {
  libc().close(fd);
}
