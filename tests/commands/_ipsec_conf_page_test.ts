/** ipsec.conf(5) says of every parameter what it means, and its examples are what they say. */
import { deepStrictEqual as deepEqual, ok } from "node:assert/strict";
import { ipsecConfPage } from "../../commands/_ipsec_conf_page.ts";
import { IMPLICIT_CONNS } from "../../lib/config/implicit_conns.ts";
import { CONN_MEANINGS, SETUP_MEANINGS } from "../../lib/config/meanings.ts";
import { ALIASES, flipName, FOREIGN, OBSOLETE, PARAMETERS } from "../../lib/config/parameters.ts";
import { complaintsOf, load, said } from "../config/_fake_files.ts";

const page = ipsecConfPage();
const MEANINGS = { setup: SETUP_MEANINGS, conn: CONN_MEANINGS };

for (const section of ["setup", "conn"] as const) {
  Deno.test(`every parameter of ${section} has a meaning, and nothing else has`, () => {
    const ofLeft = [...PARAMETERS[section]].map(([name, { sided }]) =>
      sided && name.startsWith("right") ? flipName(name) : name
    );
    deepEqual(Object.keys(MEANINGS[section]).sort(), [...new Set(ofLeft)].sort());
  });
}

Deno.test("ipsec.conf(5) has a term for every parameter, every other name, and every name that is refused with advice", () => {
  const names = [
    ...Object.keys(SETUP_MEANINGS),
    ...Object.keys(CONN_MEANINGS),
    ...Object.keys(ALIASES),
    ...Object.keys(OBSOLETE),
    ...Object.keys(FOREIGN),
  ];
  deepEqual(names.filter((name) => !page.includes(`\`${name}\``)), []);
});

/** Lines of code after a text, without their indent. */
function codeAfter(text: string): string {
  const [, rest] = page.split(text);
  const lines = rest.slice(rest.indexOf("\n    ") + 1).split("\n");
  const end = lines.findIndex((line) => line !== "" && !line.startsWith("    "));
  return lines.slice(0, end).map((line) => line.replace(/^ {4}/, "")).join("\n");
}

Deno.test("the example of ipsec.conf(5) reads without complaint", () => {
  const example = codeAfter("see ipsec_conf(8).\n");
  ok(example.startsWith("version 2\n"));
  deepEqual(complaintsOf(example), []);
});

Deno.test("the implicit connections of ipsec.conf(5) are those that there are", () => {
  const common = codeAfter("All of them have\n");
  const all = load(
    `version 2\n${codeAfter("and besides\n").replace(/^conn .*$/gm, (header) => `${header}\n${common}`)}`,
  );
  deepEqual(all.complaints, []);
  for (const [name, settings] of Object.entries(IMPLICIT_CONNS)) deepEqual(said(all, name), settings);
});
