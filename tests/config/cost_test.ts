/** The cost of reading grows with the file: each line is looked at a fixed number of times, whatever the number of lines. */
import { strictEqual as equal } from "node:assert/strict";
import { assembleConn, type CheckedConn } from "../../lib/config/assemble_conn.ts";
import { Complaints } from "../../lib/config/complaint.ts";
import { Proposals } from "../../lib/config/proposals.ts";
import { type Entry, parseSections } from "../../lib/config/sections.ts";

const at = { file: "f", line: 1 };
const PER_CONN = ["conn c", "\tleft=192.0.2.1", "\tright=%any # peers", "", '\tleftca="C=CA, O=x"', "\talso=base"];

/** @returns how often the text of a line was looked at */
function looksOfParser(conns: number): number {
  let looks = 0;
  const texts = Array.from({ length: conns }, () => PER_CONN).flat();
  const counted = ["version 2", ...texts].map((text) => ({
    kind: "text" as const,
    at,
    get text() {
      looks++;
      return text;
    },
  }));
  equal(parseSections(counted).length, conns);
  return looks;
}

/** @returns how often the name of a parameter was looked at, with connections that all take over the same one */
function looksOfAssembly(conns: number): number {
  let looks = 0;
  const entry = (name: string, value: string): Entry => ({
    kind: "entry",
    at,
    value,
    get name() {
      looks++;
      return name;
    },
  });
  const own = Array.from({ length: conns }, (_, index): CheckedConn => {
    return { name: `c${index}`, at, index, entries: [entry("left", "192.0.2.1"), entry("also", "base")] };
  });
  const base: CheckedConn = { name: "base", at, index: conns, entries: [entry("pfs", "no"), entry("auto", "add")] };
  const sections = new Map([...own, base].map((section) => [section.name, section]));
  const defaults = new Map([["rekey", { value: "no", origin: { kind: "default", at } as const }]]);
  const assembly = {
    sections,
    defaults,
    complaints: new Complaints(),
    proposals: new Proposals(),
    names: [...sections.keys()],
    takenOver: new Set<string>(),
  };
  for (const section of own) equal(assembleConn(section, assembly).settings.size, 4);
  return looks;
}

for (const [what, looks] of [["parseSections()", looksOfParser], ["assembleConn()", looksOfAssembly]] as const) {
  Deno.test(`${what} looks at ten times as much for ten times as many connections`, () => {
    const few = looks(100) - looks(0);
    equal(looks(1000) - looks(0), 10 * few);
  });
}
