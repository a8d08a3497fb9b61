/**
 * `deno task test`: all tests, or those in the files named. Passes on what `deno test` prints and ends with one line
 * "N passed, N failed". Where CI is "true", a test that was left out counts as failed.
 *
 * Those that make network namespaces run in a user namespace where one is not root; where that is not possible either,
 * they are left out, and the reason is said.
 */
import { netRights, NO_NETS, PATH_WITH_SBIN } from "./_user_namespace.ts";

/** What makes network namespaces. */
const NETS = ["tests/netns", "tests/interop", "tests/demo_test.ts", "tests/readme_test.ts"];

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly leftOut: number;
}

/** @param before words that give the rights */
async function run(before: readonly string[], args: readonly string[], env: Record<string, string>): Promise<Outcome> {
  const [program, ...words] = [...before, Deno.execPath(), "test", "-A", ...args];
  const child = new Deno.Command(program, {
    args: words,
    env: { NO_COLOR: "1", PATH: PATH_WITH_SBIN, ...env },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  /** The end of the output: `ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)`. */
  let tail = "";
  for await (const bytes of child.stdout) {
    for (let rest: Uint8Array = bytes; rest.length;) rest = rest.subarray(Deno.stdout.writeSync(rest));
    tail = (tail + decoder.decode(bytes, { stream: true })).slice(-4096);
  }
  const { success } = await child.status;
  const summary = tail.split("\n").findLast((line) => /\d+ passed.*\| \d+ failed/.test(line)) ?? "";
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(summary)?.[1] ?? 0);
  // a run that ended without a summary did not even load its tests
  const failed = count("failed") || (success ? 0 : 1);
  return { passed: count("passed"), failed, leftOut: count("ignored") };
}

const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);

const flags = Deno.args.filter((word) => word.startsWith("-"));
const named = Deno.args.filter((word) => !word.startsWith("-")).map((path) => path.replace(/^\.\/|\/$/g, ""));
const paths = named.length ? named : ["tests"];
const ignored = flags.flatMap((flag) => /^--ignore=(.*)/.exec(flag)?.[1].split(",") ?? []);
const nets = [...NETS.filter((net) => paths.some((path) => isBelow(net, path))), ...paths]
  .filter((path) => NETS.some((net) => isBelow(path, net)) && !ignored.some((other) => isBelow(path, other)));

const rights = nets.length ? await netRights() : { words: [] };
const outcomes: Outcome[] = [];
if ("lacks" in rights) {
  console.error(`Tests that make network namespaces are left out.\n${rights.lacks}`);
  outcomes.push(await run([], [...flags, ...paths], { [NO_NETS]: rights.lacks }));
} else if (rights.words.length === 0) {
  outcomes.push(await run([], [...flags, ...paths], {}));
} else {
  const others = paths.filter((path) => !nets.includes(path));
  if (others.length) {
    const without = flags.filter((flag) => !flag.startsWith("--ignore="));
    outcomes.push(await run([], [...without, `--ignore=${[...ignored, ...nets].join()}`, ...others], {}));
  }
  // a user namespace has no network to fetch packages from, for running or for building
  await new Deno.Command(Deno.execPath(), { args: ["cache", "ipsec.ts", "tests/"], stderr: "null" }).output();
  await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "tools/build.ts"], stdout: "null" }).output();
  console.log("You are not root: tests that make network namespaces run in a user namespace.");
  outcomes.push(await run(rights.words, [...flags, "--permit-no-files", ...nets], {}));
}

const sum = (what: keyof Outcome) => outcomes.reduce((total, outcome) => total + outcome[what], 0);
const leftOut = Deno.env.get("CI") === "true" ? sum("leftOut") : 0;
if (leftOut) console.log(`${leftOut} tests were left out, and none may be under CI=true`);
const failed = sum("failed") + leftOut;
console.log(`${sum("passed")} passed, ${failed} failed`);
Deno.exit(failed ? 1 : 0);
