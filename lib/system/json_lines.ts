/** Values as lines of JSON on a stream, between processes of our own. */

const encoder = new TextEncoder();

/** Writes one after the other; what is queued last is written last. */
export class LineWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #last: Promise<void> = Promise.resolve();

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
  }

  /** Never throws: that the other end has gone is noticed by who reads. */
  write(value: unknown): void {
    const bytes = encoder.encode(`${JSON.stringify(value)}\n`);
    this.#last = this.#last.then(() => this.#writer.write(bytes)).catch(() => {});
  }

  /** Once all has been written. */
  async close(): Promise<void> {
    await this.#last;
    await this.#writer.close().catch(() => {});
  }
}

/** @param longest characters of a line; the stream ends with one that is longer, or is no JSON */
export async function* readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  longest: number,
): AsyncGenerator<unknown> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
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
