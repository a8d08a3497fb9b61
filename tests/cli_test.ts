/** The `ipsec` dispatcher as a user meets it (commands.md §2): run as a program. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { COMMANDS, findCommand, listedNames, SUMMARIES } from "../commands/_registry.ts";
import project from "../deno.json" with { type: "json" };

const IPSEC = fileURLToPath(new URL("../ipsec.ts", import.meta.url));
const decoder = new TextDecoder();
const emptyFolder = await Deno.makeTempDir({ prefix: "oneswan-test." });
globalThis.addEventListener("unload", () => Deno.removeSync(emptyFolder, { recursive: true }));

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ipsec(args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--no-check", IPSEC, ...args],
    env: { NO_COLOR: "1", IPSEC_RUNDIR: emptyFolder, ...env },
  }).output();
  return { status: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}

const WITHOUT_KLIPS = `U${project.version}/K(no kernel code presently loaded)`;

const ANSWERS: [what: string, args: string[], stdout: RegExp, env?: Record<string, string>][] = [
  ["no argument: the hint", [], /^Usage: ipsec command argument \.\.\.\nUse --help for list of commands/],
  [
    "--help: the list",
    ["--help"],
    /^Usage: ipsec command argument \.\.\.\nwhere command is one of:\n(?:\t[a-z_-]+\n)*\teroute\n\tklips\n/,
  ],
  ["--versioncode", ["--versioncode"], new RegExp(`^${WITHOUT_KLIPS.replace(/[.()]/g, "\\$&")}\n$`)],
  [
    "--version",
    ["--version"],
    /^Linux FreeS\/WAN U.*\nSee `ipsec --copyright' for .*\noneswan .*source checkout.*\ncrypto: /,
  ],
  ["version, without dashes", ["version"], /^Linux FreeS\/WAN U/],
  ["--copyright", ["--copyright"], /Apache License, Version 2\.0/],
  ["--directory", ["--directory"], /^\/lib\/x\n$/, { IPSEC_LIBDIR: "/lib/x" }],
  ["--confdir", ["--confdir"], /^\/etc\/x\n$/, { IPSEC_CONFS: "/etc/x" }],
  ["a subcommand's --help", ["self-install", "--help"], /^Usage: ipsec self-install /],
];
for (const [what, args, stdout, env] of ANSWERS) {
  Deno.test(`ipsec answers ${what}`, async () => {
    const ran = await ipsec(args, env);
    deepEqual([ran.status, ran.stderr], [0, ""]);
    match(ran.stdout, stdout);
  });
}

const REFUSALS: [what: string, args: string[], status: number, stderr: string][] = [
  ["an unknown command", ["zzz"], 1, "ipsec: unknown IPsec command `zzz' (`ipsec --help' for list)\n"],
  [
    "a mistyped command, and names the nearest",
    ["erotue"],
    1,
    "ipsec: unknown IPsec command `erotue' (`ipsec --help' for list)\nipsec: did you mean `eroute'?\n",
  ],
  ["an unknown option", ["--foo"], 1, "ipsec: unknown option `--foo' (perhaps command name was omitted?)\n"],
  [
    "a property of objects as a command",
    ["constructor"],
    1,
    "ipsec: unknown IPsec command `constructor' (`ipsec --help' for list)\n",
  ],
  [
    "self-install from a checkout",
    ["self-install", "--prefix", "/nonexistent"],
    1,
    "ipsec self-install: Cannot install a source checkout; make the single file with `deno task build', then run: " +
    "dist/ipsec self-install\n",
  ],
];
for (const [what, args, status, stderr] of REFUSALS) {
  Deno.test(`ipsec refuses ${what}`, async () => deepEqual(await ipsec(args), { status, stdout: "", stderr }));
}

Deno.test("ipsec ends quietly when nobody reads its output", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", IPSEC, "--help"],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stdout.cancel();
  const [stderr, { code }] = [await new Response(child.stderr).text(), await child.status];
  deepEqual([stderr, code], ["", 141]);
});

for (const [name, load] of Object.entries(COMMANDS)) {
  Deno.test(`the registry knows ${name} as it is`, async () => {
    const command = await load();
    equal(command.name, name);
    equal(SUMMARIES[name], command.summary);
    ok(command.usage().endsWith("\n"));
    match(command.manual, /^## /m);
  });
}

Deno.test("the registry has other spellings for old names", () => {
  equal(findCommand("tnconfig"), COMMANDS.tncfg);
  equal(findCommand("__proto__"), undefined);
});

Deno.test("the registry has a summary of each command, and lists all but the internal ones", () => {
  deepEqual(Object.keys(SUMMARIES).sort(), Object.keys(COMMANDS).sort());
  ok(Object.hasOwn(COMMANDS, "_updown"));
  deepEqual(listedNames().filter((name) => name.startsWith("_")), []);
});
