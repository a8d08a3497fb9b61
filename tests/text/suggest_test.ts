import { equal } from "node:assert/strict";
import { editDistance, suggest } from "../../lib/text/suggest.ts";

const DISTANCES: [a: string, b: string, edits: number][] = [
  ["left", "left", 0],
  ["lfet", "left", 1],
  ["lef", "left", 1],
  ["leftt", "left", 1],
  ["lift", "left", 1],
  ["", "left", 4],
  ["right", "left", 4],
  ["tncfg", "eroute", 6],
];
for (const [a, b, edits] of DISTANCES) {
  Deno.test(`editDistance() from "${a}" to "${b}" is ${edits}`, () => {
    equal(editDistance(a, b), edits);
    equal(editDistance(b, a), edits);
  });
}

const SUGGESTIONS: [word: string, names: string[], found: string | undefined, why: string][] = [
  ["lfet", ["right", "left"], "left", "two letters have changed places"],
  ["LEFT", ["left"], "left", "upper and lower case do not count"],
  ["aes256-sha2_256", ["aes256-sha1-96", "aes256-sha2_256-128"], "aes256-sha2_256-128", "the rest is missing"],
  ["ab", ["ax", "abc"], "abc", "the rest is missing"],
  ["up", ["add", "route", "start"], undefined, "nothing is near"],
  ["x".repeat(33), ["x".repeat(33)], undefined, "it is too long for a name"],
  ["left", [], undefined, "there is nothing"],
];
for (const [word, names, found, why] of SUGGESTIONS) {
  Deno.test(`suggest() for "${word}" of ${names.join(", ") || "nothing"}: ${why}`, () =>
    equal(suggest(word, names), found));
}

Deno.test("suggest() does no work for what is longer than any name", () =>
  equal(suggest("s".repeat(1e6), ["spi"]), undefined));
