/** Questions to the kernel by netlink(7), one at a time: it answers before the question's `write` is over. */
import { decodeEnd, decodeMessages, encodeMessage, isAnswer, NetlinkMalformed } from "../packet/netlink.ts";
import { type NetlinkEnd, type NetlinkMessage, NLM } from "../packet/netlink.ts";
import { addressOf, checked, closeSocket, libc, SystemError } from "./libc.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
export const NETLINK_ROUTE = 0, NETLINK_NETFILTER = 12;

const SOL_SOCKET = 1, SO_RCVTIMEO = 20;
const SOL_NETLINK = 270, NETLINK_EXT_ACK = 11;
const EBADMSG = 74;
/** No answer within this is a defect somewhere; hanging would hide it. */
const TIMEOUT_SECONDS = 5;
/** The kernel fills at most 32 KiB at a time. */
const BUFFER_BYTES = 65536;
/** A listing that changes all the time is taken as it is after so many. */
const MOST_LISTINGS = 5;

/** A question without its number. */
export type Question = Omit<NetlinkMessage, "sequence">;

/** What a question is for, for the sentence of a failure: "list routes". */
export type Subject = string;

/**
 * One for all sockets, as every question is answered before the next: many short-lived ones cost more in garbage than in
 * work.
 */
let buffer: { readonly bytes: Uint8Array; readonly address: bigint } | undefined;

function sharedBuffer() {
  if (!buffer) {
    const bytes = new Uint8Array(BUFFER_BYTES);
    buffer = { bytes, address: addressOf(bytes) };
  }
  return buffer;
}

export class NetlinkSocket implements Disposable {
  readonly #fd: number;
  #sequence = 0;

  constructor(protocol: number) {
    this.#fd = checked(libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol), "socket", "open a netlink socket");
    const timeout = new Uint8Array(16);
    timeout[0] = TIMEOUT_SECONDS;
    libc().setsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length);
    const on = Uint8Array.of(1, 0, 0, 0);
    libc().setsockopt(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, on, on.length); // old kernels have no sentences
  }

  [Symbol.dispose](): void {
    closeSocket(this.#fd);
  }

  /** Asks for one thing, or for a change. @returns the answers before the acknowledgement; throws SystemError */
  ask(question: Question, subject: Subject, hint?: (end: NetlinkEnd) => string): NetlinkMessage[] {
    const sequence = this.#send([{ ...question, flags: question.flags | NLM.REQUEST | NLM.ACK }], subject);
    return this.#receive(sequence, subject, hint);
  }

  /** Asks for a listing, anew where it changed meanwhile. */
  list(question: Question, subject: Subject): NetlinkMessage[] {
    for (let round = 1;; round++) {
      const sequence = this.#send([{ ...question, flags: question.flags | NLM.REQUEST | NLM.DUMP }], subject);
      const answers = this.#receive(sequence, subject);
      if (round === MOST_LISTINGS || !answers.some(({ flags }) => flags & NLM.DUMP_INTERRUPTED)) return answers;
    }
  }

  /** Sends several messages as one datagram, the last of which is acknowledged; the first error is thrown. */
  batch(questions: readonly Question[], acknowledged: number, subject: Subject, hint?: (end: NetlinkEnd) => string) {
    const messages = questions.map((one, i) => ({
      ...one,
      flags: one.flags | NLM.REQUEST | (i === acknowledged ? NLM.ACK : 0),
    }));
    const first = this.#send(messages, subject);
    return this.#receive(first + acknowledged, subject, hint, first);
  }

  /** @returns the number of the first */
  #send(questions: readonly Question[], subject: Subject): number {
    const first = this.#sequence + 1;
    const parts = questions.map((one) => encodeMessage({ ...one, sequence: ++this.#sequence }));
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    checked(libc().write(this.#fd, addressOf(bytes), BigInt(bytes.length)), "write", subject);
    return first;
  }

  /** Collects answers until the acknowledgement of `last`; answers to earlier questions, given up, are passed over. */
  #receive(last: number, subject: Subject, hint?: (end: NetlinkEnd) => string, first = last): NetlinkMessage[] {
    const answers: NetlinkMessage[] = [];
    const { bytes, address } = sharedBuffer();
    for (;;) {
      const length = checked(
        libc().read(this.#fd, address, BigInt(BUFFER_BYTES)),
        "read",
        subject,
        "the kernel does not answer",
      );
      for (const message of this.#decoded(() => decodeMessages(bytes.slice(0, length)), subject)) {
        if (message.sequence < first || message.sequence > last) continue;
        const end = this.#decoded(() => decodeEnd(message), subject);
        if (end?.errno) throw new SystemError("netlink", end.errno, subject, hint?.(end) || end.text);
        if (end && message.sequence === last) return answers;
        if (isAnswer(message)) answers.push(message);
      }
    }
  }

  /** The border at which bytes that are no message become an error of the system's. */
  #decoded<T>(decode: () => T, subject: Subject): T {
    return decodedOr(decode, subject);
  }
}

/** Runs a decoder over the kernel's words; what it cannot read is a {@linkcode SystemError}. */
export function decodedOr<T>(decode: () => T, subject: Subject): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof NetlinkMalformed)) throw error;
    throw new SystemError("netlink", EBADMSG, subject, `the kernel's answer has ${error.message}`);
  }
}
