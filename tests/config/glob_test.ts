import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert/strict";
import { glob, isPattern, matchesName } from "../../lib/config/glob.ts";
import { fakeFiles } from "./_fake_files.ts";

const NAMES: [pattern: string, name: string, matches: boolean][] = [
  ["abc", "abc", true],
  ["abc", "abd", false],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["*", "", true],
  ["*.conf", "a.conf", true],
  ["*.conf", "a.conf.bak", false],
  ["*.conf", ".conf", false],
  [".*", ".conf", true],
  ["a*b*c", "aXbXbc", true],
  ["a*b*c", "aXbX", false],
  ["[a-c]x", "bx", true],
  ["[a-c]x", "dx", false],
  ["[!a-c]x", "dx", true],
  ["[^a-c]x", "bx", false],
  ["[]]", "]", true],
  ["[a-]", "-", true],
  ["[ab", "[ab", true],
  ["a\\*", "a*", true],
  ["a\\*", "ab", false],
];
for (const [pattern, name, matches] of NAMES) {
  Deno.test(`matchesName() of ${pattern} and ${name || "nothing"} is ${matches}`, () => {
    equal(matchesName(pattern, name), matches);
  });
}

Deno.test("matchesName() takes a bounded number of steps for many stars", () => {
  equal(matchesName("*a".repeat(200), "a".repeat(2000) + "b"), false);
});

const FILES = fakeFiles({
  "/d/b.conf": "",
  "/d/a.conf": "",
  "/d/.h.conf": "",
  "/e/b.conf": "",
  "x.conf": "",
  "/*": "",
});
const FOUND: [pattern: string, paths: string[]][] = [
  ["/d/*.conf", ["/d/a.conf", "/d/b.conf"]],
  ["/?/b.conf", ["/d/b.conf", "/e/b.conf"]],
  ["/?/a.conf", ["/d/a.conf"]],
  ["/d/.*", ["/d/.h.conf"]],
  ["/z/*", []],
  ["*.conf", ["x.conf"]],
];
for (const [pattern, paths] of FOUND) {
  Deno.test(`glob() finds what ${pattern} matches, sorted`, () => deepEqual(glob(pattern, FILES), paths));
}

for (
  const [text, pattern] of [["a.conf", false], ["a*", true], ["a\\*", false], ["[a]", true], ["a?", true]] as const
) {
  Deno.test(`isPattern() of ${text} is ${pattern}`, () => equal(isPattern(text), pattern));
}
