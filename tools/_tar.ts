/** Writes the plainest tar (POSIX.1-1988 ustar): same input, same bytes, whatever machine builds. */

const BLOCK = 512;
const encoder = new TextEncoder();

export interface TarEntry {
  /** At most 100 bytes, relative, no folders. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

function header({ name, bytes, mode }: TarEntry): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number) => block.set(encoder.encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0") + "\0";
  if (encoder.encode(name).length > 100) throw new RangeError(`Cannot archive ${name}: the name is over 100 bytes`);
  put(name, 0);
  put(octal(mode, 7), 100);
  put(octal(0, 7), 108); // owner and group: whoever unpacks
  put(octal(0, 7), 116);
  put(octal(bytes.length, 11), 124);
  put(octal(0, 11), 136); // time: 1970, so that equal content is an equal file
  put(" ".repeat(8), 148);
  put("0", 156);
  put("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(octal(sum, 6) + " ", 148);
  return block;
}

/** Yields the archive in pieces; the contents are handed on, not copied. */
export function* tar(entries: readonly TarEntry[]): Generator<Uint8Array> {
  for (const entry of entries) {
    yield header(entry);
    yield entry.bytes;
    yield new Uint8Array((BLOCK - entry.bytes.length % BLOCK) % BLOCK);
  }
  yield new Uint8Array(2 * BLOCK);
}
