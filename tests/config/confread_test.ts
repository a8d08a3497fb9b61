/** confread(): the reader of FreeS/WAN as scripts know it (commands.md §9, config.md §9, §10). */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { confread, type ConfreadRequest, formatFields } from "../../lib/config/confread.ts";
import { fakeFiles } from "./_fake_files.ts";

const REQUEST: ConfreadRequest = { file: "f", type: "conn", include: true, optional: false, names: ["c"] };

type Asked = Partial<ConfreadRequest> & { others?: Record<string, string> };

function fields(text: string, { others, ...asked }: Asked = {}): string[] {
  const answer = confread({ ...REQUEST, ...asked }, fakeFiles({ f: text, ...others }));
  return [
    ...formatFields(answer).replace(/\n$/, "").split("\n").map((line) => line.replaceAll("\t", "|")),
    String(answer.exit),
  ];
}

const DONE = ["!||", "0"];
const READ: [why: string, text: string, answer: string[], asked?: Asked][] = [
  ["a section", "version 2\nconn c\n\tpfs=no\n\tx-y=1\n\trekey=\n", ["=|c|", ":|pfs|no", ...DONE]],
  [
    "also, in the order of the file",
    "version 2\nconn c\n\talso=d\n\talso=e\n\tpfs=no\nconn e\n\trekey=no\nconn d\n\tauto=add\n",
    [
      "=|c|",
      ":|pfs|no",
      "=|e|",
      ":|rekey|no",
      "=|d|",
      ":|auto|add",
      ...DONE,
    ],
  ],
  ["a flipped pair", "version 2\nconn c\n\talsoflip=east\nconn east\n\tleft=192.1.2.23\n\tleftid=@east\n", [
    "=|c|",
    "=|east|",
    ":|right|192.1.2.23",
    ":|rightid|@east",
    ...DONE,
  ]],
  ["defaults last", "version 2\nconn %default\n\tpfs=no\n\trekey=no\nconn c\n\trekey=yes\n", [
    "=|c|",
    ":|rekey|yes",
    ":|pfs|no",
    ...DONE,
  ]],
  ["an implicit connection", "", [
    "=|clear|",
    ":|left|%defaultroute",
    ":|leftid|%myid",
    ":|leftrsasigkey|%dnsondemand",
    ":|rightrsasigkey|%dnsondemand",
    ":|auto|route",
    ":|type|passthrough",
    ":|authby|never",
    ":|right|%group",
    ...DONE,
  ], { names: ["clear"] }],
  ["config setup", 'version 2\nconfig setup\n\tinterfaces="ipsec0=eth0 ipsec1=eth1"\n', [
    "=|setup|",
    ":|interfaces|ipsec0=eth0 ipsec1=eth1",
    ...DONE,
  ], { type: "config", names: ["setup"] }],
  ["nothing, where a section may be missing", "version 2\n", DONE, { optional: true }],
  ["nothing wrong in sections nobody asked for", 'version 2\nconn d\n\tzzz=1\n\t"\nconn c\n', ["=|c|", ...DONE]],
];
for (const [why, text, answer, asked] of READ) {
  Deno.test(`confread() reads ${why}`, () => deepEqual(fields(text, asked), answer));
}

const V = "version 2\n";
const ERRORS: [text: string, status: string, exit: 0 | 1, asked?: Asked][] = [
  ["conn c\n", "(f, line 1) we only support version 2 ipsec.conf files", 1],
  ["version 1.5\n", '(f, line 1) we only support version 2.0 ipsec.conf files, not "1.5"', 1],
  ["version x\n", '(f, line 1) we only support version 2.0 ipsec.conf files, not "0"', 1],
  [`${V}conn a b\n`, '(f, line 2) section header "conn a b" has wrong number of fields (3)', 1],
  [`${V}ca a\n`, '(f, line 2) section type "ca" not recognized', 1],
  [`${V}config x\n`, '(f, line 2) unknown config section "x"', 1, { type: "config", names: ["setup"] }],
  [`${V}conn c\nconn c\n`, '(f, line 3) duplicate conn section "c"', 1],
  [`${V}conn c\nconn %default\n`, '(f, line 3) "conn %default" sections must precede non-default ones', 1],
  [`${V}\tpfs=no\n`, "(f, line 2) parameter is not within a section", 1],
  [`${V}conn c\n\tpfs="no\n`, "(f, line 3) mismatched quotes in parameter value", 1],
  [`${V}conn c\n\tpfs\n`, "(f, line 3) syntax error or illegal parameter name", 1],
  [`${V}conn c\n\tpsf=no\n`, '(f, line 3) unknown parameter name "psf"', 1],
  [`${V}conn c\n\tpfs=n o\n`, '(f, line 3) white space within non-quoted parameter "pfs"', 1],
  [`${V}conn c\n\tleftid="a\tb"\n`, '(f, line 3) parameter value "a\tb" contains unprintable character', 1],
  [`${V}conn c\n\tpfs=no\n\tpfs=no\n`, '(f, line 4) duplicated parameter "pfs"', 1],
  [`${V}conn %default\n\tpfs=no\n\tpfs=no\n`, '(f, line 4) duplicated default parameter "pfs"', 1],
  [`${V}conn %default\n\talso=x\n`, '(f, line 3) %default section may not contain "also" or "alsoflip" parameter', 1],
  [`${V}conn c\n\talso=1\n`, '(f, line 3) invalid section name "1"', 1],
  [`${V}conn c\n\talso=c\n`, '(f, line 3) section "c" requested more than once', 1],
  [V, "(f, line 0) no section names supplied", 1, { names: [] }],
  [`${V}conn c\n\talso=d\n\talso=e\n`, '(f, line 4) did not find conn section(s) "d e"', 0],
  [`${V}include x\n`, "(f, line 2) cannot open configuration file \\'x\\'", 1],
  [`${V}include a b\n`, '(f, line 2) (f, line 2) include syntax error in "include a b"', 1],
  [`${V}conn c\n\tauto=up\n`, '(f, line 3) illegal auto value "up"', 1, { search: "auto", names: ["add"] }],
  [`${V}conn c\n\tauto=add\n\tauto=add\n`, '(f, line 4) duplicated parameter "auto"', 1, { search: "auto" }],
];
for (const [text, status, exit, asked] of ERRORS) {
  Deno.test(`confread() says: ${status.replaceAll("\t", " ")}`, () => {
    const answer = confread({ ...REQUEST, ...asked }, fakeFiles({ f: text }));
    deepEqual([answer.status, answer.exit], [status, exit]);
  });
}

const ENDS: [why: string, text: string, line: number][] = [
  ["of a comment", `${V}conn d\n# last\n`, 3],
  ["that includes a longer file", `${V}include a\n`, 2],
  ["before a longer file's lines", `${V}include a\n#`, 3],
  ["that does not exist", "", 0],
];
for (const [why, text, line] of ENDS) {
  Deno.test(`confread() names the last line of the main file, one ${why}, for what is missing`, () => {
    const files = fakeFiles({ f: text, a: "conn e\n\tpfs=no\n\trekey=no\n\tauto=add\n" });
    deepEqual(confread(REQUEST, files).status, `(f, line ${line}) did not find conn section(s) "c"`);
  });
}

Deno.test("confread() without include takes the line for a header", () => {
  deepEqual(fields(`${V}include a b\n`, { include: false }), [
    '!|(f, line 2) section header "include a b" has wrong number of fields (3)|',
    "1",
  ]);
});

const SEARCHED: [why: string, text: string, values: string[], names: string[]][] = [
  ["own values, in the order of the file", "conn b\n\tauto=add\nconn a\n\tauto=start\nconn c\n\tauto=ignore\n", [
    "add",
    "start",
  ], ["b", "a"]],
  ["values taken over", "conn a\n\talso=b\nconn b\n\talso=c\nconn c\n\tauto=add\n", ["add"], ["a", "b", "c"]],
  ["the default", "conn %default\n\tauto=add\nconn a\nconn b\n\tauto=ignore\n", ["add"], ["a"]],
  ["nothing for a connection without auto", "conn a\n\tpfs=no\n", ["ignore", "add"], []],
  ["implicit connections", "conn clear\n\tauto=ignore\nconn block\n\tauto=add\n", ["route"], [
    "clear-or-private",
    "private-or-clear",
    "private",
    "packetdefault",
  ]],
  ["no implicit connections without opportunism", "config setup\n\toe=off\n", ["route"], []],
  ["what an implicit connection gives", "conn a\n\talso=private\nconn b\n\talso=private\n\tauto=add\n", [
    "start",
    "add",
  ], ["b"]],
  ["no parameter whose name only ends in auto", "conn a\n\tx-auto=add\n", ["add"], []],
];
for (const [why, text, names, found] of SEARCHED) {
  Deno.test(`confread() searches for ${why}`, () => {
    const { records, status } = confread({ ...REQUEST, search: "auto", names }, fakeFiles({ f: V + text }));
    deepEqual([records.map(({ name }) => name), status], [found, ""]);
  });
}
