/**
 * `deno task test`: all tests, or those in the files named. Passes on what `deno test` prints and ends with one line
 * "N passed, N failed". Where CI is "true", a test that was left out counts as failed.
 */
const decoder = new TextDecoder();

const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", ...(Deno.args.length ? Deno.args : ["tests"])],
  env: { NO_COLOR: "1" },
  stdin: "null",
  stdout: "piped",
}).spawn();

/** The end of the output: `ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)`. */
let tail = "";
for await (const bytes of child.stdout) {
  for (let rest: Uint8Array = bytes; rest.length;) rest = rest.subarray(Deno.stdout.writeSync(rest));
  tail = (tail + decoder.decode(bytes, { stream: true })).slice(-4096);
}
const { success } = await child.status;

const summary = tail.split("\n").findLast((line) => /\d+ passed.*\| \d+ failed/.test(line)) ?? "";
const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(summary)?.[1] ?? 0);
const leftOut = Deno.env.get("CI") === "true" ? count("ignored") : 0;
if (leftOut) console.log(`${leftOut} tests were left out, and none may be under CI=true`);
// a run that ended without a summary did not even load its tests
const failed = count("failed") + leftOut || (success ? 0 : 1);
console.log(`${count("passed")} passed, ${failed} failed`);
Deno.exit(failed ? 1 : 0);
