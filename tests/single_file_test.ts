/** dist/ipsec as a user meets it: both kinds pass the same tests; the compiled one where Deno's compile runtime can be had. */
import {
  deepStrictEqual as deepEqual,
  match,
  notStrictEqual as notEqual,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { fileURLToPath } from "node:url";
import project from "../deno.json" with { type: "json" };

const BUILD = fileURLToPath(new URL("../tools/build.ts", import.meta.url));
const decoder = new TextDecoder();

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(program: string, args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const output = await new Deno.Command(program, { args, env: { NO_COLOR: "1", ...env }, stdin: "null" }).output();
  return { status: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}

const folder = await Deno.makeTempDir({ prefix: "oneswan-single-file." });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** A fresh cache folder, and the environment that names it; no KLIPS answers there. */
let caches = 0;
function freshCache(): { path: string; env: Record<string, string> } {
  const path = `${folder}/cache-${caches++}`;
  return { path, env: { IPSEC_CACHEDIR: path, IPSEC_RUNDIR: `${folder}/run` } };
}

async function build(kind: "compile" | "extract"): Promise<string | undefined> {
  const out = `${folder}/${kind}/ipsec`;
  const made = await run(Deno.execPath(), ["run", "-A", BUILD, "--kind", kind, "--out", out]);
  if (kind === "extract") deepEqual([made.status, made.stderr], [0, ""]);
  return made.status === 0 ? out : undefined;
}

const extracting = (await build("extract"))!;
const compiled = await build("compile");
if (!compiled) {
  console.log("deno compile cannot be used here (no network, no DENORT_BIN): the self-extracting kind is tested");
}

const VERSION = `U${project.version}/K(no kernel code presently loaded)\n`;
const KINDS: [kind: string, file: string | undefined][] = [["self-extracting", extracting], ["compiled", compiled]];

for (const [kind, file] of KINDS) {
  if (!file) continue;
  const cache = freshCache();

  Deno.test(`${kind} file answers --versioncode`, async () => {
    deepEqual(await run(file, ["--versioncode"], cache.env), { status: 0, stdout: VERSION, stderr: "" });
  });

  Deno.test(`${kind} file says what it is`, async () => {
    const ran = await run(file, ["--version"], cache.env);
    match(ran.stdout, new RegExp(`\noneswan ${project.version}: single file, ${kind}, Deno `));
    match(ran.stdout, /\ncrypto: (?!none)/);
  });

  Deno.test(`${kind} file passes on status and messages`, async () => {
    const ran = await run(file, ["erotue"], cache.env);
    equal(ran.status, 1);
    match(ran.stderr, /^ipsec: unknown IPsec command `erotue'.*\nipsec: did you mean `eroute'\?\n$/);
  });

  Deno.test(`${kind} file passes on words with blanks, quotes and stars`, async () => {
    const ran = await run(file, ["a b'\"*$HOME"], cache.env);
    match(ran.stderr, /^ipsec: unknown IPsec command `a b'"\*\$HOME' /);
  });

  Deno.test(`${kind} file installs itself, works from there, and leaves nothing when removed`, async () => {
    const prefix = await Deno.makeTempDir({ dir: folder, prefix: "it's a prefix " });
    equal((await run(file, ["self-install", "--prefix", prefix], cache.env)).stderr, "");
    equal((await run(`${prefix}/sbin/ipsec`, ["--versioncode"], cache.env)).stdout, VERSION);
    match((await run(`${prefix}/libexec/ipsec/ranbits`, ["16"], cache.env)).stdout, /^0x[0-9a-f]{4}\n$/);
    match(await Deno.readTextFile(`${prefix}/share/man/man8/ipsec_eroute.8`), /^\.TH IPSEC_EROUTE 8 /);
    match(await Deno.readTextFile(`${prefix}/share/man/man8/ipsec.8`), /^\.TH IPSEC 8 /);
    match(await Deno.readTextFile(`${prefix}/share/man/man5/ipsec.conf.5`), /^\.TH IPSEC\.CONF 5 /);
    equal((await Deno.stat(`${prefix}/etc/ipsec.d/private`)).mode! & 0o777, 0o700);
    await Deno.writeTextFile(`${prefix}/etc/ipsec.d/certs/mine.pem`, "a user's");
    equal((await run(`${prefix}/sbin/ipsec`, ["self-install", "--prefix", prefix], cache.env)).stderr, "");
    equal((await run(file, ["self-install", "--uninstall", "--prefix", prefix], cache.env)).stderr, "");
    deepEqual(await filesBelow(prefix), ["etc/ipsec.d/certs/mine.pem"]);
    deepEqual([...Deno.readDirSync(`${prefix}/etc/ipsec.d`)].map(({ name }) => name), ["certs"]);
  });

  Deno.test(`${kind} file does not replace another program`, async () => {
    const prefix = await Deno.makeTempDir({ dir: folder });
    await Deno.mkdir(`${prefix}/libexec/ipsec`, { recursive: true });
    await Deno.writeTextFile(`${prefix}/libexec/ipsec/spi`, "another");
    const ran = await run(file, ["self-install", "--prefix", prefix], cache.env);
    equal(ran.status, 1);
    match(ran.stderr, /libexec\/ipsec\/spi belongs to another program; nothing was changed/);
    deepEqual(await filesBelow(prefix), ["libexec/ipsec/spi"]);
  });

  Deno.test(`${kind} file installs nothing when a part is impossible`, async () => {
    const prefix = await Deno.makeTempDir({ dir: folder });
    await Deno.writeTextFile(`${prefix}/share`, "a file where a folder is needed");
    equal((await run(file, ["self-install", "--prefix", prefix], cache.env)).status, 1);
    deepEqual(await filesBelow(prefix), ["share"]);
  });
}

async function filesBelow(path: string, under = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(path)) {
    const name = under + entry.name;
    if (entry.isDirectory) found.push(...await filesBelow(`${path}/${entry.name}`, `${name}/`));
    else found.push(name);
  }
  return found.sort();
}

/** The folder of the program in a cache that was filled. */
async function programFolder(cache: string): Promise<string> {
  const names = (await Array.fromAsync(Deno.readDir(cache))).map((entry) => entry.name);
  deepEqual(names.length, 1, `in ${cache}: ${names}`);
  match(names[0], /^program-[0-9a-f]{24}$/);
  return `${cache}/${names[0]}`;
}

Deno.test("self-extracting file unpacks once, into a folder closed to others", async () => {
  const cache = freshCache();
  await run(extracting, ["--versioncode"], cache.env);
  const program = await programFolder(cache.path);
  const [before, mode] = [(await Deno.stat(`${program}/deno`)).ino, (await Deno.stat(program)).mode! & 0o777];
  equal(mode, 0o700);
  await run(extracting, ["--versioncode"], cache.env);
  equal((await Deno.stat(`${program}/deno`)).ino, before);
});

Deno.test("self-extracting file may be started several times at once when it is new", async () => {
  const cache = freshCache();
  const all = await Promise.all([1, 2, 3].map(() => run(extracting, ["--versioncode"], cache.env)));
  for (const ran of all) deepEqual(ran, { status: 0, stdout: VERSION, stderr: "" });
  await programFolder(cache.path);
});

Deno.test("self-extracting file unpacks again where the marker is missing", async () => {
  const cache = freshCache();
  await run(extracting, ["--versioncode"], cache.env);
  const program = await programFolder(cache.path);
  await Deno.remove(`${program}/complete`);
  await Deno.chmod(`${program}/ipsec.js`, 0o600);
  await Deno.writeTextFile(`${program}/ipsec.js`, "console.log('half written')");
  equal((await run(extracting, ["--versioncode"], cache.env)).stdout, VERSION);
  ok((await Deno.stat(`${program}/complete`)).isFile);
});

Deno.test("self-extracting file finds itself by a relative name and through a link", async () => {
  const cache = freshCache();
  const at = await Deno.makeTempDir({ dir: folder });
  await Deno.symlink(extracting, `${at}/swan`);
  const sh = (script: string) => run("sh", ["-c", script], cache.env);
  equal((await sh(`cd '${at}' && ./swan --versioncode`)).stdout, VERSION);
  equal((await sh(`PATH='${at}':$PATH; swan --versioncode`)).stdout, VERSION);
  equal((await sh(`cd '${at}' && sh swan --versioncode`)).stdout, VERSION);
});

Deno.test("self-extracting file refuses a damaged archive", async () => {
  const cache = freshCache();
  const bytes = await Deno.readFile(extracting);
  bytes[bytes.length >> 1] ^= 1;
  const damaged = `${folder}/damaged`;
  await Deno.writeFile(damaged, bytes, { mode: 0o755 });
  const ran = await run(damaged, ["--versioncode"], cache.env);
  deepEqual([ran.status, ran.stdout], [126, ""]);
  match(ran.stderr, /ipsec: cannot unpack /);
  deepEqual(await filesBelow(cache.path), []);
});

/** What an attacker may have put in the cache's place; each gets a filled cache whose program says "hostile". */
const HOSTILE: [why: string, spoil: (cache: string, program: string) => Promise<void>][] = [
  ["a cache that others may write to", (cache) => Deno.chmod(cache, 0o777)],
  ["a cache that the group may write to", (cache) => Deno.chmod(cache, 0o770)],
  ["a program folder that others may write to", (_cache, program) => Deno.chmod(program, 0o722)],
  ["a program folder that is a link", async (cache, program) => {
    await Deno.rename(program, `${cache}.elsewhere`);
    await Deno.symlink(`${cache}.elsewhere`, program);
  }],
  ["a cache that is a link", async (cache) => {
    await Deno.rename(cache, `${cache}.elsewhere`);
    await Deno.symlink(`${cache}.elsewhere`, cache);
  }],
  ["a cache below a folder that everybody may write to", async (cache) => {
    await Deno.chmod(cache.slice(0, cache.lastIndexOf("/")), 0o777);
  }],
];
if (Deno.uid() === 0) {
  HOSTILE.push(["a cache of another user", (cache) => Deno.chown(cache, 65534, 65534)]);
  HOSTILE.push(["a program folder of another user", (_cache, program) => Deno.chown(program, 65534, 65534)]);
}

for (const [why, spoil] of HOSTILE) {
  Deno.test(`self-extracting file does not run what is in ${why}`, async () => {
    const parent = await Deno.makeTempDir({ dir: folder, prefix: "hostile." });
    const temporary = await Deno.makeTempDir({ dir: folder, prefix: "tmp." });
    const cache = `${parent}/oneswan`;
    const env = { IPSEC_CACHEDIR: cache, IPSEC_RUNDIR: `${folder}/run`, TMPDIR: temporary };
    await run(extracting, ["--versioncode"], env);
    const program = await programFolder(cache);
    await Deno.chmod(`${program}/ipsec.js`, 0o600);
    await Deno.writeTextFile(`${program}/ipsec.js`, "console.log('hostile')");
    equal((await run(extracting, ["--versioncode"], env)).stdout, "hostile\n"); // what lies there is what runs
    await spoil(cache, program);
    const ran = await run(extracting, ["--versioncode"], env);
    deepEqual([ran.status, ran.stdout], [0, VERSION]);
    notEqual(ran.stderr, "");
    match(ran.stderr, /^ipsec: cannot use cache folder .*; started from /);
    deepEqual(await filesBelow(temporary), []);
  });
}
