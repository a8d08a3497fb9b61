/** Effective settings: each value with where it came from. */
import { formatPosition, type Position } from "./complaint.ts";
import { PARAMETERS } from "./parameters.ts";

/** The two ends of a connection, as parameters begin. */
export const SIDES = ["left", "right"] as const;
export type Side = typeof SIDES[number];

/** Values of `auto` by which start makes a connection known to pluto. */
export const STARTING = ["add", "route", "start"] as const;

export function isStarting(auto: string | undefined): boolean {
  return STARTING.some((one) => one === auto);
}

export type Origin =
  /** A line of the section itself, or of the connection that it takes over with `also`. */
  | { readonly kind: "file"; readonly at: Position; readonly through?: string }
  | { readonly kind: "default"; readonly at: Position }
  | { readonly kind: "implicit"; readonly conn: string }
  | { readonly kind: "built in" };

export interface Setting {
  readonly value: string;
  readonly origin: Origin;
}

/** What was said; what was not said holds by {@linkcode settingOf}. */
export type Settings = ReadonlyMap<string, Setting>;

export interface Conn {
  readonly name: string;
  /** Its header; undefined where it is implicit. */
  readonly at?: Position;
  readonly settings: Settings;
  /** Its own name and those of all sections that it takes over. */
  readonly parts: ReadonlySet<string>;
}

/** @returns the value that holds; undefined where nothing was said and nothing holds by itself */
export function settingOf(settings: Settings, section: "setup" | "conn", name: string): Setting | undefined {
  const said = settings.get(name);
  if (said) return said;
  const value = PARAMETERS[section].get(name)?.builtIn;
  return value === undefined ? undefined : { value, origin: { kind: "built in" } };
}

/** All values that hold, in the order of the table of parameters. */
export function effectiveSettings(settings: Settings, section: "setup" | "conn"): Map<string, Setting> {
  const found = new Map<string, Setting>();
  for (const name of PARAMETERS[section].keys()) {
    const setting = settingOf(settings, section, name);
    if (setting) found.set(name, setting);
  }
  return found;
}

export function formatOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "file":
      return `${formatPosition(origin.at)}${origin.through ? ` (conn ${origin.through})` : ""}`;
    case "default":
      return `${formatPosition(origin.at)} (conn %default)`;
    case "implicit":
      return `implicit conn ${origin.conn}`;
    case "built in":
      return "built in";
  }
}
