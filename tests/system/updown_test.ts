import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert/strict";
import { runUpdown, type UpdownDeps, type UpdownOutcome } from "../../lib/system/updown.ts";

const VARIABLES = { PLUTO_VERB: "up-client", PLUTO_CONNECTION: "it's $HOME `x`", PLUTO_PEER_ID: "@east" };
const ENVIRONMENT = { PATH: "/usr/bin:/bin:/opt/bin", PLUTO_MY_ID: "left over", IPSEC_CONFS: "/tmp/etc" };

function shell(command: string, deps: UpdownDeps = {}): Promise<UpdownOutcome> {
  return runUpdown(command, VARIABLES, { environment: ENVIRONMENT, ...deps });
}

const SCRIPTS: [what: string, command: string, expected: UpdownOutcome][] = [
  ["a silent one", "true", { ok: true, lines: [] }],
  ["words of both streams, in their order", "echo one; echo two >&2; printf three", {
    ok: true,
    lines: ["one", "two", "three"],
  }],
  ["variables as they are", `printf '%s\\n' "$PLUTO_CONNECTION" "$PLUTO_VERB" "$IPSEC_CONFS"`, {
    ok: true,
    lines: ["it's $HOME `x`", "up-client", "/tmp/etc"],
  }],
  ["none of an outer command's variables", 'echo "<$PLUTO_MY_ID>"', { ok: true, lines: ["<>"] }],
  ["quoted words and several commands", `sh -c 'echo "$1"' x 'a  b' && exit 3`, {
    ok: false,
    lines: ["a  b"],
    complaint: "up-client command exited with status 3",
  }],
  ["a signal", "kill -9 $$", { ok: false, lines: [], complaint: "up-client command exited with signal 9" }],
  ["a line for a log: no control characters, not over 255", `printf 'a\\033[2J%0300d' 1`, {
    ok: true,
    lines: [`a\\033[2J${"0".repeat(247)}`],
  }],
  ["no input", "cat", { ok: true, lines: [] }],
];
for (const [what, command, expected] of SCRIPTS) {
  Deno.test(`runUpdown() gives the shell's: ${what}`, async () => deepEqual(await shell(command), expected));
}

Deno.test("runUpdown() says that a program is not there", async () => {
  const { ok: went, lines, complaint } = await shell("/nowhere/updown");
  equal(went, false);
  match(lines.join(), /\/nowhere\/updown: not found|No such file/);
  equal(complaint, "up-client command exited with status 127");
});

Deno.test("runUpdown() reports a syntax error in the shell's words", async () => {
  const { lines, complaint } = await shell("if");
  match(lines.join(), /[Ss]yntax error/);
  equal(complaint, "up-client command exited with status 2");
});

Deno.test("runUpdown() lets a command find `ipsec' where programs of administrators are", async () => {
  const { lines: [path] } = await shell("echo $PATH");
  match(path, /(^|:)\/usr\/local\/sbin:\/sbin:\/usr\/sbin:\/usr\/local\/bin:\/bin:\/usr\/bin:\/opt\/bin$/);
});

Deno.test("runUpdown() kills a command that takes too long, and what it started", async () => {
  const { ok: went, lines, complaint } = await shell("sleep 600 & echo $!; wait", { timeLimitMs: 200 });
  equal(went, false);
  equal(complaint, "up-client command took more than 0.2 seconds and was killed");
  const state = await Deno.readTextFile(`/proc/${lines[0]}/stat`).catch(() => "gone");
  ok(state === "gone" || / Z /.test(state), state);
});

Deno.test("runUpdown() kills a command that ignores the wish that it end", async () => {
  const { complaint } = await shell("trap '' TERM; while :; do sleep 600; done", { timeLimitMs: 100 });
  match(complaint ?? "", /was killed$/);
});

Deno.test("runUpdown() does not wait for a program that a command leaves behind", async () => {
  const { ok: went, lines } = await shell("sleep 600 & echo $!");
  ok(went);
  Deno.kill(Number(lines[0]), "SIGKILL");
});

Deno.test("runUpdown() keeps 200 lines of very many", async () => {
  const { ok: went, lines } = await shell("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done");
  ok(went);
  equal(lines.length, 200);
});

const BUILT_IN: [command: string, args: string[]][] = [
  ["ipsec _updown", []],
  ["  ipsec _updown ipfwadm ", ["ipfwadm"]],
  ["ipsec _updown custom a.b", ["custom", "a.b"]],
];
for (const [command, args] of BUILT_IN) {
  Deno.test(`runUpdown() takes \`${command}' for the built-in one`, async () => {
    const asked: unknown[] = [];
    const builtin: UpdownDeps["builtin"] = (args, variables) => {
      asked.push(args, variables("PLUTO_VERB"), variables("PATH"));
      return { status: 2, lines: ["ipsec _updown: words"] };
    };
    deepEqual(await runUpdown(command, VARIABLES, { builtin }), {
      ok: false,
      lines: ["ipsec _updown: words"],
      complaint: "up-client command exited with status 2",
    });
    deepEqual(asked, [args, "up-client", undefined]);
  });
}

for (const command of ["ipsec _updown $X", "ipsec _updown; true", "/usr/sbin/ipsec _updown", "ipsec _updown_x509"]) {
  Deno.test(`runUpdown() leaves \`${command}' to the shell`, async () => {
    const builtin = () => ({ status: 0, lines: ["built in"] });
    const { lines } = await shell(command, { builtin });
    ok(!lines.includes("built in"));
  });
}
