/**
 * IPsec as self-install leaves it on a host: the script for init systems, /run/ipsec, the subsystem lock, and pppd's hooks
 * as Debian's /etc/ppp/ip-up and the others run them. The host has an /etc, a /usr/local, a /run and a /var/lock of its own.
 *
 * ```
 * west 192.0.2.1 -- 192.0.2.2 east
 * ```
 */
import { deepEqual, match } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { PPP_HOOKS } from "../../commands/_install_files.ts";
import { type Host, run } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";
import { configuredHosts, stateOf } from "./_setup.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The single file: that of IPSEC_BIN, or a new one. */
async function singleFile(folder: string): Promise<string> {
  const given = Deno.env.get("IPSEC_BIN");
  if (given) return given;
  const out = `${folder}/ipsec`;
  await run([Deno.execPath(), "run", "-A", "--no-check", `${ROOT}tools/build.ts`, "--kind", "extract", "--out", out]);
  return out;
}

/** Runs commands of the shell where nothing of another IPsec is; $1 is an empty folder, $2 the single file. */
const PREPARE = `set -e
mkdir "$1/etc" "$1/local" "$1/lock"
cp -a /etc/. "$1/etc"
rm -rf "$1"/etc/ipsec.* "$1/etc/init.d/ipsec"
mount --bind "$1/etc" /etc
mount --bind "$1/local" /usr/local
mount -t tmpfs none /run
if [ -L /var/lock ]; then mkdir /run/lock; else mount --bind "$1/lock" /var/lock; fi
mkdir /var/lock/subsys
export IPSEC_CACHEDIR="$1/../cache"
unset IPSEC_RUNDIR IPSEC_CONFS
"$2" self-install >/dev/null
touch /etc/ipsec.secrets
chmod 600 /etc/ipsec.secrets
`;

/** @returns what the commands printed, line by line */
async function shell(host: Host, file: string, commands: string): Promise<string[]> {
  const folder = Deno.makeTempDirSync({ dir: host.directory });
  const said = await host.run(["unshare", "-m", "sh", "-c", PREPARE + commands, "sh", folder, file]);
  return said.trimEnd().split("\n");
}

const HOOKS = PPP_HOOKS.map(({ folder }) =>
  `run-parts --test /etc/ppp/${folder} | grep oneswan
run-parts /etc/ppp/${folder} --arg=ppp0 --arg=/dev/ttyS0 --arg=115200 --arg=192.0.2.7 --arg=192.0.2.254`
).join("\n");

scenario(
  "what self-install has installed starts, tells its state and stops",
  configuredHosts,
  async ({ west, step }) => {
    const file = await singleFile(west.directory);
    const before = await stateOf(west);
    await step("the script for init systems", async () => {
      const lines = await shell(
        west,
        file,
        `/etc/init.d/ipsec start
/etc/init.d/ipsec status
ls /var/lock/subsys /run/ipsec/ipsec.info
ipsec showdefaults
/etc/init.d/ipsec restart >/dev/null
/usr/local/libexec/ipsec/setup --status
/etc/init.d/ipsec stop
ls -A /var/lock/subsys
ls /run/ipsec | grep -v '[.]log$' || :`,
      );
      match(lines[0], /^ipsec_setup: Starting FreeS\/WAN IPsec /);
      const rest = lines.filter((line) => !line.startsWith("ipsec_setup: ") || line.includes("Stopping"));
      const status = ["IPsec running", "pluto"];
      deepEqual(rest.map((line) => line.replace(/^(?:no )?pluto.*/, "pluto")), [
        ...status,
        "/run/ipsec/ipsec.info",
        "",
        "/var/lock/subsys:",
        "ipsec",
        "routephys=eth0",
        "routevirt=ipsec0",
        "routeaddr=192.0.2.1",
        "routenexthop=192.0.2.2",
        ...status,
        "ipsec_setup: Stopping FreeS/WAN IPsec...",
      ]);
      deepEqual(await stateOf(west), before);
    });
    await step(
      "pppd's hooks, found and run as Debian does: nothing to say, before IPsec is started and after",
      async () => {
        const names = PPP_HOOKS.map(({ folder }) => `/etc/ppp/${folder}/oneswan`);
        const lines = await shell(
          west,
          file,
          `${HOOKS}
ipsec setup start >/dev/null
${HOOKS}
ipsec setup stop >/dev/null`,
        );
        deepEqual(lines, [...names, ...names]);
      },
    );
  },
);
