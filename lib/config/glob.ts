/** File name patterns as sh(1) has them: `*`, `?`, `[a-z]`, `[!a-z]`, and a backslash before what is meant literally. */
import type { FileSystem } from "./file_system.ts";

const WILD = /[*?[]/;

export function isPattern(text: string): boolean {
  return WILD.test(text.replace(/\\./g, ""));
}

/** @returns paths that match, sorted by code unit; a hidden file only for a pattern that begins with the dot itself */
export function glob(pattern: string, files: FileSystem): string[] {
  const parts = pattern.split("/");
  const firstWild = parts.findIndex(isPattern);
  let found = [parts[0] === "" ? "/" : ""];
  parts.forEach((part, i) => {
    if (part === "") return;
    const end = i === parts.length - 1 ? "" : "/";
    found = i < firstWild
      ? found.map((directory) => `${directory}${part.replace(/\\(.)/g, "$1")}${end}`)
      : found.flatMap((directory) =>
        files.list(directory || ".").filter((name) => matchesName(part, name)).map((name) =>
          `${directory}${name}${end}`
        )
      );
  });
  return found.sort();
}

/** One part of a path against one part of a pattern. Never more steps than the product of their lengths. */
export function matchesName(pattern: string, name: string): boolean {
  if (name.startsWith(".") && !pattern.startsWith(".")) return false;
  const steps = compile(pattern);
  let [step, at, star, resume] = [0, 0, -1, 0];
  while (at < name.length) {
    const now = steps[step];
    if (now === "*") [star, resume] = [step++, at];
    else if (now !== undefined && now(name[at])) [step, at] = [step + 1, at + 1];
    else if (star >= 0) [step, at] = [star + 1, ++resume];
    else return false;
  }
  return steps.slice(step).every((rest) => rest === "*");
}

type Step = "*" | ((c: string) => boolean);

function compile(pattern: string): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i];
    const close = c === "[" ? pattern.indexOf("]", i + (/[!^]/.test(pattern[i + 1] ?? "") ? 3 : 2)) : -1;
    if (c === "*") steps.push("*");
    else if (c === "?") steps.push(() => true);
    else if (close > 0) {
      steps.push(characterClass(pattern.slice(i + 1, close)));
      i = close;
    } else {
      const literal = c === "\\" && i + 1 < pattern.length ? pattern[++i] : c;
      steps.push((other) => other === literal);
    }
  }
  return steps;
}

function characterClass(text: string): Step {
  const negated = /^[!^]/.test(text);
  const members = negated ? text.slice(1) : text;
  const ranges: [from: string, to: string][] = [];
  for (let i = 0; i < members.length; i++) {
    const isRange = members[i + 1] === "-" && i + 2 < members.length;
    ranges.push([members[i], isRange ? members[i + 2] : members[i]]);
    if (isRange) i += 2;
  }
  return (c) => ranges.some(([from, to]) => from <= c && c <= to) !== negated;
}
