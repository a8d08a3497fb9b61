/**
 * New keys come in time: what goes on meanwhile is not disturbed.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10
 * ```
 */
import { deepEqual, ok } from "node:assert/strict";
import { keyDirection, keyTunnel, startKlips } from "../../tools/_keying.ts";
import { ADDRESS, fourHosts, until } from "../../tools/_net.ts";
import { pfkeyClient, scenario } from "./_scenario.ts";

const { sunrise: SUNRISE, east: EAST, west: WEST, westNet: WEST_NET, eastNet: EAST_NET } = ADDRESS.inet;
const EASTWARD = { from: WEST, to: EAST, source: WEST_NET, destination: EAST_NET };
const WESTWARD = { from: EAST, to: WEST, source: EAST_NET, destination: WEST_NET };

/** What is used from each SPI on; the way back has the next SPI. */
const GENERATIONS: [spi: number, esp: string][] = [
  [0x2000, "aes256-sha2_256-128"],
  [0x3000, "chacha20poly1305"],
  [0x4000, "3des-sha1-96"],
];

scenario("keys and algorithms change under traffic, and no packet is lost", fourHosts, async (four) => {
  const { sunset, west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, { esp: "aes128gcm16" }, 0x1000);
  let [old, oldBack] = [0x1000, 0x1100];
  const pinging = sunset.start(["ping", "-n", "-i", "0.01", "-W", "5", SUNRISE]);
  await until("ping is answered", () => pinging.output.includes("icmp_seq=10 "));
  for (const [spi, esp] of GENERATIONS) {
    // those that receive first, then those that send: `eroute --replace` is the moment of change
    await Promise.all([
      keyDirection(west, { esp }, WESTWARD, spi + 1, false),
      keyDirection(east, { esp }, EASTWARD, spi, false),
    ]);
    await Promise.all([
      keyDirection(west, { esp }, EASTWARD, spi, true),
      keyDirection(east, { esp }, WESTWARD, spi + 1, true),
    ]);
    for (const host of [west, east]) {
      await host.ipsec(`spi --del --said tun.${old.toString(16)}@${EAST}`);
      await host.ipsec(`spi --del --said tun.${oldBack.toString(16)}@${WEST}`);
    }
    [old, oldBack] = [spi, spi + 1];
  }
  const answered = () => [...pinging.output.matchAll(/icmp_seq=(\d+) .*time=/g)].map(([, seq]) => Number(seq));
  const then = answered().at(-1)!;
  await until("traffic goes on", () => answered().at(-1)! > then + 10);
  await pinging.stop("SIGINT");
  deepEqual(answered(), answered().map((_, i) => i + 1), "one answer was lost");
});

scenario("KLIPS answers its tools while packets keep coming", fourHosts, async (four) => {
  const { sunset, west, east } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, { esp: "aes128gcm16" });
  const pinging = sunset.start(["ping", "-n", "-c", "200", "-i", "0.01", SUNRISE]);
  await until("ping is answered", () => pinging.output.includes("icmp_seq=1 "));
  const client = await pfkeyClient(west);
  try {
    let answers = 0;
    for (; pinging.ended === undefined; answers++) await client.readProc("version");
    ok(answers > 20, `${answers} answers while 200 packets passed`);
  } finally {
    client.close();
  }
});
