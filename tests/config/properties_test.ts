/** Whatever the reader is given, it answers; and what is printed reads back. */
import { deepStrictEqual as deepEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { confread } from "../../lib/config/confread.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { PARAMETERS } from "../../lib/config/parameters.ts";
import { readPolicyGroup } from "../../lib/config/policy_group.ts";
import { formatSection, formatValue } from "../../lib/config/print_section.ts";
import { effectiveSettings } from "../../lib/config/settings.ts";
import { fakeFiles, load, said } from "./_fake_files.ts";

const SEED = `version 2.0 # x
include d/*.conf
config setup
\tinterfaces="ipsec0=eth0 %defaultroute" # two
\tplutodebug=none

conn %default
\tkeyingtries=0
conn office
\tleft=192.0.2.1
\tleftid=@a.example.com
\talso=peer
\talsoflip=private
\tkeylife=1h
\tauto=add
conn peer
\tright=2001:db8::1
\trightsubnet=10.2.0.0/16
\tespenckey=0x0123
`;
const PIECES = [
  ...[...PARAMETERS.conn.keys(), ...PARAMETERS.setup.keys()].map((name) => `\t${name}=`),
  ...["\n", "\r\n", "\n\t", '"', "#", "=", "%", " ", "\t", "\0", "\x1b", "\u0085", "\ud800", "\ufeff", "[", "*", "\\"],
  ...[
    "include ",
    "include f\n",
    "include d/*\n",
    "conn ",
    "config setup\n",
    "conn %default\n",
    "also=",
    "alsoflip=",
    "version 3\n",
  ],
  ...["peer", "office", "private", "__proto__", "constructor", "9".repeat(400), "0x", "0s", "%v4:", "left", "right"],
];

interface Edit {
  readonly at: number;
  readonly cut: number;
  readonly piece: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(SEED.length),
  cut: fc.oneof(fc.constant(0), fc.nat(30)),
  piece: fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "binary", maxLength: 5 })),
}, { noNullPrototype: true });

const mutated = fc.array(edit, { minLength: 1, maxLength: 12 }).map((edits) =>
  edits.reduce((text, { at, cut, piece }) => text.slice(0, at) + piece + text.slice(at + cut), SEED)
);

const ROUNDS = { numRuns: 2000 };

Deno.test("loadConfig() of a mutated file answers, and every complaint has a position in a file that was read", () => {
  fc.assert(
    fc.property(mutated, mutated, (main, included) => {
      const texts: Record<string, string> = { f: main, "d/a.conf": included };
      const { complaints, conns } = loadConfig("f", fakeFiles(texts));
      for (const { at: { file, line }, message } of complaints) {
        const lines = (texts[file.replace(/^(\.\/)+/, "")] ?? "").split("\n").length;
        ok(line >= 1 && line <= lines && message !== "", `${file}:${line}: ${message}`);
      }
      ok([...conns.values()].every(({ settings }) => [...settings.keys()].every((name) => PARAMETERS.conn.has(name))));
    }),
    ROUNDS,
  );
});

Deno.test("loadConfig() of any text answers", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => Array.isArray(load(text).complaints)), ROUNDS);
});

Deno.test("confread() of a mutated file answers", () => {
  const request = { file: "f", include: true, optional: false } as const;
  fc.assert(
    fc.property(mutated, (text) => {
      const files = fakeFiles({ f: text, "d/a.conf": text });
      const read = confread({ ...request, type: "conn", names: ["office"] }, files);
      const searched = confread({ ...request, type: "conn", names: ["add"], search: "auto" }, files);
      const setup = confread({ ...request, type: "config", names: ["setup"] }, files);
      for (const { status } of [read, searched, setup]) {
        ok(status === "" || /^\(.+, line \d+\) ./s.test(status), status);
      }
    }),
    ROUNDS,
  );
});

const NAMES = ["a", "b", "c", "d", "clear", "private"];
const twinLine = fc.oneof(
  fc.constantFrom("pfs=no", "pfs=yes", "pfs=", "rekey=no", "keylife=1h", "left=192.0.2.1", "right=192.0.2.2"),
  fc.constantFrom("leftid=@l", "rightid=@r", "leftsubnet=10.1.0.0/16", "x-own=1", 'leftca="C=CA, O=x" # quoted', ""),
  fc.tuple(fc.constantFrom("also", "alsoflip"), fc.constantFrom(...NAMES)).map(([also, name]) => `${also}=${name}`),
);
const twinBody = fc.array(twinLine, { maxLength: 5 }).map((lines) => lines.map((line) => `\t${line}\n`).join(""));
const twinText = fc.tuple(
  fc.option(fc.constantFrom("pfs=no", "rekey=no\n\tpfs=yes", "keylife=2h"), { nil: undefined }),
  fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), twinBody), { selector: ([name]) => name, maxLength: 6 }),
).map(([defaults, conns]) => {
  const first = defaults === undefined ? "" : `conn %default\n\t${defaults}\n`;
  return `version 2\n${first}${conns.map(([name, body]) => `conn ${name}\n${body}`).join("")}`;
});

Deno.test("confread() and loadConfig() agree on what is wrong with a connection, and else on what it says", () => {
  let agreed = 0;
  fc.assert(
    fc.property(twinText, (text) => {
      const files = fakeFiles({ f: text });
      const configuration = loadConfig("f", files);
      for (const name of configuration.conns.keys()) {
        const answer = confread({ file: "f", type: "conn", include: true, optional: false, names: [name] }, files);
        const errors = configuration.complaints.filter(({ severity, section }) =>
          severity === "error" && configuration.conns.get(name)!.parts.has(section ?? "")
        );
        deepEqual(answer.status === "", errors.length === 0, `conn ${name}: ${answer.status} ${errors[0]?.message}`);
        if (errors.length) continue;
        const read = answer.records.filter((record) => record.kind === "parameter");
        deepEqual(Object.fromEntries(read.map(({ name, value }) => [name, value])), said(configuration, name));
        agreed += read.length;
      }
    }),
    ROUNDS,
  );
  ok(agreed > ROUNDS.numRuns);
});

Deno.test("readPolicyGroup() of any text answers", () => {
  const words = fc.array(
    fc.constantFrom("10.0.0.0/8", "192.0.2.", "::/0", "#", "\n", " ", "/", "\r", "a.example", "\0", "1::2/"),
  );
  fc.assert(
    fc.property(words, (text) => {
      const group = readPolicyGroup("f", fakeFiles({ f: text.join("") }));
      ok(group.complaints.every(({ at }) => at.line >= 1));
    }),
    ROUNDS,
  );
});

/** Parameters whose values are any text, so that none is refused. */
const conn = fc.dictionary(
  fc.constantFrom("leftcert", "rightca", "rightupdown", "leftxauthusername"),
  fc.oneof(
    fc.string({ unit: "grapheme-ascii", minLength: 1 }).map((text) => text.replaceAll('"', "'")),
    fc.constantFrom("@a b", "#", "a #b", "C=CA, O=x", "=", " ", "\\"),
  ),
  { noNullPrototype: true },
);

Deno.test("formatSection() prints what reads back to the same settings, and prints the same again", () => {
  fc.assert(
    fc.property(conn, (settings) => {
      const lines = Object.entries(settings).map(([name, value]) => `\t${name}=${formatValue(value)}\n`);
      const first = load(`version 2\nconn c\n${lines.join("")}`);
      deepEqual(said(first, "c"), settings);
      const print = (configuration: typeof first) => {
        const effective = effectiveSettings(configuration.conns.get("c")!.settings, "conn");
        return formatSection("conn c", effective, { secrets: true });
      };
      const second = load(`version 2\n${print(first)}`);
      deepEqual(said(second, "c"), settings);
      const withoutOrigins = (text: string) => text.replaceAll(/f:\d+$/gm, "f");
      deepEqual(withoutOrigins(print(second)), withoutOrigins(print(first)));
    }),
    ROUNDS,
  );
});

Deno.test("formatSection() shows keys only where that is wanted", () => {
  const { conns } = load("version 2\nconn c\n\tespenckey=0xdead\n\tleftahkey=0xdead\n");
  const print = (secrets: boolean) => formatSection("conn c", conns.get("c")!.settings, { secrets });
  deepEqual(print(true).split("0xdead").length, 3);
  deepEqual(print(false).includes("dead"), false);
});
