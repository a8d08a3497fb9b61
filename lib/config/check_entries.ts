/** Looks at each parameter of a section by itself: its name, and whether its value has the right form. */
import { suggest } from "../text/suggest.ts";
import type { Complaints } from "./complaint.ts";
import { ALIASES, canonicalName, flipName, FOREIGN, OBSOLETE, type Parameter, PARAMETERS } from "./parameters.ts";
import type { Proposals } from "./proposals.ts";
import { DEFAULT_SECTION, type Entry, isPrivate, type Section } from "./sections.ts";

const LONGEST_SHOWN = 60;
/** What the shell of FreeS/WAN's scripts replaced in a value. */
const EXPANDED = /[$`\\]/;

const NAMES: Readonly<Record<"setup" | "conn", readonly string[]>> = {
  setup: [...PARAMETERS.setup.keys()],
  conn: [...PARAMETERS.conn.keys(), ...Object.keys(ALIASES)],
};

/** What a complaint calls a section: `conn office`, `config setup`. */
export function title({ type, name }: Pick<Section, "type" | "name">): string {
  return `${type} ${name}`;
}

export class EntryChecker {
  constructor(readonly complaints: Complaints, readonly proposals: Proposals) {}

  /** @returns the entries whose names are known, by the name that the table has for them */
  check(section: Section): Entry[] {
    const kept: Entry[] = [];
    for (const line of section.lines) {
      if (line.kind === "fault") {
        this.complaints.error(line.at, `${title(section)}: ${line.message}`, section.name);
      } else if (!isPrivate(line.name)) {
        const known = this.#checkEntry(line, section);
        if (known) kept.push(known === line.name ? line : { ...line, name: known });
      }
    }
    return kept;
  }

  #checkEntry(entry: Entry, section: Section): string | undefined {
    const table = section.type === "config" ? "setup" : "conn";
    const error = (message: string) => {
      this.complaints.error(entry.at, `${title(section)}: ${message}`, section.name);
      return undefined;
    };
    const known = canonicalName(entry.name, table);
    if (known === undefined) return error(this.#unknown(entry.name, table));
    const parameter = PARAMETERS[table].get(known)!;
    if (parameter.repeatable && section.name === DEFAULT_SECTION) {
      return error(`${entry.name} is not allowed in conn %default`);
    }
    if (entry.value === "") {
      if (known === "auto" || parameter.repeatable) return error(`${entry.name} needs a value`);
      return known;
    }
    const wrong = parameter.form.check(entry.value);
    if (wrong) return error(`${entry.name}=${shown(entry.value, parameter)}: ${wrong}`);
    this.#warn(entry, section, parameter);
    return known;
  }

  #warn(entry: Entry, section: Section, parameter: Parameter): void {
    const warn = (message: string) =>
      this.complaints.warn(entry.at, `${title(section)}: ${entry.name} ${message}`, section.name);
    if (parameter.idle) warn(`has no effect: ${parameter.idle}`);
    if (!parameter.command && EXPANDED.test(entry.value)) {
      warn("is taken as it stands: $, ` and \\ are not replaced, as a shell did in FreeS/WAN");
    }
  }

  #unknown(name: string, table: "setup" | "conn"): string {
    const gone = Object.hasOwn(OBSOLETE, name) ? OBSOLETE[name] : undefined;
    if (gone) return `${name} is no longer a parameter: ${gone.instead}`;
    const later = [name, flipName(name)].find((one) => Object.hasOwn(FOREIGN, one));
    if (later) {
      const { instead } = FOREIGN[later];
      return `${name} is a parameter of other programs: ${later === name ? instead : flipName(instead)}`;
    }
    const other = table === "setup" ? "conn" : "setup";
    if (canonicalName(name, other)) {
      return `${name} belongs in ${other === "setup" ? "config setup" : "a conn section"}`;
    }
    return `unknown parameter "${name}"${this.proposals.propose(table, name, NAMES[table], nearest)}`;
  }
}

/** A name of the same side is likelier than one of the other. */
function nearest(name: string, names: Iterable<string>): string | undefined {
  const near = suggest(name, names);
  const twin = near && flipName(near);
  if (!near || !twin || twin === near) return near;
  return name.startsWith("r") === near.startsWith("r") ? near : twin;
}

/** A value in a message. */
export function shown(value: string, parameter: Parameter): string {
  if (parameter.secret) return "(not shown)";
  return value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}...` : value;
}
