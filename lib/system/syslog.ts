/** Messages to the host's syslog daemon, as logger(1) sends them: RFC 3164 §4.1 without the host name. */
import { UnixDatagram } from "../ffi/unix_datagram.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** RFC 3164 §4.1: what every receiver takes. */
const LONGEST_BYTES = 1024;

export interface SyslogOptions {
  /** Before each message: {@linkcode parseSyslogPriority}. */
  readonly priority: number;
  readonly tag: string;
  readonly path?: string;
  readonly now?: () => Date;
}

export class Syslog implements Disposable {
  readonly #options: Required<SyslogOptions>;
  #socket: UnixDatagram | undefined;

  constructor(options: SyslogOptions) {
    this.#options = { path: "/dev/log", now: () => new Date(), ...options };
  }

  /**
   * One message for each line. A host without a syslog daemon gets none, and one that is started anew is found again.
   *
   * @param at when it was said, where that is not now
   * @returns whether all went: a daemon that is busy may take them later
   */
  write(text: string, at: Date = this.#options.now()): boolean {
    const { priority, tag } = this.#options;
    let went = true;
    for (const line of text.split("\n")) {
      const message = syslogMessage(priority, tag, line, at);
      if (this.#send(message)) continue;
      this[Symbol.dispose]();
      went = this.#send(message) && went;
    }
    return went;
  }

  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
    this.#socket = undefined;
  }

  #send(message: Uint8Array<ArrayBuffer>): boolean {
    try {
      this.#socket ??= new UnixDatagram(this.#options.path);
    } catch {
      return false; // nobody listens
    }
    return this.#socket.send(message);
  }
}

export function syslogMessage(priority: number, tag: string, line: string, now: Date): Uint8Array<ArrayBuffer> {
  const two = (number: number) => String(number).padStart(2, "0");
  const day = String(now.getDate()).padStart(2, " ");
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(":");
  const text = `<${priority}>${MONTHS[now.getMonth()]} ${day} ${time} ${tag}: ${line}`;
  return new TextEncoder().encode(text).slice(0, LONGEST_BYTES);
}
