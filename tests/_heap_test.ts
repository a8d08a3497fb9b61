import { ok } from "node:assert/strict";
import { heapBytesPerCall } from "./_heap.ts";

let kept: unknown;

const ALLOCATING: [name: string, run: (i: number) => void][] = [
  ["an object", (i) => kept = { i }],
  ["an array", (i) => kept = [i]],
  ["a closure", (i) => kept = () => i],
  ["a string", (i) => kept = `packet ${i}`],
  ["a bigint", (i) => kept = BigInt(i) << 70n],
  ["a view", () => kept = VIEW.subarray(1)],
];
const VIEW = new Uint8Array(8);
for (const [name, run] of ALLOCATING) {
  Deno.test(`heapBytesPerCall() sees ${name} per call`, () => {
    let i = 0;
    ok(heapBytesPerCall(() => run(i++), 8) > 8);
    ok(kept !== undefined);
  });
}

Deno.test("heapBytesPerCall() sees nothing where nothing is made", () => {
  let sum = 0;
  ok(heapBytesPerCall(() => void (sum = sum + 1 & 0xffff), 1) <= 1);
});
