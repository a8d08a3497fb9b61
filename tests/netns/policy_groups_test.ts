/**
 * Policy groups while traffic flows: whatever moves from group to group, nothing of a private or blocked network is in the
 * clear (`_opportunists.ts` draws the net).
 */
import { equal, match, ok } from "node:assert/strict";
import { type Host, until } from "../../tools/_net.ts";
import { AT, opportunists } from "./_opportunists.ts";
import { conn, type Pluto } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, type Packet, PROTOCOL, Wire } from "./_wire.ts";

type Groups = Readonly<Record<string, readonly string[]>>;

const NEEDS = ["knot", "unbound"] as const;
const EVERYBODY = { "private-or-clear": ["0.0.0.0/0"] };
/** What west sends to somebody in the clear. */
const clearTo = (address: string) => (packet: Packet) =>
  packet.protocol === PROTOCOL.icmp && packet.destination.join(".") === address && contains(packet, MARKER);
const steadily = (host: Host, address: string) =>
  host.start(["ping", "-n", "-q", "-i", "0.01", ...MARKER_WORDS.split(" "), address]);

/** Makes the files of west's groups these, all others empty, and has them read. @returns what whack says */
async function regroup(onWest: Pluto, groups: Groups): Promise<string> {
  const folder = `${onWest.host.directory}/etc/ipsec.d/policies`;
  for (const { name } of Deno.readDirSync(folder)) await Deno.writeTextFile(`${folder}/${name}`, "");
  for (const [name, networks] of Object.entries(groups)) {
    await Deno.writeTextFile(`${folder}/${name}`, `# ${name}\n${networks.join("\n")}\n`);
  }
  return (await onWest.auto("--rereadgroups")).stdout;
}

scenario("groups change under traffic, and nothing private or blocked is in the clear", opportunists, async (all) => {
  const { west, east, start } = all;
  await start(east, EVERYBODY);
  const first: Groups = { ...EVERYBODY, private: ["198.51.100.0/24"], block: ["192.0.2.9"] };
  const onWest = await start(west, first);
  const wire = new Wire(await west.capture("eth0", `src host ${AT.west} and not port 53`));
  const pings = [steadily(west, AT.east), steadily(west, AT.north)];
  const MOVES: [what: string, groups: Groups][] = [
    ["a network is split", { ...first, private: ["198.51.100.0/25", "198.51.100.128/25"] }],
    ["its parts are narrowed to a host", { ...first, private: ["198.51.100.2"] }],
    ["the host becomes a network", { ...first, private: ["198.51.100.0/24"] }],
    ["block becomes private", { ...EVERYBODY, private: ["198.51.100.0/24", "192.0.2.8/30"] }],
    ["private becomes block, block a wider network", {
      ...EVERYBODY,
      private: ["192.0.2.9", "198.51.100.0/24"],
      block: ["192.0.2.0/24"],
    }],
    ["what was encrypted is blocked", { ...EVERYBODY, block: ["198.51.100.2", "192.0.2.9"] }],
    ["what was blocked is private for everybody", { private: ["0.0.0.0/0"] }],
    ["as at first", first],
  ];
  for (const [what, groups] of MOVES) {
    await all.step(what, async () => {
      await regroup(onWest, groups);
      const before = wire.count(() => true);
      const isEncrypted = !groups.block?.includes("198.51.100.2");
      if (isEncrypted) await until("ESP flows", () => wire.packets().slice(before).filter(isEsp).length > 5);
      else await new Promise((resolve) => setTimeout(resolve, 300));
      for (const address of [AT.east, AT.north]) equal(wire.count(clearTo(address)), 0, `in the clear to ${address}`);
    });
  }
  await all.step(
    "what is listed as clear is in the clear at last, and not from the moment on when it is private",
    async () => {
      await regroup(onWest, { ...EVERYBODY, clear: ["192.0.2.9", "198.51.100.2"] });
      for (const address of [AT.east, AT.north]) {
        await until(`${address} in the clear`, () => wire.count(clearTo(address)) > 5);
      }
      await regroup(onWest, first);
      const counts = [AT.east, AT.north].map((address) => wire.count(clearTo(address)));
      await wire.saw("ESP again", isEsp, wire.count(isEsp) + 5);
      // what had left before may have been written to the capture later
      const later = [AT.east, AT.north].map((address) => wire.count(clearTo(address)));
      ok(later.every((count, i) => count - counts[i] <= 2), `${counts} became ${later}`);
    },
  );
  await all.step("a decision for clear does not outlive its group", async () => {
    await regroup(onWest, EVERYBODY);
    await until("north is talked to in the clear", async () => {
      const before = wire.count(clearTo(AT.north));
      await new Promise((resolve) => setTimeout(resolve, 100));
      return wire.count(clearTo(AT.north)) > before;
    });
    await regroup(onWest, first);
    await regroup(onWest, { ...EVERYBODY, private: ["192.0.2.9"] });
    const before = wire.count(clearTo(AT.north));
    await until(
      "it is refused",
      async () => (await onWest.auto("--status")).stdout.includes("192.0.2.9/32:0 => %drop"),
    );
    ok(wire.count(clearTo(AT.north)) - before <= 2);
  });
  for (const ping of pings) await ping.stop();
}, NEEDS);

scenario(
  "the most specific policy wins, among groups and connections; duplicates and disabling",
  opportunists,
  async (all) => {
    const { west, start } = all;
    const rejected = conn("not-north", {
      left: "%defaultroute",
      right: AT.north,
      type: "reject",
      authby: "never",
      auto: "route",
    });
    const reaches = (address: string) => west.canPing(address, "-c 1 -W 1");
    const onWest = await start(west, { block: ["198.51.100.0/24"], clear: ["198.51.100.2"] });
    await all.step("a host in clear within a blocked network", async () => {
      equal(await reaches(AT.east), true);
      await regroup(onWest, { clear: ["198.51.100.0/24"], block: ["198.51.100.2/31"] });
      equal(await reaches(AT.east), false);
    });
    await all.step("a connection of two hosts within a network that is clear", async () => {
      await onWest.write({ conns: [rejected], interfaces: "%defaultroute", secrets: all.keys.west.secrets });
      await regroup(onWest, { clear: ["192.0.2.0/24"] });
      equal(await reaches(AT.north), true);
      await onWest.add("not-north");
      await onWest.auto("--route not-north");
      equal(await reaches(AT.north), false);
      await onWest.auto("--delete not-north");
      equal(await reaches(AT.north), true);
    });
    await all.step("a network in two groups is said to be, and is in one", async () => {
      const said = await regroup(onWest, { private: ["0.0.0.0/0"], clear: ["0.0.0.0/0"] });
      match(said, /^003 ".*\/policies\/\S+" line 2: subnet "0\.0\.0\.0\/0", source 192\.0\.2\.1\/32, already "\S+"$/m);
    });
    await all.step("a group of one's own, made while IPsec runs as the chapter has it", async () => {
      await regroup(onWest, { clear: ["192.0.2.0/24"] });
      equal(await reaches(AT.north), true);
      const own = conn("not-north-either", { also: "block" });
      await onWest.write({ conns: [own], interfaces: "%defaultroute", secrets: all.keys.west.secrets });
      equal(await regroup(onWest, { clear: ["192.0.2.0/24"], "not-north-either": [AT.north] }), "");
      equal(await reaches(AT.north), false);
      await regroup(onWest, { clear: ["192.0.2.0/24"] });
      equal(await reaches(AT.north), true);
    });
    await all.step("opportunism is switched off as the chapter has it", async () => {
      const names = ["block", "private", "private-or-clear", "clear-or-private", "clear", "packetdefault"];
      await west.ipsec("setup stop");
      const off = await start(west, { private: ["0.0.0.0/0"] }, {
        conns: names.map((name) => conn(name, { auto: "ignore" })),
      });
      equal((await off.auto("--status")).stdout.match(/^000 "/m), null);
      equal(await reaches(AT.north), true);
      await west.ipsec("setup stop");
      const byOe = await start(west, { private: ["0.0.0.0/0"] }, { setup: ["oe=no"] });
      equal((await byOe.auto("--status")).stdout.match(/^000 "/m), null);
      equal(await reaches(AT.north), true);
    });
    await all.step(
      "packetdefault, with oe=yes: what no group names is encrypted where it can be, else in the clear",
      async () => {
        await west.ipsec("setup stop");
        const onWestNow = await start(west, { private: [], clear: [], block: [] }, { setup: ["oe=yes"] });
        await start(all.east, EVERYBODY);
        await west.pings(AT.east, `-c 1 -W 10 ${MARKER_WORDS}`);
        await onWestNow.has(1, "packetdefault");
        await west.pings(AT.north, "-c 1 -W 5");
        // of a host behind west, too, whose record nobody has made: in the clear
        await all.sunset.pings(AT.north, "-c 1 -W 5");
        const shown = (await onWestNow.auto("--status")).stdout;
        match(shown, /^000 10\.1\.0\.10\/32:0 -0-> 192\.0\.2\.9\/32:0 => %pass /m);
      },
    );
  },
  NEEDS,
);
