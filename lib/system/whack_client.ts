/**
 * whack's end of pluto's control socket (whack.md §4, §6): one request, then lines until pluto closes. Each says by its code
 * what it is; of those that say how it went the last one gives the status.
 */
import { type PromptAnswer, REQUEST_VERSION, type WhackRequest } from "../pluto/request.ts";

/** What is done with a line beside showing it; any other code becomes the status. */
const CODES = { comment: 0, log: 2, success: 4, hiddenPrompt: 40, shownPrompt: 41 } as const;
/** Longest line, by far; a status as JSON is one. */
const LONGEST_LINE = 64 << 20;

export interface WhackUser {
  /** One line, without its end. */
  line(text: string): void;
  /** @returns one line; undefined where nobody can be asked */
  prompt(hidden: boolean): Promise<string | undefined>;
  /** What is wrong with the answers of pluto. */
  complain(text: string): void;
}

/** Why pluto could not be asked; the sentence is for the user. */
export class WhackFailed extends Error {
  constructor(message: string) {
    super(`whack: ${message}`);
    this.name = "WhackFailed";
  }
}

/** @param path of the socket. @returns the status of the last line that has one. Throws {@linkcode WhackFailed}. */
export async function askPluto(path: string, request: WhackRequest, user: WhackUser): Promise<number> {
  using connection = await connect(path);
  await send(connection, request);
  let status = 0;
  for await (const text of linesOf(connection, user)) {
    user.line(text);
    const code = /^\d{3}(?= |$)/.test(text) ? Number(text.slice(0, 3)) : CODES.comment;
    switch (code) {
      case CODES.comment:
      case CODES.log:
        break;
      case CODES.success:
        status = 0;
        break;
      case CODES.hiddenPrompt:
      case CODES.shownPrompt: {
        const answer = await user.prompt(code === CODES.hiddenPrompt);
        if (answer === undefined) return 1;
        await send(connection, { answer } satisfies PromptAnswer);
        break;
      }
      default:
        status = code;
    }
  }
  return status;
}

/** Whether a pluto listens at `path`: it answers a request for nothing by closing. */
export async function plutoListens(path: string): Promise<boolean> {
  try {
    await askPluto(path, { version: REQUEST_VERSION }, {
      line: () => {},
      prompt: () => Promise.resolve(undefined),
      complain: () => {},
    });
    return true;
  } catch {
    return false;
  }
}

async function connect(path: string): Promise<Deno.UnixConn> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new WhackFailed(`Pluto is not running (no "${path}"); start it with 'ipsec setup start'`);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new WhackFailed(`no right to communicate with pluto (access("${path}"))`);
    }
    if (error instanceof Deno.errors.ConnectionRefused) {
      throw new WhackFailed(`is Pluto running?  connect() for "${path}" failed (111 Connection refused)`);
    }
    throw new WhackFailed(`connect() for "${path}" failed (${(error as Error).message})`);
  }
}

async function send(connection: Deno.UnixConn, what: WhackRequest | PromptAnswer): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(what)}\n`);
  try {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  } catch (error) {
    throw new WhackFailed(`write() failed (${(error as Error).message})`);
  }
}

async function* linesOf(connection: Deno.UnixConn, user: WhackUser): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1 << 16);
  let rest = "";
  for (;;) {
    let length: number | null;
    try {
      length = await connection.read(buffer);
    } catch (error) {
      throw new WhackFailed(`read() failed (${(error as Error).message})`);
    }
    if (length === null) break;
    rest += decoder.decode(buffer.subarray(0, length), { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop()!;
    yield* lines;
    if (rest.length > LONGEST_LINE) break;
  }
  if (rest) user.complain("whack: last line from pluto too long or unterminated");
}
