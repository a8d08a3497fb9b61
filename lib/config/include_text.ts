/** Files with what they include in place, as text for scripts, and marks that say where each line is from (commands.md §10). */
import type { Line } from "./lines.ts";

/** Marks in a file itself would lie about lines. */
const MARK = /^#[<>:]/;

/** `#< FILE 1` before the lines of a file, `#> FILE LINE` where one goes on, `#:TEXT` for an error. */
export function formatIncluded(lines: readonly Line[]): string {
  return lines.map((line) => {
    switch (line.kind) {
      case "text":
        return MARK.test(line.text) ? "" : `${line.text}\n`;
      case "fault":
        return `#:${line.classic}\n`;
      case "boundary":
        return `\n#${line.begins ? "<" : ">"} ${line.at.file} ${line.at.line}\n`;
    }
  }).join("");
}
