/**
 * Opportunism for a network behind a gateway, and of hosts that are known by a name only; each form of record
 * (`_opportunists.ts` draws the net).
 */
import { equal, ok } from "node:assert/strict";
import { until } from "../../tools/_net.ts";
import { AT, opportunists, REVERSE } from "./_opportunists.ts";
import { conn } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const isPing = (packet: Packet) => packet.protocol === PROTOCOL.icmp && contains(packet, MARKER);
const ONCE = `-c 1 -W 10 ${MARKER_WORDS}`;
const NEEDS = ["knot", "unbound"] as const;
/** As the policy groups chapter has it: the built-in connections for a network behind the gateway. */
const NET_CONNS = ["private", "private-or-clear"].map((name) =>
  conn(`${name}-net`, { also: name, leftsubnet: "10.1.0.0/24" })
);

scenario("a gateway encrypts for the network behind it, which names it by address", () =>
  opportunists({
    // RFC 2317: the reverse map of sunset is an alias into another zone
    zones: async ({ west, east }) => ({
      [REVERSE.sunset]: "10 CNAME 10.sunsets.example.",
      [REVERSE.east]: `2 ${await east.record("--ipseckey", "--gateway", AT.east)}`,
      "example.": `10.sunsets ${await west.txt(AT.west)}`,
    }),
  }), async (all) => {
  const { sunset, west, east, start } = all;
  const onWest = await start(west, { "private-net": [`${AT.east}/32`] }, { conns: NET_CONNS });
  const onEast = await start(east, { "private-or-clear": ["0.0.0.0/0"] });
  const wire = new Wire(await west.capture("eth0", "not port 53"));
  await all.step("from behind the gateway, held until the tunnel is there", async () => {
    await sunset.pings(AT.east, ONCE);
    await wire.saw("ESP", isEsp, 2);
    equal(wire.count(isPing), 0, "pings in the clear");
    await onWest.has(1, `private-net#${AT.east}/32`);
    await onEast.has(1, "private-or-clear#0.0.0.0/0");
    const eroutes = await west.ipsec("eroute");
    ok(/10\.1\.0\.10\/32 +-> 198\.51\.100\.2\/32 +=> tun0x[0-9a-f]+@198\.51\.100\.2/.test(eroutes), eroutes);
  });
  await all.step(
    "the gateway itself is in no group: its traffic with east has no policy, and does not flow",
    async () => {
      equal(await west.canPing(AT.east, `-c 1 -W 1 ${MARKER_WORDS}`), false);
      equal(wire.count(isPing), 0, "pings in the clear");
    },
  );
  await all.step("east begins: the record of sunset says who its gateway is", async () => {
    await onEast.auto("--down private-or-clear#0.0.0.0/0");
    await until("west has no SA", async () => !(await west.ipsec("eroute")).includes("tun0x"));
    const before = wire.count(isPing);
    await east.pings(AT.sunset, ONCE);
    equal(wire.count(isPing), before, "pings in the clear");
    await onWest.has(1, `private-net#${AT.east}/32`);
  });
}, NEEDS);

scenario("hosts that only initiate, known by a name; old KEY records; a gateway by name", () =>
  opportunists({
    zones: async ({ west }) => ({
      [REVERSE.west]: "",
      [REVERSE.sunset]: `10 ${await west.txt("@west.example")}`,
      "example.": `west ${await west.record("--ipseckey", "--gateway", "west.example")}\n` +
        `old ${await west.record("--key")}`,
    }),
  }), async (all) => {
  const { sunset, west, east, start } = all;
  const groups = { "private": [`${AT.east}/32`], "private-net": [`${AT.east}/32`] };
  const onEast = await start(east, { "private-or-clear": ["0.0.0.0/0"] });
  const wire = new Wire(await west.capture("eth0", "not port 53"));
  await all.step("by an IPSECKEY record at its name", async () => {
    const onWest = await start(west, groups, { conns: NET_CONNS, setup: ["myid=@west.example"] });
    await west.pings(AT.east, ONCE);
    await onWest.has(1, `private#${AT.east}/32`);
    await onEast.says(/Peer ID is ID_FQDN: '@west\.example'/);
  });
  await all.step("for the network behind it, which names it by its name", async () => {
    await sunset.pings(AT.east, ONCE);
    await onEast.has(2, "private-or-clear#0.0.0.0/0");
  });
  await all.step("east cannot begin: it finds no record at the address of west", async () => {
    await west.ipsec("setup stop");
    await east.pings(AT.west, `-c 1 -W 5 ${MARKER_WORDS}`);
    const inClear = "question and answer in the clear, as the group of east has it";
    await wire.saw(inClear, isPing, 2); // what is captured comes a moment after the answer
    equal(wire.count(isPing), 2, inClear);
    await onEast.says(/Can't Opportunistically initiate for 198\.51\.100\.2 to 192\.0\.2\.1: target's TXT record: no /);
  });
  await all.step("by a KEY record, as old peers have it", async () => {
    const isPrivate = (packet: Packet) => isPing(packet) && packet.source.join(".") === AT.west;
    const before = wire.count(isPrivate);
    const onWest = await start(west, groups, { setup: ["myid=@old.example"] });
    await west.pings(AT.east, ONCE);
    await onWest.has(1, `private#${AT.east}/32`);
    equal(wire.count(isPrivate), before, "pings in the clear");
    ok(onWest.log.includes("found KEY RR but not TXT RR for @old.example. See "));
  });
}, NEEDS);
