/** `ipsec newhostkey`: a new RSA key for this host as a record of ipsec.secrets (commands.md §16). */
import { formatPosition } from "../lib/config/complaint.ts";
import { readSecrets } from "../lib/config/secrets.ts";
import { formatRsaRecord } from "../lib/config/secrets_format.ts";
import { errorReason } from "../lib/system/error_reason.ts";
import { confDirectory } from "../lib/system/paths.ts";
import { secretsFiles } from "../lib/system/secrets_files.ts";
import { versionCode } from "../lib/system/version.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { Getopt } from "./_getopt.ts";
import { checkHost, originOf, parseBits, searchKey } from "./_host_key.ts";
import { NEWHOSTKEY_MANUAL } from "./_newhostkey_manual.ts";

const PROG = "ipsec newhostkey";
const USAGE = `Usage: ipsec newhostkey --output filename [--bits n] [--quiet] [--hostname host]
         or
       ipsec newhostkey --output - [--bits n] [--quiet] [--verbose] [--hostname host] >filename
`;
const OPTIONS = {
  output: true,
  bits: true,
  quiet: false,
  verbose: false,
  hostname: true,
  help: false,
  version: false,
} as const;
const STATUS = { ok: 0, usage: 2 } as const;
const DEFAULT_BITS = "3072";
const ROUNDS = 30;
const OWNER_ONLY = 0o600;

function run(args: readonly string[], io: Io): number {
  const getopt = new Getopt(args, OPTIONS, { prog: PROG });
  const given = new Map<keyof typeof OPTIONS, string>();
  for (let one = getopt.next(); one; one = getopt.next()) {
    if (one.kind !== "option") {
      io.stderr(
        one.kind === "error" ? `${one.message}\n${USAGE}` : `${PROG}: unexpected word "${one.value}"\n${USAGE}`,
      );
      return STATUS.usage;
    }
    if (one.name === "help" || one.name === "version") {
      io.stdout(one.name === "help" ? USAGE : `${PROG} ${versionCode()}\n`);
      return STATUS.ok;
    }
    given.set(one.name, one.value);
  }
  const bits = parseBits(given.get("bits") ?? DEFAULT_BITS, PROG);
  const host = checkHost(given.get("hostname") ?? Deno.hostname(), PROG);
  const output = given.get("output") ?? defaultOutput(io);
  const quiet = given.has("quiet");
  // Before the search, which takes its time: what cannot be read now will not be written either.
  const isThere = output !== "-" && readOld(output) !== "";
  if (isThere && !quiet) io.stderr(`${PROG}: WARNING: file \`${output}' exists, appending to it\n`);
  const key = searchKey({
    prog: PROG,
    bits,
    rounds: ROUNDS,
    device: undefined,
    plainTotient: false,
    progress: given.has("verbose") ? "narrated" : io.stderrIsTerminal && !quiet ? "shown" : "none",
  }, io);
  const record = formatRsaRecord(key, originOf(key.publicKey, host));
  if (output === "-") io.stdout(record);
  else {
    append(output, record);
    if (!quiet) warnOfRivals(output, io);
  }
  return STATUS.ok;
}

/** Two keys without index: neither pluto nor showhostkey can tell which is meant. */
function warnOfRivals(path: string, io: Io): void {
  const keys = readSecrets(path.replace(/[\\*?[]/g, "\\$&"), secretsFiles).entries
    .filter(({ key, idCount }) => key.kind !== "PSK" && idCount === 0);
  if (keys.length < 2) return;
  const lines = keys.map(({ at }) => formatPosition(at)).join(", ");
  io.stderr(
    `${PROG}: WARNING: ${keys.length} keys have no index before the colon (${lines}); give all but one an index\n`,
  );
}

/** ipsec.secrets itself, but only where there is none yet. */
function defaultOutput(io: Io): string {
  const path = `${confDirectory((name) => io.env(name))}/ipsec.secrets`;
  if (exists(path)) {
    throw new UserError(
      `${PROG}: no --output specification included, and ${path} exists; --output ${path} appends to it`,
    );
  }
  return path;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

function readOld(path: string): Uint8Array<ArrayBuffer> | "" {
  try {
    // A device would be replaced by a file.
    if (!Deno.statSync(path).isFile) throw new Error("not a regular file; --output - writes to standard output");
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw new UserError(`${PROG}: cannot read \`${path}' (${errorReason(error)})`);
  }
}

/** The file is whole at any time: a new one beside it takes its place. */
function append(path: string, record: string): void {
  // Read again: others may have written while the key was searched.
  const old = readOld(path);
  try {
    const target = old === "" ? path : Deno.realPathSync(path);
    const beside = `${target}.new`;
    if (exists(beside)) Deno.removeSync(beside);
    {
      using file = Deno.openSync(beside, { write: true, createNew: true, mode: OWNER_ONLY });
      const newline = old && old.length > 0 && old[old.length - 1] !== 0x0a ? "\n" : "";
      for (const piece of [old || new Uint8Array(), new TextEncoder().encode(newline + record)]) {
        for (let rest = piece; rest.length;) rest = rest.subarray(file.writeSync(rest));
      }
      file.syncSync();
    }
    Deno.renameSync(beside, target);
  } catch (error) {
    throw new UserError(`${PROG}: cannot write \`${path}' (${errorReason(error)})`);
  }
}

export const newhostkey: Command = {
  name: "newhostkey",
  summary: "generate a new RSA authentication key for this host",
  usage: () => USAGE,
  manual: NEWHOSTKEY_MANUAL,
  run,
};
