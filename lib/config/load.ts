/**
 * ipsec.conf as a model (config.md §2 to §16): every section is read and every complaint collected, in one pass. Cost is
 * linear in the lines, and in what connections take over from each other.
 */
import { assembleConn, type Assembly, type CheckedConn, implicitConn } from "./assemble_conn.ts";
import { checkConn } from "./check_conn.ts";
import { EntryChecker } from "./check_entries.ts";
import { checkPools } from "./check_pools.ts";
import { checkSetup } from "./check_setup.ts";
import { type Complaint, Complaints, formatPosition } from "./complaint.ts";
import type { FileSystem } from "./file_system.ts";
import { IMPLICIT_CONNS, isOff } from "./implicit_conns.ts";
import { type Fault, readLines } from "./lines.ts";
import { Proposals } from "./proposals.ts";
import { DEFAULT_SECTION, isSectionName, parseSections, type Section } from "./sections.ts";
import type { Conn, Setting, Settings } from "./settings.ts";

export interface Configuration {
  readonly setup: Settings;
  /** By name, in the order of the file, implicit ones last. */
  readonly conns: ReadonlyMap<string, Conn>;
  readonly complaints: readonly Complaint[];
  /** Every file read. */
  readonly files: readonly string[];
}

/** Never throws: a file that cannot be read is a complaint like others. */
export function loadConfig(file: string, files: FileSystem): Configuration {
  const { lines, files: read } = readLines(file, files);
  const loading = new Loading();
  for (const item of parseSections(lines)) loading.add(item);
  const conns = loading.assemble();
  return { setup: loading.setup, conns, complaints: loading.complaints.sorted(read), files: read };
}

/** What stands against using one connection, or `setup`: complaints about it, its parts, the defaults and the file as such. */
export function complaintsAbout(config: Configuration, name: string): Complaint[] {
  const parts = config.conns.get(name)?.parts;
  return config.complaints.filter(({ section }) =>
    section === undefined || section === name || section === DEFAULT_SECTION || parts?.has(section)
  );
}

class Loading {
  readonly complaints = new Complaints();
  readonly setup = new Map<string, Setting>();
  readonly #proposals = new Proposals();
  readonly #checker = new EntryChecker(this.complaints, this.#proposals);
  readonly #defaults = new Map<string, Setting>();
  readonly #sections = new Map<string, CheckedConn>();
  #setupAt: Section["at"] | undefined;

  add(item: Section | Fault): void {
    if (item.kind === "fault") this.complaints.error(item.at, item.message);
    else if (item.type === "config") this.#addConfig(item);
    else if (item.name === DEFAULT_SECTION) this.#addDefault(item);
    else this.#addConn(item);
  }

  #addConfig(section: Section): void {
    const { at, name } = section;
    const entries = this.#checker.check(section);
    if (name !== "setup") {
      this.complaints.error(at, `unknown section config ${name}: there is only config setup`);
    } else if (this.#setupAt) {
      this.complaints.error(at, `config setup is there twice, first at ${formatPosition(this.#setupAt)}`, name);
    } else {
      this.#setupAt = at;
      this.#collect(entries, this.setup, "config setup", (at) => ({ kind: "file", at }));
      for (const [name, { value }] of this.setup) if (value === "") this.setup.delete(name);
    }
  }

  #addDefault(section: Section): void {
    if (this.#sections.size) {
      this.complaints.error(section.at, "conn %default must stand before all other connections", DEFAULT_SECTION);
    }
    const entries = this.#checker.check(section);
    this.#collect(entries, this.#defaults, "conn %default", (at) => ({ kind: "default", at }));
  }

  #collect(
    entries: CheckedConn["entries"],
    into: Map<string, Setting>,
    where: string,
    origin: (at: Section["at"]) => Setting["origin"],
  ): void {
    for (const { name, value, at } of entries) {
      const before = into.get(name);
      if (before && "at" in before.origin) {
        const first = formatPosition(before.origin.at);
        this.complaints.error(at, `${where}: ${name} is set twice, first at ${first}`, where.split(" ")[1]);
      } else into.set(name, { value, origin: origin(at) });
    }
  }

  #addConn(section: Section): void {
    const { at, name } = section;
    const before = this.#sections.get(name);
    const entries = this.#checker.check(section);
    if (!isSectionName(name)) {
      this.complaints.error(
        at,
        `"${name}" is no name for a connection: letters, digits, ".", "_" and "-", a letter first`,
        name,
      );
    } else if (before) {
      this.complaints.error(at, `conn ${name} is there twice, first at ${formatPosition(before.at)}`, name);
    } else this.#sections.set(name, { name, at, index: this.#sections.size, entries });
  }

  assemble(): Map<string, Conn> {
    const { complaints } = this;
    const takenOver = new Set<string>();
    const assembly: Assembly = {
      sections: this.#sections,
      defaults: this.#defaults,
      complaints,
      proposals: this.#proposals,
      names: [...this.#sections.keys(), ...Object.keys(IMPLICIT_CONNS)],
      takenOver,
    };
    const conns = new Map<string, Conn>();
    for (const section of this.#sections.values()) conns.set(section.name, assembleConn(section, assembly));
    for (const conn of conns.values()) checkConn(conn, takenOver.has(conn.name), complaints);
    if (!isOff(this.setup.get("oe")?.value)) {
      for (const name of Object.keys(IMPLICIT_CONNS)) if (!conns.has(name)) conns.set(name, implicitConn(name));
    }
    checkPools(conns, complaints);
    checkSetup(this.setup, conns, complaints, this.#proposals);
    return conns;
  }
}
