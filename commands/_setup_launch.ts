/**
 * The supervisor in the background. Deno cannot fork: the program is started again as the leader of a session of its own,
 * says its messages over file descriptor 3 while it starts, and then its status, upon which the first one ends.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import type { Readable } from "node:stream";
import { errorReason } from "../lib/system/error_reason.ts";
import { setupPaths } from "../lib/system/paths.ts";
import { selfCommand } from "../lib/system/self.ts";
import { SMALL_HEAP } from "../lib/system/small_heap.ts";
import { type Io, UserError } from "./_command.ts";

const MESSAGES_FD = 3;
const LAST_WORDS = 5;

type Message = { readonly print: string } | { readonly status: number };

/**
 * @param words of the command that {@linkcode Launched} is in
 * @returns 0 once everything has been started, or the status with which it ended
 */
export async function launch(words: readonly string[], io: Io): Promise<number> {
  const { directory, log } = setupPaths(io.env);
  let output: number;
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    output = openSync(log, "w", 0o600);
  } catch (error) {
    throw new UserError(`ipsec setup: Cannot write ${log}: ${errorReason(error)}; run as root, or set IPSEC_RUNDIR`);
  }
  const [program, ...rest] = selfCommand();
  const child = spawn(program, [...rest, ...words], {
    detached: true,
    env: { ...SMALL_HEAP, ...Deno.env.toObject() },
    stdio: ["ignore", output, output, "pipe"],
  });
  closeSync(output);
  const messages = child.stdio[MESSAGES_FD] as Readable;
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  child.on("error", () => resolve(1));
  child.on("exit", (code, signal) => {
    if (signal) io.stderr(`ipsec setup: the supervisor was killed by ${signal}\n`);
    resolve(code ?? 1);
  });
  const told = await Promise.race([read(messages, io), ended]);
  const status = told ?? await ended;
  if (told === undefined) io.stderr(lastWords(log));
  child.unref();
  messages.destroy();
  return status;
}

/** Of a supervisor that ended without a word over the pipe. */
function lastWords(log: string): string {
  let lines: string[] = [];
  try {
    lines = Deno.readTextFileSync(log).split("\n").filter(Boolean).slice(-LAST_WORDS);
  } catch {
    // as good as none
  }
  return lines.length
    ? `ipsec setup: not started; the last words, from ${log}:\n${lines.map((line) => `${line}\n`).join("")}`
    : `ipsec setup: not started, and ${log} does not say why: is there room for files?\n`;
}

/** @returns the status that was told; undefined where the other end closed without */
async function read(messages: Readable, io: Io): Promise<number | undefined> {
  messages.setEncoding("utf8");
  let rest = "";
  for await (const text of messages) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const message: Message = JSON.parse(line);
      if ("status" in message) return message.status;
      io.stdout(message.print);
    }
  }
  return undefined;
}

/** The other end, in the background. */
export class Launched {
  #open = true;

  print(text: string): void {
    this.#send({ print: text });
  }

  /** Lets the process that started us end, with that status. */
  tell(status: number): void {
    this.#send({ status });
    if (this.#open) closeSync(MESSAGES_FD);
    this.#open = false;
  }

  #send(message: Message): void {
    if (!this.#open) return;
    try {
      writeSync(MESSAGES_FD, `${JSON.stringify(message)}\n`);
    } catch {
      this.#open = false; // nobody waits
    }
  }
}
