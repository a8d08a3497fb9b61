/** Files of recorded PF_KEY messages: one after the other as they were on the socket, each with its length in its header. */
import { HEADER_BYTES } from "../lib/pfkey/constants.ts";

const WORD = 8;

/** What is wrong with a recording; nothing behind it can be read. */
export class BadRecording extends Error {}

/**
 * The messages of a recording. Holds one of them at a time, whatever the size of the file.
 *
 * @throws BadRecording where the file ends within a message, or a length is impossible
 */
export function* recordedMessages(file: Deno.FsFile): Generator<Uint8Array> {
  for (;;) {
    const header = readUpTo(file, HEADER_BYTES);
    if (header.length === 0) return;
    if (header.length < HEADER_BYTES) throw new BadRecording(`runt packet of size: ${header.length} (<16)`);
    const words = new DataView(header.buffer).getUint16(4, true);
    const body = readUpTo(file, Math.max(0, words * WORD - HEADER_BYTES));
    const size = HEADER_BYTES + body.length;
    if (size !== words * WORD) {
      throw new BadRecording(
        `packet size read from socket=${size} doesn't equal sadb_msg_len ${words} * 8; message not decoded`,
      );
    }
    const message = new Uint8Array(size);
    message.set(header);
    message.set(body, HEADER_BYTES);
    yield message;
  }
}

/** Fewer than `size` bytes only at the end of the file. */
function readUpTo(file: Deno.FsFile, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const more = file.readSync(bytes.subarray(length));
    if (more === null) break;
    length += more;
  }
  return bytes.subarray(0, length);
}

export function appendMessage(file: Deno.FsFile, raw: Uint8Array): void {
  for (let at = 0; at < raw.length;) at += file.writeSync(raw.subarray(at));
}
