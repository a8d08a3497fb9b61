/** Text from elsewhere, made fit for logs and terminals (text-forms.md §14). */

const encoder = new TextEncoder();
/** ASCII from the blank to the tilde, but the backslash. */
const PRINTABLE = /^[ -[\]-~]*$/;

/**
 * sanitize_string: line ends become blanks; a backslash and every byte that ASCII does not print become a backslash and
 * three octal digits.
 *
 * @param text a string stands for its bytes in UTF-8
 * @param longest characters of the result; an escape that would not fit whole ends it
 */
export function sanitizeText(text: string | Uint8Array, longest = Infinity): string {
  // nearly every line of a log, and byte by byte it would leave a hundred pieces behind
  if (typeof text === "string" && text.length <= longest && PRINTABLE.test(text)) return text;
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  let clean = "";
  for (const byte of bytes) {
    const shown = showByte(byte);
    if (clean.length + shown.length > longest) break;
    clean += shown;
  }
  return clean;
}

function showByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === "\r" || character === "\n") return " ";
  const printable = byte >= 0x20 && byte <= 0x7e && character !== "\\";
  return printable ? character : `\\${byte.toString(8).padStart(3, "0")}`;
}
