/** KLIPS's end of the PF_KEY socket: any number of clients, none of which can hold the others up. */
import { concatenated } from "./bytes.ts";
import { MessageReader } from "./framing.ts";

/** Bytes that may wait for a client that does not read; one that lets more pile up is cut off. */
const PATIENCE_BYTES = 64 << 20;
const READ_BYTES = 1 << 16;
/** Of messages that are written together. */
const TOGETHER_BYTES = 1 << 16;
/** After a failed attempt to accept a client. */
const ACCEPT_PAUSE_MS = 100;

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
  #closed = false;

  constructor(readonly id: number, readonly connection: Deno.Conn, readonly log: Log) {}

  /** Bytes that wait to be read. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Queues a message; never blocks. */
  send(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#waiting += bytes.length;
    if (this.#waiting > PATIENCE_BYTES) {
      this.log("notice", `PF_KEY client ${this.pid} does not read its messages and is cut off`);
      this.close();
      return;
    }
    this.#queue.push(bytes);
    if (this.#writing) return;
    this.#writing = true;
    queueMicrotask(() => void this.#write()); // with what else is sent in this turn
  }

  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
    this.#waiting = 0;
    try {
      this.connection.close();
    } catch {
      // it is closed
    }
  }

  async #write(): Promise<void> {
    try {
      for (let bytes = this.#take(); bytes; bytes = this.#take()) {
        for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
        if (!this.#closed) this.#waiting -= bytes.length;
      }
    } catch {
      this.close(); // the reader's end notices and forgets it
    } finally {
      this.#writing = false;
    }
  }

  /** Short messages together, as many as fit into one write. */
  #take(): Uint8Array | undefined {
    let count = 0, length = 0;
    for (; count < this.#queue.length; count++) {
      if (length + this.#queue[count].length > TOGETHER_BYTES) break;
      length += this.#queue[count].length;
    }
    return count < 2 ? this.#queue.shift() : concatenated(this.#queue.splice(0, count));
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
    this.#listener = undefined;
    for (const peer of this.#peers) peer.close();
    try {
      Deno.removeSync(this.path);
    } catch {
      // somebody has removed it already
    }
  }

  /** Goes on when there are too many open files: those that are there may be closed again. */
  async #accept(listener: Deno.UnixListener): Promise<void> {
    for (;;) {
      let connection: Deno.UnixConn;
      try {
        connection = await listener.accept();
      } catch (error) {
        if (this.#listener !== listener) return; // closed
        this.log("error", `Cannot accept a PF_KEY client: ${(error as Error).message}`);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
        continue;
      }
      void this.#serve(connection);
    }
  }

  async #serve(connection: Deno.UnixConn): Promise<void> {
    const peer = new PfkeyPeer(++this.#lastId, connection, this.log);
    this.#peers.add(peer);
    const reader = new MessageReader();
    const buffer = new Uint8Array(READ_BYTES);
    try {
      for (let n = await read(connection, buffer); n !== null; n = await read(connection, buffer)) {
        for (const raw of reader.push(buffer.subarray(0, n))) this.handler(peer, raw);
      }
    } catch (error) {
      if (error instanceof RangeError) this.log("notice", `PF_KEY client ${peer.pid} cut off: ${error.message}`);
      else this.log("error", `PF_KEY client ${peer.pid} cut off by a defect: ${(error as Error).stack}`);
    } finally {
      this.#peers.delete(peer);
      peer.close();
    }
  }
}

/** @returns null at the end, however the connection came to it */
async function read(connection: Deno.UnixConn, buffer: Uint8Array): Promise<number | null> {
  try {
    return await connection.read(buffer);
  } catch {
    return null;
  }
}
