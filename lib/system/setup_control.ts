/**
 * How other commands reach the supervisor: a Unix stream socket, one request and one answer each, as JSON lines; pluto goes
 * on with reports. Whoever may open the socket may ask.
 */
import { dirname } from "node:path";
import { piecesOf, readLines } from "./json_lines.ts";

export type ControlRequest =
  /** A link has come up or gone down, as pppd's hooks say. */
  | { readonly do: "links" }
  | { readonly do: "status" }
  /** Answered at once; the lock is let go when all has been undone. */
  | { readonly do: "stop" }
  /** pluto: once this is answered, it tells of its connections. */
  | { readonly do: "conns" };

const REQUESTS: readonly ControlRequest["do"][] = ["links", "status", "stop", "conns"];

export interface ControlAnswer {
  readonly status: number;
  readonly lines: readonly string[];
  /** Process ids by title. */
  readonly pids?: Readonly<Record<string, number>>;
}

const LONGEST_REQUEST = 4096;
/** Characters of a line that tells of all connections. */
const LONGEST_REPORT = 1 << 22;

export interface ControlHandlers {
  /** To one request; what it throws goes to the one who asked. */
  answer(request: Exclude<ControlRequest, { do: "conns" }>): Promise<ControlAnswer>;
  /** Takes in what pluto tells, until it ends. @param ready is to be called before */
  follow(reports: AsyncIterable<unknown>, ready: () => Promise<void>): Promise<void>;
}

export class ControlServer implements Disposable {
  readonly #listener: Deno.UnixListener;
  readonly #path: string;

  constructor(path: string, handlers: ControlHandlers) {
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    removeIfThere(path); // left by one that was killed: the lock says that none runs
    this.#path = path;
    this.#listener = Deno.listen({ transport: "unix", path });
    Deno.chmodSync(path, 0o600);
    this.#serve(handlers);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    removeIfThere(this.#path);
  }

  async #serve(handlers: ControlHandlers): Promise<void> {
    try {
      for await (const connection of this.#listener) this.#handle(connection, handlers);
    } catch {
      // closed under us
    }
  }

  async #handle(connection: Deno.UnixConn, handlers: ControlHandlers): Promise<void> {
    const reply = (answer: ControlAnswer) => writeAll(connection, `${JSON.stringify(answer)}\n`);
    try {
      const request = parseRequest(await readLine(connection, LONGEST_REQUEST));
      if (request?.do === "conns") {
        const reports = readLines(piecesOf(connection), LONGEST_REPORT);
        return await handlers.follow(reports, () => reply({ status: 0, lines: [] }));
      }
      await reply(request ? await answered(handlers, request) : { status: 2, lines: ["no such request"] });
    } catch {
      // the one who asked has gone
    } finally {
      closeIfOpen(connection);
    }
  }
}

async function answered(
  handlers: ControlHandlers,
  request: Exclude<ControlRequest, { do: "conns" }>,
): Promise<ControlAnswer> {
  try {
    return await handlers.answer(request);
  } catch (error) {
    return { status: 1, lines: [(error as Error).message] };
  }
}

/** @returns undefined where no supervisor listens */
export async function askSupervisor(path: string, request: ControlRequest): Promise<ControlAnswer | undefined> {
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) return undefined;
    throw error;
  }
  try {
    await writeAll(connection, `${JSON.stringify(request)}\n`);
    const text = await readLine(connection, Infinity);
    return text ? JSON.parse(text) : undefined;
  } finally {
    connection.close();
  }
}

function parseRequest(text: string): ControlRequest | undefined {
  try {
    const { do: asked } = JSON.parse(text);
    const known = REQUESTS.find((one) => one === asked);
    return known && { do: known };
  } catch {
    return undefined;
  }
}

/** Up to a newline, the end, or so many bytes. */
async function readLine(connection: Deno.UnixConn, most: number): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  while (text.length < most) {
    const length = await connection.read(buffer);
    if (length === null) break;
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0];
}

async function writeAll(connection: Deno.UnixConn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** A stream that was read to its end has closed it. */
function closeIfOpen(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
