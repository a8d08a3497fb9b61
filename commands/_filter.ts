/** Commands that print files, or standard input, line after line with something taken out. */
import { errorReason } from "../lib/system/error_reason.ts";
import { type Io, UserError } from "./_command.ts";
import { toolVersion } from "./_tool_version.ts";

export interface Filter {
  readonly name: string;
  /** @returns what a line becomes; asked for anew for every file, line ends are not part of it */
  start(): (line: string) => string;
}

const STDIN = "/dev/stdin";

export function filterUsage({ name }: Filter): string {
  return `Usage: ipsec ${name} [file ...]\n`;
}

/** A file that cannot be read is told, and the others are printed. */
export function runFilter(filter: Filter, args: readonly string[], io: Io): number {
  const prog = `ipsec ${filter.name}`;
  const files: string[] = [];
  for (const [i, word] of args.entries()) {
    if (word === "--") {
      files.push(...args.slice(i + 1));
      break;
    }
    if (word === "--help" || word === "--version") {
      io.stdout(word === "--help" ? filterUsage(filter) : toolVersion(filter.name));
      return 0;
    }
    if (word.startsWith("-") && word !== "-") {
      throw new UserError(`${prog}: unknown option \`${word}'\n${filterUsage(filter).trimEnd()}`, 2);
    }
    files.push(word);
  }
  let status = 0;
  for (const file of files.length ? files : ["-"]) {
    const text = read(file === "-" ? STDIN : file);
    if (text.ok) io.stdout(text.value.replace(/[^\n]+/g, filter.start()));
    else {
      io.stderr(`${prog}: cannot read \`${file}' (${text.error})\n`);
      status = 1;
    }
  }
  return status;
}

function read(path: string): { ok: true; value: string } | { ok: false; error: string } {
  try {
    return { ok: true, value: Deno.readTextFileSync(path) };
  } catch (error) {
    return { ok: false, error: errorReason(error) };
  }
}
