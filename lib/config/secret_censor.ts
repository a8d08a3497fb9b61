/**
 * ipsec.secrets without its secrets, to be shown to others (commands.md §12, `_secretcensor`).
 *
 * What is shown is what is known to be harmless: a line is taken apart as the reader of the file does it, and a word
 * behind the colon that is no keyword, brace or file name is hidden. So a file with errors gives nothing away either.
 */
import { decodeRsaPublicKey } from "../crypto/rsa.ts";
import { parseData } from "../text/data.ts";
import { keyIdMark, sumMark } from "./key_censor.ts";
import { hasColon } from "./secrets_lexer.ts";
import { RSA_FIELDS } from "./secrets_rsa.ts";

const HIDDEN = "[...]";
const NOT_SUMMED = "[cannot be summed]";
/** Kinds of keys, ours and other programs'. */
const KINDS = /^(?:psk|rsa|pin|ecdsa|ed25519|eap|ntlm|xauth|p12|pkcs8|pkcs12|bliss|priv|token|ppk)$/i;
const FIELD = new RegExp(`^(?:${[...RSA_FIELDS, "CKAIDNSS"].join("|")}):?$`, "i");
/** Among the indices these are no host names but stand where the colon should. */
const COLON_FORGOTTEN = /^(?:psk|rsa|pin|xauth)$/i;
/** Words that cannot be a secret wherever they stand behind the colon. */
const HARMLESS = /^(?:[{}:]|%prompt)$/i;
/** The word behind these kinds names a file or a card. */
const NAMES_FILE = /^(?:rsa|pin|ecdsa|p12|pkcs8|pkcs12|priv|bliss)$/i;
/** Data, or digits of it out of a broken line. */
const DATA = /^0[xst].{2}|^[A-Za-z0-9+/]{17,}=*$|[A-Za-z0-9+/]{25}/is;
/** Where the blank after the colon has been forgotten, and what is left is no IPv6 address. */
const STUCK = /^([^:]*:)(psk|rsa|pin|xauth)$|^(:)([^:].*)$/is;
/** A string to its end, or to the end of the line; text behind 0t; a comment; a word, which a quote ends as well. */
const TOKEN = /"[^"]*"?|'[^']*'?|0[tT].*|#.*|[^ \t\v\f\r"']+/gs;

/** Reads line after line of one file. */
export class SecretCensor {
  /** What came behind the colon so far; undefined before it. */
  #key: string[] | undefined;
  #inBraces = false;

  /** @param line without its newline */
  line(line: string): string {
    if (/^[^ \t\v\f\r#]/.test(line)) [this.#key, this.#inBraces] = [undefined, false];
    return line.replace(TOKEN, (token) => this.#token(token));
  }

  #token(token: string): string {
    if (token[0] === "#") return censorComment(token);
    if (token[0] === '"' || token[0] === "'") return this.#string(token);
    return this.#key ? this.#keyWord(token) : this.#index(token);
  }

  #index(token: string): string {
    const stuck = STUCK.exec(token);
    if (stuck) {
      this.#key = [];
      return (stuck[1] ?? stuck[3]) + this.#keyWord(stuck[2] ?? stuck[4]);
    }
    const colon = hasColon(token);
    const word = colon ? token.slice(0, -1) : token;
    if (colon || token === ":") this.#key = [];
    else if (COLON_FORGOTTEN.test(word)) this.#key = [word];
    return DATA.test(word) ? sumMark(word) + (colon ? ":" : "") : token;
  }

  /** A word behind the colon. */
  #keyWord(token: string): string {
    const before = this.#key!;
    if (this.#inBraces) {
      if (token === "}") this.#inBraces = false;
      return HARMLESS.test(token) || FIELD.test(token) ? token : HIDDEN;
    }
    before.push(token);
    if (token === "{") this.#inBraces = true;
    if (HARMLESS.test(token)) return token;
    const [kind, second] = before;
    if (before.length === 1) return KINDS.test(kind) ? token : HIDDEN;
    if (before.length === 2 && /^psk$/i.test(kind)) return sumMark(token);
    const named = before.length === 2 && NAMES_FILE.test(kind) && !DATA.test(second);
    return named ? token : HIDDEN;
  }

  #string(token: string): string {
    const before = this.#key ??= [];
    before.push(token);
    // a password that somebody can remember is found by its sum
    return /^xauth$/i.test(before[0]) ? `${token[0]}${HIDDEN}${token[0]}` : censorString(token);
  }
}

function censorString(token: string): string {
  const quote = token[0];
  if (token.length === 1 || token.at(-1) !== quote) return `${quote}${NOT_SUMMED}${quote}`;
  const text = token.slice(1, -1);
  if (text === "") return token;
  if (text.includes("'")) return `${quote}${NOT_SUMMED}${quote}`;
  return `${quote}${isPublicKey(text) ? keyIdMark(text) : sumMark(text)}${quote}`;
}

/** A preshared key may begin with `0s` as well: of that no part is shown. */
function isPublicKey(text: string): boolean {
  const data = /^0s/i.test(text) ? parseData(text, 0) : undefined;
  return data?.ok === true && decodeRsaPublicKey(data.value).ok;
}

/** Public keys, and records that somebody has put out of use. */
function censorComment(text: string): string {
  const key = /^(#[ \t]*pubkey=)(\S+)(.*)$/s.exec(text);
  if (key) return `${key[1]}${/^0s/i.test(key[2]) ? keyIdMark(key[2]) : sumMark(key[2])}`;
  if (/#IN KEY /.test(text)) return text.replace(/\S+(?=\s*$)/, (word) => keyIdMark(`0s${word}`));
  return text.replace(/"[^"]+"?|(?<=\s)'[^']+'/g, censorString)
    .replace(/(\bpsk[ \t]+)([^"'\s]\S*)/gi, (_, head, word) => head + sumMark(word))
    .replace(/[^\s:"'#[\]]+/g, (word) => DATA.test(word) ? HIDDEN : word);
}
