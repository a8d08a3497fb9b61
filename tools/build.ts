/**
 * `deno task build`: makes dist/ipsec, one executable file. Compiled where Deno's compile runtime can be had (network,
 * or DENORT_BIN names it), else self-extracting; `--kind` or DENO_BUILD_KIND chooses. Does nothing when nothing changed.
 */
import { createHash } from "node:crypto";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeSelfExtracting } from "./_self_extracting.ts";
import type { TarEntry } from "./_tar.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const KINDS = ["compile", "extract"] as const;
type Kind = typeof KINDS[number];

/** Compile is not worth waiting for longer: where there is no network, it may take minutes to say so. */
const COMPILE_PATIENCE_MS = 20_000;
/** What the program is made of, and what makes it. */
const SOURCES = ["ipsec.ts", "commands", "lib", "tools", "deno.json", "deno.lock"];

const { values: options } = parseArgs({
  options: { kind: { type: "string" }, out: { type: "string" }, force: { type: "boolean" }, help: { type: "boolean" } },
});

function say(text: string): void {
  if (Deno.stdout.isTerminal()) console.log(text);
}

async function* files(path: string): AsyncGenerator<string> {
  if ((await Deno.stat(path)).isFile) return yield path;
  const names = (await Array.fromAsync(Deno.readDir(path))).map((entry) => entry.name).sort();
  for (const name of names) yield* files(join(path, name));
}

async function sourcesHash(): Promise<string> {
  const hash = createHash("sha256").update(`${Deno.version.deno} ${Deno.build.target}\n`);
  for (const source of SOURCES) {
    for await (const path of files(join(ROOT, source))) {
      const bytes = await Deno.readFile(path);
      hash.update(`${relative(ROOT, path)} ${bytes.length}\n`).update(bytes);
    }
  }
  return hash.digest("hex");
}

/** @returns why it failed; undefined when it worked */
async function deno(args: string[], patienceMs?: number): Promise<string | undefined> {
  const signal = patienceMs === undefined ? undefined : AbortSignal.timeout(patienceMs);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal,
  }).output();
  if (success) return undefined;
  if (signal?.aborted) return `no answer within ${patienceMs! / 1000} seconds`;
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

async function compile(out: string): Promise<string | undefined> {
  const args = ["compile", "--no-check", "-A", "--no-prompt", "--exclude-unused-npm", "--output", out, "ipsec.ts"];
  const failure = await deno(args, COMPILE_PATIENCE_MS);
  if (failure !== undefined) return failure;
  // DENORT_BIN may name anything, and deno compile does not look at it
  const { success, stdout } = await new Deno.Command(out, { args: ["--copyright"], stderr: "null" }).output();
  if (success && new TextDecoder().decode(stdout).startsWith("oneswan")) return undefined;
  await Deno.remove(out);
  return "error: the compiled file does not start; is DENORT_BIN the denort of this Deno?";
}

async function extract(out: string): Promise<string | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "oneswan-bundle." });
  try {
    say("bundling the program ...");
    const failure = await deno(["bundle", "--platform", "deno", "--code-splitting", "--outdir", folder, "ipsec.ts"]);
    if (failure) return failure;
    const program: TarEntry[] = [];
    for await (const path of files(folder)) {
      program.push({ name: relative(folder, path), bytes: await Deno.readFile(path), mode: 0o400 });
    }
    say("compressing it with the Deno binary ...");
    await writeSelfExtracting(out, await Deno.readFile(Deno.execPath()), program);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function firstLine(text: string): string {
  return text.split("\n").map((line) => line.trim()).find((line) => line.startsWith("error")) ?? text.split("\n")[0];
}

async function readStamp(path: string): Promise<string> {
  return await Deno.readTextFile(path).catch(() => "");
}

async function build(): Promise<number> {
  const wanted = options.kind ?? (Deno.env.get("DENO_BUILD_KIND") || undefined);
  if (wanted !== undefined && !KINDS.some((kind) => kind === wanted)) {
    console.error(`build: Cannot make kind "${wanted}": it must be one of ${KINDS.join(", ")}`);
    return 2;
  }
  const out = options.out ?? join(ROOT, "dist/ipsec");
  const stampPath = `${out}.built-from`;
  const stamp = `${await sourcesHash()} ${wanted ?? "any"}`;
  const [same, size] = [await readStamp(stampPath), await Deno.stat(out).then((info) => info.size, () => 0)];
  if (!options.force && size > 0 && same === `${stamp} ${size}\n`) {
    console.log(`${out} is up to date`);
    return 0;
  }
  await Deno.mkdir(dirname(out), { recursive: true });
  const fresh = `${out}.new-${Deno.pid}`;
  try {
    let failure: string | undefined = "";
    let made: Kind = "compile";
    if (wanted !== "extract") {
      say("compiling (deno compile) ...");
      failure = await compile(fresh);
      if (failure && !wanted) {
        say(`deno compile cannot be used here (${firstLine(failure)}); making a self-extracting file`);
      }
    }
    if (failure !== undefined && wanted !== "compile") {
      made = "extract";
      failure = await extract(fresh);
    }
    if (failure !== undefined) {
      console.error(`build: Cannot make ${out}:\n${failure.trimEnd()}`);
      return 1;
    }
    const bytes = (await Deno.stat(fresh)).size;
    await Deno.rename(fresh, out);
    await Deno.writeTextFile(stampPath, `${stamp} ${bytes}\n`);
    const kind = made === "compile" ? "compiled" : "self-extracting";
    console.log(`${out}: ${kind}, ${(bytes / 1e6).toFixed(1)} MB`);
    return 0;
  } finally {
    await Deno.remove(fresh).catch(() => {});
  }
}

if (options.help) {
  console.log("Usage: deno task build [--kind compile|extract] [--out FILE] [--force]");
  Deno.exit(0);
}
Deno.exit(await build());
