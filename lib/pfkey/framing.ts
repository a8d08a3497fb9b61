/** On a stream socket each message is framed by the length in its own header. */
import { HEADER_BYTES, VERSION } from "./constants.ts";

const WORD = 8;

/** Puts chunks of a stream together and yields whole messages. Holds at most one message and one chunk. */
export class MessageReader {
  #pending = new Uint8Array(0);

  /**
   * Takes what arrived (copies it) and returns the messages that are complete.
   *
   * @throws RangeError where the stream cannot be PF_KEY; the connection is then of no use
   */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer>[] {
    const bytes = new Uint8Array(this.#pending.length + chunk.length);
    bytes.set(this.#pending);
    bytes.set(chunk, this.#pending.length);
    const view = new DataView(bytes.buffer);
    const messages: Uint8Array<ArrayBuffer>[] = [];
    let at = 0;
    while (at + HEADER_BYTES <= bytes.length) {
      const size = view.getUint16(at + 4, true) * WORD;
      if (size < HEADER_BYTES) throw new RangeError(`PF_KEY message of ${size} bytes`);
      if (bytes[at] !== VERSION && size > 4096) throw new RangeError(`PF_KEY version ${bytes[at]}`);
      if (at + size > bytes.length) break;
      messages.push(bytes.slice(at, at + size));
      at += size;
    }
    this.#pending = bytes.slice(at);
    return messages;
  }
}
