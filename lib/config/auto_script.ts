/**
 * Commands of whack as the script that `ipsec auto` of FreeS/WAN wrote (commands.md §7.2): over several lines, what is
 * empty leaving its blank, so that scripts which read it find everything in its place.
 */

/** A word of the shell, or an operand that stands in quotes. */
export type Word = string | { readonly value: string };
/** An option with its operand, or nothing. */
export type Item = readonly Word[];
/** Lines of one command. */
export type AutoCommand = readonly (readonly Item[])[];

/** The arguments of the command, without `ipsec whack`. */
export function argumentsOf(command: AutoCommand): string[] {
  const words = command.flat(2).map((word) => typeof word === "string" ? word : word.value);
  return words.slice(2);
}

/** @param path of the environment, in which the script finds `ipsec` */
export function autoScript(commands: readonly AutoCommand[], path: string): string {
  return [`PATH=${inQuotes(path)}`, "export PATH", ...commands.map(shellOf)].map((line) => `${line}\n`).join("");
}

/** What stands in place of the commands of a conn that cannot be used. */
export function failingScript(path: string, complaints: readonly string[]): string {
  const notes = complaints.map((text) => `# fatal error discovered: ${text}`);
  return [`PATH=${inQuotes(path)}`, "export PATH", ...notes, "false"].map((line) => `${line}\n`).join("");
}

function shellOf(command: AutoCommand): string {
  const lines = command.map((items) => items.map((item) => item.map(formatWord).join(" ")).join(" "));
  return [...lines, "|| exit $?"].join(" \\\n\t");
}

function formatWord(word: Word): string {
  return typeof word === "string" ? word : inQuotes(word.value);
}

/** What the shell would expand within quotes is kept from it. */
function inQuotes(text: string): string {
  return `"${text.replace(/["$`\\]/g, "\\$&")}"`;
}
