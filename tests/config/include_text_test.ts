/** formatIncluded(): the marks of `_include` (commands.md §10). */
import { strictEqual as equal } from "node:assert/strict";
import { formatIncluded } from "../../lib/config/include_text.ts";
import { readLines } from "../../lib/config/lines.ts";
import { fakeFiles } from "./_fake_files.ts";

const PRINTED: [why: string, texts: Record<string, string>, text: string][] = [
  [
    "a file in place of the line that includes it",
    { f: "version 2\nconn a\n\tleft=1\ninclude d/b\n\tright=2\n", "d/b": "conn b\n\tpfs=no\n" },
    "\n#< f 1\nversion 2\nconn a\n\tleft=1\n\n#< d/b 1\nconn b\n\tpfs=no\n\n#> f 5\n\tright=2\n",
  ],
  ["a last line without newline", { f: "a\nb" }, "\n#< f 1\na\nb\n"],
  ["nothing for an empty file", { f: "" }, ""],
  ["nothing for an empty included file", { f: "include b\n", b: "" }, "\n#< f 1\n\n#> f 2\n"],
  [
    "files of a pattern",
    { f: "include *.c\n", "b.c": "b\n", "a.c": "a\n" },
    "\n#< f 1\n\n#< a.c 1\na\n\n#< b.c 1\nb\n\n#> f 2\n",
  ],
  ["no marks of the file itself", { f: "#< x 7\na\n#> x 7\n#:x\n# b\n" }, "\n#< f 1\na\n# b\n"],
  [
    "a file that is not there",
    { f: "include b\nc\n" },
    "\n#< f 1\n#:cannot open configuration file \\'b\\'\n\n#> f 2\nc\n",
  ],
  [
    "a wrong include",
    { f: "include a b\nc\n" },
    '\n#< f 1\n#:(f, line 1) include syntax error in "include a b"\n\n#> f 2\nc\n',
  ],
  ["a loop", { f: "include b\n", b: "include f\n" }, '\n#< f 1\n\n#< b 1\n#:include loop in "f"\n\n#> b 2\n\n#> f 2\n'],
];
for (const [why, texts, text] of PRINTED) {
  Deno.test(`formatIncluded() prints ${why}`, () =>
    equal(formatIncluded(readLines("f", fakeFiles(texts)).lines), text));
}
