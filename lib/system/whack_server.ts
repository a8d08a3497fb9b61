/**
 * pluto's end of the control socket (whack.md §4, §7): any number of whacks at once. Each sends one request as a line of
 * JSON and hears until nobody in pluto holds its connection any more.
 */
import { checkRequest } from "../pluto/request_check.ts";
import { LONGEST_REQUEST, REQUEST_VERSION, type WhackRequest } from "../pluto/request.ts";
import type { Reply } from "../pluto/whacks.ts";
import { listenPrivately } from "./private_socket.ts";

/** Characters that may wait for a whack that does not read; one that lets more pile up is cut off. */
const PATIENCE = 16 << 20;
const READ_BYTES = 1 << 14;
const ACCEPT_PAUSE_MS = 100;
const BAD_MESSAGE = 30;
const HIDDEN = 40, SHOWN = 41;

export interface WhackServerDeps {
  /** Carries a request out; what is still to come later holds the reply. */
  handle(request: WhackRequest, reply: Reply): Promise<void>;
  /** For the log: a message that was refused, or a defect. */
  warn(text: string): void;
}

export class WhackServer {
  readonly #deps: WhackServerDeps;
  readonly #listener: Deno.UnixListener;
  readonly #connections = new Set<WhackConnection>();
  #closed = false;

  /** Listens at once, for root alone; a socket of an earlier one is replaced. Throws where that cannot be done. */
  constructor(path: string, deps: WhackServerDeps) {
    this.#deps = deps;
    this.#listener = listenPrivately(path);
    void this.#accept();
  }

  /** Accepts no more; what is said already still arrives. */
  async close(): Promise<void> {
    if (!this.#closed) this.#listener.close();
    this.#closed = true;
    await Promise.all([...this.#connections].map((one) => one.end()));
  }

  async #accept(): Promise<void> {
    for (;;) {
      try {
        void this.#serve(await this.#listener.accept());
      } catch (error) {
        if (this.#closed) return;
        this.#deps.warn(`accept() failed in whack_handle(): ${(error as Error).message}`);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
  }

  async #serve(socket: Deno.UnixConn): Promise<void> {
    const connection = new WhackConnection(socket);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    try {
      const request = readRequest(await connection.readLine(LONGEST_REQUEST));
      if (typeof request === "string") {
        this.#deps.warn(request);
        connection.line(BAD_MESSAGE, request);
      } else await this.#deps.handle(request, connection);
    } catch (error) {
      const text = `internal error: ${error instanceof Error ? error.message : error}`;
      this.#deps.warn(text);
      connection.line(3, text);
    } finally {
      connection.release();
    }
  }
}

/** @returns why it is not carried out, in whack.md §4's words */
function readRequest(text: string | undefined): WhackRequest | string {
  if (text === undefined || text === "") return "ignoring runt message from whack: got 0 bytes";
  if (!text.endsWith("\n")) return `ignoring truncated message from whack: got ${text.length} bytes; expected a line`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "message from whack contains bad string";
  }
  const version = typeof value === "object" && value !== null && "version" in value ? value.version : undefined;
  if (version !== REQUEST_VERSION) {
    return `ignoring message from whack with bad magic ${version}; should be ${REQUEST_VERSION}; probably wrong version`;
  }
  const wrong = checkRequest(value as Record<string, unknown>);
  return wrong === undefined ? value as WhackRequest : `message from whack contains bad string: ${wrong}`;
}

/** The way back to one whack. */
class WhackConnection implements Reply {
  readonly #socket: Deno.UnixConn;
  /** Lines that wait to be written. */
  #said = "";
  /** Characters of those that are being written. */
  #inFlight = 0;
  readonly #closed = Promise.withResolvers<void>();
  readonly closed = this.#closed.promise;
  #writing = false;
  #holders = 1;
  #gone = false;
  /** Bytes after the line that was read. */
  #rest = "";

  constructor(socket: Deno.UnixConn) {
    this.#socket = socket;
  }

  line(code: number, text: string): void {
    if (this.#gone) return;
    // One call is one line; the rest of the text is made fit for terminals where it comes from.
    this.#said += `${String(code).padStart(3, "0")} ${text.replace(/[\r\n]/g, " ")}\n`;
    if (this.#said.length + this.#inFlight > PATIENCE) return this.#close();
    if (!this.#writing) void this.#write();
  }

  hold(): void {
    this.#holders++;
  }

  release(): void {
    if (--this.#holders === 0 && !this.#writing) this.#close();
  }

  /** @returns what has been typed; undefined where whack has gone */
  async ask(text: string, hidden: boolean): Promise<string | undefined> {
    this.line(hidden ? HIDDEN : SHOWN, text);
    try {
      const { answer } = JSON.parse(await this.readLine(LONGEST_REQUEST) ?? "{}");
      return typeof answer === "string" ? answer : undefined;
    } catch {
      return undefined;
    }
  }

  /** @returns a line with its end; without where there was none; undefined where whack has gone */
  async readLine(most: number): Promise<string | undefined> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(READ_BYTES);
    try {
      while (!this.#rest.includes("\n") && this.#rest.length < most) {
        const length = await this.#socket.read(buffer);
        if (length === null) break;
        this.#rest += decoder.decode(buffer.subarray(0, length), { stream: true });
      }
    } catch {
      return undefined;
    }
    const end = this.#rest.indexOf("\n") + 1 || this.#rest.length;
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    return line;
  }

  /** Closes it whoever holds it, once all is written. */
  async end(): Promise<void> {
    this.#holders = 0;
    if (!this.#writing) this.#close();
    await this.closed;
  }

  #close(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#said = "";
    this.#socket.close();
    this.#closed.resolve();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    await undefined; // with what else is said in this turn: a status can have ten thousand lines
    try {
      while (this.#said) {
        const bytes = encoder.encode(this.#said);
        this.#inFlight = this.#said.length;
        this.#said = "";
        for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
        this.#inFlight = 0;
      }
    } catch {
      this.#close(); // whack has gone; what it began goes on
    } finally {
      this.#writing = false;
      if (this.#holders <= 0) this.#close();
    }
  }
}

const encoder = new TextEncoder();
