/**
 * `ipsec _updown` as pluto and `ipsec manual` call it: routes compared with what ip(8) shows before and after, and
 * firewalls that drop by default, whose traffic passes only while a connection is up.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert/strict";
import { updownVariables, type UpdownVerb } from "../../lib/text/updown_variables.ts";
import { type Address, parseNumericAddress } from "../../lib/text/address.ts";
import { parseSubnet, type Subnet } from "../../lib/text/subnet.ts";
import { keyTunnel, startKlips } from "../../tools/_keying.ts";
import { ADDRESS, type Family, fourHosts, type Host, type Ran, until } from "../../tools/_net.ts";
import { scenario } from "./_scenario.ts";

function at(text: string): Address {
  const parsed = parseNumericAddress(text, 0);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function net(text: string): Subnet {
  const parsed = parseSubnet(text, text.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

interface Ends {
  readonly family?: Family;
  /** Default: the networks of both sides. */
  readonly myClient?: string;
  readonly peerClient?: string;
  /** Default: the peer itself. */
  readonly nextHop?: string;
  readonly sourceIp?: string;
}

/** Calls `ipsec _updown` on west for a connection to east. */
function updown(west: Host, verb: UpdownVerb, ends: Ends = {}, args = ""): Promise<Ran> {
  const here = ADDRESS[ends.family ?? "inet"];
  const env = updownVariables(verb, {
    name: "office",
    device: "ipsec0",
    nextHop: at(ends.nextHop ?? here.east),
    me: { host: at(here.west), client: net(ends.myClient ?? here.westNet) },
    peer: { host: at(here.east), client: net(ends.peerClient ?? here.eastNet) },
    ...(ends.sourceIp && { sourceIp: at(ends.sourceIp) }),
  });
  return west.tryIpsec(["_updown", ...args.split(" ").filter(Boolean)], { env });
}

async function succeeds(ran: Promise<Ran>): Promise<void> {
  deepEqual(await ran, { status: 0, stdout: "", stderr: "" });
}

/** The routes of the main table, a line each; link-local ones come by themselves, some time after their device. */
async function routes(host: Host): Promise<string[]> {
  const both = await host.ip("-4 route show") + await host.ip("-6 route show");
  return both.split("\n").map((line) => line.trim()).filter((line) => line && !line.startsWith("fe80:")).sort();
}

async function added(host: Host, before: readonly string[]): Promise<string[]> {
  return (await routes(host)).filter((line) => !before.includes(line));
}

const ROUTED: [what: string, ends: Ends, expected: string[]][] = [
  ["a network", {}, ["10.2.0.0/24 via 192.0.2.2 dev ipsec0 onlink"]],
  ["a network, from a source address", { sourceIp: "10.1.0.1" }, [
    "10.2.0.0/24 via 192.0.2.2 dev ipsec0 src 10.1.0.1 onlink",
  ]],
  ["the peer itself", { myClient: "192.0.2.1/32", peerClient: "192.0.2.2/32" }, [
    "192.0.2.2 via 192.0.2.2 dev ipsec0 onlink",
  ]],
  ["all there is", { peerClient: "0.0.0.0/0", nextHop: "192.0.2.254" }, [
    "0.0.0.0/1 via 192.0.2.254 dev ipsec0 onlink",
    "128.0.0.0/1 via 192.0.2.254 dev ipsec0 onlink",
  ]],
  ["an IPv6 network", { family: "inet6" }, [
    "fd01:2::/64 dev ipsec0 metric 1024 pref medium",
  ]],
  ["an IPv6 host", { family: "inet6", myClient: "2001:db8::1/128", peerClient: "2001:db8::2/128" }, [
    "2001:db8::2 dev ipsec0 metric 1024 pref medium",
  ]],
  ["all of IPv6", { family: "inet6", peerClient: "::/0" }, [
    "8000::/1 dev ipsec0 metric 1024 pref medium",
    "::/1 dev ipsec0 metric 1024 pref medium",
  ]],
];

scenario("_updown makes the route to the peer's client, and takes it away again", fourHosts, async (four) => {
  const { west, step } = four;
  await startKlips(west);
  const before = await routes(west);
  for (const [what, ends, expected] of ROUTED) {
    await step(what, async () => {
      for (const verb of ["prepare", "route", "up"] as const) await succeeds(updown(west, verb, ends));
      deepEqual(await added(west, before), expected);
      for (const verb of ["prepare", "route"] as const) await succeeds(updown(west, verb, ends)); // after a crash, say
      deepEqual(await added(west, before), expected);
      for (const verb of ["down", "unroute"] as const) await succeeds(updown(west, verb, ends));
      deepEqual(await routes(west), before);
    });
  }
});

const SOURCES: [what: string, ends: Ends, there: RegExp, expected: string[], after: string[]][] = [
  [
    "an address that a gateway has assigned",
    { sourceIp: "10.3.0.7", myClient: "10.3.0.7/32" },
    /inet 10\.3\.0\.7\/32 scope global ipsec0:cfg/,
    ["10.2.0.0/24 via 192.0.2.2 dev ipsec0 src 10.3.0.7 onlink"],
    ["10.2.0.0/24 via 192.0.2.2 dev ipsec0 onlink"],
  ],
  [
    "one for all there is",
    { sourceIp: "10.3.0.7", myClient: "10.3.0.7/32", peerClient: "0.0.0.0/0" },
    /inet 10\.3\.0\.7\/32 scope global ipsec0:cfg/,
    [
      "0.0.0.0/1 via 192.0.2.2 dev ipsec0 src 10.3.0.7 onlink",
      "128.0.0.0/1 via 192.0.2.2 dev ipsec0 src 10.3.0.7 onlink",
    ],
    ["0.0.0.0/1 via 192.0.2.2 dev ipsec0 onlink", "128.0.0.0/1 via 192.0.2.2 dev ipsec0 onlink"],
  ],
  [
    "an IPv6 address",
    { family: "inet6", sourceIp: "fd01:3::7", myClient: "fd01:3::7/128" },
    /inet6 fd01:3::7\/128 scope global nodad/,
    ["fd01:2::/64 dev ipsec0 src fd01:3::7 metric 1024 pref medium"],
    ["fd01:2::/64 dev ipsec0 metric 1024 pref medium"],
  ],
];

scenario(
  "_updown gives ipsecN a source address that no interface has, while the connection is up",
  fourHosts,
  async (four) => {
    const { west, step } = four;
    await startKlips(west);
    // as ipsec setup does; with its last IPv4 address a device loses all routes
    await west.ip(`addr add ${ADDRESS.inet.west}/32 dev ipsec0 noprefixroute`);
    const before = await routes(west), addresses = await west.ip("addr show");
    // IPv6 routes to single addresses of the host's own are shown with the others
    const shown = async () => (await added(west, before)).filter((line) => !line.startsWith("fd01:3::7 "));
    for (const [what, ends, there, expected, after] of SOURCES) {
      await step(what, async () => {
        for (const verb of ["up", "prepare", "route"] as const) await succeeds(updown(west, verb, ends));
        match(await west.ip("addr show dev ipsec0"), there);
        deepEqual(await shown(), expected);
        await succeeds(updown(west, "down", ends));
        equal(await west.ip("addr show"), addresses);
        deepEqual(await added(west, before), after, "packets must not go in the clear");
        for (const verb of ["up", "down", "unroute"] as const) await succeeds(updown(west, verb, ends));
        equal(await west.ip("addr show"), addresses);
        deepEqual(await routes(west), before);
      });
    }
    await step("one that another interface has stays there", async () => {
      const ends: Ends = { sourceIp: ADDRESS.inet.westInner };
      for (const verb of ["up", "prepare", "route", "down", "unroute"] as const) {
        await succeeds(updown(west, verb, ends));
      }
      equal(await west.ip("addr show"), addresses);
    });
  },
);

scenario("_updown and routes that are in its way", fourHosts, async ({ west, step }) => {
  await startKlips(west);
  const before = await routes(west);
  await step("one that somebody left is deleted before, of several paths too", async () => {
    for (const way of ["via 192.0.2.9", "nexthop via 192.0.2.8 nexthop via 192.0.2.9", "unreachable"]) {
      await west.ip(way === "unreachable" ? "route add unreachable 10.2.0.0/24" : `route add 10.2.0.0/24 ${way}`);
      await succeeds(updown(west, "prepare"));
      deepEqual(await routes(west), before);
    }
    await west.ip("-6 route add fd01:2::/64 via 2001:db8::9");
    await succeeds(updown(west, "prepare", { family: "inet6" }));
    deepEqual(await routes(west), before);
  });
  await step("one that exists is named, and stays", async () => {
    await west.ip("route add 10.2.0.0/24 via 192.0.2.9");
    const there = await routes(west);
    const { status, stderr } = await updown(west, "route");
    deepEqual([status, stderr.split("\n")], [2, [
      "ipsec _updown: `ip route add 10.2.0.0/24 via 192.0.2.2 dev ipsec0 onlink' failed (File exists)",
      "ipsec _updown: \tthere is `10.2.0.0/24 via 192.0.2.9 dev eth0', which `ip route del' removes",
      "",
    ]]);
    deepEqual(await routes(west), there);
    equal((await updown(west, "unroute")).status, 2);
    deepEqual(await routes(west), there);
    await west.ip("route del 10.2.0.0/24");
  });
  await step("the kernel's own to the neighbours stays", async () => {
    const neighbours: Ends = { peerClient: "192.0.2.0/24" };
    await succeeds(updown(west, "prepare", neighbours));
    const { status, stderr } = await updown(west, "route", neighbours);
    equal(status, 2);
    match(stderr, /there is `192\.0\.2\.0\/24 dev eth0 src 192\.0\.2\.1', the network of an interface/);
    deepEqual(await routes(west), before);
  });
  await step("the second half of all there is: the first is taken back", async () => {
    await west.ip("route add 128.0.0.0/1 via 192.0.2.9");
    const there = await routes(west);
    equal((await updown(west, "route", { peerClient: "0.0.0.0/0" })).status, 2);
    deepEqual(await routes(west), there);
    await west.ip("route del 128.0.0.0/1");
  });
  await step("a source that is no address of the host", async () => {
    const { status, stderr } = await updown(west, "route", { sourceIp: "10.99.0.1" });
    equal(status, 2);
    match(stderr, /failed \(.*[Ii]nvalid pref.*\)\n.*10\.99\.0\.1 is no address of this host/);
    deepEqual(await routes(west), before);
  });
  await step("no interface", async () => {
    await west.ip("link del ipsec0");
    const { status, stderr } = await updown(west, "route");
    equal(status, 2);
    match(stderr, /failed \(No such device; there is no ipsec0\)/);
  });
});

scenario("a tunnel whose routes _updown made", fourHosts, async (four) => {
  const { sunset, west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, { esp: "aes128gcm16" });
  await west.ip("route del 10.2.0.0/24");
  await succeeds(updown(west, "route", { sourceIp: ADDRESS.inet.westInner }));
  await sunset.pings(ADDRESS.inet.sunrise);
  await west.pings(ADDRESS.inet.sunrise); // from the source address of the route
});

const PING = "-c 1 -W 1";

/** Rules of a firewall as its own tools show them, without counters, which move. */
async function ruleset(host: Host, tool: "nft" | "iptables"): Promise<string> {
  const text = tool === "nft"
    ? await host.run(["nft", "list", "ruleset"])
    : await host.run(["iptables-save"]) + await host.run(["ip6tables-save"]);
  return text.replace(/packets \d+ bytes \d+/g, "").replace(/\[\d+:\d+\]/g, "").replace(/^#.*$/gm, "");
}

interface Firewall {
  readonly tool: "nft" | "iptables";
  /** Lines for sh. */
  readonly script: string;
  /** What the tool shows of our rules. */
  readonly shown: RegExp;
}

const DROPS_BY_DEFAULT: Record<string, Firewall> = {
  "a table of nft for both families": {
    tool: "nft",
    script: `nft -f - <<'END'
table inet filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
  }
}
END`,
    shown:
      /oifname "ipsec0" ip saddr 10\.1\.0\.0\/24 ip daddr 10\.2\.0\.0\/24 counter .*accept comment "oneswan office /,
  },
  "tables of nft that drop one after the other": {
    tool: "nft",
    script: `nft -f - <<'END'
table ip one {
  chain pass { type filter hook forward priority 0; policy drop; }
}
table inet two {
  chain pass { type filter hook forward priority 10; policy accept; counter reject; }
}
table ip6 three {
  chain pass { type filter hook forward priority 0; policy drop; }
}
END`,
    shown:
      /iifname "ipsec0" ip saddr 10\.2\.0\.0\/24 ip daddr 10\.1\.0\.0\/24 counter .*accept comment "oneswan office /,
  },
  "iptables-nft": {
    tool: "iptables",
    script: `iptables -P FORWARD DROP
iptables -A FORWARD -i eth1 -o eth0 -j ACCEPT
ip6tables -P FORWARD DROP`,
    shown:
      /^-A FORWARD -s 10\.1\.0\.0\/24 -d 10\.2\.0\.0\/24 -o ipsec0 -m comment --comment "oneswan office .*-j ACCEPT$/m,
  },
};

for (const [what, { tool, script, shown }] of Object.entries(DROPS_BY_DEFAULT)) {
  scenario(
    `leftfirewall=yes with ${what}: packets pass only while the connection is up`,
    fourHosts,
    async (four) => {
      const { sunset, west, east, sunrise, step } = four;
      await Promise.all([startKlips(west), startKlips(east)]);
      await keyTunnel(four, { esp: "aes128gcm16" });
      await sunset.pings(ADDRESS.inet.sunrise);
      await west.run(["sh", "-ec", script]);
      const before = await ruleset(west, tool);
      await step("down: nothing passes", async () => {
        ok(!await sunset.canPing(ADDRESS.inet.sunrise, PING));
        await succeeds(updown(west, "up")); // without the argument nothing is opened
        equal(await ruleset(west, tool), before);
      });
      await step("up: both directions pass", async () => {
        await succeeds(updown(west, "up", {}, "ipfwadm"));
        await sunset.pings(ADDRESS.inet.sunrise);
        await sunrise.pings(ADDRESS.inet.sunset);
        match(await ruleset(west, tool), shown);
      });
      await step("other addresses do not", async () => {
        await sunset.ip("addr add 10.1.7.7/32 dev eth0");
        await west.ip("route add 10.1.7.7 dev eth1");
        ok(!await sunset.canPing(ADDRESS.inet.sunrise, `${PING} -I 10.1.7.7`));
      });
      await step("up again changes nothing", async () => {
        const opened = await ruleset(west, tool);
        await succeeds(updown(west, "up", {}, "ipfwadm"));
        equal(await ruleset(west, tool), opened);
      });
      await step("another connection's rules stay when it goes down", async () => {
        const other: Ends = { peerClient: "10.77.0.0/16" };
        await succeeds(updown(west, "up", other, "ipfwadm"));
        await succeeds(updown(west, "down", other, "ipfwadm"));
        await sunset.pings(ADDRESS.inet.sunrise);
      });
      await step("down: nothing passes, and the rules are as they were", async () => {
        await succeeds(updown(west, "down", {}, "ipfwadm"));
        ok(!await sunset.canPing(ADDRESS.inet.sunrise, PING));
        equal(await ruleset(west, tool), before);
        await succeeds(updown(west, "down", {}, "ipfwadm"));
        equal(await ruleset(west, tool), before);
      });
      await step("IPv6", async () => {
        await succeeds(updown(west, "up", { family: "inet6" }, "ipfwadm"));
        match(await ruleset(west, tool), /fd01:1::\/64.*fd01:2::\/64/);
        await succeeds(updown(west, "down", { family: "inet6" }, "ipfwadm"));
        equal(await ruleset(west, tool), before);
      });
      await step("what a crash left is found", async () => {
        for (const ends of [{}, { peerClient: "10.77.0.0/16" }]) await updown(west, "up", ends, "ipfwadm");
        equal(await clean(west), CLEANED[what]);
        equal(await ruleset(west, tool), before);
        equal(await clean(west), 0);
      });
    },
    tool === "nft" ? ["nft"] : ["iptables"],
  );
}

/** Rules of two connections: two of each in every chain of IPv4 that could drop. */
const CLEANED: Record<string, number> = {
  "a table of nft for both families": 4,
  "tables of nft that drop one after the other": 8,
  "iptables-nft": 4,
};

/** Removes all rules of ours. @returns how many there were */
async function clean(host: Host): Promise<number> {
  const firewall = new URL("../../lib/system/firewall.ts", import.meta.url).href;
  const file = `${host.directory}/clean.ts`;
  await Deno.writeTextFile(file, `import { cleanFirewall } from "${firewall}"; console.log(cleanFirewall());`);
  return Number(await host.run([Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", "-q", file]));
}

scenario("leftfirewall=yes for the host itself opens input and output", fourHosts, async (four) => {
  const { west, step } = four;
  await startKlips(west);
  const hosts: Ends = { myClient: "192.0.2.1/32" };
  const script = `nft -f - <<'END'
table inet filter {
  chain in { type filter hook input priority 0; policy drop; }
  chain out { type filter hook output priority 0; policy accept; }
  chain forward { type filter hook forward priority 0; policy drop; }
}
END`;
  await west.run(["sh", "-ec", script]);
  const before = await ruleset(west, "nft");
  await step("where something could be dropped, and nowhere else", async () => {
    await succeeds(updown(west, "up", hosts, "ipfwadm"));
    const [ours, ...more] = (await ruleset(west, "nft")).split("\n").filter((line) => line.includes("oneswan"));
    match(ours, /iifname "ipsec0" ip saddr 10\.2\.0\.0\/24 ip daddr 192\.0\.2\.1 counter\s+accept comment/);
    deepEqual(more, []);
  });
  await step("and closes them", async () => {
    await succeeds(updown(west, "down", hosts, "ipfwadm"));
    equal(await ruleset(west, "nft"), before);
  });
}, ["nft"]);

scenario("leftfirewall=yes where there is no firewall, and where a program owns it", fourHosts, async (four) => {
  const { west, step } = four;
  await startKlips(west);
  await step("nothing is made where nothing drops", async () => {
    await succeeds(updown(west, "up", {}, "ipfwadm"));
    equal((await ruleset(west, "nft")).trim(), "");
  });
  await step("a table that a program owns is left to it, and named", async () => {
    const lines = [
      "add table inet theirs { flags owner; }",
      "add chain inet theirs pass { type filter hook forward priority 0; policy drop; }",
    ];
    // one process, whose input stays open
    const program = `mkfifo "$1"; exec 3<>"$1"; printf '%s\\n' '${lines.join("' '")}' >&3; exec nft -i <&3`;
    const owner = west.start(["sh", "-ec", program, "sh", `${west.directory}/nft.fifo`]);
    await until("the table is there", async () => /chain pass/.test(await ruleset(west, "nft")));
    const { status, stderr } = await updown(west, "up", {}, "ipfwadm");
    deepEqual([status, stderr], [
      0,
      "ipsec _updown: chain inet theirs pass belongs to a running program, which alone can let packets pass it\n",
    ]);
    await owner.stop();
  });
}, ["nft"]);
