/** Messages on their way into a stream, in order, as many as may wait. */

export class BoundedWriter {
  readonly #stream: Pick<Deno.Conn, "write">;
  readonly #mostBytes: number;
  readonly #failed: () => void;
  readonly #queue: Uint8Array[] = [];
  #waiting = 0;
  #writing = false;

  /**
   * @param mostBytes that may wait to be written
   * @param failed called at the first write that fails; what waited is lost
   */
  constructor(stream: Pick<Deno.Conn, "write">, mostBytes: number, failed: () => void = () => {}) {
    this.#stream = stream;
    this.#mostBytes = mostBytes;
    this.#failed = failed;
  }

  /** Keeps `bytes` until they are written. Never throws. @returns false where too much waits: they are lost, as on any wire */
  send(bytes: Uint8Array): boolean {
    if (this.#waiting + bytes.length > this.#mostBytes) return false;
    this.#waiting += bytes.length;
    this.#queue.push(bytes);
    if (!this.#writing) void this.#write();
    return true;
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      for (let bytes = this.#queue.shift(); bytes; bytes = this.#queue.shift()) {
        for (let at = 0; at < bytes.length;) at += await this.#stream.write(bytes.subarray(at));
        this.#waiting -= bytes.length;
      }
    } catch {
      this.#queue.length = 0;
      this.#waiting = 0;
      this.#failed();
    } finally {
      this.#writing = false;
    }
  }
}
