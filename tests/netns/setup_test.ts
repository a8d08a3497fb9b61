/**
 * `ipsec setup` from beginning to end, with hosts that are configured by ipsec.conf alone.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ADDRESS, type Host, ipsecCommand, until } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";
import {
  configure,
  configuredHosts,
  murder,
  pidIn,
  reaches,
  runFiles,
  setupLog,
  stateOf,
  tunnelConn,
} from "./_setup.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, Wire } from "./_wire.ts";

const { sunrise: SUNRISE } = ADDRESS.inet;
/** What stop may leave: the words of those that ran. */
const LOGS = ["klips.log", "setup.log"];
/** Where there was a pluto. */
const PLUTO_LOG = "pluto.log";

async function stops(host: Host): Promise<void> {
  deepEqual(await host.tryIpsec("setup stop"), {
    status: 0,
    stdout: "ipsec_setup: Stopping FreeS/WAN IPsec...\n",
    stderr: "",
  });
}

scenario(
  "two hosts with ipsec.conf and setup, a manual conn, and no trace after stop",
  configuredHosts,
  async (four) => {
    const { sunset, west, east } = four;
    const before = { west: await stateOf(west), east: await stateOf(east) };
    configure(west, ["forwardcontrol=yes", "pluto=no"], tunnelConn());
    configure(
      east,
      ["interfaces=ipsec1=eth0", "forwardcontrol=yes", "overridemtu=1400", "manualstart=by-name"],
      tunnelConn("by-name").replace("\tauto=manual\n", ""),
    );
    const started = await west.tryIpsec("setup start");
    deepEqual([started.status, started.stderr], [0, ""], started.stdout);
    equal(
      started.stdout,
      `ipsec_setup: Starting FreeS/WAN IPsec ${await version(west)}...
ipsec_setup: WARNING: changing route filtering on eth0 (changing /proc/sys/net/ipv4/conf/eth0/rp_filter from 1 to 0)
ipsec_setup: WARNING: changing route filtering on eth0 (changing /proc/sys/net/ipv4/conf/all/rp_filter from 1 to 0; all other interfaces get 1 of their own)
`,
    );
    await east.ipsec("setup start");
    match(
      await west.ipsec("showdefaults"),
      /^routephys=eth0\nroutevirt=ipsec0\nrouteaddr=192\.0\.2\.1\nroutenexthop=192\.0\.2\.2\n$/,
    );
    equal(await east.ipsec("showdefaults"), "# no default route\n");
    match(await east.ipsec("tncfg"), /^ipsec1 -> eth0 mtu=1400\(1500\) -> 1500$/m);
    equal(await west.ipsec("setup status"), "IPsec running\nno pluto: keying is manual\n");
    const { state, problems, pids, eroutes, interfaces } = JSON.parse(await west.ipsec("setup --status --json"));
    deepEqual([state, problems, eroutes], ["running", [], 1]);
    deepEqual(interfaces, [{ virtual: "ipsec0", physical: "eth0", isThere: true }]);
    ok(pids.supervisor > 0 && pids.klips > 0, JSON.stringify(pids));
    const wire = new Wire(await west.capture("eth0"));
    await sunset.pings(SUNRISE, `-c 3 -i 0.05 -W 2 ${MARKER_WORDS}`);
    await wire.saw("ESP", isEsp, 6);
    equal((await wire.stop()).filter((packet) => contains(packet, MARKER)).length, 0);

    const running = await stateOf(west);
    const again = await west.tryIpsec("setup start");
    deepEqual([again.status, again.stdout, again.stderr], [
      1,
      "ipsec_setup: FreeS/WAN IPsec apparently already running, start aborted\n",
      "",
    ]);
    deepEqual(await stateOf(west), running);

    for (const [host, was] of [[west, before.west], [east, before.east]] as const) {
      await stops(host);
      deepEqual(await stateOf(host), was);
      deepEqual(runFiles(host).filter((name) => name !== PLUTO_LOG), LOGS);
      equal(await host.ipsec("setup status"), "IPsec stopped\n");
    }
    const nothing = await west.tryIpsec("setup stop");
    deepEqual([nothing.status, nothing.stdout], [
      1,
      "ipsec_setup: Stopping FreeS/WAN IPsec...\nipsec_setup: stop ordered, but IPsec does not appear to be running!\n" +
      "ipsec_setup: doing cleanup anyway...\n",
    ]);
  },
);

async function version(host: Host): Promise<string> {
  return (await host.ipsec("setup --version")).replace("ipsec setup ", "").trim();
}

scenario("of several setup start at once, one starts and the others say so", configuredHosts, async ({ west }) => {
  configure(west, []);
  const starts = await Promise.all(Array.from({ length: 3 }, () => west.tryIpsec("setup start")));
  deepEqual(starts.map(({ status }) => status).sort(), [0, 1, 1], JSON.stringify(starts));
  equal(starts.filter(({ stdout }) => stdout.includes("already running")).length, 2);
  match(await west.ipsec("tncfg"), /^ipsec0 -> eth0 /m);
  await stops(west);
});

scenario(
  "whatever is killed, the tunnel comes back, nothing leaks, and stop leaves no trace",
  configuredHosts,
  async (four) => {
    const { sunset, west, east, step } = four;
    const before = await stateOf(west);
    for (const host of [west, east]) {
      configure(host, ["forwardcontrol=yes"], tunnelConn());
      await host.ipsec("setup start");
    }
    await sunset.pings(SUNRISE);

    const pinging = sunset.start(["ping", "-n", "-i", "0.02", ...MARKER_WORDS.split(" "), SUNRISE]);
    const wire = new Wire(await west.capture("eth0"));
    await wire.saw("ESP", isEsp, 10);

    await step("KLIPS: the supervisor starts it again, with interfaces and conns", async () => {
      const klips = pidIn(west, "klips.pid");
      await murder(klips);
      await until("KLIPS runs again", () => setupLog(west).includes("KLIPS runs again"));
      ok(pidIn(west, "klips.pid") !== klips);
      match(setupLog(west), /KLIPS ended by itself: killed by SIGKILL; starting it again/);
      await reaches(sunset, SUNRISE);
      equal((await west.tryIpsec("setup status")).status, 0);
    });

    await step("the supervisor: the tunnel stays, and start takes over", async () => {
      await murder(pidIn(west, "ipsec_setup.pid"));
      await sunset.pings(SUNRISE);
      const status = await west.tryIpsec("setup status");
      equal(status.status, 1);
      match(
        status.stdout,
        /^IPsec stopped\nbut\.\.\.\nhas .*\/ipsec\.info file!\nKLIPS is running!\nsome eroutes exist!\n$/,
      );
      match(await west.ipsec("setup start"), /taking over what an earlier start has left/);
      await reaches(sunset, SUNRISE);
    });

    await step("both: start takes over", async () => {
      await murder(pidIn(west, "ipsec_setup.pid"));
      await murder(pidIn(west, "klips.pid"));
      await west.ipsec("setup start");
      await reaches(sunset, SUNRISE);
    });

    await step("all the while, nothing went in the clear", async () => {
      const seen = await wire.stop();
      equal(seen.filter((packet) => contains(packet, MARKER)).length, 0);
      await pinging.stop("SIGINT");
    });

    await step("both: stop cleans up", async () => {
      await murder(pidIn(west, "ipsec_setup.pid"));
      await murder(pidIn(west, "klips.pid"));
      const stopped = await west.tryIpsec("setup stop");
      equal(stopped.status, 1);
      match(stopped.stdout, /does not appear to be running!\n.*doing cleanup anyway/);
      deepEqual(await stateOf(west), before);
      deepEqual(runFiles(west).filter((name) => name !== PLUTO_LOG), LOGS);
    });
  },
);

scenario(
  "an address that somebody changed while IPsec ran, and a setting, stay as they are",
  configuredHosts,
  async ({ west }) => {
    configure(west, []);
    await west.ipsec("setup start");
    await west.sysctl("net.ipv4.conf.eth0.rp_filter", 2);
    await west.ip("addr add 192.0.2.77/24 dev eth0");
    await stops(west);
    equal((await west.run(["cat", "/proc/sys/net/ipv4/conf/eth0/rp_filter"])).trim(), "2");
    match(setupLog(west), /eth0\/rp_filter is 2, which IPsec has not set: it stays/);
    match(await west.ip("addr show eth0"), /192\.0\.2\.77/);
  },
);

const REFUSED: [what: string, setup: string[], conns: string[], says: RegExp[]][] = [
  ["two errors of config setup", ["rp_filter=3", "interface=ipsec0=eth0"], [], [
    /^ipsec_setup: .*\/ipsec\.conf:4: .*rp_filter/m,
    /^ipsec_setup: .*\/ipsec\.conf:5: .*interface/m,
    /^ipsec_setup: 1 -- `start' aborted$/m,
  ]],
  ["an unknown facility of syslog", ["syslog=demon.error"], [], [
    /ipsec\.conf:4: .*syslog=demon\.error: has no facility/,
  ]],
  ["an unknown area of klipsdebug", ["klipsdebug=tunel"], [], [/ipsec\.conf:4: .*did you mean tunnel\?/]],
  ["a parameter of FreeS/WAN 1", ["packetdefault=yes"], [], [/ipsec\.conf:4: .*packetdefault/]],
  ["interfaces that are not there, all of them", ['interfaces="ipsec0=eth7 ipsec1=eth8"'], [], [
    /unable to determine address of `eth7'/,
    /unable to determine address of `eth8'/,
  ]],
  ["a virtual interface that KLIPS does not have", ["interfaces=ipsec7=eth0"], [], [
    /invalid interface `ipsec7' in `ipsec7=eth0'/,
  ]],
  ["a log of pluto that cannot be written", ["plutostderrlog=/dev/full"], [], [
    /Cannot write to "\/dev\/full": No space left on device$/m,
  ]],
];
scenario(
  "setup start with a wrong configuration says all that is wrong and starts nothing",
  configuredHosts,
  async ({ west, step }) => {
    const before = await stateOf(west);
    for (const [what, lines, conns, says] of REFUSED) {
      await step(what, async () => {
        configure(west, lines, ...conns);
        const { status, stdout, stderr } = await west.tryIpsec("setup start");
        equal(status, 1);
        for (const words of says) match(stdout + stderr, words);
        deepEqual(await stateOf(west), before);
        equal((await west.tryIpsec("setup status")).stdout, "IPsec stopped\n");
      });
    }
    await step("%defaultroute without a default route", async () => {
      configure(west, []);
      await west.ip("route del default");
      const { status, stdout } = await west.tryIpsec("setup start");
      equal(status, 1);
      match(stdout, /no default route, %defaultroute cannot cope!!!/);
      match(stdout, /say in ipsec\.conf which interface it is: .*interfaces="ipsec0=eth0" \(192\.0\.2\.1\)/);
    });
  },
);

scenario("prepluto, postpluto, an unusable conn, --show and --showonly", configuredHosts, async ({ west }) => {
  const { directory } = west;
  configure(
    west,
    [`prepluto="touch ${directory}/pre"`, "postpluto=/bin/false", "dumpdir=/nonexistent"],
    "conn broken\n\tleft=1.2.3\n\tauto=manual\n",
  );
  const shown = await west.tryIpsec("setup --showonly start");
  match(shown.stdout, /^ipsec_setup: \t ipsec tncfg --attach --virtual ipsec0 --physical eth0$/m);
  match(shown.stdout, /^ipsec_setup: \t ip address add 192\.0\.2\.1\/32 dev ipsec0 noprefixroute$/m);
  equal(await west.ipsec("setup status"), "IPsec stopped\n");
  const started = await west.tryIpsec("setup --show start");
  equal(started.status, 0, started.stdout + started.stderr);
  match(started.stdout, /^ipsec_setup: \t ipsec tncfg --attach --virtual ipsec0 --physical eth0$/m);
  match(started.stdout, /^ipsec_setup: \.\.\.postpluto command exited with status 1$/m);
  match(started.stdout, /^ipsec_setup: dumpdir `\/nonexistent' does not exist, ignored$/m);
  match(started.stderr, /^ipsec_setup: .*ipsec\.conf:8: /m);
  ok(Deno.statSync(`${directory}/pre`).isFile);
  match(
    await west.ipsec("setup --showonly stop"),
    /^ipsec_setup: \t echo 1 > \/proc\/sys\/net\/ipv4\/conf\/all\/rp_filter$/m,
  );
  equal((await west.tryIpsec("setup --showonly status")).status, 1);
  await west.ipsec("setup restart");
  match(await west.ipsec("setup --status"), /^IPsec running\npluto pid \d+\n$/);
  await stops(west);
});

scenario("stop closes the firewall for a conn that is no longer in ipsec.conf", configuredHosts, async (four) => {
  const { sunset, west, east } = four;
  const filter = "table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }";
  await west.run(["nft", filter]);
  const rules = () => west.run(["nft", "list", "ruleset"]);
  const before = await rules();
  configure(west, ["forwardcontrol=yes"], tunnelConn() + "\tleftfirewall=yes\n");
  configure(east, ["forwardcontrol=yes"], tunnelConn());
  for (const host of [west, east]) await host.ipsec("setup start");
  await sunset.pings(SUNRISE);
  ok(await rules() !== before);
  configure(west, []);
  await west.ipsec("setup restart");
  equal(await rules(), before);
  equal(await west.ipsec("eroute"), "");
  await stops(west);
}, ["nft"]);

scenario(
  "the first start makes a host key; a stop meanwhile leaves a whole one or none",
  configuredHosts,
  async ({ west }) => {
    configure(west, ["interfaces=%none"]);
    const folder = `${west.directory}/etc`, secrets = `${folder}/ipsec.secrets`;
    const isWhole = async () => (await west.tryIpsec(["showhostkey", "--file", secrets, "--left"])).status === 0;
    Deno.removeSync(secrets);
    await west.ipsec("setup start");
    match(setupLog(west), /No file .*\/etc\/ipsec\.secrets, generating key\./);
    await stops(west);
    const files = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name !== "ipsec.conf");
    ok(files.length === 0 || files.join() === "ipsec.secrets" && await isWhole(), files.join());
    await west.ipsec("setup start");
    await until("there is a key", isWhole, 60_000);
    await stops(west);
  },
);

scenario(
  "an ipsec0 that somebody deletes: status says so, a link event or a restart makes it again",
  configuredHosts,
  async (four) => {
    const { sunset, west, east, step } = four;
    const before = await stateOf(west);
    for (const host of [west, east]) {
      configure(host, ["forwardcontrol=yes"], tunnelConn());
      await host.ipsec("setup start");
    }
    const again: [how: string, words: string][] = [["pppd's hook", "_ppp up ppp0"], ["a restart", "setup restart"]];
    for (const [how, words] of again) {
      await step(how, async () => {
        await west.ip("link del ipsec0");
        const { status, stdout } = await west.tryIpsec("setup status");
        equal(status, 1);
        match(stdout, /^IPsec running\nbut\.\.\.\nipsec0 is gone: /);
        await west.ipsec(words);
        equal((await west.tryIpsec("setup status")).status, 0);
        await sunset.pings(SUNRISE);
      });
    }
    await stops(west);
    deepEqual(await stateOf(west), before);
  },
);

scenario("setup says what is wrong where it may not look or write", configuredHosts, async ({ west, step }) => {
  configure(west, []);
  await step("a run-time directory that cannot be made", async () => {
    const env = { IPSEC_RUNDIR: "/proc/nowhere" };
    const started = await west.tryIpsec("setup start", { env });
    equal(started.status, 1);
    match(
      started.stderr,
      /^ipsec setup: Cannot write \/proc\/nowhere\/setup\.log: No such file or directory; run as root/,
    );
    equal((await west.tryIpsec("setup status", { env })).stdout, "IPsec stopped\n");
    const stopped = await west.tryIpsec("setup stop", { env });
    deepEqual([stopped.status, stopped.stderr], [1, ""]);
    match(stopped.stdout, /does not appear to be running!/);
  });
  const FULL: [what: string, kilobytes: number, says: RegExp][] = [
    [
      "a run-time directory without room at all",
      16,
      /not started, and .*\/setup\.log does not say why: is there room for files\?\n$/,
    ],
    [
      "a run-time directory without room for the state",
      12,
      /^ipsec_setup: .*\/setup\.state\.new: No space left on device\n$/m,
    ],
  ];
  for (const [what, kilobytes, says] of FULL) {
    await step(what, async () => {
      const before = await stateOf(west);
      const run = west.env.IPSEC_RUNDIR;
      Deno.mkdirSync(run, { recursive: true });
      const script =
        `mount -t tmpfs -o size=16k none ${run} && head -c ${kilobytes}k /dev/zero >${run}/fill && exec "$@"`;
      const command = ["unshare", "-m", "sh", "-c", script, "sh", ...ipsecCommand(), "setup", "start"];
      const { status, stdout, stderr } = await west.attempt(command);
      equal(status, 1);
      match(stdout + stderr, says);
      deepEqual(await stateOf(west), before);
    });
  }
});
