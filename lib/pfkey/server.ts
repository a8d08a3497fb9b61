/** KLIPS's end of the PF_KEY socket: any number of clients, none of which can hold the others up. */
import { MessageReader } from "./framing.ts";

/** Bytes that may wait for a client that does not read; one that lets more pile up is cut off. */
const PATIENCE_BYTES = 64 << 20;

type Log = (level: "error" | "notice" | "info" | "debug", text: string) => void;

/** One client. */
export class PfkeyPeer {
  /** Process id that its last message gave. */
  pid = 0;
  /** SA types that it registered for. */
  readonly registered = new Set<number>();
  readonly #queue: Uint8Array[] = [];
  #waiting = 0;
  #writing = false;

  constructor(readonly id: number, readonly connection: Deno.Conn, readonly log: Log) {}

  /** Queues a message; never blocks. */
  send(bytes: Uint8Array): void {
    this.#waiting += bytes.length;
    if (this.#waiting > PATIENCE_BYTES) {
      this.log("notice", `PF_KEY client ${this.pid} does not read its messages and is cut off`);
      this.close();
      return;
    }
    this.#queue.push(bytes);
    if (!this.#writing) void this.#write();
  }

  close(): void {
    try {
      this.connection.close();
    } catch {
      // it is closed
    }
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      for (let bytes = this.#queue.shift(); bytes; bytes = this.#queue.shift()) {
        for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
        this.#waiting -= bytes.length;
      }
    } catch {
      this.close(); // the reader's end notices and forgets it
    } finally {
      this.#writing = false;
    }
  }
}

export class PfkeyServer {
  readonly #peers = new Set<PfkeyPeer>();
  #listener: Deno.UnixListener | undefined;
  #lastId = 0;

  constructor(
    readonly path: string,
    readonly handler: (peer: PfkeyPeer, raw: Uint8Array) => void,
    readonly log: Log,
  ) {}

  peers(): Iterable<PfkeyPeer> {
    return this.#peers;
  }

  /** Begins to listen, for root alone; a socket left by a killed daemon is replaced. */
  listen(): void {
    try {
      Deno.removeSync(this.path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const mask = Deno.umask(0o177);
    try {
      this.#listener = Deno.listen({ transport: "unix", path: this.path });
    } finally {
      Deno.umask(mask);
    }
    void this.#accept(this.#listener);
  }

  close(): void {
    this.#listener?.close();
    for (const peer of this.#peers) peer.close();
    try {
      Deno.removeSync(this.path);
    } catch {
      // somebody has removed it already
    }
  }

  async #accept(listener: Deno.UnixListener): Promise<void> {
    try {
      for await (const connection of listener) void this.#serve(connection);
    } catch {
      // closed
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    const peer = new PfkeyPeer(++this.#lastId, connection, this.log);
    this.#peers.add(peer);
    const reader = new MessageReader();
    const buffer = new Uint8Array(1 << 16);
    try {
      for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
        for (const raw of reader.push(buffer.subarray(0, n))) this.handler(peer, raw);
      }
    } catch (error) {
      const ended = error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
      if (error instanceof RangeError) this.log("notice", `PF_KEY client ${peer.pid} cut off: ${error.message}`);
      else if (!ended) this.log("debug", `PF_KEY client ${peer.pid}: ${(error as Error).message}`);
    } finally {
      this.#peers.delete(peer);
      peer.close();
    }
  }
}
