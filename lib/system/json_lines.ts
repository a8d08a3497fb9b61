/** Values as lines of JSON on a stream, between processes of our own. */

const encoder = new TextEncoder();

/** Writes one after the other, and at once what has come together; what is queued last is written last. */
export class LineWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #waiting = "";
  #last: Promise<void> = Promise.resolve();

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
  }

  /** Never throws: that the other end has gone is noticed by who reads. */
  write(value: unknown): void {
    const line = `${JSON.stringify(value)}\n`;
    if (this.#waiting === "") this.#last = this.#last.then(() => this.#flush()).catch(() => {});
    this.#waiting += line;
  }

  #flush(): Promise<void> {
    const bytes = encoder.encode(this.#waiting);
    this.#waiting = "";
    return this.#writer.write(bytes);
  }

  /** Once all has been written. */
  async close(): Promise<void> {
    await this.#last;
    await this.#writer.close().catch(() => {});
  }
}

const READ_BYTES = 1 << 14;

/** What a file or a connection gives, until its end; each piece is valid until the next. A stream around it costs more. */
export async function* piecesOf(source: Pick<Deno.Conn, "read">): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(READ_BYTES);
  for (let length = await source.read(buffer); length !== null; length = await source.read(buffer)) {
    yield buffer.subarray(0, length);
  }
}

/** @param longest characters of a line; the lines end with one that is longer, or is no JSON */
export async function* readLines(
  pieces: AsyncIterable<Uint8Array>,
  longest: number,
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of pieces) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    if (rest.length > longest) return;
    for (const line of lines) {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        return;
      }
      yield value;
    }
  }
}
