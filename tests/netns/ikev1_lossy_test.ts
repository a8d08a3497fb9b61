/**
 * A path that loses packets and sends others twice, while many tunnels come up at once.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 -- router 192.0.2.254 -- 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { equal } from "node:assert/strict";
import { until } from "../../tools/_net.ts";
import { routedHosts, ROUTER } from "./_nets.ts";
import { scenario } from "./_scenario.ts";
import { AT, SECRETS, startBoth, tunnel } from "./_two_plutos.ts";

const TUNNELS = 12, LOST_PERCENT = 6, TWICE_PERCENT = 20;
/** The first repetition comes after 10 seconds, the next ones after 20 and 40. */
const PATIENCE_MS = 150_000;

scenario(`${TUNNELS} tunnels over a path with losses and duplicates`, routedHosts, async (four) => {
  await four.router.run(["nft", "-f", "-"], {
    input: `
table ip bad {
  chain forward {
    type filter hook forward priority 0
    udp dport { 500, 4500 } numgen random mod 100 < ${LOST_PERCENT} drop
    ip daddr ${AT.west} udp dport { 500, 4500 } numgen random mod 100 < ${TWICE_PERCENT} dup to ${AT.west} device "eth0"
    ip daddr ${AT.east} udp dport { 500, 4500 } numgen random mod 100 < ${TWICE_PERCENT} dup to ${AT.east} device "eth1"
  }
}
`,
  });
  const names = Array.from({ length: TUNNELS }, (_, i) => `t${i}`);
  // each with identities of its own, so that each has a phase 1 of its own
  const conns = names.map((name, i) =>
    tunnel(name, {
      leftnexthop: ROUTER.inet,
      rightnexthop: ROUTER.inet,
      leftid: `@west${i}.example`,
      rightid: `@east${i}.example`,
      leftsubnet: `10.1.${i}.0/24`,
      rightsubnet: `10.2.${i}.0/24`,
      keyingtries: "0",
    })
  );
  const plutos = await startBoth(four, { conns, secrets: SECRETS });
  for (const name of names) await plutos.west.auto(`--async --up ${name}`);
  for (const pluto of [plutos.west, plutos.east]) {
    await until(`all tunnels are up on ${pluto.name}`, async () => {
      const up = new Set((await pluto.established("ipsec")).map(({ conn }) => conn));
      return up.size === TUNNELS;
    }, PATIENCE_MS);
  }
  await four.sunset.pings(AT.sunrise);
  await four.router.run(["nft", "flush", "ruleset"]);
  for (const pluto of [plutos.west, plutos.east]) equal(/defect|internal error/.exec(pluto.log)?.[0], undefined);
}, ["nft"]);
