/**
 * Rtnetlink against ip(8): what one makes the other lists. The program below runs in the namespace of a host.
 *
 * ```
 * west 192.0.2.1 ---- 192.0.2.2 east
 * ```
 */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert/strict";
import { HARDWARE, type LinkKind } from "../../lib/packet/rtnetlink.ts";
import { ADDRESS, fourHosts, type Host } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";

/** Lines of a program with `r`, `at()` and `net()` at hand; prints what `lines` return as JSON. */
async function rtnetlink(host: Host, lines: string): Promise<unknown> {
  const lib = new URL("../../lib/", import.meta.url).href;
  const program = `
    import { formatRoute, Rtnetlink } from "${lib}ffi/rtnetlink.ts";
    import { parseAddress, formatAddress } from "${lib}text/address.ts";
    import { parseSubnet } from "${lib}text/subnet.ts";
    const at = (text) => parseAddress(text, 0).value;
    const net = (text) => parseSubnet(text, text.includes(":") ? "inet6" : "inet").value;
    using r = new Rtnetlink();
    const refused = (run) => { try { run(); } catch (e) { return [e.name, e.errno, e.message]; } return "done"; };
    const result = (() => { ${lines} })();
    console.log(JSON.stringify(result ?? null));`;
  const file = `${host.directory}/rtnetlink.ts`;
  await Deno.writeTextFile(file, program);
  return JSON.parse(await host.run([Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", "-q", file]));
}

/** One line a route, as `ip route` prints them all. */
async function ipRoutes(host: Host): Promise<string[]> {
  const words = ["ip", "-d", "route", "show", "table", "all"];
  const both = await host.run(words) + await host.run(["ip", "-6", ...words.slice(1)]);
  return both.split("\n").map((line) => line.trim()).filter(Boolean).sort();
}

interface RouteCase {
  readonly name: string;
  readonly spec: string;
  /** Words of ip(8) that make the same route. */
  readonly ip: string;
}

const ROUTES: RouteCase[] = [
  {
    name: "through a gateway, with a source and a metric",
    spec: '{ destination: net("10.2.0.0/24"), via: at("192.0.2.2"), source: at("192.0.2.1"), metric: 7 }',
    ip: "route add 10.2.0.0/24 via 192.0.2.2 src 192.0.2.1 metric 7",
  },
  {
    name: "to a link",
    spec: '{ destination: net("10.3.0.0/16"), device: "eth1" }',
    ip: "route add 10.3.0.0/16 dev eth1",
  },
  {
    name: "onlink, with an MTU",
    spec: '{ destination: net("10.4.0.1/32"), via: at("203.0.113.9"), device: "eth1", onlink: true, mtu: 1300 }',
    ip: "route add 10.4.0.1 via 203.0.113.9 dev eth1 onlink mtu 1300",
  },
  {
    name: "unreachable, in a table of its own",
    spec: '{ destination: net("10.5.0.0/16"), type: "unreachable", table: 1000 }',
    ip: "route add unreachable 10.5.0.0/16 table 1000",
  },
  {
    name: "the half of all",
    spec: '{ destination: net("128.0.0.0/1"), device: "eth0" }',
    ip: "route add 128.0.0.0/1 dev eth0",
  },
  {
    name: "the default",
    spec: '{ destination: net("0.0.0.0/0"), via: at("192.0.2.2") }',
    ip: "route add default via 192.0.2.2",
  },
  {
    name: "through a gateway of the other family",
    spec: '{ destination: net("10.6.0.0/16"), via: at("2001:db8::2"), device: "eth0" }',
    ip: "route add 10.6.0.0/16 via inet6 2001:db8::2 dev eth0",
  },
  {
    name: "IPv6, onlink",
    spec: '{ destination: net("fd01:2::/64"), via: at("2001:db8:9::1"), device: "eth0", onlink: true }',
    ip: "-6 route add fd01:2::/64 via 2001:db8:9::1 dev eth0 onlink",
  },
  {
    name: "IPv6, unreachable",
    spec: '{ destination: net("fd01:3::/64"), type: "unreachable" }',
    ip: "-6 route add unreachable fd01:3::/64",
  },
];

scenario("Rtnetlink makes the routes that ip(8) makes, and takes them away again", fourHosts, async (four) => {
  const { west, step } = four;
  const before = await ipRoutes(west);
  for (const { name, spec, ip } of ROUTES) {
    await step(name, async () => {
      await rtnetlink(west, `r.addRoute(${spec})`);
      const ours = await ipRoutes(west);
      ok(ours.length > before.length, "a route was made");
      await rtnetlink(west, `r.deleteRoute(${spec})`);
      deepEqual(await ipRoutes(west), before);
      await west.ip(ip);
      deepEqual(ours, await ipRoutes(west));
      await rtnetlink(west, `r.deleteRoute(${spec})`);
      deepEqual(await ipRoutes(west), before);
    });
  }
});

scenario("Rtnetlink.routes() lists what ip(8) made, and finds ways", fourHosts, async ({ west, step }) => {
  for (const { ip } of ROUTES) await west.ip(ip);
  const formatted = await rtnetlink(west, "return r.routes().map(formatRoute)") as string[];
  for (
    const line of [
      "10.2.0.0/24 via 192.0.2.2 dev eth0 src 192.0.2.1 metric 7",
      "10.4.0.1 via 203.0.113.9 dev eth1 onlink",
      "unreachable 10.5.0.0/16 table 1000",
      "default via 192.0.2.2 dev eth0",
      "10.6.0.0/16 via inet6 2001:db8::2 dev eth0",
      "fd01:2::/64 via 2001:db8:9::1 dev eth0 metric 1024 onlink",
      "unreachable fd01:3::/64 dev lo metric 1024",
    ]
  ) ok(formatted.includes(line), `${line} is not in\n${formatted.join("\n")}`);
  await step("the best default route comes first", async () => {
    await west.ip("route add default via 192.0.2.77 metric 50");
    deepEqual(await rtnetlink(west, 'return r.defaultRoutes("inet").map(formatRoute)'), [
      "default via 192.0.2.2 dev eth0",
      "default via 192.0.2.77 dev eth0 metric 50",
    ]);
  });
  await step("the way to an address", async () => {
    const way = 'const w = r.routeTo(at("10.2.0.9")); return [w.device, formatAddress(w.via), formatAddress(w.source)]';
    deepEqual(await rtnetlink(west, way), ["eth0", "192.0.2.2", "192.0.2.1"]);
  });
  await step("an address that is the host's own", async () => {
    equal(await rtnetlink(west, 'return r.routeTo(at("192.0.2.1")).type'), "local");
  });
  await step("no way", async () => {
    equal(await rtnetlink(west, 'return r.routeTo(at("fd01:3::1")) ?? "none"'), "none");
  });
});

const EXACT: [what: string, ip: string, destination: string][] = [
  ["a network", "route add 10.2.0.0/24 via 192.0.2.2", "10.2.0.0/24"],
  ["a host", "route add 10.2.0.7 via 192.0.2.2", "10.2.0.7/32"],
  ["a network with a metric", "route add 10.2.0.0/24 via 192.0.2.2 metric 9", "10.2.0.0/24"],
  [
    "a network whose first host has another",
    "route add 10.2.0.0/24 dev eth1; route add 10.2.0.0/32 dev eth0",
    "10.2.0.0/24",
  ],
  ["a network over many ways", "route add 10.2.0.0/24 nexthop dev eth0 nexthop dev eth1", "10.2.0.0/24"],
  ["a network that is unreachable", "route add unreachable 10.2.0.0/24", "10.2.0.0/24"],
  ["a network that is thrown", "route add prohibit 10.2.0.0/24", "10.2.0.0/24"],
  ["a black hole", "route add blackhole 10.2.0.0/24", "10.2.0.0/24"],
  ["half of all", "route add 0.0.0.0/1 dev eth1", "0.0.0.0/1"],
  ["a network of IPv6", "-6 route add fd01:2::/64 dev eth1", "fd01:2::/64"],
  ["one of IPv6 that is unreachable", "-6 route add unreachable fd01:2::/64", "fd01:2::/64"],
  ["one of IPv6 that is prohibited", "-6 route add prohibit fd01:2::/64", "fd01:2::/64"],
];

scenario("Rtnetlink.lacksRouteTo() finds in one question whether there is none", fourHosts, async ({ west, step }) => {
  const lacks = async (destination: string) => await rtnetlink(west, `return r.lacksRouteTo(net("${destination}"))`);
  const ip = async (lines: string, from: string, to: string) => {
    for (const line of lines.split("; ")) await west.ip(line.replace(from, to));
  };
  for (const defaults of ["without a default route", "with one"]) {
    if (defaults === "with one") {
      await west.ip("route add default via 192.0.2.2");
      await west.ip("-6 route add default dev eth0");
    }
    for (const [what, lines, destination] of EXACT) {
      await step(`${what}, ${defaults}`, async () => {
        if (destination !== "0.0.0.0/1") equal(await lacks(destination), true);
        await ip(lines, "", "");
        equal(await lacks(destination), false);
        await ip(lines, "route add", "route del");
      });
    }
  }
});

scenario("Rtnetlink says what a change was refused for", fourHosts, async ({ west }) => {
  const add = '() => r.addRoute({ destination: net("10.2.0.0/24"), device: "eth0" })';
  const [first, second, third, unknown, gateway] = await rtnetlink(
    west,
    `return [
      refused(${add}), refused(${add}),
      refused(() => r.replaceRoute({ destination: net("10.2.0.0/24"), device: "eth1" })),
      refused(() => r.deleteRoute({ destination: net("10.9.0.0/24"), device: "ipsec9" })),
      refused(() => r.addRoute({ destination: net("10.9.0.0/24"), via: at("203.0.113.1"), device: "eth0" })),
    ]`,
  ) as [string, [string, number, string], string, [string, number, string], [string, number, string]];
  deepEqual([first, third], ["done", "done"]);
  deepEqual(second, ["SystemError", 17, "Cannot add route 10.2.0.0/24 dev eth0: File exists"]);
  match(unknown[2], /^Cannot delete route 10\.9\.0\.0\/24 dev ipsec9: No such device; there is no ipsec9$/);
  match(gateway[2], /Network is unreachable; Nexthop has invalid gateway$/);
  match(await west.ip("route show 10.2.0.0/24"), /dev eth1/);
});

scenario("Rtnetlink adds and deletes addresses, and changes links", fourHosts, async ({ west, step }) => {
  const shown = async () => JSON.parse(await west.ip("-j addr show dev eth0"))[0];
  const before = await shown();
  const spec = '{ device: "eth0", address: at("198.51.100.1"), bits: 24, broadcast: at("198.51.100.255"), ' +
    'noPrefixRoute: true, label: "eth0:1" }';
  await step("IPv4 with a broadcast address and no route to its network", async () => {
    await rtnetlink(west, `r.addAddress(${spec})`);
    match(await west.ip("addr show dev eth0"), /198\.51\.100\.1\/24 brd 198\.51\.100\.255 scope global noprefixroute/);
    equal(await west.ip("route show 198.51.100.0/24"), "");
    equal(
      await rtnetlink(west, 'return r.addresses().find((a) => a.label === "eth0:1")?.device'),
      "eth0",
    );
    await rtnetlink(west, `r.deleteAddress(${spec})`);
    deepEqual(await shown(), before);
  });
  await step("a peer", async () => {
    const spec = '{ device: "eth0", address: at("10.9.0.1"), peer: at("10.9.0.2") }';
    await rtnetlink(west, `r.addAddress(${spec})`);
    match(await west.ip("addr show dev eth0"), /inet 10\.9\.0\.1 peer 10\.9\.0\.2\/32/);
    await rtnetlink(west, `r.deleteAddress(${spec})`);
    deepEqual(await shown(), before);
  });
  await step("IPv6 without a route and without duplicate address detection", async () => {
    const spec = '{ device: "eth0", address: at("fd77::1"), bits: 64, noPrefixRoute: true, noDad: true }';
    await rtnetlink(west, `r.addAddress(${spec})`);
    match(await west.ip("-6 addr show dev eth0"), /inet6 fd77::1\/64 scope global nodad noprefixroute/);
    await rtnetlink(west, `r.deleteAddress(${spec})`);
    deepEqual(await shown(), before);
  });
  await step("up, down and the MTU", async () => {
    await rtnetlink(west, 'r.setLink("eth1", { up: false, mtu: 1280 })');
    match(await west.ip("link show eth1"), /mtu 1280 .*state DOWN/);
    await rtnetlink(west, 'r.setLink("eth1", { mtu: 1400 })');
    match(await west.ip("link show eth1"), /mtu 1400 .*state DOWN/);
    await rtnetlink(west, 'r.setLink("eth1", { up: true })');
    match(await west.ip("link show eth1"), /<[^>]*\bUP\b[^>]*> mtu 1400/);
  });
  await step("rules", async () => {
    await west.ip("rule add from 10.1.0.0/16 fwmark 5 table 1000 prio 77");
    deepEqual(await rtnetlink(west, "return r.rules('inet').map((one) => [one.priority, one.table, one.mark])"), [
      [0, 255, 0],
      [77, 1000, 5],
      [32766, 254, 0],
      [32767, 253, 0],
    ]);
  });
});

scenario("Rtnetlink.linkAddressTo() finds who takes a packet next", fourHosts, async ({ west, east }) => {
  const macOf = async (host: Host) => /link\/ether (\S+)/.exec(await host.ip("link show eth0"))![1].replaceAll(":", "");
  const { inet, inet6 } = ADDRESS;
  await west.pings(inet.east);
  await west.pings(inet6.east);
  await west.ip(`route add ${inet.eastNet} via ${inet.east}`);
  await west.ip(`-6 route add ${inet6.eastNet} via ${inet6.east}`);
  await west.ip(`route add 10.7.0.0/16 dev eth1`);
  await west.ip(`route add unreachable 10.8.0.0/16`);
  await west.ip(`route add 10.9.0.0/16 via 192.0.2.77`);
  const ways = [inet.east, inet6.east, inet.sunrise, inet6.sunrise, inet.west, "10.7.0.1", "10.8.0.1", "10.9.0.1"];
  const found = await rtnetlink(
    west,
    `const eth0 = r.findLink("eth0").index;
     return ${JSON.stringify(ways)}.map((way) => r.linkAddressTo(at(way), eth0)?.toHex() ?? null);`,
  );
  const { kind, hardware } = await rtnetlink(west, `return r.kindOf(r.findLink("eth0").index)`) as LinkKind;
  deepEqual([kind, hardware], ["veth", HARDWARE.ETHER]);
  const mac = await macOf(east);
  deepEqual(found, [mac, mac, mac, mac, null, null, null, null]);
});
