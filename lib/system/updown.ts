/**
 * Running an updown command (pluto.md §16.3): the built-in one within this process, any other by the shell, with the
 * connection in its environment. What it prints is for the log, and it is not waited for without end.
 */
import { constants } from "node:os";
import { basename, dirname } from "node:path";
import { sanitizeText } from "../text/sanitize.ts";
import { builtinUpdown, type UpdownResult } from "./builtin_updown.ts";
import { singleFile } from "./self.ts";
import type { Variables } from "./updown_request.ts";
import { builtinArguments } from "./updown_words.ts";
import type { UpdownVariables } from "../text/updown_variables.ts";

export const DEFAULT_UPDOWN = "ipsec _updown";

export interface UpdownOutcome {
  /** Whether the connection may go on. */
  readonly ok: boolean;
  /** What the command said; fit for a log. */
  readonly lines: readonly string[];
  /** What went wrong, as `up-client command exited with status 1`. */
  readonly complaint?: string;
}

export interface UpdownDeps {
  /** Default: {@linkcode builtinUpdown}. */
  readonly builtin?: (args: readonly string[], variables: Variables) => UpdownResult;
  /** Default: that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** After so long the command is killed, with all it started. */
  readonly timeLimitMs?: number;
}

const TIME_LIMIT_MS = 60_000;
/** From SIGTERM to SIGKILL. */
const LAST_WORDS_MS = 2_000;
/** A command may leave programs behind that hold its output open; for their words nobody waits. */
const AFTER_END_MS = 500;
const MOST_LINES = 200, LONGEST_LINE = 255;
const PATH = ["/usr/local/sbin", "/sbin", "/usr/sbin", "/usr/local/bin", "/bin", "/usr/bin"];

/**
 * @param command as leftupdown= has it: words for the shell
 * @param variables of {@linkcode updownVariables}
 */
export async function runUpdown(
  command: string,
  variables: UpdownVariables,
  deps: UpdownDeps = {},
): Promise<UpdownOutcome> {
  const verb = variables.PLUTO_VERB;
  const args = builtinArguments(command);
  if (!args) return await runByShell(command, variables, deps);
  const { status, lines } = (deps.builtin ?? builtinUpdown)(args, (name) => variables[name]);
  return outcome(lines, status === 0 ? undefined : `${verb} command exited with status ${status}`);
}

async function runByShell(command: string, variables: UpdownVariables, deps: UpdownDeps): Promise<UpdownOutcome> {
  const verb = variables.PLUTO_VERB;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("/bin/sh", {
      args: ["-c", 'exec /bin/sh -c "$1" 2>&1', "sh", command],
      clearEnv: true,
      env: { ...environment(deps.environment ?? Deno.env.toObject()), ...variables },
      detached: true, // a group of its own, to be killed as a whole
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    return outcome([], `unable to popen ${verb} command: ${error instanceof Error ? error.message : error}`);
  }
  const output = new Output(child.stdout);
  const limitMs = deps.timeLimitMs ?? TIME_LIMIT_MS;
  const status = await within(child.status, limitMs) ?? await killed(child);
  await within(output.ended, AFTER_END_MS);
  return outcome(output.stop(), complaintOf(status, verb, limitMs));
}

type Ending = Deno.CommandStatus | "too long";

function complaintOf(status: Ending, verb: string, limitMs: number): string | undefined {
  if (status === "too long") return `${verb} command took more than ${limitMs / 1000} seconds and was killed`;
  if (status.signal) return `${verb} command exited with signal ${constants.signals[status.signal as "SIGTERM"]}`;
  return status.success ? undefined : `${verb} command exited with status ${status.code}`;
}

/** Ends a command and what it started. */
async function killed(child: Deno.ChildProcess): Promise<Ending> {
  signalGroup(child.pid, "SIGTERM");
  if (!await within(child.status, LAST_WORDS_MS)) {
    signalGroup(child.pid, "SIGKILL");
    await child.status;
  }
  return "too long";
}

function signalGroup(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-pid, signal);
  } catch {
    // all have ended
  }
}

/** @returns undefined where `promise` takes longer */
async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), limitMs));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A program's words, as they come; of very many the rest is read and forgotten. */
class Output {
  readonly ended: Promise<true>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    this.ended = this.#read();
  }

  /** Listens no more. @returns the lines so far */
  stop(): string[] {
    this.#reader.cancel().catch(() => {});
    const lines = this.#text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    return lines;
  }

  async #read(): Promise<true> {
    const most = MOST_LINES * LONGEST_LINE;
    for (let one = await this.#reader.read(); !one.done; one = await this.#reader.read()) {
      if (this.#text.length < most) this.#text += one.value.slice(0, most - this.#text.length);
    }
    return true;
  }
}

/** The environment without what an outer updown command may have left, and with `ipsec` on its path. */
function environment(inherited: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(inherited).filter(([name]) => !name.startsWith("PLUTO_"));
  const file = singleFile();
  const first = file && basename(file) === "ipsec" ? [dirname(file)] : [];
  const path = new Set([...first, ...PATH, ...(inherited.PATH ?? "").split(":").filter(Boolean)]);
  return { ...Object.fromEntries(own), PATH: [...path].join(":") };
}

function outcome(lines: readonly string[], complaint?: string): UpdownOutcome {
  const shown = lines.slice(0, MOST_LINES).map((line) => sanitizeText(line, LONGEST_LINE));
  return { ok: complaint === undefined, lines: shown, ...(complaint !== undefined && { complaint }) };
}
