/** Datagrams to a Unix socket, unix(7): what syslog and systemd take messages by. */
import { addressOf, checked, closeSocket, libc } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
/** Of sun_path; an abstract name may fill it, a path ends in a NUL. */
const LONGEST_PATH = 108;

/** struct sockaddr_un. @param path of a socket; `@name` is an abstract one, as environment variables write it */
export function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const abstract = path.startsWith("@");
  const name = new TextEncoder().encode(abstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > LONGEST_PATH) throw new RangeError(`The path of a socket has at most ${LONGEST_PATH} bytes`);
  const address = new Uint8Array(2 + name.length);
  address[0] = AF_UNIX;
  address.set(name, 2);
  return address;
}

export class UnixDatagram implements Disposable {
  readonly #fd: number;

  /** Throws SystemError where nobody listens at `path`. */
  constructor(path: string) {
    const address = unixAddress(path);
    const fd = checked(libc().socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0), "socket", "open a Unix socket");
    try {
      checked(libc().connect(fd, address, address.length), "connect", `send to ${path}`);
    } catch (error) {
      closeSocket(fd);
      throw error;
    }
    this.#fd = fd;
  }

  /** @returns false where the other end is gone, or has no room */
  send(bytes: Uint8Array<ArrayBuffer>): boolean {
    return libc().write(this.#fd, addressOf(bytes), BigInt(bytes.length)) === bytes.length;
  }

  [Symbol.dispose](): void {
    closeSocket(this.#fd);
  }
}
