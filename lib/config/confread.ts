/**
 * The reader as scripts of FreeS/WAN know it (commands.md §9): the parameters of named sections, or the names of sections
 * by a parameter's value, with the messages of then. It stops at the first error, as they expect.
 */
import type { Position } from "./complaint.ts";
import type { FileSystem } from "./file_system.ts";
import { IMPLICIT_CONNS, isImplicit, isOff } from "./implicit_conns.ts";
import { type Fault, type Line, readLines } from "./lines.ts";
import { canonicalName, flipName, PARAMETERS } from "./parameters.ts";
import { DEFAULT_SECTION, type Entry, isPrivate, isSectionName, parseSections, type Section } from "./sections.ts";
import { isStarting, STARTING } from "./settings.ts";

export interface ConfreadRequest {
  readonly file: string;
  readonly type: "conn" | "config";
  readonly include: boolean;
  /** Whether a section that is not there is no error. */
  readonly optional: boolean;
  /** The parameter to search by; `names` are values then. */
  readonly search?: string;
  readonly names: readonly string[];
}

export type ConfreadRecord =
  | { readonly kind: "section"; readonly name: string }
  | { readonly kind: "parameter"; readonly name: string; readonly value: string };

export interface ConfreadAnswer {
  readonly records: readonly ConfreadRecord[];
  /** Empty for success, else `(FILE, line N) TEXT`. */
  readonly status: string;
  /** 1 for an error found while reading, 0 for one found at the end. */
  readonly exit: 0 | 1;
}

/** An own `auto` of these is not asked any more what else there is; FreeS/WAN's search failed as a whole. */
const AUTO_VALUES: readonly string[] = [...STARTING, "ignore", "manual"];

/** Ends the reading; caught in {@linkcode confread} alone. */
class Stop extends Error {
  constructor(readonly at: Position, readonly text: string, readonly exit: 0 | 1 = 1) {
    super(text);
  }
}

export function confread(request: ConfreadRequest, files: FileSystem): ConfreadAnswer {
  const records: ConfreadRecord[] = [];
  const { lines } = readLines(request.file, files, { include: request.include });
  const end = endOf(request.file, lines);
  try {
    const items = parseSections(lines);
    if (request.search === undefined) new NamedSections(request, records, end).read(items);
    else searchAuto(request, items, records);
    return { records, status: "", exit: 0 };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return { records, status: `(${error.at.file}, line ${error.at.line}) ${error.text}`, exit: error.exit };
  }
}

/** The last line of the main file, which may be one that includes others. */
function endOf(file: string, lines: readonly Line[]): Position {
  const last = lines.findLast(({ kind, at }) => kind !== "fault" && at.file === file);
  return { file, line: last ? last.at.line - (last.kind === "boundary" ? 1 : 0) : 0 };
}

/** Sections wanted, found and printed in the order of the file. */
class NamedSections {
  /** Sections still to come, whether they are flipped, and which section has named them. */
  readonly #wanted = new Map<string, { flipped: boolean; by?: Section }>();
  readonly #asked = new Set<string>();
  readonly #found = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #defaults = new Map<string, string>();

  constructor(
    readonly request: ConfreadRequest,
    readonly records: ConfreadRecord[],
    readonly end: Position,
  ) {
    const nowhere = { file: request.file, line: 0 };
    if (request.names.length === 0) throw new Stop(nowhere, "no section names supplied");
    for (const name of request.names) this.#want(name, false, nowhere);
  }

  #want(name: string, flipped: boolean, at: Position, by?: Section): void {
    if (!isSectionName(name)) throw new Stop(at, `invalid section name "${name}"`);
    if (this.#asked.has(name)) throw new Stop(at, `section "${name}" requested more than once`);
    this.#asked.add(name);
    this.#wanted.set(name, { flipped, by });
  }

  read(items: readonly (Section | Fault)[]): void {
    const { type, optional } = this.request;
    const sections: Section[] = [];
    let defaultsOver = false;
    for (const item of items) {
      if (item.kind === "fault") throw new Stop(item.at, item.classic);
      if (item.type !== type) continue;
      if (type === "config" && item.name !== "setup") throw new Stop(item.at, `unknown config section "${item.name}"`);
      if (item.name === DEFAULT_SECTION) {
        if (defaultsOver) {
          throw new Stop(item.at, `"${type} ${DEFAULT_SECTION}" sections must precede non-default ones`);
        }
        this.#readDefaults(item);
        continue;
      }
      defaultsOver = true;
      if (this.#wanted.has(item.name)) this.#readWanted(item);
      else if (this.#found.has(item.name)) throw new Stop(item.at, `duplicate ${type} section "${item.name}"`);
      sections.push(item);
    }
    this.#readEarlier(sections);
    this.#addImplicit();
    const missing = [...this.#wanted.keys()];
    if (missing.length && !optional) {
      throw new Stop(this.end, `did not find ${type} section(s) "${missing.join(" ")}"`, 0);
    }
    this.#addDefaults();
  }

  /**
   * Targets of `also` that stand before the section that the reading began with: FreeS/WAN did not find those. A section
   * with the name of an implicit connection is meant only by one that stands before it.
   */
  #readEarlier(sections: readonly Section[]): void {
    const places = new Map(sections.map((section, place) => [section.name, { section, place }]));
    // A Map's iterator comes past what is added during the iteration, as the targets of targets are.
    for (const [name, { by }] of this.#wanted) {
      const target = places.get(name);
      if (!target) continue;
      const namedAt = by ? places.get(by.name)!.place : -1;
      if (!isImplicit(name) || namedAt < target.place) this.#readWanted(target.section);
    }
  }

  #readWanted(section: Section): void {
    const { flipped } = this.#wanted.get(section.name)!;
    this.#wanted.delete(section.name);
    this.#found.add(section.name);
    this.records.push({ kind: "section", name: section.name });
    for (const line of section.lines) {
      if (line.kind === "fault") throw new Stop(line.at, line.classic);
      if (isPrivate(line.name)) continue;
      if (line.name === "also" || line.name === "alsoflip") {
        this.#want(line.value, flipped !== (line.name === "alsoflip"), line.at, section);
        continue;
      }
      const known = this.#known(line);
      const name = flipped ? flipName(known) : known;
      if (this.#seen.has(name)) throw new Stop(line.at, `duplicated parameter "${name}"`);
      this.#seen.add(name);
      this.#add(name, line.value);
    }
  }

  #known({ name, at }: Entry): string {
    const table = this.request.type === "config" ? "setup" : "conn";
    const known = canonicalName(name, table);
    if (known === undefined) throw new Stop(at, `unknown parameter name "${name}"`);
    return known;
  }

  #readDefaults(section: Section): void {
    for (const line of section.lines) {
      if (line.kind === "fault") throw new Stop(line.at, line.classic);
      if (isPrivate(line.name)) continue;
      const name = this.#known(line);
      if (PARAMETERS.conn.get(name)?.repeatable) {
        throw new Stop(line.at, '%default section may not contain "also" or "alsoflip" parameter');
      }
      if (this.#defaults.has(name)) throw new Stop(line.at, `duplicated default parameter "${line.name}"`);
      this.#defaults.set(name, line.value);
    }
  }

  #addImplicit(): void {
    if (this.request.type !== "conn") return;
    for (const [name, { flipped }] of [...this.#wanted]) {
      if (!isImplicit(name)) continue;
      this.#wanted.delete(name);
      this.records.push({ kind: "section", name });
      for (const [key, value] of Object.entries(IMPLICIT_CONNS[name])) this.#add(flipped ? flipName(key) : key, value);
      this.#defaults.clear(); // they do not reach implicit connections, nor what takes one over
    }
  }

  #addDefaults(): void {
    for (const [name, value] of this.#defaults) if (!this.#seen.has(name)) this.#add(name, value);
  }

  #add(name: string, value: string): void {
    if (value !== "") this.records.push({ kind: "parameter", name, value });
  }
}

/** Names of connections by the value of `auto` (config.md §9), in the order of the file, implicit ones last. */
function searchAuto(request: ConfreadRequest, items: readonly (Section | Fault)[], records: ConfreadRecord[]): void {
  const conns = new Map<string, Section>();
  const own = new Map<string, Entry>();
  let fallback: string | undefined;
  for (const item of items) {
    if (item.kind === "fault") throw new Stop(item.at, item.classic);
    if (item.type !== request.type) continue;
    if (item.name !== DEFAULT_SECTION && !conns.has(item.name)) conns.set(item.name, item);
    for (const line of item.lines) {
      if (line.kind === "fault" || line.name !== request.search) continue;
      if (request.search === "auto" && !AUTO_VALUES.includes(line.value)) {
        throw new Stop(line.at, `illegal auto value "${line.value}"`);
      }
      if (item.name === DEFAULT_SECTION) fallback = line.value;
      else if (own.has(item.name)) throw new Stop(line.at, `duplicated parameter "${request.search}"`);
      else own.set(item.name, line);
    }
  }
  for (const name of conns.keys()) {
    const values = valuesOf(name, request.search!, conns, own);
    const hits = values.length ? values : fallback === undefined ? [] : [fallback];
    if (hits.some((value) => request.names.includes(value))) records.push({ kind: "section", name });
  }
  if (request.type !== "conn" || request.search !== "auto" || !request.names.includes("route")) return;
  if (items.some((item) => item.kind === "section" && item.type === "config" && isOff(valueOf(item, "oe")))) return;
  for (const name of Object.keys(IMPLICIT_CONNS)) if (!conns.has(name)) records.push({ kind: "section", name });
}

function valueOf(section: Section, name: string): string | undefined {
  return section.lines.find((line): line is Entry => line.kind === "entry" && line.name === name)?.value;
}

/** A connection's own value, and those of what it takes over. */
function valuesOf(
  name: string,
  parameter: string,
  conns: ReadonlyMap<string, Section>,
  own: ReadonlyMap<string, Entry>,
): string[] {
  const mine = own.get(name)?.value;
  if (mine !== undefined && isStarting(mine)) return [mine];
  const seen = new Set<string>();
  const pending = [name];
  const found: string[] = [];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const section = conns.get(next);
    const said = section ? own.get(next)?.value : parameter === "auto" && isImplicit(next) ? "route" : undefined;
    if (said !== undefined) found.push(said);
    for (const line of section?.lines ?? []) {
      if (line.kind === "entry" && /^also(flip)?$/.test(line.name)) pending.push(line.value);
    }
  }
  return found;
}

/** Three fields a line, a tab between them. */
export function formatFields({ records, status }: ConfreadAnswer): string {
  const lines = records.map((record) =>
    record.kind === "section" ? `=\t${record.name}\t` : `:\t${record.name}\t${record.value}`
  );
  return [...lines, `!\t${status}\t`, ""].join("\n");
}
