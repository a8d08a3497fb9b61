/** `ipsec rsasigkey`: a new RSA key as text (commands.md §15). */
import { formatRsaKey } from "../lib/config/secrets_format.ts";
import { isProbablePrime } from "../lib/crypto/prime.ts";
import { bytesToNumber } from "../lib/crypto/big_number.ts";
import { modulusBits, refuseSize, rsaKeyFromPrimes, type RsaPrivateKey } from "../lib/crypto/rsa.ts";
import { errorReason } from "../lib/system/error_reason.ts";
import { versionCode } from "../lib/system/version.ts";
import { parseData } from "../lib/text/data.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { Getopt } from "./_getopt.ts";
import { checkHost, originOf, parseBits, searchKey } from "./_host_key.ts";
import { RSASIGKEY_MANUAL } from "./_rsasigkey_manual.ts";

const PROG = "ipsec rsasigkey";
const USAGE = `Usage:\trsasigkey [--verbose] [--random device] [--rounds n] [--hostname host] [--noopt] nbits
\tor
\trsasigkey [--verbose] [--hostname host] [--noopt] --oldkey filename
`;
const STATUS = { ok: 0, usage: 2 } as const;
const OPTIONS = {
  verbose: false,
  random: true,
  rounds: true,
  oldkey: true,
  hostname: true,
  noopt: false,
  help: false,
  version: false,
} as const;
const DEFAULT_ROUNDS = 30;
const MOST_ROUNDS = 1000;

type Given = Map<keyof typeof OPTIONS, string>;

function run(args: readonly string[], io: Io): number {
  const getopt = new Getopt(args, OPTIONS, { prog: PROG });
  const given: Given = new Map();
  const words: string[] = [];
  for (let one = getopt.next(); one; one = getopt.next()) {
    if (one.kind === "error") {
      io.stderr(`${one.message}\n`);
      io.stdout(USAGE);
      return STATUS.usage;
    }
    if (one.kind === "word") words.push(one.value);
    else if (one.name === "help" || one.name === "version") {
      io.stdout(one.name === "help" ? USAGE : `${PROG} ${versionCode()}\n`);
      return STATUS.ok;
    } else given.set(one.name, one.value);
  }
  const oldFile = given.get("oldkey");
  if (words.length !== (oldFile === undefined ? 1 : 0)) {
    io.stdout(USAGE);
    return STATUS.usage;
  }
  const host = checkHost(given.get("hostname") ?? Deno.hostname(), PROG);
  const key = oldFile === undefined ? newKey(words[0], given, io) : oldKey(oldFile, given, io);
  if (given.has("verbose")) io.stderr("output...\n\n");
  io.stdout(formatRsaKey(key, originOf(key.publicKey, host)));
  return STATUS.ok;
}

function newKey(bits: string, given: Given, io: Io): RsaPrivateKey {
  return searchKey({
    prog: PROG,
    bits: parseBits(bits, PROG),
    rounds: parseRounds(given.get("rounds")),
    device: given.get("random"),
    plainTotient: given.has("noopt"),
    progress: given.has("verbose") ? "narrated" : io.stderrIsTerminal ? "shown" : "none",
  }, io);
}

function parseRounds(text: string | undefined): number {
  if (text === undefined) return DEFAULT_ROUNDS;
  const rounds = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (rounds <= 0) throw new UserError(`${PROG}: rounds must be > 0`, STATUS.usage);
  return Math.min(rounds, MOST_ROUNDS);
}

/** Primes out of earlier output; all else is computed anew. */
function oldKey(path: string, given: Given, io: Io): RsaPrivateKey {
  if (given.has("verbose")) io.stderr(`getting old key from ${path}...\n`);
  const primes = new Map<string, bigint>();
  for (const line of readText(path).split(/\r?\n/)) {
    const [, name, value] = /^\s*(PublicExponent|Prime1|Prime2):\s*(\S*)/.exec(line) ?? [];
    if (name === "PublicExponent") {
      if (!/^0x0*3$/.test(value)) throw new UserError(`${PROG}: wrong public exponent (\`${value}') in old key`);
    } else if (name) {
      if (primes.has(name)) throw new UserError(`${PROG}: duplicate \`${name}:' lines in \`${path}'`);
      const data = parseData(value, 0);
      if (!data.ok) throw new UserError(`${PROG}: conversion error in reading old ${name.toLowerCase()}`);
      primes.set(name, bytesToNumber(data.value));
    }
  }
  return keyFrom(primes.get("Prime1"), primes.get("Prime2"), given.has("noopt"));
}

function keyFrom(p: bigint | undefined, q: bigint | undefined, plainTotient: boolean): RsaPrivateKey {
  if (p === undefined || q === undefined) throw new UserError(`${PROG}: old key missing or incomplete`);
  const size = p * q;
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const key =
    size > 0n && size >> 20000n === 0n && [p, q].every((prime) => isProbablePrime(prime, DEFAULT_ROUNDS, random))
      ? rsaKeyFromPrimes(p, q, { plainTotient })
      : undefined;
  if (!key) throw new UserError(`${PROG}: old key is none: its numbers are no primes that fit the exponent 3`);
  const refusal = refuseSize(modulusBits(key.publicKey));
  if (refusal) throw new UserError(`${PROG}: ${refusal}`);
  return key;
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path === "-" ? "/dev/stdin" : path);
  } catch (error) {
    throw new UserError(`${PROG}: unable to open file \`${path}' (${errorReason(error)})`);
  }
}

export const rsasigkey: Command = {
  name: "rsasigkey",
  summary: "generate an RSA signature key",
  usage: () => USAGE,
  manual: RSASIGKEY_MANUAL,
  run,
};
