/**
 * Opportunistic encryption: hosts whose administrators never spoke encrypt to each other, because the DNS says how
 * (`_opportunists.ts` draws the net).
 */
import { equal, ok } from "node:assert/strict";
import { type Host, until } from "../../tools/_net.ts";
import { AT, newKey, opportunists, REVERSE } from "./_opportunists.ts";
import { scenario } from "./_scenario.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const isPing = (packet: Packet) => packet.protocol === PROTOCOL.icmp && contains(packet, MARKER);
const NEEDS = ["knot", "unbound"] as const;

/** Pings until one is answered. */
async function reaches(host: Host, address: string, words = "-c 1 -W 1"): Promise<void> {
  await until(`${host.name} reaches ${address}`, () => host.canPing(address, `${words} ${MARKER_WORDS}`));
}

scenario("two hosts that know only the DNS encrypt from the first packet", opportunists, async (all) => {
  const { west, east, north, start } = all;
  const groups = { "private-or-clear": ["0.0.0.0/0"] };
  const [onWest, onEast] = [await start(west, groups), await start(east, groups)];
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  await all.step("a single ping, held until the tunnel is there", async () => {
    // the first packet itself is held, and sent when the SA is there
    await west.pings(AT.east, `-c 1 -W 10 ${MARKER_WORDS}`);
    await wire.saw("ESP", isEsp, 2);
    equal(wire.count(isPing), 0, "pings in the clear");
    await onWest.has(1, "private-or-clear#0.0.0.0/0");
    await onEast.has(1, "private-or-clear#0.0.0.0/0");
  });
  await all.step("the other way the same tunnel serves", async () => {
    await east.pings(AT.west, `-c 2 -i 0.05 -W 5 ${MARKER_WORDS}`);
    equal(wire.count(isPing), 0, "pings in the clear");
    equal((await onEast.established("isakmp")).length, 1);
  });
  await all.step("a host without a record is talked to in the clear, quickly from then on", async () => {
    await reaches(west, AT.north);
    await west.pings(AT.north, `-c 3 -i 0.05 -W 1 ${MARKER_WORDS}`);
    ok(wire.count(isPing) >= 8);
    const status = (await onWest.auto("--status")).stdout;
    ok(/192\.0\.2\.1\/32:0 -0-> 192\.0\.2\.9\/32:0 => %pass \d+,\d+ {4}/.test(status), status);
    await north.pings(AT.west);
  });
}, NEEDS);

scenario("private blocks whom it cannot encrypt to; clear and block need no questions", opportunists, async (all) => {
  const { west, east, authority, keys, start } = all;
  const onWest = await start(west, {
    private: ["198.51.100.0/24", "192.0.2.9/32"],
    clear: ["203.0.113.0/24"],
    block: ["192.0.2.8/32"],
  });
  await start(east, { "private-or-clear": ["0.0.0.0/0"] });
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  await all.step("private with a record is encrypted", async () => {
    await west.pings(AT.east, `-c 1 -W 10 ${MARKER_WORDS}`);
    equal(wire.count(isPing), 0, "pings in the clear");
  });
  await all.step("private without a record is blocked", async () => {
    equal(await west.canPing(AT.north, `-c 3 -i 0.3 -W 1 ${MARKER_WORDS}`), false);
    await until(
      "the decision is shown",
      async () => (await onWest.auto("--status")).stdout.includes("192.0.2.9/32:0 => %drop"),
    );
    equal(wire.count(isPing), 0, "pings in the clear");
  });
  await all.step("a wrong key is refused, and nothing leaks", async () => {
    const other = await newKey();
    await authority.set(REVERSE.east, `2 ${await other.txt(AT.east)}`);
    await onWest.auto("--down private#198.51.100.0/24");
    await until("west forgets east", async () => !(await west.ipsec("eroute")).includes("esp"));
    const before = wire.count(isPing);
    equal(await west.canPing(AT.east, `-c 3 -i 0.5 -W 1 ${MARKER_WORDS}`), false);
    equal(wire.count(isPing), before, "pings in the clear");
    await onWest.says(/Signature check \(on 198\.51\.100\.2\) failed \(wrong key\?\)/);
    await authority.set(REVERSE.east, `2 ${await keys.east.txt(AT.east)}`);
  });
}, NEEDS);

scenario("clear-or-private asks nobody, and encrypts with whoever asks", opportunists, async (all) => {
  const { west, east, start } = all;
  const onWest = await start(west, { "clear-or-private": ["0.0.0.0/0"] });
  const wire = new Wire(await west.capture("eth0", `host ${AT.west} and not port 53`));
  const isIke = ({ protocol, ports }: Packet) => protocol === PROTOCOL.udp && ports.includes(500);
  await all.step("its own packets go in the clear, and no negotiation begins", async () => {
    await west.pings(AT.east, `-c 3 -i 0.05 -W 1 ${MARKER_WORDS}`);
    await wire.saw("pings", isPing, 6);
    equal(wire.count(isIke), 0);
  });
  await all.step("a peer that wants privacy gets it, and from then on so do we", async () => {
    await start(east, { private: ["0.0.0.0/0"] });
    await east.pings(AT.west, `-c 1 -W 10 ${MARKER_WORDS}`);
    await onWest.has(1, "clear-or-private#0.0.0.0/0");
    const before = wire.count(isPing), espBefore = wire.count(isEsp);
    await west.pings(AT.east, `-c 3 -i 0.05 -W 2 ${MARKER_WORDS}`);
    await wire.saw("ESP", isEsp, espBefore + 6);
    equal(wire.count(isPing), before, "pings in the clear");
  });
}, NEEDS);
