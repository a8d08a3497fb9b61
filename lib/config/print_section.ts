/** Sections as text that reads back to the same values. */
import { formatOrigin, type Setting } from "./settings.ts";
import { PARAMETERS } from "./parameters.ts";

export interface PrintOptions {
  /** Whether keys are shown. */
  readonly secrets: boolean;
}

const HIDDEN = "(not shown)";

/** A value as it stands behind the equals sign. */
export function formatValue(value: string): string {
  return value === "" || /[ #]/.test(value) ? `"${value}"` : value;
}

export function isSecret(name: string): boolean {
  return PARAMETERS.conn.get(name)?.secret ?? false;
}

/** The value, or words in place of a key. */
export function visibleValue(name: string, value: string, { secrets }: PrintOptions): string {
  return isSecret(name) && !secrets ? HIDDEN : value;
}

/** Beside longer values (keys) comments are not lined up. */
const LONGEST_ALIGNED = 40;

/**
 * `conn office` and its settings, each with a comment that says where it comes from. What is built in stands in comments
 * only: written out it might contradict what was said, as `leftupdown` does `leftfirewall`.
 */
export function formatSection(header: string, settings: ReadonlyMap<string, Setting>, options: PrintOptions): string {
  const said = [...settings].filter(([, { origin }]) => origin.kind !== "built in");
  const builtIn = [...settings].filter(([, { origin }]) => origin.kind === "built in");
  const rows = [...said, ...builtIn].map(([name, { value, origin }]) => {
    const isHidden = isSecret(name) && !options.secrets;
    const mark = isHidden || origin.kind === "built in" ? "#" : "";
    return { text: `\t${mark}${name}=${isHidden ? HIDDEN : formatValue(value)}`, origin: formatOrigin(origin) };
  });
  const width = Math.min(LONGEST_ALIGNED, Math.max(0, ...rows.map(({ text }) => text.length)));
  return `${header}\n${rows.map(({ text, origin }) => `${text.padEnd(width)}  # ${origin}\n`).join("")}`;
}
