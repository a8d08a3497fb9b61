/** The tools' end of the PF_KEY socket. */
import { concatenated } from "./bytes.ts";
import { decodeMessage, encodeMessage, senderOf, sequenceOf } from "./codec.ts";
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

const CLOSED = "KLIPS closed the connection";

/** What a request says; sequence number and process id are the client's to fill in. */
export interface PfkeyRequest {
  readonly type: number;
  readonly satype?: number;
  readonly extensions: Extensions;
}

export class PfkeyClient {
  readonly #connection: Deno.UnixConn;
  readonly #reader = new MessageReader();
  readonly #buffer = new Uint8Array(1 << 16);
  #sequence = 0;
  /** To the requests that are waited for, by their sequence numbers. */
  readonly #answers = new Map<number, PfkeyMessage[]>();
  /** All else that has come; undefined while nobody wants it. */
  #unasked: Uint8Array[] | undefined;
  /** Whoever waits for an answer and whoever hears the rest wait for the same piece. */
  #reading: Promise<boolean> | undefined;

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
    const bytes = concatenated(requests.map((request) => this.#encode(request)));
    const sequences = requests.map((_, i) => first + i);
    return await this.#asking(bytes, sequences, async () => {
      const answers: (PfkeyMessage | PfkeyError)[] = [];
      for (const sequence of sequences) {
        const message = await this.#answer(sequence);
        answers.push(message.errno ? refusal(message.errno) : message);
      }
      return answers;
    });
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
    try {
      for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
    } catch {
      throw new PfkeyError(ERRNO.ECONNREFUSED, CLOSED);
    }
  }

  /** The text of a listing, such as "eroute/all", or the same as JSON with ".json" behind it. */
  async readProc(path: string): Promise<string> {
    const bytes = this.#encode({ type: MESSAGES.X_PROC.number, extensions: { path } });
    const sequence = this.#sequence;
    return await this.#asking(bytes, [sequence], async () => {
      const decoder = new TextDecoder();
      let text = "";
      for (;;) {
        const message = await this.#answer(sequence);
        if (message.errno) throw refusal(message.errno);
        const { data } = message.extensions;
        if (!data) return text + decoder.decode();
        text += decoder.decode(data, { stream: true });
      }
    });
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

  /**
   * From now on: everything that arrives and is no answer that is waited for, as bytes, until the connection ends. It is kept
   * for whoever takes it, and must be taken.
   */
  messages(): AsyncGenerator<Uint8Array> {
    return this.#others(this.#unasked ??= []);
  }

  async *#others(unasked: Uint8Array[]): AsyncGenerator<Uint8Array> {
    do {
      for (let bytes = unasked.shift(); bytes; bytes = unasked.shift()) yield bytes;
    } while (await this.#read());
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // it is closed
    }
  }

  /** Sends what has these numbers; answers to them are kept until `hear` is through. */
  async #asking<T>(bytes: Uint8Array, sequences: readonly number[], hear: () => Promise<T>): Promise<T> {
    for (const sequence of sequences) this.#answers.set(sequence, []);
    try {
      await this.#write(bytes);
      return await hear();
    } finally {
      for (const sequence of sequences) this.#answers.delete(sequence);
    }
  }

  /** The next answer to one of them. @throws PfkeyError where the connection ends */
  async #answer(sequence: number): Promise<PfkeyMessage> {
    const answers = this.#answers.get(sequence)!;
    for (;;) {
      const message = answers.shift();
      if (message) return message;
      if (!await this.#read()) throw new PfkeyError(ERRNO.ECONNREFUSED, CLOSED);
    }
  }

  /** Takes what comes next. @returns false at the end of the connection, and where it is closed under us */
  #read(): Promise<boolean> {
    return this.#reading ??= this.#readPiece();
  }

  async #readPiece(): Promise<boolean> {
    try {
      const length = await this.#connection.read(this.#buffer).catch(() => null);
      if (length === null) return false;
      for (const bytes of this.#reader.push(this.#buffer.subarray(0, length))) {
        const answers = senderOf(bytes) === Deno.pid ? this.#answers.get(sequenceOf(bytes)) : undefined;
        const decoded = answers && decodeMessage(bytes);
        if (decoded?.ok) answers!.push(decoded.message);
        else this.#unasked?.push(bytes);
      }
      return true;
    } finally {
      this.#reading = undefined;
    }
  }
}

function refusal(errno: number): PfkeyError {
  return new PfkeyError(errno, `KLIPS refused the request with error ${errno}`);
}
