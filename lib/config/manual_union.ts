/** Which conns `ipsec manual NAME...` means, and their parameters (klips.md §9). */
import { type Complaint, formatPosition, type Position } from "./complaint.ts";
import { suggest } from "../text/suggest.ts";
import { complaintsAbout, type Configuration } from "./load.ts";
import type { ConnParameters, ManualComplaint } from "./manual_reader.ts";
import type { Conn, Setting, Settings } from "./settings.ts";

export interface NamedConn {
  /** Several names where they are parts of one connection. */
  readonly name: string;
  readonly parameters: ConnParameters;
  readonly complaints: readonly ManualComplaint[];
  readonly warnings: readonly ManualComplaint[];
}

/**
 * Several names are parts of one connection, as ever, unless each is a connection of its own: as parts these could only
 * be refused, because both have `left`.
 */
export function namedConns(config: Configuration, names: readonly string[], union: boolean): NamedConn[] {
  const isWhole = (name: string) => {
    const settings = config.conns.get(name)?.settings;
    return settings === undefined || settings.has("left") && settings.has("right");
  };
  const groups = union || !names.every(isWhole) ? [names] : names.map((name) => [name]);
  return groups.map((group) => united(config, group));
}

function united(config: Configuration, names: readonly string[]): NamedConn {
  const missing = names.filter((name) => !config.conns.has(name));
  const conns = names.flatMap((name) => config.conns.get(name) ?? []);
  const about = new Set(names.flatMap((name) => complaintsAbout(config, name)));
  const of = (severity: Complaint["severity"]) =>
    [...about].filter((one) => one.severity === severity).map(({ message, at }) => ({ text: message, at }));
  const complaints: ManualComplaint[] = [...of("error")];
  if (missing.length) {
    const near = suggest(missing[0], config.conns.keys());
    const hint = near ? `; did you mean "${near}"?` : "";
    complaints.push({ text: `did not find conn section(s) "${missing.join(" ")}"${hint}` });
  }
  for (const twice of new Set(names.filter((name, i) => names.indexOf(name) !== i))) {
    complaints.push({ text: `section "${twice}" requested more than once` });
  }
  const settings = uniteSettings(conns, complaints);
  return { name: names.join(" "), parameters: parametersOf(settings), complaints, warnings: of("warning") };
}

/** What a section says itself comes before what it has from `conn %default`; the same twice is refused. */
function uniteSettings(conns: readonly Conn[], complaints: ManualComplaint[]): Settings {
  const all = new Map<string, Setting>();
  for (const { settings } of conns) {
    for (const [name, setting] of settings) {
      const before = all.get(name);
      if (before?.origin.kind === "file" && setting.origin.kind === "file") {
        const first = formatPosition(before.origin.at);
        complaints.push({ text: `duplicated parameter "${name}", first at ${first}`, at: setting.origin.at });
      } else if (!before || setting.origin.kind === "file") all.set(name, setting);
    }
  }
  return all;
}

export function parametersOf(settings: Settings): ConnParameters {
  return (name) => {
    const setting = settings.get(name);
    if (!setting) return undefined;
    const at = positionOf(setting);
    return at ? { value: setting.value, at } : { value: setting.value };
  };
}

function positionOf({ origin }: Setting): Position | undefined {
  return "at" in origin ? origin.at : undefined;
}
