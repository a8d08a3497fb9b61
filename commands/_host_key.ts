/** What rsasigkey and newhostkey share: the size, the search with its progress, and the line that says whence a key is. */
import { formatOrigin } from "../lib/config/secrets_format.ts";
import type { RandomBytes } from "../lib/crypto/prime.ts";
import { RSA_BITS, type RsaPrivateKey, type RsaPublicKey } from "../lib/crypto/rsa.ts";
import { BITS_STEP, generateRsaKey, type GenerateWatcher } from "../lib/crypto/rsa_generate.ts";
import { errorReason } from "../lib/system/error_reason.ts";
import { ctime } from "../lib/text/date.ts";
import { type Io, UserError } from "./_command.ts";

export interface KeySearch {
  readonly prog: string;
  readonly bits: number;
  readonly rounds: number;
  /** Device for the start of the search; undefined for the kernel's generator by way of the run time. */
  readonly device: string | undefined;
  readonly plainTotient: boolean;
  readonly progress: "narrated" | "shown" | "none";
}

/** @throws {UserError} for a size that is not possible */
export function parseBits(text: string, prog: string): number {
  const bits = /^[ \t]*\+?[0-9]+$/.test(text) ? Number(text) : 0;
  if (bits <= 0) throw new UserError(`${prog}: invalid bit count (${text})`);
  if (bits > RSA_BITS.most) throw new UserError(`${prog}: overlarge bit count (max ${RSA_BITS.most})`);
  if (bits % BITS_STEP) throw new UserError(`${prog}: bit count (${bits}) not multiple of ${BITS_STEP}`);
  if (bits < RSA_BITS.least) {
    throw new UserError(`${prog}: bit count (${bits}) too small for security (min ${RSA_BITS.least})`);
  }
  return bits;
}

export function searchKey({ prog, bits, rounds, device, plainTotient, progress }: KeySearch, io: Io): RsaPrivateKey {
  const random: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));
  const seed: RandomBytes = device === undefined ? random : (length) => readDevice(device, length, prog);
  const watcher = WATCHERS[progress](io, device ?? "the kernel");
  try {
    return generateRsaKey({ bits, rounds, seed, random, plainTotient, watcher });
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(`${prog}: ${device}: ${error.message}`);
    throw error;
  } finally {
    if (progress === "shown") io.stderr(ERASE_LINE);
  }
}

const ERASE_LINE = "\r\x1b[K";

const WATCHERS: Readonly<Record<KeySearch["progress"], (io: Io, source: string) => GenerateWatcher>> = {
  none: () => ({}),
  shown: (io) => ({
    trying: (prime, tries) => io.stderr(`${ERASE_LINE}looking for prime ${prime} of 2: ${tries} numbers`),
  }),
  narrated: (io, source) => ({
    seeding: (_, bytes) => io.stderr(`getting ${bytes} random bytes from ${source}...\n`),
    searching: () => io.stderr("looking for a prime starting there (can take a while)...\n"),
    carried: () => io.stderr("carry out occurred (!), retrying...\n"),
    found: (_, tries) => io.stderr(`found it after ${tries} tries.\n`),
  }),
};

function readDevice(device: string, length: number, prog: string): Uint8Array {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(device);
  } catch (error) {
    throw new UserError(`${prog}: could not open ${device} (${errorReason(error)})`);
  }
  using open = file;
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    let got: number | null;
    try {
      got = open.readSync(bytes.subarray(at));
    } catch (error) {
      throw new UserError(`${prog}: read error on ${device} (${errorReason(error)})`);
    }
    if (!got) throw new UserError(`${prog}: eof on ${device}!?!`);
    at += got;
  }
  return bytes;
}

/** `RSA 3072 bits   west.example.com   Thu Jan  2 12:41:44 2003`, of now. */
export function originOf(key: RsaPublicKey, host: string): string {
  return formatOrigin(key, host, ctime(new Date()));
}

/** @throws {UserError} for a name that would not stay one word of a comment */
export function checkHost(host: string, prog: string): string {
  if (!/^[\x21-\x7e]+$/.test(host)) throw new UserError(`${prog}: host name must be one word, not "${host}"`);
  return host;
}
