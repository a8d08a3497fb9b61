/**
 * IPsec over a link of pppd that is lost, and returns with another address; the hooks are called as pppd calls them.
 *
 * ```
 * sunset 10.1.0.10 -- west (ppp0) 198.51.100.7, then .9 ~~ 198.51.100.1 isp 192.0.2.1 -- 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { PPP_HOOKS, pppHook, quoted } from "../../commands/_install_files.ts";
import { ADDRESS, type FourHosts, type Host, ipsecCommand, Net } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";
import { configure, pidIn, reaches, setupLog, stateOf, tunnelConn } from "./_setup.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, Wire } from "./_wire.ts";

const { sunset: SUNSET, westInner, east: EAST, eastInner, sunrise: SUNRISE } = ADDRESS.inet;
const FIRST = "198.51.100.7", SECOND = "198.51.100.9", ISP = "198.51.100.1";

interface DialUp extends FourHosts {
  readonly isp: Host;
}

async function dialUp(): Promise<DialUp> {
  const net = await Net.make(["sunset", "west", "isp", "east", "sunrise"], [
    ["sunset", "eth0", "west", "eth1"],
    ["isp", "eth1", "east", "eth0"],
    ["east", "eth1", "sunrise", "eth0"],
  ]);
  try {
    const { sunset, west, isp, east, sunrise } = net.hosts;
    await sunset.ip(`addr add ${SUNSET}/24 dev eth0`);
    await west.ip(`addr add ${westInner}/24 dev eth1`);
    await isp.ip("addr add 192.0.2.1/24 dev eth1");
    await east.ip(`addr add ${EAST}/24 dev eth0`);
    await east.ip(`addr add ${eastInner}/24 dev eth1`);
    await sunrise.ip(`addr add ${SUNRISE}/24 dev eth0`);
    await sunset.ip(`route add default via ${westInner}`);
    await sunrise.ip(`route add default via ${eastInner}`);
    await east.ip("route add default via 192.0.2.1");
    for (const host of [west, isp, east]) await host.sysctl("net.ipv4.ip_forward", 1);
    for (const { directory } of [west, east]) {
      Deno.mkdirSync(`${directory}/etc`);
      Deno.writeTextFileSync(`${directory}/etc/ipsec.secrets`, "", { mode: 0o600 }); // else start makes a key
    }
    return { net, sunset, west, isp, east, sunrise, [Symbol.asyncDispose]: () => net[Symbol.asyncDispose]() };
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}

/** What pppd does as a link comes up: the device, its address, the default route, then the hook. */
async function comesUp({ net, west, isp }: DialUp, device: string, address: string): Promise<void> {
  await net.plug(["west", device, "isp", "ppp0"]);
  await west.ip(`addr add ${address} peer ${ISP} dev ${device}`);
  await isp.ip(`addr add ${ISP} peer ${address} dev ppp0`);
  await isp.sysctl("net.ipv4.conf.ppp0.proxy_arp", 1); // on a link of pppd nobody asks who has an address
  await west.ip(`route add default dev ${device}`);
  await callHook(west, "up", device, address);
}

async function goesDown({ west }: DialUp, device: string, address: string): Promise<void> {
  await west.ip(`link del ${device}`);
  await callHook(west, "down", device, address);
}

/**
 * The arguments and the environment of Debian's /etc/ppp/ip-up, or ipv6-up, and nothing else.
 *
 * @param address pppd gives IPv6's hooks the link-local ones (pppd(8))
 */
async function callHook(
  host: Host,
  event: "up" | "down",
  device: string,
  address: string,
  remote: string = ISP,
): Promise<void> {
  const ipsec = `${host.directory}/ipsec`;
  Deno.writeTextFileSync(ipsec, `#!/bin/sh\nexec ${ipsecCommand().map(quoted).join(" ")} "$@"\n`, { mode: 0o755 });
  const protocol = remote.includes(":") ? "ipv6" : "ip";
  const { folder } = PPP_HOOKS.find((one) => one.folder === `${protocol}-${event}.d`)!;
  const hook = `${host.directory}/${folder}-oneswan`;
  Deno.writeTextFileSync(hook, pppHook(ipsec, event), { mode: 0o755 });
  const environment = {
    PATH: "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin",
    PPP_IFACE: device,
    PPP_TTY: "/dev/ttyS0",
    PPP_SPEED: "115200",
    PPP_LOCAL: address,
    PPP_REMOTE: remote,
    PPP_IPPARAM: "isp",
    IPSEC_RUNDIR: host.env.IPSEC_RUNDIR,
    IPSEC_CONFS: host.env.IPSEC_CONFS,
  };
  const words = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  equal(await host.run(["env", "-i", ...words, hook, device, "/dev/ttyS0", "115200", address, remote, "isp"]), "");
}

function addressesOf(host: Host, device: string): Promise<string[]> {
  return host.ip(`-j -4 addr show ${device}`).then((text) =>
    JSON.parse(text)[0].addr_info.map(({ local }: { local: string }) => local)
  );
}

scenario(
  "a link of pppd is lost and returns with another address: nothing leaks, nothing is restarted",
  dialUp,
  async (cast) => {
    const { sunset, west, isp, east, step } = cast;
    await callHook(west, "up", "ppp7", "203.0.113.1"); // before IPsec is started it is nobody's business
    await comesUp(cast, "ppp0", FIRST);
    configure(west, [], tunnelConn("to-east", "%defaultroute"));
    configure(east, [], tunnelConn("first", FIRST), tunnelConn("second", SECOND).replace("auto=manual", "auto=ignore"));
    for (const host of [west, east]) await host.ipsec("setup start");
    await sunset.pings(SUNRISE);
    equal(await west.ipsec("showdefaults"), `routephys=ppp0\nroutevirt=ipsec0\nrouteaddr=${FIRST}\n`);
    const pids = () => ["ipsec_setup.pid", "klips.pid"].map((file) => pidIn(west, file));
    const before = pids();

    await step("while it is away, nothing leaves in the clear", async () => {
      await goesDown(cast, "ppp0", FIRST);
      match(setupLog(west), /no default route, %defaultroute cannot cope; waiting for it/);
      equal(await sunset.canPing(SUNRISE), false);
      match(await west.ip("route show 10.2.0.0/24"), /dev ipsec0/);
    });

    await step("it returns: ipsec0, ipsec.info and the conn have the new address", async () => {
      await east.ipsec("manual --down first");
      await east.ipsec("manual --up second");
      const pinging = sunset.start(["ping", "-n", "-i", "0.02", ...MARKER_WORDS.split(" "), SUNRISE]);
      await comesUp(cast, "ppp0", SECOND);
      const wire = new Wire(await isp.capture("ppp0"));
      deepEqual(await addressesOf(west, "ipsec0"), [SECOND]);
      equal(await west.ipsec("showdefaults"), `routephys=ppp0\nroutevirt=ipsec0\nrouteaddr=${SECOND}\n`);
      match(await west.ipsec("tncfg"), /^ipsec0 -> ppp0 /m);
      await reaches(sunset, SUNRISE);
      await wire.saw("ESP", isEsp, 4);
      equal((await wire.stop()).filter((packet) => contains(packet, MARKER)).length, 0, "contents in the clear");
      await pinging.stop("SIGINT");
      match(await west.ipsec("spi"), new RegExp(`^tun0x201@${SECOND.replaceAll(".", "\\.")} `, "m"));
      equal((await west.ipsec("spi")).includes(FIRST), false);
      deepEqual(pids(), before);
    });

    await step("it returns once more, as another device with the same address", async () => {
      await goesDown(cast, "ppp0", SECOND);
      await comesUp(cast, "ppp1", SECOND);
      match(await west.ipsec("tncfg"), /^ipsec0 -> ppp1 /m);
      match(await west.ipsec("showdefaults"), /^routephys=ppp1$/m);
      await reaches(sunset, SUNRISE);
      deepEqual(pids(), before);
    });

    await step("a hook that comes twice changes nothing", async () => {
      const state = await stateOf(west);
      await callHook(west, "up", "ppp1", SECOND);
      deepEqual(await stateOf(west), state);
      await sunset.pings(SUNRISE);
    });
    await west.ipsec("setup stop");
  },
);

/** {@linkcode dialUp} with IPv6 as well; the host on the link has its address from a router's advertisement. */
async function comesUpWithIpv6(cast: DialUp, prefix: string): Promise<void> {
  const { west, isp } = cast;
  await west.ip(`-6 addr add ${prefix}::7/64 dev ppp0 nodad`);
  await isp.ip(`-6 addr add ${prefix}::1/64 dev ppp0 nodad`);
  await west.ip(`-6 route replace default via ${prefix}::1 dev ppp0`);
  await callHook(west, "up", "ppp0", "fe80::7", "fe80::1");
}

scenario("IPv6 comes after IPv4 on a link of pppd, and goes, and comes with another prefix", dialUp, async (cast) => {
  const { west, step } = cast;
  const addresses = async () => {
    const [{ addr_info }] = JSON.parse(await west.ip("-j addr show ipsec0"));
    return addr_info.filter(({ scope }: { scope: string }) => scope === "global").map(({ local }: { local: string }) =>
      local
    ).sort();
  };
  await comesUp(cast, "ppp0", FIRST);
  configure(west, []);
  await west.ipsec("setup start");
  deepEqual(await addresses(), [FIRST]);

  await step("ipv6-up: ipsec0 has that address too", async () => {
    await comesUpWithIpv6(cast, "2001:db8:7");
    deepEqual(await addresses(), [FIRST, "2001:db8:7::7"]);
  });
  await step("ipv6-down: it is gone, IPv4 stays", async () => {
    await west.ip("-6 addr del 2001:db8:7::7/64 dev ppp0");
    await callHook(west, "down", "ppp0", "fe80::7", "fe80::1");
    deepEqual(await addresses(), [FIRST]);
    match(await west.ipsec("showdefaults"), new RegExp(`^routeaddr=${FIRST.replaceAll(".", "\\.")}$`, "m"));
  });
  await step("ipv6-up with another prefix", async () => {
    await comesUpWithIpv6(cast, "2001:db8:9");
    deepEqual(await addresses(), [FIRST, "2001:db8:9::7"]);
  });
  await west.ipsec("setup stop");
});
