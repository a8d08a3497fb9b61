/**
 * What each parameter of `config setup` does to a host, and that stop takes it back.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 *                     west 198.51.100.1 === 198.51.100.2 east      (eth2, where it is wanted)
 * ```
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ADDRESS, type FourHosts, type Host, ipsecCommand, until } from "../../tools/_net.ts";
import { testKey } from "../../tools/_keying.ts";
import { UnixReceiver } from "../_unix_receiver.ts";
import { pfkeyClient, scenario } from "./_scenario.ts";
import { configure, configuredHosts, murder, pidIn, setupLog, stateOf, tunnelConn } from "./_setup.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, Wire } from "./_wire.ts";

const { sunrise: SUNRISE, east: EAST } = ADDRESS.inet;

async function setting(host: Host, name: string): Promise<string> {
  return (await host.run(["cat", `/proc/sys/net/ipv4/${name}`])).trim();
}

/** {@linkcode configuredHosts} with a second cable between the gateways. */
async function twoCables(): Promise<FourHosts> {
  const four = await configuredHosts();
  try {
    const { net, west, east } = four;
    await net.plug(["west", "eth2", "east", "eth2"]);
    await west.ip("addr add 198.51.100.1/24 dev eth2");
    await east.ip("addr add 198.51.100.2/24 dev eth2");
    for (const host of [west, east]) await host.sysctl("net.ipv4.conf.eth2.rp_filter", 1);
    return four;
  } catch (error) {
    await four[Symbol.asyncDispose]();
    throw error;
  }
}

/** Between the gateways themselves, over the second cable. */
const HOSTS_CONN = `conn hosts
\tleft=198.51.100.1
\tright=198.51.100.2
\tspibase=0x300
\tesp=3des-sha1-96
\tespenckey=${testKey(24, 3)}
\tespauthkey=${testKey(20, 4)}
`;

scenario("several interfaces: each conn by its own, and no trace after stop", twoCables, async (four) => {
  const { sunset, west, east } = four;
  const before = { west: await stateOf(west), east: await stateOf(east) };
  for (const host of [west, east]) {
    configure(
      host,
      ['interfaces="%defaultroute ipsec3=eth2"', "forwardcontrol=yes", "manualstart=hosts"],
      tunnelConn(),
      HOSTS_CONN,
    );
    await host.ipsec("setup start");
  }
  const attached = await west.ipsec("tncfg");
  match(attached, /^ipsec0 -> eth0 mtu=16260\(1500\) -> 1500$/m);
  match(attached, /^ipsec3 -> eth2 mtu=16260\(1500\) -> 1500$/m);
  match(await west.ip("route get 198.51.100.2"), /dev ipsec3 src 198\.51\.100\.1/);
  equal(
    await west.ipsec("showdefaults"),
    "routephys=eth0\nroutevirt=ipsec0\nrouteaddr=192.0.2.1\nroutenexthop=192.0.2.2\n# no default route\n",
  );
  const wires = { eth0: new Wire(await west.capture("eth0")), eth2: new Wire(await west.capture("eth2")) };
  await sunset.pings(SUNRISE, `-c 2 -i 0.05 -W 2 ${MARKER_WORDS}`);
  await wires.eth0.saw("ESP", isEsp, 4);
  equal(wires.eth2.count(isEsp), 0);
  await west.pings("198.51.100.2", `-c 2 -i 0.05 -W 2 ${MARKER_WORDS}`);
  await wires.eth2.saw("ESP", isEsp, 4);
  for (const wire of Object.values(wires)) {
    equal((await wire.stop()).filter((packet) => contains(packet, MARKER)).length, 0);
  }
  for (const [host, was] of [[west, before.west], [east, before.east]] as const) {
    await host.ipsec("setup stop");
    deepEqual(await stateOf(host), was);
  }
});

const FILTERS: [wanted: string, all: string, eth0: string, eth1: string, says: RegExp][] = [
  [
    "%unchanged",
    "1",
    "1",
    "1",
    /WARNING: eth0 has route filtering turned on; KLIPS may not work \(.*\/eth0\/rp_filter is 1\)/,
  ],
  ["0", "0", "0", "1", /WARNING: changing route filtering on eth0 \(.*\/eth0\/rp_filter from 1 to 0\)/],
  ["1", "1", "1", "1", /^ipsec_setup: Starting [^\n]*\n(?!.*WARNING)/],
  ["2", "1", "2", "1", /WARNING: changing route filtering on eth0 \(.*\/eth0\/rp_filter from 1 to 2\)/],
];
scenario("rp_filter= does what it says, and stop takes it back", configuredHosts, async ({ west, step }) => {
  const before = await stateOf(west);
  for (const [wanted, all, eth0, eth1, says] of FILTERS) {
    await step(`rp_filter=${wanted}`, async () => {
      configure(west, [`rp_filter=${wanted}`, "pluto=no"]);
      match(await west.ipsec("setup start"), says);
      const found = await Promise.all(["all", "eth0", "eth1"].map((one) => setting(west, `conf/${one}/rp_filter`)));
      deepEqual(found, [all, eth0, eth1]);
      await west.ipsec("setup stop");
      deepEqual(await stateOf(west), before);
    });
  }
});

scenario(
  "forwardcontrol= turns forwarding on, and stop off again; what was on stays on",
  configuredHosts,
  async (four) => {
    const { west } = four;
    for (const [control, was, running] of [["yes", "0", "1"], ["yes", "1", "1"], ["no", "0", "0"]]) {
      configure(west, [`forwardcontrol=${control}`]);
      await west.sysctl("net.ipv4.ip_forward", was);
      await west.ipsec("setup start");
      equal(await setting(west, "ip_forward"), running);
      await west.ipsec("setup stop");
      equal(await setting(west, "ip_forward"), was);
    }
  },
);

scenario("hidetos=, fragicmp=, overridemtu= and klipsdebug= reach KLIPS", configuredHosts, async (four) => {
  const { sunset, west, east, step } = four;
  configure(east, ["forwardcontrol=yes"], tunnelConn());
  await east.ipsec("setup start");
  const CLASS = 0x28;
  /** Traffic classes of the ESP packets that a ping of that class becomes. */
  const classes = async () => {
    const wire = new Wire(await west.capture("eth0"));
    await sunset.pings(SUNRISE, `-c 1 -W 2 -Q ${CLASS}`);
    await wire.saw("ESP", isEsp, 2);
    const sent = (await wire.stop()).filter((packet) => isEsp(packet) && packet.source[3] === 1);
    return sent.map(({ bytes }) => bytes[1]);
  };
  const read = async (name: string) => {
    const client = await pfkeyClient(west);
    try {
      return (await client.readProc(`sys/net/ipsec/${name}`)).trim();
    } finally {
      client.close();
    }
  };
  await step("as they are without being said", async () => {
    configure(west, ["forwardcontrol=yes"], tunnelConn());
    await west.ipsec("setup start");
    deepEqual([await read("icmp"), await read("tos")], ["1", "1"]);
    match(await west.ipsec("klipsdebug"), /^debug_tunnel=00000000\.$/m);
    deepEqual(await classes(), [0]);
    await west.ipsec("setup stop");
  });
  await step("as they are said", async () => {
    const lines = ["hidetos=no", "fragicmp=no", "overridemtu=1345", 'klipsdebug="tunnel esp"', "forwardcontrol=yes"];
    configure(west, lines, tunnelConn());
    await west.ipsec("setup start");
    deepEqual([await read("icmp"), await read("tos")], ["0", "0"]);
    const debugged = await west.ipsec("klipsdebug");
    match(debugged, /^debug_tunnel=ffffffff\.$/m);
    match(debugged, /^debug_esp=ffffffff\.$/m);
    match(debugged, /^debug_eroute=00000000\.$/m);
    match(await west.ip("link show ipsec0"), / mtu 1345 /);
    match(setupLog(west), /KLIPS debug `tunnel esp'/);
    match(setupLog(west), /KLIPS ipsec0 on eth0 192\.0\.2\.1\/24 .*mtu 1345$/m);
    deepEqual(await classes(), [CLASS]);
    await west.ipsec("setup stop");
  });
});

scenario("prepluto=, postpluto=, pluto= and dumpdir=", configuredHosts, async ({ west }) => {
  const { directory } = west;
  Deno.mkdirSync(`${directory}/cores`);
  const hook = `${directory}/hook`;
  Deno.writeTextFileSync(hook, `#!/bin/sh\necho "$@" >>${directory}/hooks\necho "hook $1 $IPSECdumpdir"\n`, {
    mode: 0o755,
  });
  const lines = [`prepluto="${hook} pre  1"`, `postpluto="${hook} post"`, `dumpdir=${directory}/cores`];
  configure(west, lines);
  const said = await west.ipsec("setup start");
  const told = said.split("\n").filter((line) => line.includes("hook"));
  deepEqual(told, ["pre", "post"].map((hook) => `ipsec_setup: hook ${hook} ${directory}/cores`));
  equal(Deno.readTextFileSync(`${directory}/hooks`), "pre 1\npost\n");
  const klips = pidIn(west, "klips.pid");
  equal(Deno.readLinkSync(`/proc/${klips}/cwd`), `${directory}/cores`);
  match(Deno.readTextFileSync(`/proc/${klips}/limits`), /^Max core file size +unlimited +unlimited/m);
  await west.ipsec("setup stop");

  configure(west, [...lines.slice(0, 2), "pluto=no"]);
  await west.ipsec("setup start");
  equal(Deno.readTextFileSync(`${directory}/hooks`), "pre 1\npost\n", "without pluto its hooks are not called");
  match(Deno.readTextFileSync(`/proc/${pidIn(west, "klips.pid")}/limits`), /^Max core file size +0 +0/m);
  equal(await west.ipsec("setup status"), "IPsec running\nno pluto: keying is manual\n");
  await west.ipsec("setup stop");
});

/** Runs a program where /dev/log is $1: nothing outside sees that. */
const WITH_LOG = `dev=$(mktemp -d) && mount -t tmpfs none $dev && for one in null zero random urandom tty; do
  touch $dev/$one && mount --bind /dev/$one $dev/$one || exit 1
done
mkdir $dev/net && touch $dev/net/tun && mount --bind /dev/net/tun $dev/net/tun && ln -s "$1" $dev/log &&
mount --move $dev /dev && rmdir $dev && shift && exec "$@"`;

scenario("syslog= says as what messages go to the host's syslog daemon", configuredHosts, async ({ west, step }) => {
  const socket = `${west.directory}/log`;
  using daemon = new UnixReceiver(socket);
  /** Those of setup: pluto has a tag and a facility of its own. */
  const messagesFrom = (first: number) => daemon.messages.slice(first).filter((one) => one.includes(" ipsec_setup: "));
  const setup = (word: string) =>
    west.run(["unshare", "-m", "sh", "-c", WITH_LOG, "sh", socket, ...ipsecCommand(), "setup", word]);
  for (const [value, priority] of [["", 3 * 8 + 3], ["local3.info", 19 * 8 + 6], ["authpriv.warning", 10 * 8 + 4]]) {
    await step(value ? `syslog=${value}` : "without syslog=", async () => {
      configure(west, ["pluto=no", ...(value ? [`syslog=${value}`] : [])]); // pluto has messages of its own
      const first = daemon.messages.length;
      await setup("start");
      await setup("stop");
      await until("the last message is there", () => messagesFrom(first).at(-1)?.includes("IPsec stopped"));
      const messages = messagesFrom(first);
      for (const message of messages) {
        match(message, new RegExp(`^<${priority}>\\w+ [ \\d]\\d [\\d:]{8} ipsec_setup: `));
      }
      for (
        const words of ["Starting FreeS/WAN IPsec", "KLIPS ipsec0 on eth0", "...FreeS/WAN IPsec started", "Stopping"]
      ) {
        equal(messages.filter((message) => message.includes(words)).length, 1, words);
      }
    });
  }
});

scenario(
  "a start that is killed at whatever moment is made good by the next, and undone by stop",
  configuredHosts,
  async (four) => {
    const { sunset, west, east } = four;
    const before = await stateOf(west);
    configure(east, ["forwardcontrol=yes"], tunnelConn());
    await east.ipsec("setup start");
    configure(west, ["forwardcontrol=yes"], tunnelConn());
    const running = (file: string) => {
      try {
        return pidIn(west, file);
      } catch {
        return 0;
      }
    };
    for (const moment of ["the lock", "KLIPS", "the interface", "the conn"] as const) {
      const begun: Record<typeof moment, () => unknown> = {
        "the lock": () => running("ipsec_setup.pid"),
        KLIPS: () => running("klips.pid"),
        "the interface": () => west.ip("link show ipsec0"),
        "the conn": async () => (await west.ipsec("eroute")) !== "",
      };
      const start = west.start([...ipsecCommand(), "setup", "start"]);
      await until(moment, begun[moment]);
      for (const pid of [running("ipsec_setup.pid"), running("klips.pid")]) if (pid) await murder(pid).catch(() => {});
      await start.end();
      ok((await west.tryIpsec("setup start")).status === 0, `after a start that was killed at ${moment}`);
      await sunset.pings(SUNRISE);
      await west.ipsec("setup stop");
      deepEqual(await stateOf(west), before, moment);
    }
    equal(await west.canPing(EAST), true);
  },
);
