/**
 * The reader of ipsec.secrets (config.md §19): records, includes, and who may read the files. A record with an error is
 * left out; every complaint of all files is told. No complaint shows a word that may be a secret.
 */
import type { RsaPrivateKey } from "../crypto/rsa.ts";
import { Secret } from "../crypto/secret.ts";
import { parseData } from "../text/data.ts";
import { sanitizeText } from "../text/sanitize.ts";
import { type Complaint, Complaints, type Position } from "./complaint.ts";
import { besides, type FileSystem, type FileText } from "./file_system.ts";
import { glob, isPattern } from "./glob.ts";
import { type Identity, parseIdentity } from "../text/identity.ts";
import { bytesOf, nameOf, type SecretsRecord, splitSecrets, type Word } from "./secrets_lexer.ts";
import { parseRsaKey } from "./secrets_rsa.ts";

/** `text` has one character for each byte. */
export interface SecretsFile extends FileText {
  /** Permission bits; undefined where the system has none. */
  readonly mode?: number;
}

export interface SecretsFileSystem extends FileSystem {
  read(path: string): SecretsFile | string;
}

export type SecretKey =
  | { readonly kind: "PSK"; readonly secret: Secret }
  /** Password of ours for a peer that asks. The indices are names of users, and no identities; none: of any user. */
  | { readonly kind: "XAUTH"; readonly secret: Secret; readonly users: readonly string[] }
  /** `path` is that of a key in a file of its own. */
  | { readonly kind: "RSA"; readonly key: RsaPrivateKey; readonly origin: string; readonly path?: string }
  /** A key in a file of its own that has not been loaded: see loadSecrets(). */
  | { readonly kind: "RSA file"; readonly path: string; readonly passphrase: Secret | "%prompt" | undefined };

export interface SecretEntry {
  readonly at: Position;
  readonly ids: readonly Identity[];
  /** Indices as written, those that cannot be used too: without any, the entry is for everybody. */
  readonly idCount: number;
  readonly key: SecretKey;
}

export interface Secrets {
  /** In the order of the files. */
  readonly entries: readonly SecretEntry[];
  readonly complaints: readonly Complaint[];
  /** Every file read, in the order of reading. */
  readonly files: readonly string[];
}

const DEEPEST = 10;
/** Files that include each other in ever new orders end here. */
const MOST_FILES = 1000;
/** Permission bits of group and others: to read, to write. */
const OPEN_TO_OTHERS = 0o066;

/** @param mode permission bits */
export function isOpenToOthers(mode: number): boolean {
  return (mode & OPEN_TO_OTHERS) !== 0;
}
/** A colon that was meant to stand apart. */
const STUCK = /^[^:]*:(?:psk|rsa|pin|xauth)$/i;

/** Never throws, unless `files` does. */
export function readSecrets(pattern: string, files: SecretsFileSystem): Secrets {
  const reading = new Reading(files);
  reading.all(pattern, { file: pattern, line: 0 }, []);
  const { entries, read, complaints } = reading;
  return { entries, files: [...read], complaints: complaints.sorted([...read]) };
}

class Reading {
  readonly entries: SecretEntry[] = [];
  readonly complaints = new Complaints();
  readonly read = new Set<string>();
  readonly #files: SecretsFileSystem;
  #count = 0;

  constructor(files: SecretsFileSystem) {
    this.#files = files;
  }

  /** @param open identities of the files that are being read, outermost first */
  all(pattern: string, asked: Position, open: readonly string[]): void {
    if (open.length > DEEPEST) {
      return this.complaints.error(asked, `preshared secrets file "${sanitizeText(pattern)}" nested too deeply`);
    }
    const paths = isPattern(pattern) ? glob(pattern, this.#files) : [pattern];
    if (paths.length === 0) {
      const message = `no secrets filename matched "${sanitizeText(pattern)}"`;
      // A folder for secrets may be empty.
      if (open.length > 0) this.complaints.warn(asked, message);
      else this.complaints.error(asked, message);
    }
    for (const path of paths) this.#one(path, asked, open);
  }

  #one(path: string, asked: Position, open: readonly string[]): void {
    if (++this.#count > MOST_FILES) return this.complaints.error(asked, `more than ${MOST_FILES} files are included`);
    const file = this.#files.read(path);
    const name = sanitizeText(path);
    if (typeof file === "string") return this.complaints.error(asked, `problem with secrets file "${name}": ${file}`);
    if (open.includes(file.identity)) {
      return this.complaints.error(asked, `"${name}" includes itself: this include is left out`);
    }
    this.read.add(path);
    if (file.mode !== undefined && isOpenToOthers(file.mode)) {
      const mode = (file.mode & 0o7777).toString(8).padStart(4, "0");
      return this.complaints.error(
        { file: path, line: 0 },
        `not read: with mode ${mode} others can read or change the secrets; run: chmod 600 ${name}`,
      );
    }
    for (const record of splitSecrets(file.text, path, this.complaints)) this.#record(record, [...open, file.identity]);
  }

  #record(record: SecretsRecord, open: readonly string[]): void {
    const { words, at } = record;
    if (isWord(words[0], "include")) return this.#include(record, open);
    if (words.length === 1 && isWord(words[0], "}")) {
      return this.complaints.error(at, "a '}' in column 1 ends no key: indent it");
    }
    const refuse = (message: string, word: Word = words[words.length - 1]) =>
      this.complaints.error({ file: at.file, line: word.line }, message);
    const stuck = words.find(({ text, quoted }) => !quoted && STUCK.test(text));
    if (stuck) return refuse(`a blank must stand after the colon in "${sanitizeText(bytesOf(stuck.text))}"`, stuck);
    const keyAt = words.findIndex((word, i) => startsKey(word, words.slice(i + 1)));
    if (keyAt < 0) return refuse(`unexpected end of id list${missingColon(words)}`);
    const indices = words.slice(0, keyAt);
    const first = words[keyAt];
    const hasColon = !first.quoted && first.text === ":";
    if (!hasColon && !first.quoted) {
      this.complaints.warn({ file: at.file, line: first.line }, `the colon before ${first.text} is missing`);
    }
    const key = parseKey(words.slice(hasColon ? keyAt + 1 : keyAt), record.origin, refuse);
    if (key?.kind === "XAUTH") {
      const users = indices.map(({ text }) => nameOf(text).replace(/^@/, ""));
      this.entries.push({ at, ids: [], idCount: indices.length, key: { ...key, users } });
      return;
    }
    const ids = indices.map((word) => this.#identity(word, at.file)).filter((id) => id !== undefined);
    if (indices.length > 0 && ids.length === 0) {
      this.complaints.error(at, "no index of this entry can be used, so it is left out");
    } else if (key) this.entries.push({ at, ids, idCount: indices.length, key });
  }

  #identity({ text, line }: Word, file: string): Identity | undefined {
    const id = parseIdentity(nameOf(text));
    if (!id.ok) {
      const shown = SHOWN.test(text) ? `"${sanitizeText(bytesOf(text))}"` : "(not shown)";
      this.complaints.error({ file, line }, `index ${shown} ${id.error}`);
      return undefined;
    }
    if (id.value.kind === "none") {
      const family = text.includes(":") ? "6" : "";
      this.complaints.warn(
        { file, line },
        `${text} stands for a peer without identity; for any peer write %any${family}`,
      );
    }
    return id.value;
  }

  #include({ words: [word, name, extra], at }: SecretsRecord, open: readonly string[]): void {
    if (!name) return this.complaints.error({ ...at, line: word.line }, "unexpected end of include directive");
    if (extra) {
      const message = "ignoring malformed INCLUDE -- expected Record Boundary after filename";
      return this.complaints.error({ ...at, line: extra.line }, message);
    }
    this.all(besides(at.file, nameOf(name.text)), { ...at, line: name.line }, open);
  }
}

function isWord(word: Word | undefined, text: string): boolean {
  return word !== undefined && !word.quoted && word.text.toLowerCase() === text;
}

/** What can be no part of a secret: an address, a special word, a host name. A key whose line was broken looks different. */
const SHOWN =
  /^[0-9]*(?:\.[0-9]*)+(?:\/\d+)?$|^%[a-z]+6?$|^[0-9a-f]{0,5}(?::[0-9a-f]{0,5})+$|^[^\s:=]{1,80}\.[a-z]{2,10}$/i;

/** A colon, the string of the old form, or the kind of a string whose colon has been forgotten. */
function startsKey(word: Word, rest: readonly Word[]): boolean {
  return word.quoted || word.text === ":" || (isWord(word, "psk") && rest[0]?.quoted === true);
}

function missingColon(words: readonly Word[]): string {
  const kind = words.find((word) => !word.quoted && Object.hasOwn(KINDS, word.text.toLowerCase()));
  return kind ? `: the colon before ${kind.text} is missing` : "";
}

type Refuse = (message: string, word?: Word) => void;
type KeyParser = (words: readonly Word[], origin: string, refuse: Refuse) => SecretKey | undefined;

/** By the word after the colon, in lower case. */
const KINDS: Readonly<Record<string, KeyParser>> = {
  psk: parsePsk,
  xauth: parseXauth,
  rsa: parseRsa,
  pin: (words, _, refuse) => {
    if (!/^%smartcard/i.test(words[0]?.text ?? "")) refuse("PIN keyword must be followed by %smartcard<reader>:<id>");
    else if (!words[1]) refuse("PIN statement must be terminated either by <pin code> or %prompt");
    else refuse("Smartcard not supported: put the key into a file, or between braces after RSA", words[0]);
    return undefined;
  },
};
/** Kinds of other programs, so that the complaint can name them; any other word may be a secret. */
const FOREIGN = ["ecdsa", "eap", "ntlm", "p12", "pkcs8", "pkcs12", "bliss", "priv", "token", "ppk", "ed25519"];

function parseKey(words: readonly Word[], origin: string, refuse: Refuse): SecretKey | undefined {
  const [kind, ...rest] = words;
  if (!kind) return void refuse("unexpected end of id list");
  if (kind.quoted) return parsePsk(words, origin, refuse);
  const name = kind.text.toLowerCase();
  if (Object.hasOwn(KINDS, name)) return KINDS[name](rest, origin, refuse);
  const shown = FOREIGN.includes(name) ? kind.text : "(not shown)";
  refuse(`unrecognized key format: ${shown}; PSK, RSA or XAUTH must stand here, with a blank after it`, kind);
}

function parsePsk(words: readonly Word[], _: string, refuse: Refuse): SecretKey | undefined {
  const secret = readString("PSK", words, refuse);
  return secret && { kind: "PSK", secret };
}

/** Its users are filled in by the reader of the record. */
function parseXauth(words: readonly Word[], _: string, refuse: Refuse): SecretKey | undefined {
  const secret = readString("XAUTH", words, refuse);
  return secret && { kind: "XAUTH", secret, users: [] };
}

function readString(kind: string, [word, extra]: readonly Word[], refuse: Refuse): Secret | undefined {
  if (!word) return void refuse(`unexpected end of record in ${kind}`);
  const data = word.quoted ? { ok: true as const, value: bytesOf(word.text) } : parseSecretData(word.text);
  if (!data.ok) return void refuse(`${kind} data malformed (${data.error}): (not shown)`, word);
  if (data.value.length === 0) {
    return void refuse(`${kind} data malformed (no data bytes specified by input): an empty string`, word);
  }
  if (extra) return void refuse("expected record boundary in key", extra);
  return new Secret(data.value);
}

function parseSecretData(text: string) {
  // parseData() would write the characters of a text in UTF-8, but here each already stands for a byte.
  return /^0t./i.test(text) ? { ok: true as const, value: bytesOf(text.slice(2)) } : parseData(text, 0);
}

function parseRsa(words: readonly Word[], origin: string, refuse: Refuse): SecretKey | undefined {
  const [word, passphrase, extra] = words;
  if (!word) return void refuse("bad RSA key syntax");
  if (isWord(word, "{")) {
    const key = parseRsaKey(words.slice(1), refuse);
    return key && { kind: "RSA", key, origin };
  }
  if (!word.quoted && /^[{}]|^0[xs]/i.test(word.text)) return void refuse("bad RSA key syntax", word);
  if (extra) return void refuse("RSA private key file -- unexpected token after passphrase", extra);
  const prompted = isWord(passphrase, "%prompt");
  return {
    kind: "RSA file",
    path: nameOf(word.text),
    passphrase: prompted ? "%prompt" : passphrase && new Secret(bytesOf(passphrase.text)),
  };
}
