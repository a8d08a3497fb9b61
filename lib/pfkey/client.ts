/** The tools' end of the PF_KEY socket. */
import { decodeMessage, encodeMessage } from "./codec.ts";
import { MESSAGES, type TUNNEL_OPS } from "./constants.ts";
import { ERRNO } from "./errno.ts";
import { MessageReader } from "./framing.ts";
import type { Extensions, PfkeyMessage } from "./message.ts";

/** A refusal, by KLIPS or by the system on the way to it. */
export class PfkeyError extends Error {
  constructor(readonly errno: number, message: string) {
    super(message);
    this.name = "PfkeyError";
  }
}

/** What a request says; sequence number and process id are the client's to fill in. */
export interface PfkeyRequest {
  readonly type: number;
  readonly satype?: number;
  readonly extensions: Extensions;
}

export class PfkeyClient {
  readonly #connection: Deno.UnixConn;
  readonly #reader = new MessageReader();
  readonly #ready: Uint8Array[] = [];
  readonly #buffer = new Uint8Array(1 << 16);
  #sequence = 0;

  private constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
  }

  /** @throws PfkeyError ENOENT where nobody listens at `path`, EACCES where we may not */
  static async connect(path: string): Promise<PfkeyClient> {
    try {
      return new PfkeyClient(await Deno.connect({ transport: "unix", path }));
    } catch (error) {
      if (error instanceof Deno.errors.PermissionDenied) throw new PfkeyError(ERRNO.EACCES, `No access to ${path}`);
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) {
        throw new PfkeyError(ERRNO.ENOENT, `KLIPS is not running: nobody listens at ${path}`);
      }
      throw error;
    }
  }

  /** Sends a request and waits for its answer. @throws PfkeyError where KLIPS refuses it */
  async request(request: PfkeyRequest): Promise<PfkeyMessage> {
    const seq = await this.send(request);
    for await (const message of this.#answers(seq)) return message;
    throw new PfkeyError(ERRNO.ECONNREFUSED, "KLIPS closed the connection");
  }

  /** Sends a request without waiting; @returns its sequence number */
  async send({ type, satype = 0, extensions }: PfkeyRequest): Promise<number> {
    const seq = ++this.#sequence;
    const bytes = encodeMessage({ type, errno: 0, satype, seq, pid: Deno.pid, extensions });
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
    return seq;
  }

  /** The text of a listing, such as "eroute/all", or the same as JSON with ".json" behind it. */
  async readProc(path: string): Promise<string> {
    const seq = await this.send({ type: MESSAGES.X_PROC.number, extensions: { path } });
    const decoder = new TextDecoder();
    let text = "";
    for await (const { extensions } of this.#answers(seq)) {
      if (!extensions.data) return text + decoder.decode();
      text += decoder.decode(extensions.data, { stream: true });
    }
    throw new PfkeyError(ERRNO.ECONNREFUSED, "KLIPS closed the connection");
  }

  async writeProc(path: string, text: string): Promise<void> {
    await this.request({
      type: MESSAGES.X_PROC.number,
      extensions: { path, data: new TextEncoder().encode(text) },
    });
  }

  /** Attaches, detaches or clears virtual devices. */
  async tunnel(op: keyof typeof TUNNEL_OPS, virtual: string, physical: string): Promise<void> {
    await this.request({ type: MESSAGES.X_TNCFG.number, extensions: { tunnel: { op, virtual, physical } } });
  }

  /** Everything that arrives, as bytes, until the connection ends. */
  async *messages(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#ready.shift();
      if (next) {
        yield next;
        continue;
      }
      let length: number | null;
      try {
        length = await this.#connection.read(this.#buffer);
      } catch {
        return; // closed under us
      }
      if (length === null) return;
      this.#ready.push(...this.#reader.push(this.#buffer.subarray(0, length)));
    }
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // it is closed
    }
  }

  /** Answers to our request `seq`; what else goes over the socket is passed over. */
  async *#answers(seq: number): AsyncGenerator<PfkeyMessage> {
    for await (const bytes of this.messages()) {
      const decoded = decodeMessage(bytes);
      if (!decoded.ok) continue;
      const { message } = decoded;
      if (message.seq !== seq || message.pid !== Deno.pid) continue;
      if (message.errno !== 0) {
        throw new PfkeyError(message.errno, `KLIPS refused the request with error ${message.errno}`);
      }
      yield message;
    }
  }
}
