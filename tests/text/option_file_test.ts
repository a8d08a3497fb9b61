import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { splitOptionFile } from "../../lib/text/option_file.ts";
import { aText } from "./_arbitraries.ts";

/** Rules: text-forms.md §12. */
const READ: [what: string, text: string, args: string[]][] = [
  ["an empty file", "", []],
  ["blank lines", "\n \t \n\n", []],
  ["comments", "# -a\n#\n", []],
  ["no comment after blanks", "  # b\n", ["  # b"]],
  ["options, split at blanks and tabs", "--src \t 10/8  --del\n", ["--src", "10/8", "--del"]],
  ["options with blanks after them", "--del \t\n", ["--del"]],
  ["options without quoting", '-a "c d"\n', ["-a", '"c', 'd"']],
  ["a lone dash", "-\n", ["-"]],
  ["other lines as one argument", " a  b \n", [" a  b "]],
  ["a dash after blanks as no option", " --del x\n", [" --del x"]],
  ["quotes around a line", '"a value with blanks"\n', ["a value with blanks"]],
  ["quoted blanks", '"  "\n', ["  "]],
  ["quotes inside quotes", '"a"b"\n', ['a"b']],
  ["an empty argument", '""\n', [""]],
  ["a single quote mark", '"\n', ['"']],
  ["a quote mark on one side", '"a\nb"\n', ['"a', 'b"']],
  ["a carriage return as part of the argument", '"a"\r\n-x\r\n', ['"a"\r', "-x\r"]],
  ["no continuation lines", "a\\\nb\n", ["a\\", "b"]],
  ["no variables", "$HOME\n", ["$HOME"]],
  ["a last line without its newline, in full", "--del\nlast", ["--del", "last"]],
  ["a lone dash without its newline", "-", ["-"]],
  ["an option that names another file", "--optionsfrom other\n", ["--optionsfrom", "other"]],
  ["a line of 1021 characters", `${"x".repeat(1021)}\n`, ["x".repeat(1021)]],
  [
    "the example",
    "# keys for the tunnel\n--enckey 0x0123456789abcdef_0123456789abcdef_0123456789abcdef\n--authkey\n" +
    '0x00112233445566778899aabbccddeeff\n"a value with blanks"\n',
    [
      "--enckey",
      "0x0123456789abcdef_0123456789abcdef_0123456789abcdef",
      "--authkey",
      "0x00112233445566778899aabbccddeeff",
      "a value with blanks",
    ],
  ],
];
for (const [what, text, args] of READ) {
  Deno.test(`splitOptionFile() reads ${what}`, () => deepEqual(splitOptionFile(text), { ok: true, value: args }));
}

for (const line of ["x".repeat(1022), `# ${"x".repeat(1020)}`, " ".repeat(1022)]) {
  Deno.test(`splitOptionFile() refuses a line of 1022 characters that begins with ${JSON.stringify(line[0])}`, () => {
    deepEqual(splitOptionFile(`--del\n${line}\n`), { ok: false, error: "error in line read" });
  });
}

Deno.test("splitOptionFile() gives back any arguments that were quoted, one a line", () => {
  const argument = fc.string({ maxLength: 300 });
  fc.assert(fc.property(fc.array(argument), (args) => {
    const text = args.map((arg) => `"${arg}"\n`).join("");
    deepEqual(splitOptionFile(text), { ok: true, value: args });
  }));
});

Deno.test("splitOptionFile() answers any text, line by line", () => {
  fc.assert(fc.property(aText("-", "#", '"', " ", "\t", "\n", "\n", "a", "\r"), (text) => {
    const args = splitOptionFile(text);
    if (!args.ok) return equal(args.error, "error in line read");
    const each = text.split("\n").flatMap((line) => {
      const alone = splitOptionFile(line);
      return alone.ok ? alone.value : [];
    });
    deepEqual(args.value, each);
  }));
});
