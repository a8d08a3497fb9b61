/**
 * The unit that self-install installs, under a real systemd: the first process of a pid namespace on west, with a control
 * group of its own and no unit but ours and the targets that it needs.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, equal } from "node:assert/strict";
import { quoted, systemdUnit } from "../../commands/_install_files.ts";
import { ADDRESS, type Host, ipsecCommand, type Ran, until } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";
import { configure, configuredHosts, reaches, stateOf, tunnelConn } from "./_setup.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, Wire } from "./_wire.ts";

const { sunrise: SUNRISE } = ADDRESS.inet;
const UNITS = [
  ...[
    "sysinit",
    "basic",
    "multi-user",
    "network",
    "network-pre",
    "network-online",
    "shutdown",
    "umount",
    "final",
    "exit",
  ]
    .map((target) => `${target}.target`),
  "systemd-exit.service",
];

/** Enters a control group of the name $1, and goes on as the first process of a pid namespace: `sh $2 $3`. */
const ENTER = `mount -t cgroup2 none /sys/fs/cgroup && mkdir /sys/fs/cgroup/$1 &&
echo $$ >/sys/fs/cgroup/$1/cgroup.procs && umount /sys/fs/cgroup &&
exec unshare -fpmuiC --mount-proc --kill-child sh "$2" "$3"`;
/** Removes the group again, with those that systemd has made in it. */
const LEAVE = 'mount -t cgroup2 none /sys/fs/cgroup && find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} +';
/** Becomes systemd; $1 is a folder with our unit. Nothing of this is seen outside. */
const BOOT = `set -e
mount -t cgroup2 none /sys/fs/cgroup
mkdir "$1/targets"
for unit in ${UNITS.join(" ")}; do cp /lib/systemd/system/$unit "$1/targets"; done
mount --bind "$1/targets" /lib/systemd/system
mount -t tmpfs none /lib/systemd/system-generators
mount -t tmpfs none /run
mount -t tmpfs none /etc/systemd
mkdir -p /etc/systemd/system/multi-user.target.wants
cp "$1/ipsec.service" /etc/systemd/system
ln -s ../ipsec.service /etc/systemd/system/multi-user.target.wants
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target --log-target=console`;

class Systemd {
  /** Of its first process, as the host sees it. */
  readonly pid: number;

  constructor(readonly host: Host, unshare: number) {
    this.pid = Number(Deno.readTextFileSync(`/proc/${unshare}/task/${unshare}/children`));
  }

  /** Runs a program beside the service. */
  attempt(...words: string[]): Promise<Ran> {
    return this.host.attempt(["nsenter", `--target=${this.pid}`, "--all", ...words]);
  }

  async state(): Promise<string> {
    return (await this.attempt("systemctl", "is-active", "ipsec")).stdout.trim();
  }

  async isActive(): Promise<boolean> {
    return await this.state() === "active";
  }

  async mainPid(): Promise<string> {
    return (await this.attempt("systemctl", "show", "--property=MainPID", "--value", "ipsec")).stdout.trim();
  }
}

scenario(
  "the unit under systemd: start, reload, a crash, stop, a wrong configuration",
  configuredHosts,
  async (four) => {
    const { sunset, west, east, step } = four;
    const before = await stateOf(west);
    for (const host of [west, east]) configure(host, ["forwardcontrol=yes"], tunnelConn());
    await east.ipsec("setup start");

    const folder = `${west.directory}/systemd`, group = `oneswan-test-${Deno.pid}`;
    Deno.mkdirSync(folder);
    const ipsec = `${folder}/ipsec`;
    const variables = Object.entries(west.env).map(([name, value]) => `export ${name}=${quoted(value)}\n`).join("");
    const words = ipsecCommand().map(quoted).join(" ");
    const home = `export HOME=${quoted(Deno.env.get("HOME") ?? "/root")}\n`;
    const denoFolder = Deno.env.get("DENO_DIR");
    const cache = denoFolder ? `export DENO_DIR=${quoted(denoFolder)}\n` : "";
    Deno.writeTextFileSync(ipsec, `#!/bin/sh\n${variables}${home}${cache}exec ${words} "$@"\n`, { mode: 0o755 });
    Deno.writeTextFileSync(`${folder}/ipsec.service`, systemdUnit(ipsec));
    Deno.writeTextFileSync(`${folder}/boot`, BOOT);
    const daemon = west.start(["sh", "-c", ENTER, "sh", group, `${folder}/boot`, folder]);
    try {
      let systemd!: Systemd;
      await until("systemd has started the service", async () => {
        if (daemon.ended !== undefined) throw new Error(`systemd ended with ${daemon.ended}: ${daemon.output}`);
        systemd = new Systemd(west, daemon.pid);
        return await systemd.isActive();
      });
      const setup = (word: string) => systemd.attempt(ipsec, "setup", word);

      await step("it is ready when systemd says so", async () => {
        equal((await setup("status")).status, 0);
        await sunset.pings(SUNRISE);
      });

      await step("reload takes over a changed configuration", async () => {
        configure(west, ["forwardcontrol=yes", "overridemtu=1300"], tunnelConn());
        equal((await systemd.attempt("systemctl", "reload", "ipsec")).status, 0);
        await until("it has been", async () => (await west.ip("link show ipsec0")).includes(" mtu 1300 "));
        await sunset.pings(SUNRISE);
      });

      await step("a supervisor that is killed is started again, and nothing leaks", async () => {
        const wire = new Wire(await west.capture("eth0"));
        const pinging = sunset.start(["ping", "-n", "-i", "0.02", ...MARKER_WORDS.split(" "), SUNRISE]);
        await wire.saw("ESP", isEsp, 2);
        const was = await systemd.mainPid();
        await systemd.attempt("kill", "-9", was);
        await until("it runs again", async () => await systemd.isActive() && await systemd.mainPid() !== was);
        await reaches(sunset, SUNRISE);
        await pinging.stop("SIGINT");
        equal((await wire.stop()).filter((packet) => contains(packet, MARKER)).length, 0);
      });

      await step("stop by systemctl, and by ipsec setup, leaves nothing", async () => {
        equal((await systemd.attempt("systemctl", "stop", "ipsec")).status, 0);
        equal(await systemd.state(), "inactive");
        deepEqual(await stateOf(west), before);
        equal((await systemd.attempt("systemctl", "start", "ipsec")).status, 0);
        equal((await setup("stop")).status, 0);
        await until("systemd knows", async () => await systemd.state() === "inactive");
        deepEqual(await stateOf(west), before);
      });

      await step("with a wrong configuration it fails, and is not tried again", async () => {
        configure(west, ["fragicmp=perhaps"]);
        equal((await systemd.attempt("systemctl", "start", "ipsec")).status, 1);
        equal(await systemd.state(), "failed");
        const shown = await systemd.attempt("systemctl", "show", "--property=ExecMainStatus", "--value", "ipsec");
        equal(shown.stdout, "6\n");
      });

      await systemd.attempt("systemctl", "exit");
      await daemon.end();
    } finally {
      await daemon.stop("SIGKILL");
      await west.attempt(["unshare", "-m", "sh", "-c", LEAVE, "sh", group]);
    }
  },
  ["systemd"],
);
