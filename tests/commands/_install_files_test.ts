import { deepEqual, equal, match } from "node:assert/strict";
import { EXAMPLE_CONF, EXAMPLES, initScript, pppHook, systemdUnit } from "../../commands/_install_files.ts";
import { loadConfig } from "../../lib/config/load.ts";

const decoder = new TextDecoder();

/** A folder with an ipsec that says what it was called with, and with a script that calls it. */
async function withFakeIpsec(
  make: (ipsec: string) => string,
  use: (script: string, ipsec: string) => Promise<void>,
): Promise<void> {
  const temporary = await Deno.makeTempDir();
  const folder = `${temporary}/it's $HOME, a "prefix"`;
  try {
    await Deno.mkdir(folder);
    const ipsec = `${folder}/ipsec`, script = `${folder}/script`;
    await Deno.writeTextFile(ipsec, `#!/bin/sh\nprintf '<%s>' "$@"\n`, { mode: 0o755 });
    await Deno.writeTextFile(script, make(ipsec), { mode: 0o755 });
    await use(script, ipsec);
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

async function run(program: string, ...args: string[]): Promise<[status: number, output: string, errors: string]> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  return [code, decoder.decode(stdout), decoder.decode(stderr)];
}

for (const word of ["start", "stop", "restart", "force-reload", "status"]) {
  Deno.test(`initScript() ${word} calls setup`, () =>
    withFakeIpsec(initScript, async (script) => {
      deepEqual(await run(script, word), [0, `<setup><${word}>`, ""]);
    }));
}

Deno.test("initScript() explains itself for any other word", () =>
  withFakeIpsec(initScript, async (script) => {
    const [status, output, errors] = await run(script, "reload");
    deepEqual([status, output], [2, ""]);
    match(errors, /^Usage: .*script \{start\|stop\|restart\|force-reload\|status\}\n$/);
  }));

for (const event of ["up", "down"] as const) {
  Deno.test(`pppHook() passes on what pppd says of a link that is ${event}`, () =>
    withFakeIpsec((ipsec) => pppHook(ipsec, event), async (script) => {
      const words = ["ppp0", "/dev/ttyS0", "115200", "192.0.2.7", "192.0.2.254", "my isp"];
      deepEqual(await run(script, ...words), [0, `<_ppp><${event}>${words.map((word) => `<${word}>`).join("")}`, ""]);
    }));
}

Deno.test("pppHook() is silent where ipsec has been removed", () =>
  withFakeIpsec((ipsec) => pppHook(ipsec, "up"), async (script, ipsec) => {
    await Deno.remove(ipsec);
    deepEqual(await run(script, "ppp0"), [0, "", ""]);
  }));

Deno.test("systemdUnit() names the program in systemd's own quoting", () => {
  match(
    systemdUnit('/opt/50% "a$b"\\/ipsec'),
    /^ExecStart="\/opt\/50%% \\"a\$\$b\\"\\\\\/ipsec" setup start --foreground$/m,
  );
});

Deno.test("EXAMPLE_CONF is a configuration without complaints, as is what it shows in comments", () => {
  for (const text of [EXAMPLE_CONF, EXAMPLE_CONF.replace(/^(\s*)# (interfaces|klipsdebug)/gm, "$1$2")]) {
    const { complaints, setup } = loadConfig("/etc/ipsec.conf", {
      read: () => ({ text, identity: "1" }),
      list: () => [],
    });
    deepEqual(complaints, []);
    equal(setup.size, text === EXAMPLE_CONF ? 0 : 2);
  }
});

Deno.test("EXAMPLES of policy groups name no network: nothing is encrypted or refused before somebody says so", () => {
  const groups = Object.entries(EXAMPLES).filter(([name]) => name !== "ipsec.conf");
  equal(groups.length, 5);
  for (const [name, text] of groups) equal(text.replace(/^#.*\n/gm, ""), "", name);
});
