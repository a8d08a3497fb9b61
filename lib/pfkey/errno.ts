/** The error numbers that KLIPS answers with, as Linux numbers them. */
export const ERRNO = {
  ENOENT: 2,
  ESRCH: 3,
  ENXIO: 6,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ENOSYS: 38,
  EMSGSIZE: 90,
  EPROTONOSUPPORT: 93,
  EPFNOSUPPORT: 96,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
} as const;

/** As strerror(3) has them. */
const TEXTS: Readonly<Record<keyof typeof ERRNO, string>> = {
  ENOENT: "No such file or directory",
  ESRCH: "No such process",
  ENXIO: "No such device or address",
  ENOMEM: "Cannot allocate memory",
  EACCES: "Permission denied",
  EFAULT: "Bad address",
  EBUSY: "Device or resource busy",
  EEXIST: "File exists",
  ENODEV: "No such device",
  EINVAL: "Invalid argument",
  ENOSPC: "No space left on device",
  ENOSYS: "Function not implemented",
  EMSGSIZE: "Message too long",
  EPROTONOSUPPORT: "Protocol not supported",
  EPFNOSUPPORT: "Protocol family not supported",
  ENOBUFS: "No buffer space available",
  ECONNREFUSED: "Connection refused",
};

export function errnoText(errno: number): string {
  const name = (Object.keys(ERRNO) as (keyof typeof ERRNO)[]).find((one) => ERRNO[one] === errno);
  return name ? TEXTS[name] : `error ${errno}`;
}
