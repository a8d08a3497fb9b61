/**
 * Opportunism where both ends begin at once, and where one is started again (`_opportunists.ts` draws the net).
 */
import { equal, ok } from "node:assert/strict";
import { type Host, until } from "../../tools/_net.ts";
import { AT, opportunists } from "./_opportunists.ts";
import { conn } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { murder, pidIn } from "./_setup.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const isPing = (packet: Packet) => packet.protocol === PROTOCOL.icmp && contains(packet, MARKER);
const ONCE = `-c 1 -W 12 ${MARKER_WORDS}`;
const NEEDS = ["knot", "unbound"] as const;
const PRIVATE = { private: ["0.0.0.0/0"] };

/** As when the power fails. */
async function crash(host: Host): Promise<void> {
  for (const file of ["ipsec_setup.pid", "pluto.pid", "klips.pid"]) await murder(pidIn(host, file));
}

scenario("both ends begin at once; one end is started again", opportunists, async (all) => {
  const { west, east, start } = all;
  const onWest = await start(west, PRIVATE);
  // strangers are watched at leisure; here nobody has the time
  const quick = conn("quick", { also: "private", dpddelay: "1", dpdtimeout: "3", dpdaction: "clear" });
  const onEast = await start(east, { quick: ["0.0.0.0/0"] }, { conns: [quick] });
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  await all.step("both begin", async () => {
    await Promise.all([west.pings(AT.east, ONCE), east.pings(AT.west, ONCE)]);
    await west.pings(AT.east, `-c 3 -i 0.05 -W 2 ${MARKER_WORDS}`);
    await east.pings(AT.west, `-c 3 -i 0.05 -W 2 ${MARKER_WORDS}`);
  });
  await all.step("in good order: the other end is told, and is reached again at once", async () => {
    await west.ipsec("setup restart");
    await until("west answers", () => west.ipsec("auto --status"));
    await east.pings(AT.west, ONCE);
  });
  await all.step("after a crash, the one that was started again speaks first", async () => {
    await crash(west);
    await west.ipsec("setup start");
    await until("west answers", () => west.ipsec("auto --status"));
    await west.pings(AT.east, ONCE);
    await onWest.has(1, "private#0.0.0.0/0");
    await until("east has forgotten the old ones", async () => (await onEast.established("ipsec")).length === 1);
  });
  await all.step("after a crash, the one that has not noticed speaks: it finds out by itself", async () => {
    await crash(west);
    await west.ipsec("setup start");
    const espBefore = wire.count(isEsp);
    await until("west is reached", () => east.canPing(AT.west, `-c 1 -W 1 ${MARKER_WORDS}`), 20_000);
    await onEast.says(/DPD: Clearing Connection/);
    ok(wire.count(isEsp) > espBefore);
  });
  equal(wire.count(isPing), 0, "pings in the clear");
}, NEEDS);
