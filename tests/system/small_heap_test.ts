/** What daemons are given, and programs of the administrator's not. */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Programs } from "../../lib/system/programs.ts";
import { forgetSmallHeap, PLUTO_HEAP, SMALL_HEAP } from "../../lib/system/small_heap.ts";

const NAMES = Object.keys(SMALL_HEAP);

/** With an environment of its own for these names. */
async function withEnvironment(given: Record<string, string>, work: () => unknown): Promise<void> {
  const before = NAMES.map((name) => [name, Deno.env.get(name)] as const);
  for (const name of NAMES) Deno.env.delete(name);
  for (const [name, value] of Object.entries(given)) Deno.env.set(name, value);
  try {
    await work();
  } finally {
    for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  }
}

async function shown(): Promise<Record<string, string>> {
  const output = await Deno.makeTempFile();
  try {
    await new Programs().daemon({ words: ["env"], heap: SMALL_HEAP }, "/", output).ended;
    const lines = (await Deno.readTextFile(output)).trim().split("\n").map((line) => line.split(/=(.*)/s));
    return Object.fromEntries(lines.filter(([name]) => NAMES.includes(name)).map(([name, value]) => [name, value]));
  } finally {
    await Deno.remove(output);
  }
}

Deno.test("a daemon gets a small heap, unless its environment says another", async () => {
  await withEnvironment({}, async () => equal(await shown(), SMALL_HEAP));
  const other = { DENO_V8_FLAGS: "--max-semi-space-size=8" };
  await withEnvironment(other, async () => equal(await shown(), { ...SMALL_HEAP, ...other }));
});

Deno.test("forgetSmallHeap() takes from the environment what daemons are given, and no more", async () => {
  const other = { MALLOC_ARENA_MAX: "3" };
  for (const heap of [SMALL_HEAP, PLUTO_HEAP]) {
    await withEnvironment({ ...heap, ...other }, () => {
      forgetSmallHeap();
      equal(NAMES.map((name) => Deno.env.get(name)), [undefined, "3"]);
    });
  }
});

Deno.test("the flags of V8 are ones that this runtime has", async () => {
  for (const env of [SMALL_HEAP, PLUTO_HEAP]) {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args: ["eval", ""], env }).output();
    ok(success);
    equal(new TextDecoder().decode(stderr), "");
  }
});
