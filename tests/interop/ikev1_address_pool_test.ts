/** An address for each of several clients, out of one pool: strongSwan and vpnc, as road warriors with passwords. */
import { deepEqual, doesNotMatch, equal, match, notEqual, ok } from "node:assert/strict";
import { type Host, until } from "../../tools/_net.ts";
import { Pluto } from "../netns/_pluto.ts";
import { scenario } from "../netns/_scenario.ts";
import { murder } from "../netns/_setup.ts";
import { Charon } from "./_charon.ts";
import { Libreswan } from "./_libreswan.ts";
import { SteadyPing } from "./_steady_ping.ts";
import { noneLeft, Vpnc } from "./_vpnc.ts";
import {
  AWAY,
  charonOf,
  groupConn,
  hideClients,
  KEYS,
  libreswanOf,
  mainConn,
  roadHosts,
  SIX,
  SUNSET,
  vpncOf,
} from "./_road.ts";

const POOL = "10.3.0.10-10.3.0.99", FIRST = "10.3.0.10", SECOND = "10.3.0.11";
const ONE = `${FIRST}-${FIRST}`;

/** Data goes both ways, and the client has this address in it. */
async function reaches(client: Host, sunset: Host, address: string): Promise<void> {
  await until(`${client.name} has a way`, () => client.canPing(SUNSET, `-c 1 -W 1 -I ${address}`));
  await client.pings(SUNSET, `-c 2 -i 0.05 -W 2 -I ${address}`);
  await sunset.pings(address);
}

async function charonUp(charon: Charon): Promise<string> {
  await charon.swanctl("--initiate --child net");
  const { ike, child } = await charon.established();
  const [address] = ike["local-vips"] as string[];
  deepEqual(child["local-ts"], [`${address}/${address.includes(":") ? 128 : 32}`]);
  return address;
}

async function vpncUp(
  host: Host,
  user: string,
): Promise<{ readonly vpnc: Vpnc; readonly given: Record<string, string> }> {
  const vpnc = await Vpnc.start(host, vpncOf(user));
  return { vpnc, given: await vpnc.up() };
}

const leases = async (pluto: Pluto) =>
  [...(await pluto.auto("--status")).stdout.matchAll(/ has (\S+) of /g)].map(([, a]) => a);

scenario("strongSwan and vpnc at once, each with an address of its own", roadHosts, async (hosts) => {
  const { sunset, west, laptop, phone, step } = hosts;
  const told = { modecfgdns: "10.1.0.53,10.1.0.54", modecfgdomains: "office.example", modecfgbanner: '"Mind the gap"' };
  const [pluto, charon] = await Promise.all([
    Pluto.start(west, { ...KEYS, conns: [mainConn(POOL), groupConn(POOL, told)] }),
    Charon.start(laptop, charonOf("alice")),
  ]);
  let vpnc!: Vpnc;
  await step("both come up, and data flows", async () => {
    equal(await charonUp(charon), FIRST);
    const bob = await vpncUp(phone, "bob");
    vpnc = bob.vpnc;
    const { given } = bob;
    deepEqual([given.INTERNAL_IP4_ADDRESS, given.INTERNAL_IP4_NETMASK], [SECOND, "255.255.255.255"]);
    deepEqual([given.INTERNAL_IP4_DNS, given.CISCO_DEF_DOMAIN, given.CISCO_BANNER], [
      "10.1.0.53 10.1.0.54",
      "office.example",
      "Mind the gap",
    ]);
    await reaches(laptop, sunset, FIRST);
    await reaches(phone, sunset, SECOND);
    await reaches(laptop, sunset, FIRST);
  });
  await step("status says who has what", async () => {
    const { stdout } = await pluto.auto("--status");
    match(
      stdout,
      /"main": +address pool: 10\.3\.0\.10-10\.3\.0\.99; 90 addresses; in use: 2; kept for their return: 0;/,
    );
    match(stdout, /"main"\[\d+\]: +address pool: user alice has 10\.3\.0\.10 of 10\.3\.0\.10-10\.3\.0\.99;/);
    match(stdout, /"group"\[\d+\]: +address pool: user bob has 10\.3\.0\.11 of 10\.3\.0\.10-10\.3\.0\.99;/);
    const { addressPools } = JSON.parse((await west.ipsec("auto --status --json")).replace(/^000 /, ""));
    deepEqual(addressPools.map(({ range, inUse, leases }: never) => [range, inUse, (leases as unknown[]).length]), [
      [POOL, 2, 2],
    ]);
  });
  await step("strongSwan replaces keys of both phases, and keeps its address", async () => {
    const ping = await SteadyPing.start(laptop, SUNSET, FIRST);
    for (const words of ["--child net", "--ike office", "--child net"]) {
      const from = charon.log.length;
      await charon.swanctl(`--rekey ${words}`);
      await charon.says(words.startsWith("--child") ? /CHILD_SA net\{\d+\} est/ : /IKE_SA office\[\d+\] est/, from);
      await ping.goesOn();
    }
    await ping.stop();
    const { ike } = await charon.established();
    deepEqual(ike["local-vips"], [FIRST]);
    deepEqual(await leases(pluto), [SECOND, FIRST]);
  });
  await step("who returns has its address again, whoever comes first", async () => {
    await charon.swanctl("--terminate --ike office");
    await vpnc.stop();
    await noneLeft(pluto, "group");
    deepEqual(await leases(pluto), []);
    const bob = await vpncUp(phone, "bob");
    equal(bob.given.INTERNAL_IP4_ADDRESS, SECOND);
    equal(await charonUp(charon), FIRST);
    await reaches(laptop, sunset, FIRST);
    await reaches(phone, sunset, SECOND);
    await bob.vpnc.stop();
    await charon.swanctl("--terminate --ike office");
    await noneLeft(pluto, "group");
  });
}, ["charon", "vpnc"]);

scenario("two vpncs with one group's identity behind one NAT", roadHosts, async (hosts) => {
  const { sunset, west, internet, laptop, phone } = hosts;
  await hideClients(internet);
  const dpd = { dpddelay: "1", dpdtimeout: "4", dpdaction: "clear" };
  const pluto = await Pluto.start(west, { ...KEYS, conns: [groupConn(POOL, dpd)] });
  const alice = await vpncUp(laptop, "alice"), bob = await vpncUp(phone, "bob");
  deepEqual([alice, bob].map(({ given }) => given.INTERNAL_IP4_ADDRESS), [FIRST, SECOND]);
  await reaches(laptop, sunset, FIRST);
  await reaches(phone, sunset, SECOND);
  await reaches(laptop, sunset, FIRST);
  await alice.vpnc.daemon.stop("SIGKILL");
  await pluto.says(/"group"\[1\] .* DPD: No response from peer - declaring peer dead/);
  await until("alice's address is given back", async () => (await leases(pluto)).length === 1);
  await reaches(phone, sunset, SECOND);
  const again = await vpncUp(laptop, "alice");
  equal(again.given.INTERNAL_IP4_ADDRESS, FIRST);
  await reaches(laptop, sunset, FIRST);
  await reaches(phone, sunset, SECOND);
  for (const { vpnc } of [again, bob]) await vpnc.stop();
  await noneLeft(pluto, "group");
}, ["vpnc", "nft"]);

/** As docs/road-warriors.md has them for strongSwan. */
const PROPOSALS = { ike: "aes256-sha256-modp2048", child: "aes256gcm16-modp2048" };

scenario(
  "docs/road-warriors.md: its two connections, with strongSwan as laptop and vpnc as phone",
  roadHosts,
  async (hosts) => {
    const { sunset, west, laptop, phone } = hosts;
    const text = await Deno.readTextFile(new URL("../../docs/road-warriors.md", import.meta.url));
    const conns = ["road", "phones"].map((name) =>
      new RegExp(`^\`\`\`\n(conn ${name}\n[^\`]+)^\`\`\`$`, "m").exec(text)![1]
    );
    const [, theirs] = /^```\nIPSec gateway .*\nIPSec ID (?:.*\n){2}Xauth username .*\n((?:.*\n)+?)```$/m.exec(text)!;
    for (const [name, value] of Object.entries({ proposals: PROPOSALS.ike, esp_proposals: PROPOSALS.child })) {
      ok(text.includes(`\`${name} = ${value}\``), name);
    }
    const [pluto, charon] = await Promise.all([
      Pluto.start(west, { ...KEYS, conns }),
      Charon.start(laptop, charonOf("alice", { esp_proposals: PROPOSALS.child }, { proposals: PROPOSALS.ike })),
    ]);
    equal(await charonUp(charon), FIRST);
    const vpnc = await Vpnc.start(phone, { ...vpncOf("bob"), more: theirs.trim().split("\n") });
    equal((await vpnc.up()).INTERNAL_IP4_ADDRESS, SECOND);
    await reaches(laptop, sunset, FIRST);
    await reaches(phone, sunset, SECOND);
    match(pluto.log, /"road"\[\d+\] .*modecfg: giving 10\.3\.0\.10/);
    match(pluto.log, /"phones"\[\d+\] .*modecfg: giving 10\.3\.0\.11/);
    await vpnc.stop();
  },
  ["charon", "vpnc"],
);

scenario("vpnc and strongSwan, each by its own mode, behind one NAT", roadHosts, async (hosts) => {
  const { sunset, west, internet, laptop, phone } = hosts;
  await hideClients(internet);
  const [pluto, charon] = await Promise.all([
    Pluto.start(west, { ...KEYS, conns: [mainConn(POOL), groupConn(POOL)] }),
    Charon.start(laptop, charonOf("alice")),
  ]);
  const bob = await vpncUp(phone, "bob");
  equal(bob.given.INTERNAL_IP4_ADDRESS, FIRST);
  equal(await charonUp(charon), SECOND);
  for (const [host, address] of [[laptop, SECOND], [phone, FIRST], [laptop, SECOND]] as const) {
    await reaches(host, sunset, address);
  }
  await bob.vpnc.stop();
  await charon.swanctl("--terminate --ike office");
  await noneLeft(pluto, "group");
}, ["charon", "vpnc", "nft"]);

scenario("two strongSwans with addresses of IPv6, over IPv4", roadHosts, async (hosts) => {
  const { sunset, west, laptop, phone } = hosts;
  const inside = { rightaddresspool: "fd00:3::/64", leftsubnet: SIX.westNet };
  const theirs = { remote_ts: SIX.westNet };
  const [pluto, alice, bob] = await Promise.all([
    Pluto.start(west, { ...KEYS, conns: [mainConn(POOL, inside)] }),
    Charon.start(laptop, charonOf("alice", theirs, { vips: "::" })),
    Charon.start(phone, charonOf("bob", theirs, { vips: "::" })),
  ]);
  for (const [charon, last] of [[alice, 1], [bob, 2]] as const) {
    equal(await charonUp(charon), `fd00:3::${last}`);
  }
  for (const [host, last] of [[laptop, 1], [phone, 2], [laptop, 1]] as const) {
    await host.pings(SIX.sunset, `-c 2 -i 0.05 -W 2 -I fd00:3::${last}`);
    await sunset.pings(`fd00:3::${last}`);
  }
  equal((await pluto.established("ipsec")).length, 2);
}, ["charon"]);

scenario("a pool of one address: the second client is turned away", roadHosts, async (hosts) => {
  const { sunset, west, laptop, phone, step } = hosts;
  const [pluto, charon] = await Promise.all([
    Pluto.start(west, { ...KEYS, conns: [mainConn(ONE), groupConn(ONE)] }),
    Charon.start(laptop, charonOf("alice")),
  ]);
  const refused = (user: string) =>
    new RegExp(`modecfg: no address for user ${user}: the one address of the pool ${ONE} is in use`);
  await step("vpnc", async () => {
    equal(await charonUp(charon), FIRST);
    const vpnc = await Vpnc.start(phone, vpncOf("bob"));
    await pluto.says(refused("bob"));
    await vpnc.daemon.end();
    notEqual(vpnc.daemon.ended, 0);
    ok(!vpnc.log.includes("vpnc is connected"));
    await reaches(laptop, sunset, FIRST);
    await charon.swanctl("--terminate --ike office");
    await noneLeft(pluto, "group");
  });
  await step("strongSwan, which has it once it is free", async () => {
    const { vpnc } = await vpncUp(phone, "bob");
    notEqual((await charon.trySwanctl("--initiate --child net --timeout 8")).status, 0);
    await pluto.says(refused("alice"));
    match(charon.log, /received INVALID_ID_INFORMATION error notify/);
    await reaches(phone, sunset, FIRST);
    await charon.swanctl("--terminate --ike office");
    await vpnc.stop();
    await noneLeft(pluto, "group");
    equal(await charonUp(charon), FIRST);
    await reaches(laptop, sunset, FIRST);
  });
}, ["charon", "vpnc"]);

scenario("strongSwan asks in Quick Mode for another address than it has", roadHosts, async (hosts) => {
  const { west, laptop } = hosts;
  const [pluto, charon] = await Promise.all([
    Pluto.start(west, { ...KEYS, conns: [mainConn(POOL)] }),
    Charon.start(laptop, charonOf("alice", { local_ts: "10.3.0.77/32" })),
  ]);
  notEqual((await charon.trySwanctl("--initiate --child net --timeout 8")).status, 0);
  await pluto.says(
    /cannot respond to IPsec SA request: 10\.3\.0\.77\/32 is asked for by user alice, whose address of "main"\[1\] 198\.51\.100\.2 is 10\.3\.0\.10/,
  );
  match(charon.log, /INVAL_ID|INVALID_ID_INFORMATION/);
  equal((await pluto.established("ipsec")).length, 0);
}, ["charon"]);

scenario("libreswan: two clients, and one too many", roadHosts, async ({ west, laptop, phone, step }) => {
  const pluto = await Pluto.start(west, { ...KEYS, conns: [mainConn(POOL, { forceencaps: "no" })] });
  const alice = await Libreswan.start(laptop, libreswanOf("alice", AWAY.laptop));
  const bob = await Libreswan.start(phone, libreswanOf("bob", AWAY.phone));
  const up = async (libreswan: Libreswan) => (await libreswan.whack("--initiate --name office")).stdout;
  await step("each has an address of its own", async () => {
    for (const [libreswan, address] of [[alice, FIRST], [bob, SECOND]] as const) {
      await libreswan.add("office");
      match(await up(libreswan), /IPsec SA established tunnel mode/);
      ok(libreswan.log.includes(address), libreswan.log);
    }
    match(await west.ipsec("eroute"), /-> 10\.3\.0\.10\/32[^]*-> 10\.3\.0\.11\/32/);
    for (const libreswan of [alice, bob]) await libreswan.whack("--delete --name office");
    await noneLeft(pluto, "group");
  });
  await step("none is left for the second", async () => {
    await pluto.auto("--delete main");
    await pluto.write({ ...KEYS, conns: [mainConn(ONE, { forceencaps: "no" })] });
    await pluto.add("main");
    for (const libreswan of [alice, bob]) await libreswan.add("office");
    match(await up(alice), /IPsec SA established tunnel mode/);
    const refused = up(bob);
    await pluto.says(/modecfg: no address for user bob/);
    await bob.whack("--delete --name office");
    doesNotMatch(await refused, /IPsec SA established tunnel mode/);
  });
}, ["libreswan", "certutil"]);

scenario("after a crash nobody but itself gets the address of a client whose SAs go on", roadHosts, async (hosts) => {
  const { sunset, west, laptop, phone } = hosts;
  const [pluto, charon] = await Promise.all([
    Pluto.start(west, { ...KEYS, conns: [mainConn(POOL), groupConn(POOL)] }),
    Charon.start(laptop, charonOf("alice")),
  ]);
  equal(await charonUp(charon), FIRST);
  await reaches(laptop, sunset, FIRST);
  const ping = await SteadyPing.start(laptop, SUNSET, FIRST);
  await ping.goesOn(20);
  const from = pluto.log.length;
  await murder(pluto.pid);
  await pluto.says(/added connection description "group"/, from);
  await ping.lostNothing();
  const { vpnc, given } = await vpncUp(phone, "bob");
  equal(given.INTERNAL_IP4_ADDRESS, SECOND);
  await reaches(phone, sunset, SECOND);
  await reaches(laptop, sunset, FIRST);
  // of its SAs ours knows nothing any more
  await charon.swanctl("--terminate --ike office");
  equal(await charonUp(charon), FIRST);
  await reaches(laptop, sunset, FIRST);
  await vpnc.stop();
}, ["charon", "vpnc"]);
