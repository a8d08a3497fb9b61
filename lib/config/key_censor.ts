/** ipsec.conf without its keys, to be shown to others (commands.md §12, `_keycensor`). */
import { textSum } from "../crypto/text_sum.ts";

/** Every parameter that holds a key; `rekey=`, `keylife=` and the like are none. Comments may hold old ones. */
const KEY = /^(.*?(sig|enc|auth|ah)key2?[ \t]*=[ \t]*)([^%\s].*)$/is;
/** A comment begins where a word could. */
const COMMENT = /[ \t]+#.*$/s;
/** Characters of a key id. */
const ID_LENGTH = 9;

/** @param line without its newline */
export function censorKey(line: string): string {
  const match = KEY.exec(line);
  if (!match) return line;
  const [, head, kind, rest] = match;
  return `${head}${condensed(rest.replace(COMMENT, "").trimEnd(), kind.toLowerCase() === "sig")}`;
}

/** Of a public key its id is shown; of a secret one in base64 that would be half of it. */
function condensed(value: string, isPublic: boolean): string {
  if (value.includes("'")) return "[cannot be condensed]";
  if (isPublic && /^0s/i.test(value)) return keyIdMark(value);
  return sumMark(value);
}

/** @param key in base64, with its prefix */
export function keyIdMark(key: string): string {
  return `[keyid ${key.slice(2, 2 + ID_LENGTH)}]`;
}

export function sumMark(text: string): string {
  return `[sums to ${textSum(text)}...]`;
}
