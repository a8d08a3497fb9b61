/**
 * KLIPS takes no SA, or no eroute, of a Quick Mode that has gone well otherwise: both ends say why, both forget it, and the
 * next attempt is as good as any.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 * West begins. What is in the way has been keyed by hand.
 */
import { doesNotMatch, match, strictEqual as equal } from "node:assert/strict";
import { fourHosts, type Host, until } from "../../tools/_net.ts";
import type { Pluto } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";
import { reaches } from "./_setup.ts";
import { AT, SECRETS, startBoth, tunnel } from "./_two_plutos.ts";

const HOST = { west: AT.west, east: AT.east } as const;
const NET = { west: AT.westNet, east: AT.eastNet } as const;
type Gateway = keyof typeof HOST;
const OTHER = { west: "east", east: "west" } as const;

interface Obstacle {
  readonly what: string;
  put(host: Host, at: Gateway): Promise<unknown>;
  clear(host: Host, at: Gateway): Promise<unknown>;
  /** What is said where it stands. */
  readonly reason: RegExp;
}

/** The next tunnels of pluto's, in and out. */
const TUNNELS = [...Array(20).keys()].map((i) => `0x${(0x1001 + i).toString(16)}`);

const OBSTACLES: readonly Obstacle[] = [
  {
    what: "an eroute",
    put: (host, at) => host.ipsec(`eroute --add --eraf inet --src ${NET[at]} --dst ${NET[OTHER[at]]} --said %drop`),
    clear: (host, at) => host.ipsec(`eroute --del --eraf inet --src ${NET[at]} --dst ${NET[OTHER[at]]}`),
    reason: /ERROR: PF_KEY SADB_X_ADDFLOW response for flow \S+ included errno 17: File exists/,
  },
  ...(["in", "out"] as const).map((direction): Obstacle => {
    const to = (at: Gateway) => HOST[direction === "in" ? at : OTHER[at]];
    const from = (at: Gateway) => HOST[direction === "in" ? OTHER[at] : at];
    return {
      what: `an ${direction}bound SA`,
      put: async (host, at) => {
        for (const spi of TUNNELS) {
          await host.ipsec(
            `spi --af inet --edst ${to(at)} --spi ${spi} --proto tun --ip4 --src ${from(at)} --dst ${to(at)}`,
          );
        }
      },
      clear: async (host, at) => {
        for (const spi of TUNNELS) await host.tryIpsec(`spi --af inet --edst ${to(at)} --spi ${spi} --proto tun --del`);
      },
      reason: /ERROR: PF_KEY SADB_ADD response for Add SA tun\.10[0-9a-f]{2}@\S+ included errno 17: File exists/,
    };
  }),
];

/** Of IPsec; those of the ISAKMP SA stay. */
async function quickStates(pluto: Pluto): Promise<string> {
  return (await pluto.states()).filter(({ state }) => state.startsWith("QUICK")).map(({ line }) => line).join("\n");
}

/** SAs of ESP. */
async function keyed(host: Host): Promise<string> {
  return (await host.ipsec("look")).split("\n").filter((line) => line.startsWith("esp")).join("\n");
}

scenario("what KLIPS refuses ends at both ends, and the next attempt works", fourHosts, async (four) => {
  const { sunset } = four;
  const plutos = await startBoth(four, { conns: [tunnel("office")], secrets: SECRETS });
  for (const { what, put, clear, reason } of OBSTACLES) {
    for (const at of ["west", "east"] as const) {
      await four.step(`${what} is in the way of ${at}`, async () => {
        const host = four[at], pluto = plutos[at];
        await put(host, at);
        const before = pluto.log.length;
        const { status, stdout } = await plutos.west.auto("--up office");
        if (at === "west") {
          match(stdout, reason);
          equal(status, 32);
          doesNotMatch(stdout, /IPsec SA established/);
        } else await pluto.says(reason, before);
        match(pluto.log.slice(before), reason);
        await plutos.west.host.ipsec("auto --down office");
        for (const gateway of ["west", "east"] as const) {
          await until(`${gateway} has no state of it`, async () => await quickStates(plutos[gateway]) === "");
          await until(`${gateway}'s KLIPS has no SA of it`, async () => await keyed(four[gateway]) === "");
        }
        await clear(host, at);
        await plutos.west.up("office");
        await reaches(sunset, AT.sunrise);
        await plutos.west.down("office");
        for (const gateway of ["west", "east"] as const) {
          await until(
            `${gateway} has let go`,
            async () => (await four[gateway].tryIpsec("auto --unroute office")).status === 0,
          );
        }
      });
    }
  }
});
