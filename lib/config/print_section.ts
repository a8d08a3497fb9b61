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

/** `conn office` and its settings, each with a comment that says where it comes from. */
export function formatSection(header: string, settings: ReadonlyMap<string, Setting>, options: PrintOptions): string {
  const rows = [...settings].map(([name, { value, origin }]) => ({
    text: `\t${name}=${formatValue(visibleValue(name, value, options))}`,
    origin: formatOrigin(origin),
  }));
  const width = Math.min(LONGEST_ALIGNED, Math.max(0, ...rows.map(({ text }) => text.length)));
  return `${header}\n${rows.map(({ text, origin }) => `${text.padEnd(width)}  # ${origin}\n`).join("")}`;
}

/** Beside longer values (keys) comments are not lined up. */
const LONGEST_ALIGNED = 40;
