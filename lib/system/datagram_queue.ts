/**
 * IKE's datagrams between the socket and the exchanges. A socket keeps some 200 KB, less than a few hundred peers send while
 * one signature is computed, and what it drops comes again after ten seconds. So what has come is taken off the socket
 * before it is worked on, for a slice of time each; and what belongs to an exchange that has begun goes before what begins one,
 * so that much that is begun does not keep anything from its end.
 */
import { COOKIE_BYTES } from "../ike/constants.ts";

export interface DatagramQueueDeps<T> {
  receive(from: T, datagram: Uint8Array): void;
  /** Milliseconds. */
  now(): number;
  /** When what has been done by now, and follows from it at once, is through. */
  next(act: () => void): void;
  /** After the sockets have had their turn. */
  later(act: () => void): void;
}

/** For so long datagrams are worked on before the sockets have their turn. */
const SLICE_MS = 8;
/** After so long without work they have had it. */
const PAUSE_MS = 2;
/** Of all that waits, with what keeping it takes: a few thousand messages. */
const MOST_BYTES = { begun: 4 << 20, new: 1 << 20 } as const;
const KEEPING_BYTES = 128;

type Kind = keyof typeof MOST_BYTES;

interface Waiting<T> {
  readonly from: T;
  readonly datagram: Uint8Array;
}

export class DatagramQueue<T> {
  readonly #deps: DatagramQueueDeps<T>;
  readonly #lines: Readonly<Record<Kind, Line<T>>> = { begun: new Line(), new: new Line() };
  #isPlanned = false;
  /** Of the slice: when the sockets had their turn. */
  #beganAt = -Infinity;
  #endedAt = -Infinity;

  constructor(deps: DatagramQueueDeps<T>) {
    this.#deps = deps;
  }

  /** Owns the datagram. @returns false where too many wait, and it is dropped */
  add(from: T, datagram: Uint8Array): boolean {
    const kind = kindOf(datagram);
    const line = this.#lines[kind];
    if (line.bytes + datagram.length + KEEPING_BYTES > MOST_BYTES[kind]) return false;
    line.add({ from, datagram });
    if (this.#isPlanned) return true;
    const at = this.#deps.now();
    if (at - this.#endedAt > PAUSE_MS) this.#beganAt = at;
    this.#work();
    return true;
  }

  /** One; an exchange may have to ask its host, if only for a moment, before its next message can be taken. */
  #work(): void {
    const { now, receive, next, later } = this.#deps;
    const one = this.#lines.begun.take() ?? this.#lines.new.take();
    if (one) receive(one.from, one.datagram);
    this.#endedAt = now();
    if (!one) return;
    const isSpent = this.#endedAt - this.#beganAt >= SLICE_MS;
    this.#isPlanned = true;
    (isSpent ? later : next)(() => {
      this.#isPlanned = false;
      if (isSpent) this.#beganAt = now();
      this.#work();
    });
  }
}

/** A first message has no responder's cookie yet (RFC 2408 §3.1). What is too short is refused in its turn. */
function kindOf(datagram: Uint8Array): Kind {
  const cookie = datagram.subarray(COOKIE_BYTES, 2 * COOKIE_BYTES);
  return cookie.length === COOKIE_BYTES && cookie.every((byte) => byte === 0) ? "new" : "begun";
}

/** First in, first out, without moving what is left. */
class Line<T> {
  #in: Waiting<T>[] = [];
  #out: Waiting<T>[] = [];
  bytes = 0;

  add(one: Waiting<T>): void {
    this.#in.push(one);
    this.bytes += one.datagram.length + KEEPING_BYTES;
  }

  take(): Waiting<T> | undefined {
    if (this.#out.length === 0) [this.#in, this.#out] = [[], this.#in.reverse()];
    const one = this.#out.pop();
    if (one) this.bytes -= one.datagram.length + KEEPING_BYTES;
    return one;
  }
}
