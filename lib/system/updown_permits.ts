/**
 * Which updown commands pluto may have run. Pluto reads what strangers send, so its word does not count: whoever describes a
 * connection (whack, and by it auto) says the commands of that connection to the helper itself, over a socket that root alone
 * can open and pluto, once it has given up its rights, cannot.
 */
import { listenPrivately } from "./private_socket.ts";
import { builtinArguments } from "./updown_words.ts";

const MOST_COMMANDS = 4096;
const LONGEST_COMMAND = 4096;
const LONGEST_REQUEST = 1 << 16;

/** @param ctlBase as pluto's other files have it */
export function updownSocketPath(ctlBase: string): string {
  return `${ctlBase}.updown`;
}

export class UpdownPermits {
  /** The oldest first. */
  readonly #commands = new Set<string>();

  permit(command: string): void {
    this.#commands.delete(command);
    this.#commands.add(command);
    for (const oldest of this.#commands) {
      if (this.#commands.size <= MOST_COMMANDS) break;
      this.#commands.delete(oldest);
    }
  }

  /** The built-in command is always allowed: what it does is known. */
  allows(command: string): boolean {
    return builtinArguments(command) !== undefined || this.#commands.has(command);
  }
}

/** Takes permissions from whoever may open the socket. */
export class PermitServer {
  readonly #listener: Deno.UnixListener;

  constructor(path: string, permits: UpdownPermits) {
    this.#listener = listenPrivately(path);
    void this.#serve(permits);
  }

  close(): void {
    this.#listener.close();
  }

  async #serve(permits: UpdownPermits): Promise<void> {
    try {
      for await (const connection of this.#listener) void this.#take(connection, permits);
    } catch {
      // closed
    }
  }

  async #take(connection: Deno.UnixConn, permits: UpdownPermits): Promise<void> {
    try {
      const commands: unknown = JSON.parse(await readAll(connection));
      if (Array.isArray(commands)) {
        for (const one of commands) if (isCommand(one)) permits.permit(one);
      }
      await connection.write(new TextEncoder().encode("\n")); // from now on
    } catch {
      // no list of commands, or nobody waits
    } finally {
      connection.close();
    }
  }
}

function isCommand(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= LONGEST_COMMAND && !value.includes("\0");
}

/** One line. */
async function readAll(connection: Deno.UnixConn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes("\n") && text.length < LONGEST_REQUEST) {
    const length = await connection.read(buffer);
    if (length === null) break;
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return text;
}

/**
 * Says that pluto may have these run, and waits until that holds. Built-in ones need nothing. A pluto without a helper (run
 * with --noklips) runs none.
 */
export async function permitUpdowns(path: string, commands: readonly string[]): Promise<void> {
  const own = commands.filter((command) => !builtinArguments(command));
  if (!own.length) return;
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) return;
    throw error;
  }
  try {
    const bytes = new TextEncoder().encode(`${JSON.stringify(own)}\n`);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    await connection.read(new Uint8Array(1));
  } finally {
    connection.close();
  }
}
