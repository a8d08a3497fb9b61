/**
 * KLIPS starts, stops, is killed and comes back, and leaves nothing behind and lets nothing out.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 -- router 192.0.2.254 -- 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 * West has a default route by way of the router: what is not protected would leave that way.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { keyTunnel, startKlips } from "../../tools/_keying.ts";
import { ADDRESS, type Host, ipsecCommand, until } from "../../tools/_net.ts";
import { routedHosts } from "./_nets.ts";
import { interfaceStatus, scenario } from "./_scenario.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, Wire } from "./_wire.ts";

const { sunrise: SUNRISE } = ADDRESS.inet;

/** Everything that ip(8) tells of a host's network. */
async function networkOf(host: Host): Promise<Record<string, unknown>> {
  const listings = ["link", "addr", "rule", "-6 rule", "-4 route show table all", "-6 route show table all"];
  const found = listings.map(async (words) => [words, JSON.parse(await host.ip(`-j ${words}`) || "[]")]);
  return Object.fromEntries(await Promise.all(found));
}

async function pidOf(host: Host): Promise<number> {
  return Number(await Deno.readTextFile(`${host.directory}/run/klips.pid`));
}

scenario("klips --stop leaves links, addresses, routes and rules as they were", routedHosts, async (four) => {
  const { sunset, west, east } = four;
  const before = await networkOf(west);
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, { esp: "aes128gcm16" });
  await keyTunnel(four, { esp: "aes128gcm16", outer: "inet6" }, 0x2000);
  await west.ip("addr add 192.0.2.1/32 dev ipsec0 noprefixroute");
  await sunset.pings(SUNRISE);
  await west.ipsec("klips --stop");
  deepEqual(await networkOf(west), before);
  deepEqual([...Deno.readDirSync(`${west.directory}/run`)].map(({ name }) => name), ["klips.log"]);
  equal((await west.tryIpsec("klips --status")).status, 3);
});

scenario(
  "klips --stop succeeds under a parent that never asks how its children ended",
  routedHosts,
  async ({ west }) => {
    const script = `${ipsecCommand().join(" ")} klips --foreground & exec sleep 60`;
    const parent = west.start(["sh", "-c", script]);
    await until("KLIPS answers", async () => (await west.tryIpsec("klips --status")).status === 0);
    const pid = await pidOf(west);
    deepEqual(await west.tryIpsec("klips --stop"), { status: 0, stdout: "", stderr: "" });
    match(await Deno.readTextFile(`/proc/${pid}/stat`), /\) Z /, "it is a zombie still");
    await parent.stop();
  },
);

scenario("klips --stop ends a KLIPS with its hands full", routedHosts, async (four) => {
  const { sunset, west, east, sunrise } = four;
  const before = await networkOf(west);
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, { esp: "aes128gcm16" });
  const server = sunrise.start(["iperf3", "-s", "--forceflush"]);
  await until("iperf3 listens", () => server.output.includes("listening"));
  sunset.start(["iperf3", "-c", SUNRISE, "-t", "60", "--bidir"]);
  await until("much goes through", async () => (await interfaceStatus(west)).rxBytes > 5_000_000);
  await west.ipsec("klips --stop");
  deepEqual(await networkOf(west), before);
  await east.ipsec("klips --stop");
});

scenario("a second klips --start says so and changes nothing", routedHosts, async (four) => {
  const { sunset, west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, { esp: "aes128gcm16" });
  const pid = await pidOf(west);
  const again = await west.tryIpsec("klips --start");
  equal(again.status, 0);
  match(again.stderr, new RegExp(`already running \\(process ${pid}\\); nothing done`));
  const foreground = await west.tryIpsec("klips --foreground");
  equal(foreground.status, 1);
  match(foreground.stderr, /already running/);
  equal(await pidOf(west), pid);
  await sunset.pings(SUNRISE);
});

scenario("of several klips --start at once, one starts and the others say so", routedHosts, async ({ west }) => {
  const starts = await Promise.all(Array.from({ length: 3 }, () => west.tryIpsec("klips --start")));
  deepEqual(starts.map(({ status }) => status), [0, 0, 0], JSON.stringify(starts));
  equal(starts.filter(({ stderr }) => stderr === "").length, 1);
  equal(starts.filter(({ stderr }) => stderr.includes("already running")).length, 2);
  equal((await Deno.readTextFile(west.klipsLog)).match(/KLIPS startup/g)?.length, 1);
  await west.ipsec("tncfg --attach --virtual ipsec0 --physical eth0");
});

scenario("a KLIPS that is killed lets nothing out, and the next one starts afresh", routedHosts, async (four) => {
  const { sunset, west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, { esp: "aes128gcm16" });
  const pinging = sunset.start(["ping", "-n", "-i", "0.02", ...MARKER_WORDS.split(" "), SUNRISE]);
  const wire = new Wire(await west.capture("eth0"));
  await wire.saw("ESP", isEsp, 10);
  Deno.kill(await pidOf(west), "SIGKILL");
  await until("the daemon is gone", async () => (await west.tryIpsec("klips --status")).status === 3);
  const sent = () => Number(/icmp_seq=(\d+)[^]*$/.exec(pinging.output.split("\n").at(-2) ?? "")?.[1] ?? 0);
  ok(sent() > 0);
  // the dead device takes what the route gives it: its counter shows that sunset went on trying
  const dropped = async () => JSON.parse(await west.ip("-j -s link show ipsec0"))[0].stats64.tx.dropped as number;
  const then = await dropped();
  await until("packets meet the dead device", async () => await dropped() >= then + 20);
  const seen = await wire.stop();
  equal(seen.filter((packet) => contains(packet, MARKER)).length, 0, "contents in the clear");
  await pinging.stop("SIGINT");

  const left = await west.tryIpsec("eroute");
  equal(left.status, 1);
  match(left.stderr, /KLIPS is not running/);
  await startKlips(west);
  match(await Deno.readTextFile(west.klipsLog), /ipsec0, left by a daemon that did not end properly, removed/);
  equal(await west.ipsec("eroute"), "");
  await east.ipsec("spi --clear");
  await east.ipsec("eroute --clear");
  await keyTunnel(four, { esp: "aes128gcm16" }, 0x3000);
  await sunset.pings(SUNRISE);
});

scenario("tncfg --clear takes the interfaces away, and they can be had again", routedHosts, async (four) => {
  const { sunset, west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, { esp: "aes128gcm16" });
  await sunset.pings(SUNRISE);
  await west.ipsec("tncfg --clear");
  match(await west.ipsec("tncfg"), /^ipsec0 -> NULL mtu=0\(0\) -> 0$/m);
  await west.ipsec("tncfg --attach --virtual ipsec0 --physical eth0");
  await west.ip("link set ipsec0 up");
  await west.ip(`route add ${ADDRESS.inet.eastNet} dev ipsec0 src ${ADDRESS.inet.westInner}`);
  await sunset.pings(SUNRISE); // SAs and eroutes have stayed
  ok((await interfaceStatus(west)).rxPackets > 0);
});

const WITHOUT: [capability: string, message: RegExp][] = [
  ["net_admin", /Cannot create the TUN device ipsec0: Operation not permitted; run as root or grant CAP_NET_ADMIN/],
  ["net_raw", /Cannot open a raw socket: Operation not permitted; run as root or grant CAP_NET_RAW/],
];
scenario("klips --start without rights says which are lacking", routedHosts, async ({ west, step }) => {
  const before = await networkOf(west);
  for (const [capability, message] of WITHOUT) {
    await step(`CAP_${capability.toUpperCase()}`, async () => {
      const words = ["setpriv", "--inh-caps", `-${capability}`, "--bounding-set", `-${capability}`];
      const { status, stderr } = await west.attempt([...words, ...ipsecCommand(), "klips", "--start"]);
      equal(status, 1);
      match(stderr, message);
      ok(!/internal error|^ {4}at /m.test(stderr), stderr);
      equal((await west.tryIpsec("klips --status")).status, 3);
      deepEqual(await networkOf(west), before);
    });
  }
});

scenario(
  "klips --status of somebody who may not ask does not say that it is not running",
  routedHosts,
  async ({ west }) => {
    await startKlips(west);
    await Deno.chown(`${west.directory}/run/pfkey.sock`, 65534, 65534); // nobody's
    const rights = "-dac_override,-dac_read_search";
    const words = ["setpriv", "--inh-caps", rights, "--bounding-set", rights, ...ipsecCommand(), "klips", "--status"];
    const { status, stdout, stderr } = await west.attempt(words);
    deepEqual([status, stdout], [1, ""]);
    match(stderr, /^ipsec klips: No access to \S+pfkey\.sock: you must be root/m);
  },
);
