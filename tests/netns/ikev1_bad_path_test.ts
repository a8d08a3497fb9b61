/**
 * Keys are replaced while packets overtake each other, come twice, or get lost on the way.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 -- router 192.0.2.254 -- 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { equal, match, ok } from "node:assert/strict";
import { until } from "../../tools/_net.ts";
import { SteadyPing } from "../interop/_steady_ping.ts";
import { BadPath, type Ills } from "./_bad_path.ts";
import { routedHosts, ROUTER } from "./_nets.ts";
import { interfaceStatus, scenario } from "./_scenario.ts";
import { AT, SECRETS, startBoth, tunnel } from "./_two_plutos.ts";

const WAYS = [["eth0", "eth1", AT.east], ["eth1", "eth0", AT.west]] as const;
const SEED = 20260;

/** Nothing is lost: with 64 packets of a replay window, and pings 50 ms apart, none may be. */
const DISORDER: Ills = {
  seed: SEED,
  ike: { lost: 0, twice: 50, late: 60, mostMs: 1500 },
  data: { lost: 0, twice: 30, late: 50, mostMs: 200 },
};
const LOSSES: Ills = {
  seed: SEED + 1,
  ike: { lost: 15, twice: 30, late: 40, mostMs: 500 },
  data: { lost: 10, twice: 10, late: 30, mostMs: 100 },
};
/** Pings that may be on their way, out and back: one is sent each 50 ms. */
const UNDER_WAY = 2 * DISORDER.data.mostMs / 50 + 2;
const LIVES = { keylife: "14s", ikelifetime: "18s", rekeymargin: "8s", rekeyfuzz: "0%" };
const REPLACEMENTS = 3;
/** In the second, IKE and ESP share a port, and pluto hears by way of KLIPS. */
const WAYS_OF_ESP = [["as ESP", {}], ["in UDP", { forceencaps: "yes" }]] as const;

const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;

for (const [how, settings] of WAYS_OF_ESP) {
  scenario(
    `keys of both phases are replaced over a path that disorders and repeats packets, ${how}`,
    routedHosts,
    async (four) => {
      const { sunset, router, east } = four;
      const path = await BadPath.start(router, DISORDER, WAYS);
      const hops = { leftnexthop: ROUTER.inet, rightnexthop: ROUTER.inet };
      const plutos = await startBoth(four, {
        conns: [tunnel("office", { ...LIVES, ...hops, ...settings, keyingtries: "0" })],
        secrets: SECRETS,
      });
      await plutos.west.up("office");
      await plutos.east.has(1, "office");
      const ping = await SteadyPing.start(sunset, AT.sunrise);
      const replaced = (what: string, from = 0) => {
        const began = new RegExp(`initiating ${what} Mode .*to replace`, "g");
        return count(plutos.west.log.slice(from), began) + count(plutos.east.log.slice(from), began);
      };
      await until(
        "both phases are replaced",
        () => replaced("Quick") >= REPLACEMENTS && replaced("Main") >= REPLACEMENTS,
        90_000,
      );
      await ping.goesOn(20);
      const lost = await ping.stop(UNDER_WAY);
      const done = await path.stop();
      ok(done.late > 100 && done.twice > 100, JSON.stringify(done));
      equal(lost, 0, `${lost} pings without an answer; the path: ${JSON.stringify(done)}`);
      const { drops } = await interfaceStatus(east);
      ok((drops.REPLAYED ?? 0) > 0, "what came twice was delivered once");
      ok(!("AUTH_FAILED" in drops) && !("WRONG_POLICY" in drops), JSON.stringify(drops));

      const worse = await BadPath.start(router, LOSSES, WAYS);
      const before = { west: plutos.west.log.length, east: plutos.east.log.length };
      await until("keys are replaced although messages get lost", () => {
        const again = (pluto: "west" | "east") =>
          count(plutos[pluto].log.slice(before[pluto]), /IPsec SA established/g);
        return again("west") >= REPLACEMENTS && again("east") >= REPLACEMENTS;
      }, 150_000);
      const evil = await worse.stop();
      ok(evil.lost > 0, JSON.stringify(evil));
      await router.sysctl("net.ipv4.ip_forward", 1);
      await until("data flows", () => sunset.canPing(AT.sunrise), 60_000);
      for (const pluto of [plutos.west, plutos.east]) {
        match(pluto.log, /IPsec SA established/);
        equal(/defect|internal error/.exec(pluto.log)?.[0], undefined);
        ok((await pluto.established("ipsec")).length <= 6, "what was replaced goes");
      }
    },
  );
}
