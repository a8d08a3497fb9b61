/**
 * Packets that are too large for the way: senders hear of it, and nothing is lost.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 -- router 192.0.2.254 -- 192.0.2.2 east -- sunrise 10.2.0.10
 *                              links of 1500 or fewer bytes
 * ```
 */
import { equal, match, ok } from "node:assert/strict";
import { keyTunnel, startKlips } from "../../tools/_keying.ts";
import { ADDRESS, type Family, type FourHosts, fourHosts, type Host, until } from "../../tools/_net.ts";
import { inject } from "./_inject.ts";
import { type RoutedHosts, routedHosts, ROUTER } from "./_nets.ts";
import { forget, rekey, scenario, writeSysctl } from "./_scenario.ts";
import { isEsp, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const TCP_BYTES = 3_000_000;

/** Sends with TCP from one end to the other. */
async function sends(four: FourHosts, family: Family): Promise<void> {
  const words = `-c ${ADDRESS[family].sunrise} --connect-timeout 5000 --json -n ${TCP_BYTES}`;
  // ends when all is sent, with much of it still under way
  const { stdout } = await four.sunset.attempt(["timeout", "20", "iperf3", ...words.split(" ")]);
  const { end, error } = JSON.parse(stdout || '{ "error": "no end in 20 seconds" }');
  equal(error, undefined);
  ok(end.sum_received.bytes > TCP_BYTES / 10, `TCP carried ${end.sum_received.bytes} of ${TCP_BYTES} bytes`);
}

/** What a host believes that the path to an address carries, in bytes; undefined where it knows nothing. */
async function knownMtu(host: Host, address: string): Promise<number | undefined> {
  const found = / mtu (\d+)/.exec(await host.ip(`route get ${address}`));
  return found ? Number(found[1]) : undefined;
}

/** The effective MTU in `ipsec tncfg`: `ipsec0 -> eth0 mtu=16260(1443) -> 1500`. */
async function effectiveMtu(host: Host): Promise<number> {
  return Number(/^ipsec0 .*\((\d+)\)/m.exec(await host.ipsec("tncfg"))![1]);
}

async function start({ west, east, sunrise }: FourHosts): Promise<void> {
  const server = sunrise.start(["iperf3", "-s", "--forceflush"]);
  await Promise.all([startKlips(west), startKlips(east)]);
  await until("iperf3 listens", () => server.output.includes("listening"));
}

scenario("KLIPS tells senders how large a packet for the tunnel may be", fourHosts, async (four) => {
  const { sunset, west } = four;
  await start(four);
  await keyTunnel(four, { esp: "aes128gcm16" });
  await keyTunnel(four, { esp: "aes128gcm16", outer: "inet", inner: "inet6" }, 0x2000);
  for (const family of ["inet", "inet6"] as const) {
    await four.step(`${family}: ping that may not be fragmented`, async () => {
      const { stdout } = await sunset.attempt(
        ["ping", "-n", "-M", "do", "-c", "1", "-W", "2", "-s", "1440", ADDRESS[family].sunrise],
      );
      const mtu = await effectiveMtu(west);
      match(stdout, new RegExp(`(Frag needed and DF set|Packet too big).*mtu ?= ?${mtu}`));
      equal(await knownMtu(sunset, ADDRESS[family].sunrise), mtu);
      await sunset.pings(ADDRESS[family].sunrise, `-c 1 -W 2 -M do -s ${mtu - (family === "inet" ? 28 : 48)}`);
    });
    await four.step(`${family}: TCP goes in whole packets`, async () => {
      const wire = new Wire(await west.capture("eth0", `src ${ADDRESS.inet.west}`));
      await sends(four, family);
      await wire.saw("ESP", isEsp, 100);
      equal((await wire.stop()).filter(({ later }) => later).length, 0, wire.summary());
    });
  }
  await four.step("an MTU that the administrator gives ipsec0 counts", async () => {
    await west.ip("link set ipsec0 mtu 1350");
    await sunset.ip("route flush cache");
    const words = ["ping", "-n", "-M", "do", "-c", "1", "-W", "2", "-s", "1340", ADDRESS.inet.sunrise];
    match((await sunset.attempt(words)).stdout, /mtu ?= ?1350/);
    await sends(four, "inet");
    await west.ip("link set ipsec0 mtu 16260");
  });
  await four.step("a lower MTU of eth0 is noticed", async () => {
    const before = await effectiveMtu(west);
    await west.ip("link set eth0 mtu 1400");
    await until("ipsec0 follows", async () => await effectiveMtu(west) === 1400);
    await sunset.ip("route flush cache");
    const { stdout } = await sunset.attempt(
      ["ping", "-n", "-M", "do", "-c", "1", "-W", "2", "-s", "1380", ADDRESS.inet.sunrise],
    );
    match(stdout, new RegExp(`mtu ?= ?${before - 100}`));
    await sends(four, "inet");
  });
});

scenario("with fragicmp off nobody is told, and large packets go in fragments", fourHosts, async (four) => {
  const { sunset, west } = four;
  await start(four);
  await writeSysctl(west, "icmp", 0);
  await keyTunnel(four, { esp: "aes128gcm16" });
  const wire = new Wire(await west.capture("eth0", `src ${ADDRESS.inet.west}`));
  const words = "-M do -c 2 -i 0.05 -W 2 -s 1460";
  const pinged = await sunset.pings(ADDRESS.inet.sunrise, words);
  ok(!pinged.includes("Frag needed"), pinged);
  equal(await knownMtu(sunset, ADDRESS.inet.sunrise), undefined);
  await wire.saw("later fragments", ({ later }) => later, 2);
});

/** An ICMP error of the router about a packet of west's (RFC 792, RFC 1191). */
function fragmentationNeeded({ bytes }: Packet, mtu: number): Uint8Array {
  const quoted = bytes.subarray(0, 60);
  const packet = new Uint8Array(28 + quoted.length);
  const view = new DataView(packet.buffer);
  view.setUint32(0, 0x45000000 | packet.length);
  view.setUint32(8, 64 << 24 | PROTOCOL.icmp << 16);
  packet.set(ROUTER.inet.split(".").map(Number), 12);
  packet.set(bytes.subarray(12, 16), 16);
  packet.set([3, 4], 20);
  view.setUint16(26, mtu);
  packet.set(quoted, 28);
  let sum = 0;
  for (let at = 20; at < packet.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(22, ~sum & 0xffff);
  return packet;
}

function logged({ klipsLog }: Host, text: string): boolean {
  return Deno.readTextFileSync(klipsLog).includes(text);
}

/** The link from the router to the east carries 1300 bytes; west's own carries 1500. */
async function narrowPath({ router, east }: RoutedHosts): Promise<void> {
  await router.ip("link set eth1 mtu 1300");
  await east.ip("link set eth0 mtu 1300");
}

for (const natt of [false, true]) {
  const name = natt ? "ESP in UDP over IPv6" : "ESP over IPv6";
  scenario(`${name}: KLIPS learns a smaller path MTU from a router, and tells senders`, routedHosts, async (four) => {
    const { sunset, west } = four;
    await narrowPath(four);
    await start(four);
    await keyTunnel(four, { esp: "aes128gcm16", outer: "inet6", inner: "inet", natt });
    await sends(four, "inet");
    ok(logged(west, `path MTU to ${ADDRESS.inet6.east} is 1300`), "KLIPS learned it");
    await until("sunset knows it too", async () => (await knownMtu(sunset, ADDRESS.inet.sunrise) ?? 1500) < 1300);
    await sunset.pings(ADDRESS.inet.sunrise, "-c 2 -i 0.05 -W 2 -s 3000");
  });
}

for (const natt of [false, true]) {
  const name = natt ? "ESP in UDP" : "ESP";
  scenario(`${name} over IPv4: a router fragments, or says what it carries`, routedHosts, async (four) => {
    const { sunset, west, router } = four;
    await narrowPath(four);
    await start(four);
    await rekey(four, { esp: "aes128gcm16", natt });
    const pingSeen = async (size: number) => {
      const wire = new Wire(await router.capture("eth0", `src ${ADDRESS.inet.west}`));
      const large = ({ bytes }: Packet) => bytes.length > size;
      await sunset.pings(ADDRESS.inet.sunrise, `-c 1 -W 2 -s ${size}`);
      await wire.saw(`a packet over ${size} bytes`, large);
      return (await wire.stop()).find(large)!;
    };
    await four.step("the router fragments what KLIPS lets it", () => sends(four, "inet"));
    await four.step('KLIPS heeds "fragmentation needed"', async () => {
      // less than the router's link, so that it is this error that KLIPS learns from
      await inject(router, "eth0", [fragmentationNeeded(await pingSeen(1350), 1250)]);
      await until("KLIPS learns", () => logged(west, `path MTU to ${ADDRESS.inet.east} is 1250`));
      await sends(four, "inet");
      ok((await knownMtu(sunset, ADDRESS.inet.sunrise) ?? 1500) < 1250, "sunset knows");
    });
    await four.step("new SAs, which have not heard of it, lose nothing", async () => {
      await rekey(four, { esp: "aes128gcm16", natt });
      await sunset.ip("route flush cache");
      await sends(four, "inet");
    });
    await four.step("an error about an SA that is not there counts for nothing", async () => {
      const seen = await pingSeen(1000);
      await forget(west);
      await inject(router, "eth0", [fragmentationNeeded(seen, 600)]);
      await sunset.canPing(ADDRESS.inet.westInner);
      ok(!logged(west, "is 600"));
    });
  });
}
