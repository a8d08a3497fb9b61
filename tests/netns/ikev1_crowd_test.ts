/**
 * A gateway with a thousand tunnels, each with identities, networks and a phase 1 of its own: all come up, all are
 * replaced, and the first and the last one carry data.
 *
 * ```
 * west 192.0.2.1 ====== 192.0.2.2 east, each with an address in a thousand networks
 * ```
 */
import { equal } from "node:assert/strict";
import { Net, until } from "../../tools/_net.ts";
import { ipsecHere } from "../interop/_here.ts";
import { scenario } from "./_scenario.ts";
import { AT, SECRETS, startBoth, tunnel } from "./_two_plutos.ts";

const TUNNELS = 1000;
const PATIENCE_MS = 240_000;

/** 10.16.0.0/24 and so on behind west, 10.32.0.0/24 and so on behind east. */
const networkOf = (side: 1 | 2, i: number) => `10.${side * 16 + (i >> 8)}.${i & 255}`;
const FIRST = 0, LAST = TUNNELS - 1;

async function twoHosts() {
  const net = await Net.make(["west", "east"], [["west", "eth0", "east", "eth0"]]);
  const { west, east } = net.hosts;
  try {
    for (const [host, outer, side] of [[west, AT.west, 1], [east, AT.east, 2]] as const) {
      await host.ip(`addr add ${outer}/24 dev eth0`);
      for (const i of [FIRST, LAST]) await host.ip(`addr add ${networkOf(side, i)}.1/32 dev lo`);
    }
    return { net, west, east, [Symbol.asyncDispose]: () => net[Symbol.asyncDispose]() };
  } catch (error) {
    await net[Symbol.asyncDispose]();
    throw error;
  }
}

scenario(`${TUNNELS} tunnels come up and are replaced`, twoHosts, async (two) => {
  const names = Array.from({ length: TUNNELS }, (_, i) => `t${i}`);
  const conns = names.map((name, i) =>
    tunnel(name, {
      leftid: `@west${i}`,
      rightid: `@east${i}`,
      leftsubnet: `${networkOf(1, i)}.0/24`,
      rightsubnet: `${networkOf(2, i)}.0/24`,
      pfs: "no",
      keylife: "100s",
      rekeymargin: "50s",
      rekeyfuzz: "0%",
      keyingtries: "0",
    })
  );
  const plutos = await startBoth({ ...two, sunset: two.west, sunrise: two.east }, { conns, secrets: SECRETS });
  /** Numbers of the newest IPsec SAs, by connection. */
  const newest = async () => {
    const states = await plutos.west.established("ipsec");
    return new Map(states.toSorted((a, b) => a.number - b.number).map(({ conn, number }) => [conn, number]));
  };
  for (const name of names) await ipsecHere(two.west, `whack --name ${name} --initiate`);
  const first = await newest();
  equal(first.size, TUNNELS);
  const carries = async (i: number) => {
    await two.west.pings(`${networkOf(2, i)}.1`, `-c 2 -i 0.05 -W 2 -I ${networkOf(1, i)}.1`);
  };
  for (const i of [FIRST, LAST]) await carries(i);
  await until("all are replaced", async () => {
    const now = await newest();
    return names.every((name) => (now.get(name) ?? 0) > first.get(name)!);
  }, PATIENCE_MS);
  for (const i of [FIRST, LAST]) await carries(i);
  for (const pluto of [plutos.west, plutos.east]) equal(/defect|internal error/.exec(pluto.log)?.[0], undefined);
});
