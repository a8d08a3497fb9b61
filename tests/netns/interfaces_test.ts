/**
 * Interfaces come, go and change under a running KLIPS.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { match } from "node:assert/strict";
import { keyDirection, type Keying, keyTunnel, startKlips } from "../../tools/_keying.ts";
import { ADDRESS, type FourHosts, fourHosts, type Host, until } from "../../tools/_net.ts";
import { forget, interfaceStatus, scenario } from "./_scenario.ts";
import { isEsp, Wire } from "./_wire.ts";

const { sunrise: SUNRISE, westNet: WEST_NET, eastNet: EAST_NET, west: WEST, east: EAST } = ADDRESS.inet;

const KEYING: Keying = { esp: "aes128gcm16" };

interface Tunnel {
  readonly west: string;
  readonly east: string;
  readonly westNet: string;
  readonly eastNet: string;
  /** Interface on both sides, and the inner addresses of the gateways. */
  readonly device: string;
  readonly westInner: string;
  readonly eastInner: string;
}

/** Keys a tunnel between addresses of one's choice. */
async function keyBetween({ west, east }: FourHosts, tunnel: Tunnel, spi: number): Promise<void> {
  const out = { from: tunnel.west, to: tunnel.east, source: tunnel.westNet, destination: tunnel.eastNet };
  const back = { from: tunnel.east, to: tunnel.west, source: tunnel.eastNet, destination: tunnel.westNet };
  await keyDirection(west, KEYING, out, spi, true);
  await keyDirection(west, KEYING, back, spi + 1, false);
  await keyDirection(east, KEYING, back, spi + 1, true);
  await keyDirection(east, KEYING, out, spi, false);
  await west.ip(`route replace ${tunnel.eastNet} dev ${tunnel.device} src ${tunnel.westInner}`);
  await east.ip(`route replace ${tunnel.westNet} dev ${tunnel.device} src ${tunnel.eastInner}`);
}

const PLAIN: Tunnel = {
  west: WEST,
  east: EAST,
  westNet: WEST_NET,
  eastNet: EAST_NET,
  device: "ipsec0",
  westInner: ADDRESS.inet.westInner,
  eastInner: ADDRESS.inet.eastInner,
};

function attachment(host: Host, line: RegExp): Promise<void> {
  return until(`tncfg of ${host.name} shows ${line.source}`, async () => line.test(await host.ipsec("tncfg")));
}

scenario("eth0 goes down and comes back up: the tunnel goes on", fourHosts, async (four) => {
  const { sunset, west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, KEYING);
  await sunset.pings(SUNRISE);
  await west.ip("link set eth0 down");
  await attachment(west, /^ipsec0 -> NULL/m);
  await west.ip("link set eth0 up");
  await attachment(west, /^ipsec0 -> eth0/m);
  await sunset.pings(SUNRISE, "-c 5 -i 0.2 -W 2");
});

scenario("eth0 is deleted and returns with another address, as with ppp", fourHosts, async (four) => {
  const { net, sunset, west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, KEYING);
  await sunset.pings(SUNRISE);
  await west.ip("link del eth0");
  await Promise.all([attachment(west, /^ipsec0 -> NULL/m), attachment(east, /^ipsec0 -> NULL/m)]);
  await net.plug(["west", "eth0", "east", "eth0"]);
  await west.ip("addr add 192.0.2.101/24 dev eth0");
  await east.ip(`addr add ${EAST}/24 dev eth0`);
  await Promise.all([attachment(west, /^ipsec0 -> eth0/m), attachment(east, /^ipsec0 -> eth0/m)]);
  // what the FAQ gives for this changes nothing; another device is refused as ever
  await west.ipsec("tnconfig --attach --virtual ipsec0 --physical eth0");
  match((await west.tryIpsec("tncfg --attach --virtual ipsec0 --physical eth1")).stderr, /Device busy/);
  await Promise.all([forget(west), forget(east)]);
  await keyBetween(four, { ...PLAIN, west: "192.0.2.101" }, 0x2000);
  await sunset.pings(SUNRISE);
});

scenario("ipsec0 goes down and comes back up", fourHosts, async (four) => {
  const { sunset, west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, KEYING);
  await west.ip("link set ipsec0 down");
  await sunset.pings(ADDRESS.inet.westInner);
  await west.ip("link set ipsec0 up");
  await west.ip(`route replace ${EAST_NET} dev ipsec0`); // the kernel took it with the device
  await sunset.pings(SUNRISE);
});

scenario(
  "ipsec0 is deleted by somebody: KLIPS says so, and attaches it again when told to",
  fourHosts,
  async (four) => {
    const { sunset, west, east } = four;
    await Promise.all([startKlips(west), startKlips(east)]);
    await keyTunnel(four, KEYING);
    await west.ip("link del ipsec0");
    await attachment(west, /^ipsec0 -> NULL/m);
    match(await Deno.readTextFile(west.klipsLog), /KLIPS device ipsec0 shut down/);
    await west.ipsec("tncfg --attach --virtual ipsec0 --physical eth0");
    await west.ip("link set ipsec0 up");
    await west.ip(`route replace ${EAST_NET} dev ipsec0`);
    await sunset.pings(SUNRISE);
  },
);

scenario("ipsec0 to ipsec3 on four physical interfaces at once", fourHosts, async (four) => {
  const { net, west, east } = four;
  for (const host of [west, east]) await host.ipsec("klips --start");
  for (let i = 0; i < 4; i++) {
    const physical = i === 0 ? "eth0" : `eth${i + 1}`;
    if (i > 0) {
      await net.plug(["west", physical, "east", physical]);
      await west.ip(`addr add 198.51.${i}.1/24 dev ${physical}`);
      await east.ip(`addr add 198.51.${i}.2/24 dev ${physical}`);
    }
    await west.ip(`addr add 10.3.${i}.1/24 dev lo`);
    await east.ip(`addr add 10.4.${i}.1/24 dev lo`);
    for (const host of [west, east]) {
      await host.ipsec(`tncfg --attach --virtual ipsec${i} --physical ${physical}`);
      await host.ip(`link set ipsec${i} up`);
    }
    const ends = i === 0 ? { west: WEST, east: EAST } : { west: `198.51.${i}.1`, east: `198.51.${i}.2` };
    const inner = { westInner: `10.3.${i}.1`, eastInner: `10.4.${i}.1`, device: `ipsec${i}` };
    const tunnel = { ...ends, ...inner, westNet: `10.3.${i}.0/24`, eastNet: `10.4.${i}.0/24` };
    await keyBetween(four, tunnel, 0x1000 + i * 16);
  }
  for (let i = 0; i < 4; i++) {
    await four.step(`ipsec${i}`, async () => {
      const wire = new Wire(await west.capture(i === 0 ? "eth0" : `eth${i + 1}`));
      await west.pings(`10.4.${i}.1`, `-c 3 -i 0.05 -W 2 -I 10.3.${i}.1`);
      await wire.saw("ESP", isEsp, 6);
      await until("it is counted", async () => (await interfaceStatus(west, `ipsec${i}`)).rxPackets === 3);
    });
  }
});

scenario("ipsec0 on the alias eth0:1", fourHosts, async (four) => {
  const { sunset, west, east } = four;
  await west.ip("addr add 192.0.2.11/24 dev eth0 label eth0:1");
  await west.ipsec("klips --start");
  await west.ipsec("tncfg --attach --virtual ipsec0 --physical eth0:1");
  await west.ip("link set ipsec0 up");
  await startKlips(east);
  await keyBetween(four, { ...PLAIN, west: "192.0.2.11" }, 0x1000);
  await sunset.pings(SUNRISE);
});
