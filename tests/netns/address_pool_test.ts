/**
 * A gateway with a pool of addresses in IPv6, and a laptop that has none: both ours, and IPv4 between them.
 *
 * ```
 * sunset fd01:1::10 -- west 192.0.2.1, the gateway ====== 192.0.2.2 east, the laptop with fd00:3::1
 * ```
 */
import { doesNotMatch, match } from "node:assert/strict";
import { ADDRESS, fourHosts, until } from "../../tools/_net.ts";
import { conn, Pluto } from "./_pluto.ts";
import { scenario } from "./_scenario.ts";

const { west: WEST, east: EAST } = ADDRESS.inet, { westNet: NET, sunset: SUNSET } = ADDRESS.inet6;
const ASSIGNED = "fd00:3::1";
const COMMON = { modecfgpull: "yes", authby: "secret", auto: "add" } as const;
const SECRETS = ': PSK "of the tests and of nothing else"\n';

scenario("a laptop gets an address of IPv6 out of a pool, over IPv4", fourHosts, async ({ sunset, west, east }) => {
  const road = { left: WEST, leftsubnet: NET, right: "%any", rightaddresspool: "fd00:3::/64", rekey: "no" };
  const office = { left: EAST, leftsourceip: "%config", right: WEST, rightsubnet: NET };
  const [server, client] = await Promise.all([
    Pluto.start(west, { conns: [conn("road", { ...road, ...COMMON })], secrets: SECRETS }),
    Pluto.start(east, { conns: [conn("office", { ...office, ...COMMON })], secrets: SECRETS }),
  ]);
  await client.up("office");
  match(await east.ip(`route get ${SUNSET}`), new RegExp(`dev ipsec0 .*src ${ASSIGNED} `));
  await until("data flows", () => east.canPing(SUNSET));
  await sunset.pings(ASSIGNED);
  match(
    (await server.auto("--status")).stdout,
    /"road"\[1\]: +address pool: '192\.0\.2\.2' has fd00:3::1 of fd00:3::1-/,
  );
  await client.down("office");
  await until("the gateway has no state left", async () => (await server.states()).length === 0);
  doesNotMatch(await east.ip("-6 addr"), new RegExp(ASSIGNED));
  match((await server.auto("--status")).stdout, /addresses; in use: 0; kept for their return: 1;/);
});
