/** `ipsec conf`, `ipsec _confread` and `ipsec _include` on real files. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert/strict";
import { confreadCommand } from "../../commands/_confread.ts";
import { type Command, UserError } from "../../commands/_command.ts";
import { conf } from "../../commands/conf.ts";
import { includeCommand } from "../../commands/_include.ts";

const folder = await Deno.makeTempDir({ prefix: "oneswan-test." });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const GOOD = `${folder}/ipsec.conf`;
const BAD = `${folder}/bad.conf`;
const KEY = "0x010203040506070811121314151617182122232425262728";
await Deno.writeTextFile(
  GOOD,
  `version 2\ninclude ${folder}/more/*.conf\nconfig setup\n\tinterfaces="ipsec0=eth0 ipsec1=eth1"\n` +
    "conn %default\n\tpfs=no\nconn office\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\talso=keys\n\tauto=manual\n" +
    `conn keys\n\tspi=0x200\n\tespenckey=${KEY}\n\tleftupdown="x $y"\n\tesp=3des-md5-96\n` +
    `\tespauthkey=0x${"0a".repeat(16)}\n`,
);
await Deno.writeTextFile(BAD, "version 2\nconn office\n\tlfet=192.0.2.1\n\n\tauto=ad\n\tleftcert=$x\n");

function run(command: Command, args: string[], env: Record<string, string> = { IPSEC_CONFS: folder }) {
  let [stdout, stderr] = ["", ""];
  const status = command.run(args, {
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    stdoutIsTerminal: false,
    env: (name) => env[name],
  });
  return { status, stdout, stderr };
}

const EMPTY = { IPSEC_CONFS: `${folder}/none` };

Deno.test("conf check of a good file counts connections", () => {
  deepEqual(run(conf, ["check"]), { status: 0, stdout: `${GOOD}: 2 connections, 0 errors, 0 warnings\n`, stderr: "" });
});

Deno.test("conf check prints every complaint, and fails", () => {
  deepEqual(run(conf, ["check", BAD]), {
    status: 1,
    stdout: `${BAD}:3: conn office: unknown parameter "lfet"; did you mean left?\n` +
      `${BAD}:5: conn office: auto=ad: must be add, route, start, manual or ignore; did you mean add?\n` +
      `${BAD}:6: warning: conn office: leftcert is taken as it stands: $, \` and \\ are not replaced, as a shell did in FreeS/WAN\n` +
      `${BAD}:6: warning: conn office: leftcert=$x has no effect: certificates are not supported yet; ` +
      "leftrsasigkey= takes what `ipsec showhostkey --left` prints\n" +
      `${BAD}:6: warning: conn office: leftcert: there is no file ${folder}/ipsec.d/certs/$x\n` +
      `${BAD}: 1 connection, 2 errors, 3 warnings\n`,
    stderr: "",
  });
});

Deno.test("conf check warns of certificates beside the file that are not there", async () => {
  const file = `${folder}/certs.conf`;
  await Deno.mkdir(`${folder}/ipsec.d/certs`, { recursive: true });
  await Deno.writeTextFile(`${folder}/ipsec.d/certs/west.pem`, "");
  await Deno.writeTextFile(file, "version 2\nconn c\n\tleftcert=west.pem\n\trightcert=east.pem\n");
  const { status, stdout } = run(conf, ["check", file]);
  deepEqual([status, stdout.split("\n").filter((line) => line.includes("there is"))], [
    0,
    [`${file}:4: warning: conn c: rightcert: there is no file ${folder}/ipsec.d/certs/east.pem`],
  ]);
});

Deno.test("conf check of a default file that is not there says so", () => {
  const { status, stdout } = run(conf, ["check"], EMPTY);
  equal(status, 0);
  match(stdout, /\/ipsec\.conf: there is no such file: 0 connections, 0 errors, \d warnings\n$/);
});

Deno.test("conf check says what manual keying would refuse", async () => {
  const file = `${folder}/manual.conf`;
  const conn = "conn c\n\tleft=192.0.2.1\n\tright=192.0.2.2\n\tesp=3des-md5-96\n\tauto=manual\n";
  await Deno.writeTextFile(file, `version 2\n${conn}conn d\n\tpfs=x\n`);
  const { status, stdout } = run(conf, ["check", file]);
  deepEqual([status, stdout.split("\n")[0]], [
    1,
    `${file}:5: conn c: connection has no "spi" parameter specified`,
  ]);
  match(stdout, /:8: conn d: pfs=x: .*\n.*: 2 connections, \d errors, 0 warnings\n$/);
});

const PIPED: [what: string, command: string, answer: RegExp, status: number][] = [
  ["a pipe", "printf 'version 2\\nconn c\\n\\tpfs=x\\n' |", /^\/dev\/stdin:3: conn c: pfs=x: /, 1],
  ["an empty file", "< /dev/null", /^\/dev\/stdin: 0 connections, 0 errors/, 0],
  ["what does not end", "< /dev/zero", /^\/dev\/stdin: cannot open \/dev\/stdin: more than 64 megabytes\n/, 1],
];
for (const [what, source, answer, status] of PIPED) {
  Deno.test(`conf check reads ${what}`, async () => {
    const ipsec = new URL("../../ipsec.ts", import.meta.url).pathname;
    const script = `${source} "$0" run -A --no-check "$1" conf check /dev/stdin`;
    const { code, stdout } = await new Deno.Command("sh", { args: ["-c", script, Deno.execPath(), ipsec] }).output();
    match(new TextDecoder().decode(stdout), answer);
    equal(code, status);
  });
}

Deno.test("conf check reads the policy groups beside the file", async () => {
  const beside = `${folder}/groups`;
  await Deno.mkdir(`${beside}/ipsec.d/policies`, { recursive: true });
  await Deno.writeTextFile(`${beside}/ipsec.conf`, "version 2\n");
  await Deno.writeTextFile(`${beside}/ipsec.d/policies/block`, "# bad\n10.0.0.0/33\n");
  const { status, stdout } = run(conf, ["check"], { IPSEC_CONFS: beside });
  equal(status, 1);
  match(stdout, /\/ipsec\.d\/policies\/block:2: subnet mask bit count too large "10\.0\.0\.0\/33"\n/);
});

Deno.test("conf check --json has the same in parts", () => {
  const { status, stdout } = run(conf, ["check", "--json", BAD]);
  const { file, files, connections, errors, complaints } = JSON.parse(stdout);
  deepEqual([status, file, files, connections, errors], [1, BAD, [BAD], ["office"], 2]);
  deepEqual(complaints[0], {
    file: BAD,
    line: 3,
    severity: "error",
    section: "office",
    message: 'conn office: unknown parameter "lfet"; did you mean left?',
  });
});

Deno.test("conf check passes where there is no configuration, unless the file was named", () => {
  deepEqual(run(conf, ["check"], EMPTY).status, 0);
  const { status, stdout } = run(conf, ["check", `${folder}/none`]);
  equal(status, 1);
  ok(stdout.startsWith(`${folder}/none: cannot open ${folder}/none: no such file\n`), stdout);
});

Deno.test("conf show prints what holds, and where it comes from", () => {
  const { status, stdout, stderr } = run(conf, ["show", "office"]);
  deepEqual([status, stderr], [0, ""]);
  match(stdout, /^conn office\n/);
  const rows = stdout.split("\n").map((row) => row.trim().split(/ +# /));
  const origins = Object.fromEntries(rows.slice(1, -1));
  equal(origins["left=192.0.2.1"], `${GOOD}:8`);
  equal(origins["pfs=no"], `${GOOD}:6 (conn %default)`);
  equal(origins["spi=0x200"], `${GOOD}:13 (conn keys)`);
  equal(origins["#type=tunnel"], "built in");
  equal(origins["#espenckey=(not shown)"], `${GOOD}:14 (conn keys)`);
});

Deno.test("conf show --json has values and origins", () => {
  const { settings } = JSON.parse(run(conf, ["show", "--json", "office"]).stdout);
  deepEqual(settings.pfs, { value: "no", from: "%default", file: GOOD, line: 6 });
  deepEqual(settings.spi, { value: "0x200", from: "file", file: GOOD, line: 13, conn: "keys" });
  deepEqual(settings.type, { value: "tunnel", from: "built in" });
  equal(settings.espenckey.value, "(not shown)");
});

for (const form of [[], ["--json"]]) {
  Deno.test(`conf show ${form.join(" ")} shows keys with --secrets only`, () => {
    equal(run(conf, ["show", ...form, "office"]).stdout.includes(KEY), false);
    equal(run(conf, ["show", ...form, "--secrets", "office"]).stdout.includes(KEY), true);
  });
}

Deno.test("conf show --setup prints config setup", () => {
  const { status, stdout } = run(conf, ["show", "--setup"]);
  equal(status, 0);
  match(stdout, /^config setup\n\tinterfaces="ipsec0=eth0 ipsec1=eth1" +# .*ipsec\.conf:4\n/);
  match(stdout, /\n\t#rp_filter=0 +# built in\n/);
});

Deno.test("conf show of an implicit connection needs no file", () => {
  const { status, stdout } = run(conf, ["show", "--json", "private"], EMPTY);
  equal(status, 0);
  deepEqual(JSON.parse(stdout).settings.failureshunt, { value: "drop", from: "implicit", conn: "private" });
});

Deno.test("conf show of a connection with errors prints it, says them on stderr and fails", () => {
  const { status, stdout, stderr } = run(conf, ["show", "--config", BAD, "office"]);
  equal(status, 1);
  match(stdout, /^conn office\n\tleftcert=\$x /);
  equal(stderr.trimEnd().split("\n").length, 4);
});

const REFUSALS: [why: string, args: string[], message: RegExp, status: number][] = [
  ["no action", [], /check or show is needed/, 2],
  ["another action", ["chekc"], /unknown action "chekc"/, 2],
  ["two files", ["check", "a", "b"], /check reads one file/, 2],
  ["an unknown option", ["check", "--zzz"], /--zzz/, 2],
  ["show without a name", ["show"], /needs the name of one connection, or --setup/, 2],
  ["show with a name and --setup", ["show", "--setup", "office"], /needs the name of one connection, or --setup/, 2],
  ["check with --secrets", ["check", "--secrets"], /check knows neither/, 2],
  ["an unknown connection", ["show", "offcie"], /there is no conn offcie in .*; did you mean office\?/, 1],
];
for (const [why, args, message, status] of REFUSALS) {
  Deno.test(`conf refuses ${why}`, () => {
    throws(
      () => run(conf, args),
      (error) => error instanceof UserError && error.status === status && message.test(error.message),
    );
  });
}

Deno.test("_confread prints fields", () => {
  deepEqual(run(confreadCommand, ["--type", "config", "setup"]), {
    status: 0,
    stdout: "=\tsetup\t\n:\tinterfaces\tipsec0=eth0 ipsec1=eth1\n!\t\t\n",
    stderr: "",
  });
});

Deno.test("_confread --varprefix prints assignments that a shell takes as they are meant", async () => {
  const { status, stdout } = run(confreadCommand, ["--varprefix", "P", "--export", "keys"]);
  equal(status, 0);
  ok(stdout.startsWith('P_confreadsection="keys"\nexport P_confreadsection\nPspi="0x200"\nexport Pspi\n'), stdout);
  const script = `${stdout}printf '%s|%s' "$Pleftupdown" "$P_confreadstatus"`;
  const shell = await new Deno.Command("sh", { args: ["-c", script] }).output();
  equal(new TextDecoder().decode(shell.stdout), "x $y|");
});

Deno.test("_confread --search prints names", () => {
  equal(run(confreadCommand, ["--search", "auto", "manual"]).stdout, "=\toffice\t\n!\t\t\n");
  equal(
    run(confreadCommand, ["--varprefix", "P", "--search", "auto", "manual"]).stdout,
    'P_confreadnames="office"\nexport P_confreadnames\nP_confreadstatus=""\nexport P_confreadstatus\n',
  );
});

Deno.test("_confread escapes quotes of a message in variables, and fails", () => {
  deepEqual(run(confreadCommand, ["--config", BAD, "--varprefix", "P", "office"]), {
    status: 1,
    stdout: 'P_confreadsection="office"\nexport P_confreadsection\n' +
      `P_confreadstatus="(${BAD}, line 3) unknown parameter name \\"lfet\\""\nexport P_confreadstatus\n`,
    stderr: "",
  });
});

Deno.test("_confread takes a default file that is not there for empty", () => {
  equal(run(confreadCommand, ["--optional", "x"], EMPTY).stdout, "!\t\t\n");
});

const CONFREAD_REFUSALS: [args: string[], message: RegExp][] = [
  [["--zzz"], /unknown option `--zzz'/],
  [["--type", "con", "x"], /--type must be conn or config/],
  [["--config"], /--config needs a value/],
];
for (const [args, message] of CONFREAD_REFUSALS) {
  Deno.test(`_confread refuses ${args.join(" ")}`, () => {
    throws(
      () => run(confreadCommand, args),
      (error) => error instanceof UserError && error.status === 2 && message.test(error.message),
    );
  });
}

const ONE = `${folder}/one`;
await Deno.writeTextFile(ONE, "a\n");
const MISSING = `${folder}/none`;
const cannotOpen = (file: string) => `#:cannot open configuration file \\'${file}\\'\n`;
const INCLUDED: [why: string, args: string[], status: number, stdout: string, env?: Record<string, string>][] = [
  ["files, one after the other", ["--inband", ONE, ONE], 0, `\n#< ${ONE} 1\na\n`.repeat(2)],
  ["nothing but the error, where one of the files cannot be read", [ONE, MISSING], 1, cannotOpen(MISSING)],
  ["nothing where there is no ipsec.conf", [`${folder}/none/ipsec.conf`], 1, "", EMPTY],
  [
    "when ipsec.secrets comes into being",
    [`${folder}/none/ipsec.secrets`],
    1,
    `${
      cannotOpen(`${folder}/none/ipsec.secrets`)
    }#:Your secrets file will be created when you start FreeS/WAN for the first time.\n`,
    EMPTY,
  ],
];
for (const [why, args, status, stdout, env] of INCLUDED) {
  Deno.test(`_include prints ${why}`, () => {
    deepEqual(run(includeCommand, args, env), { status, stdout, stderr: "" });
  });
}

Deno.test("_include fails where an included file cannot be read, and prints the rest", async () => {
  const file = `${folder}/outer`;
  await Deno.writeTextFile(file, "include none\nb\n");
  const stdout = `\n#< ${file} 1\n${cannotOpen(MISSING)}\n#> ${file} 2\nb\n`;
  deepEqual(run(includeCommand, [file]), { status: 1, stdout, stderr: "" });
});

for (const args of [[], ["--zzz", ONE]]) {
  Deno.test(`_include refuses ${args.join(" ") || "to print no file"}`, () => {
    throws(() => run(includeCommand, args), (error) => error instanceof UserError && error.status === 2);
  });
}

for (const command of [conf, confreadCommand, includeCommand]) {
  Deno.test(`${command.name} --help prints its usage`, () => {
    deepEqual(run(command, ["--help"]), { status: 0, stdout: command.usage(), stderr: "" });
  });
}
