/**
 * A tunnel in a tunnel: what west sends to east goes in a tunnel to the router, a gateway itself, and the other way.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ==== router 192.0.2.254 ---- 192.0.2.2 east -- sunrise 10.2.0.10
 *                          ===================================== tunnel in the tunnel
 * ```
 */
import { equal } from "node:assert/strict";
import { keyDirection, type Keying, keyTunnel, startKlips } from "../../tools/_keying.ts";
import { ADDRESS } from "../../tools/_net.ts";
import { type RoutedHosts, routedHosts, ROUTER } from "./_nets.ts";
import { interfaceStatus, scenario } from "./_scenario.ts";
import { isEsp, isEspInUdp, type Packet, Wire } from "./_wire.ts";

const { west: WEST, east: EAST, sunset: SUNSET, sunrise: SUNRISE } = ADDRESS.inet;
const MIDDLE = ROUTER.inet;

/** Between west and the router, for what goes from west to east and back. */
async function keyOuter({ west, router }: RoutedHosts, keying: Keying): Promise<void> {
  const out = { from: WEST, to: MIDDLE, source: `${WEST}/32`, destination: `${EAST}/32` };
  const back = { from: MIDDLE, to: WEST, source: `${EAST}/32`, destination: `${WEST}/32` };
  await keyDirection(west, keying, out, 0x2000, true);
  await keyDirection(west, keying, back, 0x2100, false);
  await keyDirection(router, keying, back, 0x2100, true);
  await keyDirection(router, keying, out, 0x2000, false);
  await router.ip(`route replace ${WEST}/32 dev ipsec0`);
}

const OUTER: [name: string, keying: Keying, is: (packet: Packet) => boolean][] = [
  ["ESP", { esp: "aes128gcm16" }, isEsp],
  ["ESP in UDP", { esp: "aes128gcm16", natt: true }, isEspInUdp],
];
for (const [name, keying, is] of OUTER) {
  scenario(`a tunnel within a tunnel of ${name}`, routedHosts, async (four) => {
    const { sunset, west, router, east, sunrise } = four;
    await Promise.all([west, router, east].map((host) => startKlips(host)));
    await keyTunnel(four, { esp: "aes256-sha2_256-128" });
    await keyOuter(four, keying);
    const near = new Wire(await west.capture("eth0"));
    const far = new Wire(await east.capture("eth0"));
    await sunset.pings(SUNRISE, "-c 3 -i 0.05 -W 2");
    await sunrise.pings(SUNSET, "-c 3 -i 0.05 -W 2 -s 4000");
    await far.saw("inner ESP", isEsp, 6);
    const ends = ({ source, destination }: Packet) => [source.join("."), destination.join(".")].sort().join(" ");
    const seen = (await near.stop()).filter(({ version }) => version === 4);
    equal(seen.filter(is).length, seen.length, near.summary());
    equal([...new Set(seen.map(ends))].join(), `${WEST} ${MIDDLE}`, "west talks to the router only");
    equal([...new Set((await far.stop()).filter(isEsp).map(ends))].join(), `${WEST} ${EAST}`);
    equal((await interfaceStatus(west)).drops.UNKNOWN_SA, undefined);
  });
}
