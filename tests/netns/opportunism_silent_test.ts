/**
 * Opportunism with peers that have a record and do not answer, and at whack's request (`_opportunists.ts` draws the net).
 */
import { equal, match, ok } from "node:assert/strict";
import { until } from "../../tools/_net.ts";
import { AT, type HostKeys, newKey, opportunists, REVERSE } from "./_opportunists.ts";
import { scenario } from "./_scenario.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const isPing = (packet: Packet) => packet.protocol === PROTOCOL.icmp && contains(packet, MARKER);
const NEEDS = ["knot", "unbound", "nft"] as const;
const BOTH = `whack --oppohere ${AT.west} --oppothere ${AT.east}`;

/** North has a record as well, though it runs no IPsec. */
const zones = async ({ west, east }: HostKeys) => ({
  [REVERSE.west]: `1 ${await west.txt(AT.west)}\n9 ${await east.txt(AT.north)}`,
});

scenario("hosts with a record that do not answer", () => opportunists({ zones }), async (all) => {
  const { west, east, start } = all;
  await east.run(["nft", "add table inet silent"]);
  await east.run(["nft", "add chain inet silent in { type filter hook input priority 0; }"]);
  await east.run(["nft", "add rule inet silent in udp dport 500 drop"]);
  const onWest = await start(west, { "private-or-clear": ["0.0.0.0/0"], private: [`${AT.north}/32`] });
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  await all.step("private: nothing leaves in the clear", async () => {
    equal(await west.canPing(AT.north, `-c 3 -i 3 -W 6 ${MARKER_WORDS}`), false);
    equal(wire.count(isPing), 0);
  });
  await all.step(
    "private-or-clear: the first packet goes in the clear after some seconds, the next at once",
    async () => {
      await west.pings(AT.east, `-c 1 -W 30 ${MARKER_WORDS}`);
      await wire.saw("pings", isPing, 2);
      await west.pings(AT.east, `-c 3 -i 0.05 -W 1 ${MARKER_WORDS}`);
      match((await onWest.auto("--status")).stdout, /%pass \d+,\d+ {4}no answer from 198\.51\.100\.2 for 8 seconds/);
    },
  );
  await all.step("when the peer is there, traffic is encrypted again", async () => {
    await start(east, { "private-or-clear": ["0.0.0.0/0"] });
    await east.run(["nft", "delete table inet silent"]);
    await until("the peer is found", async () => (await onWest.established("ipsec")).length > 0, 60_000);
    const before = wire.count(isPing), espBefore = wire.count(isEsp);
    await west.pings(AT.east, `-c 3 -i 0.05 -W 2 ${MARKER_WORDS}`);
    await wire.saw("ESP", isEsp, espBefore + 6);
    equal(wire.count(isPing), before, "pings in the clear");
    ok(!(await onWest.auto("--status")).stdout.includes("no answer from 198.51.100.2"));
  });
}, NEEDS);

scenario("whack asks for opportunism", opportunists, async (all) => {
  const { west, east, start } = all;
  const groups = { "private-or-clear": ["0.0.0.0/0"] };
  const onWest = await start(west, groups);
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  await all.step("for a host without a record it says why not", async () => {
    const ran = await west.tryIpsec(`whack --oppohere ${AT.west} --oppothere ${AT.north}`);
    match(
      ran.stdout,
      /^033 Can't Opportunistically initiate for 192\.0\.2\.1 to 192\.0\.2\.9: .*no host|no TXT record/m,
    );
    ok(ran.status !== 0);
  });
  await all.step("traffic of its own has found the peer silent", async () => {
    await west.pings(AT.east, `-c 1 -W 30 ${MARKER_WORDS}`);
    const why = /no SA with 198\.51\.100\.2 within 8 seconds: Connection refused, says 198\.51\.100\.2 by ICMP/;
    match((await onWest.auto("--status")).stdout, new RegExp(`%pass \\d+,\\d+ {4}${why.source}`));
  });
  await all.step("now it answers: whack waits for it", async () => {
    const onEast = await start(east, groups);
    const said = await west.ipsec(BOTH);
    match(said, /IPsec SA established/);
    // the negotiation that was under way may just have come through by itself; then whack has made another SA
    await until("east has an SA", async () => (await onEast.established("ipsec")).length > 0);
    const before = wire.count(isPing);
    await west.pings(AT.east, `-c 3 -i 0.05 -W 2 ${MARKER_WORDS}`);
    equal(wire.count(isPing), before, "pings in the clear");
  });
  await all.step("a second time it is keyed anew, under the same ISAKMP SA", async () => {
    match(await west.ipsec(BOTH), /IPsec SA established/);
    equal((await onWest.established("isakmp")).length, 1);
    await west.pings(AT.east, `-c 3 -i 0.05 -W 2 ${MARKER_WORDS}`);
  });
}, NEEDS);

scenario("a host that answers with another key than the DNS has", opportunists, async (all) => {
  const { west, east, authority, start } = all;
  const other = await (await newKey()).txt(AT.east);
  await authority.set(REVERSE.east, `2 ${other}`);
  const part = other.slice(-20, -1);
  const asked = ["kdig", "@127.0.0.1", `2.${REVERSE.east}`, "TXT"];
  await until("it is published", async () => (await east.run(asked)).includes(part));
  const groups = { "private-or-clear": ["0.0.0.0/0"] };
  await start(east, groups);
  const onWest = await start(west, groups);
  await west.pings(AT.east, `-c 1 -W 30 ${MARKER_WORDS}`);
  const why =
    /no SA with 198\.51\.100\.2 within 8 seconds: Signature check \(on 198\.51\.100\.2\) failed \(wrong key\?\)/;
  match((await onWest.auto("--status")).stdout, new RegExp(`%pass \\d+,\\d+ {4}${why.source}`));
}, NEEDS);
