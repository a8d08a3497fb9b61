import { equal } from "node:assert/strict";
import { openSync } from "node:fs";
import { errorReason, errorWithPath } from "../../lib/system/error_reason.ts";

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

const CASES: [what: string, error: unknown, reason: string][] = [
  ["Deno", thrownBy(() => Deno.readTextFileSync("/nonexistent/x")), "No such file or directory"],
  ["Deno with the name of a call", thrownBy(() => Deno.mkdirSync("/nonexistent/x")), "No such file or directory"],
  ["node:fs", thrownBy(() => openSync("/nonexistent/x", "r")), "no such file or directory"],
  ["a sentence of our own", new Error("Cannot read it: EOF, early"), "Cannot read it: EOF, early"],
  ["what is no error", "so", "so"],
];
for (const [what, error, reason] of CASES) {
  Deno.test(`errorReason() finds the words of ${what}`, () => equal(errorReason(error), reason));
}

const WITH_PATH: [what: string, error: unknown, said: string][] = [
  ["Deno", thrownBy(() => Deno.mkdirSync("/nonexistent/x")), "/nonexistent/x: No such file or directory"],
  ["a sentence of our own", new Error("Cannot do it"), "Cannot do it"],
];
for (const [what, error, said] of WITH_PATH) {
  Deno.test(`errorWithPath() finds path and words of ${what}`, () => equal(errorWithPath(error), said));
}
