/** The real world of a command: this process's streams and environment. */
import type { Io } from "./_command.ts";

/** What a shell reports for a program that SIGPIPE ended. */
const BROKEN_PIPE_STATUS = 141;
const RETRY_MS = 1;

const encoder = new TextEncoder();

interface SyncWriter {
  /** @returns bytes written */
  writeSync(data: Uint8Array): number;
}

/** Writes all of it before it returns, so that `Deno.exit` cuts nothing off. */
function writeAll(stream: SyncWriter, text: string): void {
  let rest = encoder.encode(text);
  while (rest.length) {
    try {
      rest = rest.subarray(stream.writeSync(rest));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      // the other end of the terminal or pipe was made non-blocking by somebody else
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

/** Ends the process quietly when nobody reads any more, as for `ipsec eroute | head -1`. */
function writeOrEnd(stream: SyncWriter, text: string): void {
  try {
    writeAll(stream, text);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(BROKEN_PIPE_STATUS);
    throw error;
  }
}

/** A whole line for a process that reads lines; one that has gone is not missed. */
export function writeLine(stream: SyncWriter, line: string): void {
  try {
    writeAll(stream, `${line}\n`);
  } catch {
    // whoever waits for it notices
  }
}

/** For daemons, which go on when nobody reads their standard error any more, and wait for nobody. */
export function writeLogLine(line: string): void {
  let rest = encoder.encode(`${line}\n`);
  try {
    while (rest.length) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch {
    // it goes on without
  }
}

export function processIo(): Io {
  return {
    stdout: (text) => writeOrEnd(Deno.stdout, text),
    stderr: (text) => writeOrEnd(Deno.stderr, text),
    get stdoutIsTerminal() {
      return Deno.stdout.isTerminal();
    },
    get stderrIsTerminal() {
      return Deno.stderr.isTerminal();
    },
    env: (name) => {
      try {
        return Deno.env.get(name);
      } catch (error) {
        if (error instanceof Deno.errors.NotCapable) return undefined; // a daemon that has given up the right to see it
        throw error;
      }
    },
  };
}
