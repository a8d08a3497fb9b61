/** The short sum that listings show in place of a text, so that two hosts can be compared (commands.md §12). */
import { createHash } from "node:crypto";

const DIGITS = 4;

/** The first hexadecimal digits of the MD5 of the text and a newline. */
export function textSum(text: string): string {
  return createHash("md5").update(`${text}\n`).digest("hex").slice(0, DIGITS);
}
