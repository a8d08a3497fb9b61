/** Files of options (text-forms.md §12): what each line adds to the command line. */
import { ok, refuse, type Result } from "./result.ts";

const LONGEST_LINE = 1021;

/** @returns the arguments, in order; a last line without its newline counts in full */
export function splitOptionFile(text: string): Result<string[]> {
  const args: string[] = [];
  for (const line of text.split("\n")) {
    if (line.length > LONGEST_LINE) return refuse("error in line read");
    if (/^[ \t]*$/.test(line) || line.startsWith("#")) continue;
    if (line.startsWith("-")) args.push(...line.split(/[ \t]+/).filter((word) => word !== ""));
    else if (line.length >= 2 && line.startsWith('"') && line.endsWith('"')) args.push(line.slice(1, -1));
    else args.push(line);
  }
  return ok(args);
}
