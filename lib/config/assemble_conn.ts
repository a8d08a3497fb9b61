/** One connection out of its section, those it takes over by `also` and `alsoflip`, and `conn %default` (config.md §7, §8). */
import { suggest } from "../text/suggest.ts";
import { type Complaints, formatPosition, type Position } from "./complaint.ts";
import { IMPLICIT_CONNS, isImplicit } from "./implicit_conns.ts";
import { flipName } from "./parameters.ts";
import type { Proposals } from "./proposals.ts";
import type { Entry } from "./sections.ts";
import { type Conn, isStarting, type Setting } from "./settings.ts";

/** A conn section whose entries have been looked at. */
export interface CheckedConn {
  readonly name: string;
  readonly at: Position;
  /** Its place among the connections of the file. */
  readonly index: number;
  readonly entries: readonly Entry[];
}

export interface Assembly {
  readonly sections: ReadonlyMap<string, CheckedConn>;
  readonly defaults: ReadonlyMap<string, Setting>;
  readonly complaints: Complaints;
  readonly proposals: Proposals;
  /** Names of all connections. */
  readonly names: readonly string[];
  /** Filled with the names of connections that others take over. */
  readonly takenOver: Set<string>;
}

/** One section on the way: how it was reached. */
interface Visit {
  readonly section: CheckedConn;
  readonly flipped: boolean;
  readonly from?: Visit;
}

/** What an own `auto` of these does, `also` of an implicit connection does not undo: in FreeS/WAN nothing started at all. */

export function implicitConn(name: string): Conn {
  const origin = { kind: "implicit", conn: name } as const;
  return {
    name,
    parts: new Set([name]),
    settings: new Map(Object.entries(IMPLICIT_CONNS[name]).map(([key, value]) => [key, { value, origin }])),
  };
}

export function assembleConn(section: CheckedConn, assembly: Assembly): Conn {
  const { complaints, defaults } = assembly;
  const said = new Map<string, Setting>();
  const implicit: { name: string; flipped: boolean; at: Position }[] = [];
  const seen = new Set([section.name]);
  const pending: Visit[] = [{ section, flipped: false }];
  for (let visit = pending.pop(); visit; visit = pending.pop()) {
    const targets: Visit[] = [];
    for (const entry of visit.section.entries) {
      if (entry.name !== "also" && entry.name !== "alsoflip") {
        addEntry(said, entry, visit, section.name, complaints);
        continue;
      }
      const flipped = visit.flipped !== (entry.name === "alsoflip");
      const target = findTarget(entry, visit, seen, section.name, assembly);
      if (target === "implicit") implicit.push({ name: entry.value, flipped, at: entry.at });
      else if (target) targets.push({ section: target, flipped, from: visit });
    }
    pending.push(...targets.reverse());
  }
  for (const { name, flipped, at } of implicit) addImplicit(said, name, flipped, at, section.name, complaints);
  if (implicit.length === 0) { for (const [name, setting] of defaults) if (!said.has(name)) said.set(name, setting); }
  else warnOfDefaults(said, defaults, implicit[0], section.name, complaints);
  for (const [name, { value }] of said) if (value === "") said.delete(name);
  // A section of the file with the name of an implicit connection that is taken over is no part of this one.
  const parts = seen.difference(new Set(implicit.map(({ name }) => name)));
  return { name: section.name, at: section.at, settings: said, parts };
}

function addEntry(
  said: Map<string, Setting>,
  entry: Entry,
  { section, flipped, from }: Visit,
  conn: string,
  complaints: Complaints,
): void {
  const name = flipped ? flipName(entry.name) : entry.name;
  const before = said.get(name);
  if (!before) {
    const through = from ? section.name : undefined;
    said.set(name, { value: entry.value, origin: { kind: "file", at: entry.at, through } });
    return;
  }
  const first = before.origin.kind === "file" ? before.origin : undefined;
  if (!from) {
    complaints.error(entry.at, `conn ${conn}: ${name} is set twice, first at ${formatPosition(first!.at)}`, conn);
  } else if (first?.through === section.name) {
    // said of that section itself
  } else {
    complaints.error(
      first!.at,
      `conn ${conn}: ${name} is set here, and again by conn ${section.name} at ${formatPosition(entry.at)}`,
      conn,
    );
  }
}

function findTarget(
  entry: Entry,
  visit: Visit,
  seen: Set<string>,
  conn: string,
  { sections, complaints, proposals, names, takenOver }: Assembly,
): CheckedConn | "implicit" | undefined {
  const name = entry.value;
  takenOver.add(name);
  if (seen.has(name)) {
    const loop = ancestors(visit).includes(name);
    complaints.error(
      entry.at,
      loop
        ? `conn ${conn}: ${entry.name}=${name} leads back to conn ${name}`
        : `conn ${conn}: takes conn ${name} over twice`,
      conn,
    );
    return undefined;
  }
  seen.add(name);
  const target = sections.get(name);
  if (target && isImplicit(name) && target.index < visit.section.index) {
    complaints.warn(
      entry.at,
      `conn ${visit.section.name}: takes over the implicit conn ${name}, not that of ${
        formatPosition(target.at)
      }, which ` +
        "would have to stand after this one",
      visit.section.name,
    );
    return "implicit";
  }
  if (target) return target;
  if (isImplicit(name)) return "implicit";
  const others = (word: string, all: Iterable<string>) => suggest(word, [...all].filter((other) => !seen.has(other)));
  const proposal = proposals.propose("also", name, names, others);
  complaints.error(
    entry.at,
    `conn ${visit.section.name}: there is no conn ${name} for ${entry.name}${proposal}`,
    visit.section.name,
  );
  return undefined;
}

function ancestors(visit: Visit): string[] {
  const names: string[] = [];
  for (let at: Visit | undefined = visit; at; at = at.from) names.push(at.section.name);
  return names;
}

function addImplicit(
  said: Map<string, Setting>,
  implicit: string,
  flipped: boolean,
  at: Position,
  conn: string,
  complaints: Complaints,
): void {
  if (flipped) {
    complaints.warn(at, `conn ${conn}: alsoflip turns all of conn ${implicit}; FreeS/WAN turned half of it`, conn);
  }
  for (const [key, value] of Object.entries(IMPLICIT_CONNS[implicit])) {
    const name = flipped ? flipName(key) : key;
    const own = said.get(name);
    if (own && name === "auto" && isStarting(own.value)) continue;
    if (own && own.value !== value && own.origin.kind === "file") {
      complaints.warn(
        own.origin.at,
        `conn ${conn}: ${name} has no effect: also=${implicit} sets it to ${value}, and the implicit connection wins`,
        conn,
      );
    }
    said.set(name, { value, origin: { kind: "implicit", conn: implicit } });
  }
}

function warnOfDefaults(
  said: ReadonlyMap<string, Setting>,
  defaults: ReadonlyMap<string, Setting>,
  implicit: { readonly name: string; readonly at: Position },
  conn: string,
  complaints: Complaints,
): void {
  const lost = [...defaults.keys()].filter((name) => !said.has(name));
  if (lost.length === 0) return;
  complaints.warn(
    implicit.at,
    `conn ${conn}: conn %default does not reach a connection with also=${implicit.name}; not set: ${lost.join(", ")}`,
    conn,
  );
}
