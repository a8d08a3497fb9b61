/** What `ipsec verify` has found, and how it is shown (commands.md §20). */

/** `N/A`: could not be looked at, or nothing needs it. `WARNING`: works now, and will not always. */
export type Verdict = "OK" | "FAILED" | "MISSING" | "BLOCKED" | "N/A" | "DEPRECATED" | "WARNING";

export interface Finding {
  readonly text: string;
  readonly verdict: Verdict;
  /** Lines under the finding: what was seen. */
  readonly details?: readonly string[];
  /** What to do. */
  readonly advice?: string;
}

export interface Chapter {
  readonly heading: string;
  readonly findings: readonly Finding[];
}

const TEXT_COLUMNS = 65;
const BAD: readonly Verdict[] = ["FAILED", "MISSING", "BLOCKED"];
const COLOURS: Readonly<Partial<Record<Verdict, string>>> = { OK: "32", "N/A": "33", DEPRECATED: "33", WARNING: "33" };

export function isBad({ verdict }: Finding): boolean {
  return BAD.includes(verdict);
}

export function formatChapter({ heading, findings }: Chapter, inColour: boolean): string {
  return `${heading}\n${findings.map((one) => formatFinding(one, inColour)).join("")}`;
}

export function formatFinding({ text, verdict, details = [], advice }: Finding, inColour: boolean): string {
  const shown = inColour ? `\x1b[1;${COLOURS[verdict] ?? "31"}m${verdict}\x1b[0;39m` : verdict;
  const lines = [...details, ...(advice ? [advice] : [])].map((line) => `  ${line}\n`).join("");
  return `${text.padEnd(TEXT_COLUMNS)}\t[${shown}]\n${lines}`;
}

/** @param wrong what was seen; undefined where all is well */
export function finding(text: string, wrong: string | undefined, advice: string | undefined): Finding {
  if (wrong === undefined) return { text, verdict: "OK" };
  return { text, verdict: "FAILED", details: wrong ? [wrong] : [], advice };
}

/** What is wrong with something that nothing uses is no fault. */
export function ifUsed(used: boolean | undefined, why: string, found: Finding): Finding {
  if (used !== false || found.verdict === "OK") return found;
  return { text: found.text, verdict: "N/A", details: [`not needed: ${why}`] };
}
