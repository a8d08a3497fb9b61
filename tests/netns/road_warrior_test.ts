/**
 * A laptop and a gateway with the two connections of docs/road-warriors.md.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1, the gateway ====== 192.0.2.2 east, the laptop
 * ```
 */
import { deepStrictEqual as deepEqual, doesNotMatch, match, ok } from "node:assert/strict";
import { ADDRESS, fourHosts, type Host, until } from "../../tools/_net.ts";
import { passwordLine } from "../interop/_passwords.ts";
import { SteadyPing } from "../interop/_steady_ping.ts";
import { Pluto } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";

const text = await Deno.readTextFile(new URL("../../docs/road-warriors.md", import.meta.url));
const [gateway, laptop] = [...text.matchAll(/^```\n(conn [^`]+)```$/gm)].map(([, conn]) => conn);
const { west: WEST, east: EAST, sunset: SUNSET } = ADDRESS.inet;
/** Phase 2 is replaced after 3 seconds, phase 1 after 5. */
const LIVES = "    keylife=6s\n    ikelifetime=8s\n    rekeymargin=3s\n    rekeyfuzz=0%\n";
const SECRET = `: PSK "of the tests and of nothing else"\n`, PASSWORD = "her own password";

scenario("a laptop is in the network behind its gateway, with an address that it keeps", fourHosts, async (four) => {
  const { sunset, west, east, step } = four;
  const [server, client] = await Promise.all([
    Pluto.start(west, { conns: [gateway], secrets: SECRET, files: { passwd: passwordLine("alice", PASSWORD) } }),
    Pluto.start(east, {
      conns: [laptop.replace("%defaultroute", EAST) + LIVES],
      secrets: `${SECRET}@alice : XAUTH "${PASSWORD}"\n`,
    }),
  ]);
  const before = await east.ip("addr"), routes = await east.ip("route");
  const [, first] = /rightaddresspool=([\d.]+)/.exec(gateway)!;
  await step("it comes up, and data flows both ways", async () => {
    await client.up("office");
    match(await east.ip("route get 10.1.0.10"), new RegExp(`dev ipsec0 src ${first} `));
    await east.pings(SUNSET);
    await sunset.pings(first);
    await client.says(/Received DNS 10\.1\.0\.53/);
  });
  await step("it keeps its address while keys are renewed", async () => {
    const ping = await SteadyPing.start(east, SUNSET);
    const renewed = () => server.log.match(new RegExp(`giving ${first.replaceAll(".", "\\.")} to the peer`, "g"));
    await until("phase 1 is replaced twice", () => (renewed()?.length ?? 0) >= 3, 30_000);
    await ping.goesOn();
    await ping.lostNothing();
    ok(renewed()!.length >= 3);
    doesNotMatch(client.log, /is replaced by/);
  });
  await step("it goes down, and nothing is left", async () => {
    await client.down("office");
    deepEqual([await east.ip("addr"), await east.ip("route")], [before, routes]);
    await until("the gateway has no state left", async () => (await server.states()).length === 0);
    doesNotMatch(await west.ipsec("eroute"), new RegExp(first));
  });
  await step("a second time", async () => {
    await client.up("office");
    await east.pings(SUNSET);
    await client.down("office");
  });
  ok(![server.log, client.log].some((log) => log.includes(PASSWORD)), "the password is in a log");
  ok((await west.ip("route")).includes(WEST));
});

/** Gateway and laptop with IPv6 inside. @param hosts what stands for them in the conns, and what is to stand there */
async function startInIpv6(west: Host, east: Host, hosts: readonly (readonly [string, string])[]): Promise<Pluto> {
  const changes = [
    ...hosts,
    ["10.1.0.0/24", ADDRESS.inet6.westNet],
    ["10.3.0.10-10.3.0.99", "fd01:3::10-fd01:3::99"],
    ["10.1.0.53", "fd01:1::53"],
  ];
  const inIpv6 = (conn: string) => changes.reduce((text, [from, to]) => text.replace(from, to), conn);
  const [, client] = await Promise.all([
    Pluto.start(west, {
      conns: [inIpv6(gateway)],
      secrets: SECRET,
      files: { passwd: passwordLine("alice", PASSWORD) },
    }),
    Pluto.start(east, { conns: [inIpv6(laptop)], secrets: `${SECRET}@alice : XAUTH "${PASSWORD}"\n` }),
  ]);
  return client;
}

scenario("the same in IPv6", fourHosts, async ({ sunset, west, east }) => {
  const { inet6 } = ADDRESS;
  const hosts = [["%defaultroute", inet6.east], [WEST, inet6.west]] as const;
  const client = await startInIpv6(west, east, hosts);
  const before = await east.ip("addr");
  await client.up("office");
  await east.pings(inet6.sunset);
  await sunset.pings("fd01:3::10");
  match(await east.ip(`route get ${inet6.sunset}`), /dev ipsec0 .*src fd01:3::10 /);
  await client.says(/Received DNS fd01:1::53/);
  await client.down("office");
  deepEqual(await east.ip("addr"), before);
});

scenario("IPv6 behind a gateway that is reached over IPv4", fourHosts, async ({ sunset, west, east }) => {
  const { inet6 } = ADDRESS;
  const hosts = [["%defaultroute", EAST]] as const;
  const client = await startInIpv6(west, east, hosts);
  const before = await east.ip("addr"), routes = await east.ip("-6 route");
  await client.up("office");
  await east.pings(inet6.sunset);
  await sunset.pings("fd01:3::10");
  await client.down("office");
  deepEqual([await east.ip("addr"), await east.ip("-6 route")], [before, routes]);
});
