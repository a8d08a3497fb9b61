/** The tools' end of the PF_KEY socket. */
import { concatenated } from "./bytes.ts";
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
    const [answer] = await this.requestAll([request]);
    if (answer instanceof PfkeyError) throw answer;
    return answer;
  }

  /**
   * Sends requests with one write and waits for all answers. KLIPS does one after the other, whatever becomes of those before.
   *
   * @returns answers and refusals in the order of the requests
   * @throws PfkeyError where the connection ends
   */
  async requestAll(requests: readonly PfkeyRequest[]): Promise<readonly (PfkeyMessage | PfkeyError)[]> {
    const first = this.#sequence + 1;
    await this.#write(concatenated(requests.map((request) => this.#encode(request))));
    const answers: (PfkeyMessage | PfkeyError)[] = [];
    for (let waiting = requests.length; waiting > 0;) {
      const message = await this.#answer(first, this.#sequence);
      if (!message) throw new PfkeyError(ERRNO.ECONNREFUSED, "KLIPS closed the connection");
      const at = message.seq - first;
      if (!answers[at]) waiting--;
      answers[at] = message.errno ? refusal(message.errno) : message;
    }
    return answers;
  }

  /** Sends a request without waiting; @returns its sequence number */
  async send(request: PfkeyRequest): Promise<number> {
    const bytes = this.#encode(request);
    const seq = this.#sequence;
    await this.#write(bytes);
    return seq;
  }

  #encode({ type, satype = 0, extensions }: PfkeyRequest): Uint8Array {
    return encodeMessage({ type, errno: 0, satype, seq: ++this.#sequence, pid: Deno.pid, extensions });
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** The text of a listing, such as "eroute/all", or the same as JSON with ".json" behind it. */
  async readProc(path: string): Promise<string> {
    const seq = await this.send({ type: MESSAGES.X_PROC.number, extensions: { path } });
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const message = await this.#answer(seq, seq);
      if (!message) throw new PfkeyError(ERRNO.ECONNREFUSED, "KLIPS closed the connection");
      if (message.errno) throw refusal(message.errno);
      const { data } = message.extensions;
      if (!data) return text + decoder.decode();
      text += decoder.decode(data, { stream: true });
    }
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
    for (let bytes = await this.#next(); bytes; bytes = await this.#next()) yield bytes;
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // it is closed
    }
  }

  /** The next answer to our requests `first` to `last`; what else goes over the socket is passed over. */
  async #answer(first: number, last: number): Promise<PfkeyMessage | undefined> {
    for (let bytes = await this.#next(); bytes; bytes = await this.#next()) {
      const decoded = decodeMessage(bytes);
      if (!decoded.ok) continue;
      const { message } = decoded;
      if (message.seq >= first && message.seq <= last && message.pid === Deno.pid) return message;
    }
    return undefined;
  }

  /** @returns undefined at the end of the connection, and where it is closed under us */
  async #next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const next = this.#ready.shift();
      if (next) return next;
      const length = await this.#connection.read(this.#buffer).catch(() => null);
      if (length === null) return undefined;
      this.#ready.push(...this.#reader.push(this.#buffer.subarray(0, length)));
    }
  }
}

function refusal(errno: number): PfkeyError {
  return new PfkeyError(errno, `KLIPS refused the request with error ${errno}`);
}
