import { deepEqual } from "node:assert/strict";
import { Getopt, type Scanned } from "../../commands/_getopt.ts";

const TABLE = { add: false, addin: false, src: true, dst: true, "src-port": true, clear: false };

function scan(args: string[], longOnly = false): Scanned<string>[] {
  const getopt = new Getopt(args, TABLE, { prog: "ipsec tool", longOnly });
  const seen: Scanned<string>[] = [];
  for (let one = getopt.next(); one; one = getopt.next()) seen.push(one);
  return seen;
}

const option = (name: string, value = ""): Scanned<string> => ({ kind: "option", name, value });
const word = (value: string): Scanned<string> => ({ kind: "word", value });
const error = (text: string): Scanned<string> => ({ kind: "error", message: `ipsec tool: ${text}` });

const CASES: [why: string, args: string[], seen: Scanned<string>[], longOnly?: boolean][] = [
  ["a value after a blank", ["--dst", "x"], [option("dst", "x")]],
  ["a value after =", ["--dst=x=y"], [option("dst", "x=y")]],
  ["an empty value after =", ["--dst="], [option("dst", "")]],
  ["a value that looks like an option", ["--dst", "--add"], [option("dst", "--add")]],
  ["an unambiguous prefix", ["--cl", "--d", "x", "--src-=7"], [
    option("clear"),
    option("dst", "x"),
    option("src-port", "7"),
  ]],
  ["an exact name that is also a prefix", ["--add", "--src", "a"], [option("add"), option("src", "a")]],
  ["options around words", ["a", "--add", "-"], [word("a"), option("add"), word("-")]],
  ["words after --", ["--", "--add"], [word("--add")]],
  ["no value", ["--add", "--src"], [option("add"), error("option '--src' requires an argument")]],
  ["a value too many", ["--cle=3"], [error("option '--clear' doesn't allow an argument")]],
  ["an unknown option, whose value stays unsaid", ["--nope=3"], [error("unrecognized option '--nope'")]],
  ["an inherited property", ["--toString"], [error("unrecognized option '--toString'")]],
  ["a short option", ["-xy"], [error("invalid option -- 'x'")]],
  ["an ambiguous prefix", ["--ad"], [error("option '--ad' is ambiguous; possibilities: '--add' '--addin'")]],
  ["one dash for long only", ["-clear", "-dst=3"], [option("clear"), option("dst", "3")], true],
  ["an unknown one of one dash", ["-v"], [error("unrecognized option '-v'")], true],
];
for (const [why, args, seen, longOnly] of CASES) {
  Deno.test(`Getopt reads ${why}`, () => deepEqual(scan(args, longOnly), seen));
}

Deno.test("Getopt.splice() puts arguments before the unread ones", () => {
  const getopt = new Getopt(["--add", "--clear"], TABLE, { prog: "ipsec tool" });
  deepEqual(getopt.next(), option("add"));
  getopt.splice(["--src", "a"]);
  deepEqual([getopt.next(), getopt.next(), getopt.next()], [option("src", "a"), option("clear"), undefined]);
});

Deno.test("Getopt lets an abbreviation mean an original option before an extension", () => {
  const table = { spi: true, sport: true, esn: false };
  const settings = { prog: "ipsec tool", extensions: new Set(["sport", "esn"]) };
  const getopt = new Getopt(["--sp=3", "--spo=4", "--e"], table, settings);
  deepEqual([getopt.next(), getopt.next(), getopt.next()], [option("spi", "3"), option("sport", "4"), option("esn")]);
});

const LETTERS: [args: string[], seen: Scanned<string>[]][] = [
  [["-f", "x"], [option("src", "x")]],
  [["-fx"], [option("src", "x")]],
  [["-cf", "x", "-c"], [option("clear"), option("src", "x"), option("clear")]],
  [["-f"], [error("option requires an argument -- 'f'")]],
  [["-z"], [error("invalid option -- 'z'")]],
];
for (const [args, seen] of LETTERS) {
  Deno.test(`Getopt reads letters: ${args.join(" ")}`, () => {
    const letters = { f: "src", c: "clear" };
    const getopt = new Getopt(args, TABLE, { prog: "ipsec tool", letters });
    const got: Scanned<string>[] = [];
    for (let one = getopt.next(); one; one = getopt.next()) got.push(one);
    deepEqual(got, seen);
  });
}
