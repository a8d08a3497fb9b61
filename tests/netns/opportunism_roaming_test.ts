/**
 * A host that nobody can find, since it has no record at its address, and that moves from one address to another: it finds
 * others (`_opportunists.ts` draws the net; west moves).
 */
import { equal } from "node:assert/strict";
import { until } from "../../tools/_net.ts";
import { AT, type Opportunists, opportunists, REVERSE } from "./_opportunists.ts";
import type { Pluto } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { contains, isEsp, MARKER, MARKER_WORDS, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const HOP = "192.0.2.254";
const PLACES = [AT.west, "192.0.2.33", "192.0.2.34"];
const NAME = "west.example";
const NEEDS = ["knot", "unbound"] as const;
const isPing = (packet: Packet) => packet.protocol === PROTOCOL.icmp && contains(packet, MARKER);

/** As by DHCP: the old address goes, and with it what the kernel had by it; another one comes, and a hook tells IPsec. */
async function moves({ west, net }: Opportunists, from: string, to: string): Promise<void> {
  await west.ip(`addr del ${from} peer ${HOP} dev eth0`);
  await west.ip("addr flush dev ipsec0");
  await net.hosts.net.ip(`addr add ${HOP} peer ${to} dev eth0`);
  await west.ip(`addr add ${to} peer ${HOP} dev eth0`);
  await west.ip(`route replace default via ${HOP} dev eth0`);
  await west.ipsec(`_ppp up eth0 none 0 ${to} ${HOP}`);
}

/** What says that something was done which could not be done. */
function complaints({ log }: Pluto): string[] {
  return log.split("\n").filter((line) =>
    /No such process|internal error|command exited|errno|cannot|could not/i.test(line)
  );
}

scenario("a road warrior that only initiates", () =>
  opportunists({
    zones: async ({ west }) => ({
      [REVERSE.west]: "",
      "example.": `west ${await west.record("--ipseckey", "--gateway", NAME)}`,
    }),
  }), async (all) => {
  const { west, east, start } = all;
  const onEast = await start(east, { "private-or-clear": ["0.0.0.0/0"] });
  const onWest = await start(west, { private: ["0.0.0.0/0"] }, { setup: [`myid=@${NAME}`] });
  const wire = new Wire(await west.capture("eth0", "not port 53"));
  for (const [i, place] of PLACES.entries()) {
    await all.step(`at ${place}`, async () => {
      if (i > 0) await moves(all, PLACES[i - 1], place);
      const before = wire.count(isEsp);
      await until("east is reached", () => west.canPing(AT.east, `-c 1 -W 2 ${MARKER_WORDS}`), 30_000);
      await west.pings(AT.east, `-c 3 -i 0.05 -W 2 ${MARKER_WORDS}`);
      await wire.saw("ESP", isEsp, before + 8);
      await onWest.has(1, "private#0.0.0.0/0");
      equal((await onWest.established("isakmp")).length, 1);
    });
  }
  await all.step("all is in order on both sides", async () => {
    equal(wire.count(isPing), 0, "pings in the clear");
    // the address is another one, the identity is not: the earlier instances have gone
    await onEast.has(1, "private-or-clear#0.0.0.0/0");
    for (const pluto of [onWest, onEast]) equal(complaints(pluto).join("\n"), "");
  });
}, NEEDS);
