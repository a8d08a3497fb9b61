/**
 * West is behind a NAT, and ESP goes in UDP (RFC 3948).
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 -- router 192.0.2.254 -- 192.0.2.2 east -- sunrise 10.2.0.10
 *                                       masquerades: east sees 192.0.2.254 and a port of its choice
 * ```
 */
import { deepEqual, ok } from "node:assert/strict";
import { keyDirection, type Keying, startKlips } from "../../tools/_keying.ts";
import { ADDRESS, type Host, until } from "../../tools/_net.ts";
import { inject } from "./_inject.ts";
import { type RoutedHosts, routedHosts, ROUTER, translate } from "./_nets.ts";
import { interfaceStatus, pfkeyClient, scenario } from "./_scenario.ts";
import { isEspInUdp, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const { west: WEST, east: EAST, sunset: SUNSET, sunrise: SUNRISE, westNet: WEST_NET, eastNet: EAST_NET } = ADDRESS.inet;
const KEYING: Keying = { esp: "aes128gcm16", natt: true };
/** East knows west by the NAT's address, and takes port 4500 until it learns better. */
const OUTSIDE = ROUTER.inet;

async function key({ west, east }: RoutedHosts): Promise<void> {
  const eastward = { source: WEST_NET, destination: EAST_NET }, westward = { source: EAST_NET, destination: WEST_NET };
  await keyDirection(west, KEYING, { from: WEST, to: EAST, ...eastward }, 0x1000, true);
  await keyDirection(west, KEYING, { from: EAST, to: WEST, ...westward }, 0x1100, false);
  await keyDirection(east, KEYING, { from: OUTSIDE, to: EAST, ...eastward }, 0x1000, false);
  await keyDirection(east, KEYING, { from: EAST, to: OUTSIDE, ...westward }, 0x1100, true);
  await west.ip(`route replace ${EAST_NET} dev ipsec0 src ${ADDRESS.inet.westInner}`);
  await east.ip(`route replace ${WEST_NET} dev ipsec0 src ${ADDRESS.inet.eastInner}`);
}

/** Where east sends to, as it learned it. */
async function mapping(east: Host): Promise<{ dport: number; peer?: string }> {
  const client = await pfkeyClient(east);
  try {
    const sas = JSON.parse(await client.readProc("spi/all.json"));
    const { udp: { dport, peer } } = sas.find(({ said }: { said: string }) => said === `esp0x1100@${OUTSIDE}`);
    return peer ? { dport, peer } : { dport };
  } finally {
    client.close();
  }
}

scenario("east follows west behind a NAT to other ports and addresses", routedHosts, async (four) => {
  const { sunset, west, router, east, sunrise } = four;
  await translate(router, "masquerade to :41000");
  await Promise.all([startKlips(west), startKlips(east)]);
  await key(four);

  await four.step("the NAT's port is learned from the first packet", async () => {
    await sunset.pings(SUNRISE);
    deepEqual(await mapping(east), { dport: 41000 });
    await sunrise.pings(SUNSET);
  });
  await four.step("another port", async () => {
    await translate(router, "masquerade to :42000");
    await sunset.pings(SUNRISE, "-c 3 -i 0.2 -W 2");
    deepEqual(await mapping(east), { dport: 42000 });
    await sunrise.pings(SUNSET);
  });
  await four.step("another address", async () => {
    await router.ip("addr add 203.0.113.9/32 dev eth1");
    await translate(router, "snat to 203.0.113.9:43000");
    await sunset.pings(SUNRISE, "-c 3 -i 0.2 -W 2");
    deepEqual(await mapping(east), { dport: 43000, peer: "203.0.113.9" });
    await sunrise.pings(SUNSET);
  });
  await four.step("packets that are not authentic move nothing", async () => {
    const wire = new Wire(await router.capture("eth1", `dst ${EAST}`));
    await sunset.pings(SUNRISE);
    await wire.saw("ESP in UDP", isEspInUdp);
    const forged = (await wire.stop()).find(isEspInUdp)!.bytes.slice();
    forged[20] = 0x99; // another source port
    forged[forged.length - 1] ^= 1;
    forged.fill(0, 26, 28); // no UDP checksum
    await router.run(["nft", "flush", "ruleset"]); // which would translate this one as well
    await inject(router, "eth1", [forged]);
    await until("it is refused", async () => {
      const { drops } = await interfaceStatus(east);
      return (drops.AUTH_FAILED ?? 0) + (drops.REPLAYED ?? 0) > 0;
    });
    deepEqual(await mapping(east), { dport: 43000, peer: "203.0.113.9" });
  });
}, ["nft"]);

/** RFC 3948 §2.3: one byte. */
function isKeepalive({ protocol, ports, payload }: Packet): boolean {
  return protocol === PROTOCOL.udp && ports[1] === 4500 && payload.length === 9 && payload[8] === 0xff;
}

scenario("an idle SA keeps its mapping open, as often as --keepalive says", routedHosts, async (four) => {
  const { sunset, west, router, east } = four;
  await translate(router, "masquerade to :41000");
  await Promise.all([startKlips(west, "--keepalive 1"), startKlips(east, "--keepalive 0")]);
  const wire = new Wire(await router.capture("eth0"));
  await key(four);
  await sunset.pings(SUNRISE);
  await wire.saw("keepalives", isKeepalive, 2);
  const seen = (await wire.stop()).filter(isKeepalive);
  ok(seen.every(({ source }) => source.join(".") === WEST), "only west sends them");
  deepEqual((await interfaceStatus(east)).drops.TRUNCATED, undefined);
  await sunset.pings(SUNRISE);
}, ["nft"]);
