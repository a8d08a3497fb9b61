/** `ipsec ranbits`: random bits as text, for keys of manual connections (commands.md §14). */
import { versionCode } from "../lib/system/version.ts";
import { formatData } from "../lib/text/data.ts";
import type { Command, Io } from "./_command.ts";
import { Getopt } from "./_getopt.ts";
import { RANBITS_MANUAL } from "./_ranbits_manual.ts";

const PROG = "ipsec ranbits";
const USAGE = "Usage: ranbits [--quick] [--continuous] [--bytes] nbits\n";
const MOST_BITS = 20000;

/** None takes a value. `quick` is accepted and changes nothing: the one generator never waits once it has been seeded. */
const OPTIONS = { quick: false, continuous: false, bytes: false, help: false, version: false } as const;

const STATUS = { ok: 0, failure: 1, usage: 2 } as const;

function run(args: readonly string[], io: Io): number {
  const getopt = new Getopt(args, OPTIONS, { prog: PROG });
  const given = new Set<keyof typeof OPTIONS>();
  const words: string[] = [];
  for (let one = getopt.next(); one; one = getopt.next()) {
    if (one.kind === "error") {
      io.stderr(`${one.message}\n${USAGE}`);
      return STATUS.usage;
    }
    if (one.kind === "word") words.push(one.value);
    else if (one.name === "help") return answer(USAGE, io);
    else if (one.name === "version") return answer(`${PROG} ${versionCode()}\n`, io);
    else given.add(one.name);
  }
  if (words.length !== 1) {
    io.stderr(USAGE);
    return STATUS.usage;
  }
  const bits = bitCount(words[0], given.has("bytes") ? 8 : 1);
  if (bits <= 0) return fail(`invalid bit count (${words[0]})`, io);
  if (bits > MOST_BITS) return fail(`overlarge bit count (max ${MOST_BITS})`, io);
  const random = crypto.getRandomValues(new Uint8Array(Math.ceil(bits / 8)));
  return answer(`${formatData(random, given.has("continuous") ? "x" : "h")}\n`, io);
}

/** @returns 0 for a text that is no number */
function bitCount(text: string, unitBits: number): number {
  return /^[ \t]*[+-]?[0-9]+$/.test(text) ? Number(text) * unitBits : 0;
}

function answer(text: string, io: Io): number {
  io.stdout(text);
  return STATUS.ok;
}

function fail(reason: string, io: Io): number {
  io.stderr(`${PROG}: ${reason}\n`);
  return STATUS.failure;
}

export const ranbits: Command = {
  name: "ranbits",
  summary: "generate random bits in ASCII form",
  usage: () => USAGE,
  manual: RANBITS_MANUAL,
  run,
};
