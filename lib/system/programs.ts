/** Programs that the supervisor starts: daemons, and commands that run to their end. It knows its own children. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Ending, ProcessRow, RunningProcess } from "./supervisor.ts";
import { sanitizeText } from "../text/sanitize.ts";

/** What a program that was run to its end had to say. */
export interface Outcome {
  readonly status: number;
  /** Of both streams. */
  readonly lines: readonly string[];
  /** What it printed, as it is. */
  readonly output: string;
}

/** What a shell says of a program that is not there. */
const NOT_FOUND_STATUS = 127;
const LONGEST_LINE = 1024;

export class Programs {
  readonly #own = new Set<number>();
  readonly #variables: () => Readonly<Record<string, string>>;

  /** @param variables what programs are given beside our own environment */
  constructor(variables: () => Readonly<Record<string, string>> = () => ({})) {
    this.#variables = variables;
  }

  /** Whether a child is waited for here: nobody else must reap it. */
  isOwn(pid: number): boolean {
    return this.#own.has(pid);
  }

  /**
   * A daemon, as the leader of a session of its own: a signal for the supervisor's terminal is not for it.
   *
   * @param output file that its words are appended to; they go to our standard error where it is undefined
   */
  daemon(
    { words, heap }: Pick<ProcessRow, "words" | "heap">,
    directory: string,
    output: string | undefined,
  ): RunningProcess {
    const log = output === undefined ? undefined : openSync(output, "a", 0o600);
    const to = log ?? "inherit";
    const env = { ...heap, ...Deno.env.toObject(), ...this.#variables() };
    const child = spawn(words[0], words.slice(1), { cwd: directory, detached: true, env, stdio: ["ignore", to, to] });
    if (log !== undefined) closeSync(log);
    const { promise: ended, resolve } = Promise.withResolvers<Ending>();
    const { pid } = child;
    if (pid !== undefined) this.#own.add(pid);
    child.on("exit", (status, signal) => {
      if (pid !== undefined) this.#own.delete(pid);
      resolve({ status, signal });
    });
    child.on("error", () => resolve({ status: NOT_FOUND_STATUS, signal: null }));
    return { pid: pid ?? 0, ended, kill: (signal) => void child.kill(signal) };
  }

  /** Runs a program to its end; what it says on both streams is returned line by line. */
  async run(words: readonly string[], signal?: AbortSignal): Promise<Outcome> {
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(words[0], {
        args: words.slice(1),
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        env: this.#variables(),
        signal,
      }).spawn();
    } catch (error) {
      return { status: NOT_FOUND_STATUS, lines: [`${words[0]}: ${(error as Error).message}`], output: "" };
    }
    this.#own.add(child.pid);
    try {
      const [out, err, { code }] = await Promise.all([text(child.stdout), text(child.stderr), child.status]);
      const lines = `${out}\n${err}`.split("\n").filter(Boolean).map((line) => sanitizeText(line, LONGEST_LINE));
      return { status: code, lines, output: out };
    } finally {
      this.#own.delete(child.pid);
    }
  }
}

/** @returns words that run commands of the shell in which `ipsec` is the program that `self` starts */
export function shellWords(commands: string, self: readonly string[]): string[] {
  const words = self.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  return ["/bin/sh", "-c", `ipsec() { ${words} "$@"; }\n${commands}`];
}

async function text(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  return await new Response(stream).text();
}
