/** Log lines on standard error: seconds and level first, so that a supervisor or syslog can sort them. */
export const LOG_LEVELS = ["error", "notice", "info", "debug"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Errors are what an administrator must act on, notices what changed; `info` and `debug` explain. */
export type Log = (level: LogLevel, text: string) => void;

export interface LogDeps {
  now(): Date;
  write(line: string): void;
}

const encoder = new TextEncoder();

const PROCESS: LogDeps = {
  now: () => new Date(),
  write(line) {
    let rest = encoder.encode(line);
    try {
      while (rest.length) rest = rest.subarray(Deno.stderr.writeSync(rest));
    } catch {
      // nobody reads the log any more: a daemon goes on without it
    }
  },
};

/** @returns a log that keeps lines up to `level`; control characters are shown as `\xNN`, so that one call is one line */
export function makeLog(level: LogLevel, deps: LogDeps = PROCESS): Log {
  const limit = LOG_LEVELS.indexOf(level);
  return (at, text) => {
    if (LOG_LEVELS.indexOf(at) > limit) return;
    deps.write(`${deps.now().toISOString()} ${at}: ${oneLine(text)}\n`);
  };
}

function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return text.replace(/[\x00-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
