/**
 * ipsec.secrets as records of words (config.md §19.1). A record starts in column 1 and goes on over indented lines.
 *
 * Texts are "binary": one character for each byte, so that a preshared key in any encoding keeps its bytes.
 */
import type { Complaints, Position } from "./complaint.ts";
import { parseAddress } from "../text/address.ts";

export interface Word {
  /** Without the quotes. */
  readonly text: string;
  readonly quoted: boolean;
  readonly line: number;
}

export interface SecretsRecord {
  readonly at: Position;
  readonly words: readonly Word[];
  /** `RSA 3072 bits   west   Thu Jan ...` out of the comment that key generators write; empty where there is none. */
  readonly origin: string;
}

/** As C's isspace(): JavaScript's own notion of blanks includes a byte of UTF-8's "à". */
const BLANKS = /^[ \t\v\f\r]+/;
const WORD = /^[^ \t\v\f\r]+/;
const TRAILING_BLANKS = /[ \t\v\f\r]+$/;
const ORIGIN = /^[ \t]*#[ \t]*(RSA \d+ bits\b.*)$/;

/** The bytes that a text of the file stands for. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** A name out of the file, for people and the file system: its bytes are UTF-8. */
export function nameOf(text: string): string {
  return new TextDecoder().decode(bytesOf(text));
}

/** Lines end in LF or CRLF; the last one needs no end. */
export function splitSecrets(text: string, file: string, complaints: Complaints): SecretsRecord[] {
  const records: SecretsRecord[] = [];
  let open: { at: Position; words: Word[]; origin: string; broken: boolean } | undefined;
  const close = () => {
    if (open && !open.broken) records.push(open);
    open = undefined;
  };
  const lines = text.replace(/^\xef\xbb\xbf/, "").split(/\r?\n/);
  for (const [i, line] of lines.entries()) {
    const at = { file, line: i + 1 };
    if (open && ORIGIN.test(line)) open.origin ||= ORIGIN.exec(line)![1].trimEnd();
    const words = splitWords(line, at.line);
    if (words?.length === 0) continue;
    const indented = /^[ \t]/.test(line);
    if (!indented) close();
    if (!open) {
      open = { at, words: [], origin: ORIGIN.exec(line.slice(line.indexOf("#")))?.[1] ?? "", broken: indented };
      if (indented) complaints.error(at, "file starts with indentation (continuation notation)");
    }
    if (words) { for (const word of words) open.words.push(word); }
    else {
      open.broken = true;
      complaints.error(at, "unterminated string");
    }
  }
  close();
  return records;
}

/** @returns undefined for a string without its second quote */
function splitWords(line: string, number: number): Word[] | undefined {
  const words: Word[] = [];
  const push = (text: string, quoted = false) => words.push({ text, quoted, line: number });
  for (let rest = line.replace(BLANKS, ""); rest && rest[0] !== "#";) {
    let taken: number;
    if (rest[0] === '"' || rest[0] === "'") {
      const end = rest.indexOf(rest[0], 1);
      if (end < 0) return undefined;
      push(rest.slice(1, end), true);
      taken = end + 1;
    } else if (/^0t/i.test(rest)) {
      push(rest.replace(TRAILING_BLANKS, ""));
      taken = rest.length;
    } else {
      const [text] = WORD.exec(rest)!;
      taken = text.length;
      if (hasColon(text)) {
        push(text.slice(0, -1));
        push(":");
      } else push(text);
    }
    rest = rest.slice(taken).replace(BLANKS, "");
  }
  return words;
}

/** Whether the colon at the end of a word is one of the record's: not so for `2001:db8::`, which is an address. */
export function hasColon(text: string): boolean {
  return text.length > 1 && text.endsWith(":") && !(text.endsWith("::") && parseAddress(text, "inet6").ok);
}
