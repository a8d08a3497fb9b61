/**
 * Messages in pieces, for networks that lose fragments of IP. There is no specification: Cisco and Microsoft began it, and
 * racoon, strongSwan and libreswan speak it. A piece is a message with one FRAG payload in clear; all pieces together are
 * the bytes of the whole message, header included.
 */
import { FLAG, HEADER_BYTES, LARGEST_MESSAGE } from "./constants.ts";
import { decodeHeader, encodeMessage } from "./header_codec.ts";
import type { Payload } from "./payload.ts";
import { encodePayloads } from "./payload_codec.ts";

type Fragment = Extract<Payload, { type: "FRAG" }>;

const MOST_FRAGMENTS = 64;
const FRAGMENT_HEAD_BYTES = 8;
/** All others use the same for every message, too: what is resent replaces what has come before. */
const FRAGMENT_ID = 1;
/** Fragments that may come before one message is whole: as many as would do for it four times. */
const MOST_ATTEMPTS = 4 * MOST_FRAGMENTS;

/**
 * @param message whole and, where it is due, encrypted
 * @param mostBytes of each datagram
 * @returns the message alone where it fits, or where it would be more than 64 pieces
 */
export function splitMessage(message: Uint8Array<ArrayBuffer>, mostBytes: number): Uint8Array<ArrayBuffer>[] {
  const room = mostBytes - HEADER_BYTES - FRAGMENT_HEAD_BYTES;
  const count = Math.ceil(message.length / Math.max(room, 1));
  const decoded = decodeHeader(message);
  if (message.length <= mostBytes || room < 1 || count > MOST_FRAGMENTS || !decoded.ok) return [message];
  const header = { ...decoded.header, flags: decoded.header.flags & ~FLAG.ENCRYPTION };
  return Array.from({ length: count }, (_, i) => {
    const data = message.subarray(i * room, (i + 1) * room);
    const { first, bytes } = encodePayloads([
      { type: "FRAG", id: FRAGMENT_ID, number: i + 1, last: i === count - 1, data },
    ]);
    return encodeMessage(header, first, bytes);
  });
}

/** `message` is whole; `waiting` for more; `refused`, since no message is like that: everything of it is forgotten. */
export type Joined =
  | { readonly state: "whole"; readonly message: Uint8Array<ArrayBuffer> }
  | { readonly state: "waiting" }
  | { readonly state: "refused"; readonly reason: string };

/** Joins the pieces of one message at a time, in any order; one for each SA. Holds 64 KB at most. */
export class Reassembly {
  #id = 0;
  #attempts = 0;
  #bytes = 0;
  /** Number of the last piece, where it has come. */
  #last = 0;
  readonly #pieces = new Map<number, Uint8Array>();

  add({ id, number, last, data }: Fragment): Joined {
    if (id !== this.#id) this.clear();
    this.#id = id;
    if (number < 1 || number > MOST_FRAGMENTS) {
      return this.#refuse(`fragment ${number}: must be from 1 to ${MOST_FRAGMENTS}`);
    }
    if (++this.#attempts > MOST_ATTEMPTS) return this.#refuse(`no whole message in ${MOST_ATTEMPTS} fragments`);
    this.#place(number, data);
    if (this.#bytes > LARGEST_MESSAGE) return this.#refuse(`fragments of ${this.#bytes} bytes together`);
    this.#noteLast(number, last);
    return this.#last && this.#pieces.size === this.#last ? this.#join() : { state: "waiting" };
  }

  clear(): void {
    this.#pieces.clear();
    this.#attempts = this.#bytes = this.#last = 0;
  }

  /** What comes later wins: the id may be that of an earlier message. */
  #place(number: number, data: Uint8Array): void {
    this.#bytes += data.length - (this.#pieces.get(number)?.length ?? 0);
    this.#pieces.set(number, data);
  }

  #noteLast(number: number, last: boolean): void {
    if (last) {
      this.#last = number;
      for (const [other, data] of this.#pieces) {
        if (other <= number) continue;
        this.#pieces.delete(other);
        this.#bytes -= data.length;
      }
    } else if (number >= this.#last) this.#last = 0;
  }

  #join(): Joined {
    const message = new Uint8Array(this.#bytes);
    let at = 0;
    for (let number = 1; number <= this.#last; number++) {
      const piece = this.#pieces.get(number)!;
      message.set(piece, at);
      at += piece.length;
    }
    this.clear();
    return { state: "whole", message };
  }

  #refuse(reason: string): Joined {
    this.clear();
    return { state: "refused", reason };
  }
}
