/** On a stream socket each message is framed by the length in its own header. */
import { HEADER_BYTES, VERSION } from "./constants.ts";

const WORD = 8;
const LARGEST_FOREIGN = 4096;
/** Bytes of a buffer that is kept while nothing waits in it. */
const LARGEST_IDLE = 1 << 16;

/** Puts chunks of a stream together and yields whole messages. Holds at most twice a message and a chunk. */
export class MessageReader {
  #buffer = new Uint8Array(0);
  /** Bytes of the buffer that wait for the rest of their message. */
  #length = 0;

  /**
   * Takes what arrived (copies it) and returns the messages that are complete.
   *
   * @throws RangeError where the stream cannot be PF_KEY; the connection is then of no use
   */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer>[] {
    this.#append(chunk);
    const view = new DataView(this.#buffer.buffer);
    const messages: Uint8Array<ArrayBuffer>[] = [];
    let at = 0;
    while (at + HEADER_BYTES <= this.#length) {
      const size = view.getUint16(at + 4, true) * WORD;
      if (size < HEADER_BYTES) throw new RangeError(`PF_KEY message of ${size} bytes`);
      // A short message of another version can be refused as such; a long one is no message at all.
      if (this.#buffer[at] !== VERSION && size > LARGEST_FOREIGN) {
        throw new RangeError(`PF_KEY version ${this.#buffer[at]}`);
      }
      if (at + size > this.#length) break;
      messages.push(this.#buffer.slice(at, at + size));
      at += size;
    }
    this.#keep(at);
    return messages;
  }

  #keep(from: number): void {
    this.#buffer.copyWithin(0, from, this.#length);
    this.#length -= from;
    if (this.#length === 0 && this.#buffer.length > LARGEST_IDLE) this.#buffer = new Uint8Array(0);
  }

  /** Doubles the buffer, so that a message that comes byte by byte is not copied for each of them. */
  #append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }
}
