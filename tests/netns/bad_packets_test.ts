/**
 * Somebody on the path repeats, alters and invents packets: each is counted under its reason, and none arrives.
 *
 * ```
 * sunset 10.1.0.10 -- west 192.0.2.1 -- router 192.0.2.254 -- 192.0.2.2 east -- sunrise 10.2.0.10
 *                                       listens and sends
 * ```
 */
import { equal } from "node:assert/strict";
import type { DropName } from "../../lib/klips/counters.ts";
import { keyTunnel, startKlips } from "../../tools/_keying.ts";
import { ADDRESS, until } from "../../tools/_net.ts";
import { inject } from "./_inject.ts";
import { routedHosts } from "./_nets.ts";
import { interfaceStatus, scenario } from "./_scenario.ts";
import { isEsp, type Packet, PROTOCOL, Wire } from "./_wire.ts";

const { sunrise: SUNRISE, east: EAST } = ADDRESS.inet;
const IPV4_HEADER = 20, SEQUENCE = IPV4_HEADER + 4;

/** Each gets a packet that has arrived before, with a sequence number that has not. */
const SPOILERS: [what: string, reason: DropName, spoil: (packet: Uint8Array) => Uint8Array | void][] = [
  ["a replay", "REPLAYED", (packet) => void new DataView(packet.buffer).setUint32(SEQUENCE, 1)],
  ["another sequence number", "AUTH_FAILED", () => {}],
  ["a changed payload", "AUTH_FAILED", (packet) => void (packet[IPV4_HEADER + 20] ^= 0x40)],
  ["a changed ICV", "AUTH_FAILED", (packet) => void (packet[packet.length - 1] ^= 1)],
  ["another SPI", "UNKNOWN_SA", (packet) => void (packet[IPV4_HEADER + 3] ^= 1)],
  ["another source", "WRONG_SOURCE", (packet) => packet.set([192, 0, 2, 77], 12)],
  ["less than an ESP header", "TRUNCATED", (packet) => packet.slice(0, IPV4_HEADER + 6)],
  ["less than an ICV", "TRUNCATED", (packet) => packet.slice(0, IPV4_HEADER + 20)],
];

/** As long as its header says. */
function withLength(packet: Uint8Array): Uint8Array {
  new DataView(packet.buffer, packet.byteOffset).setUint16(2, packet.length);
  return packet;
}

scenario("bad packets are counted by their reason, and none arrives", routedHosts, async (four) => {
  const { sunset, west, router, east, sunrise } = four;
  await Promise.all([startKlips(west), startKlips(east)]);
  await keyTunnel(four, { esp: "aes128gcm16" });
  const path = new Wire(await router.capture("eth1", `dst ${EAST}`));
  await sunset.pings(SUNRISE, "-c 3 -i 0.05 -W 2");
  await path.saw("ESP", isEsp, 3);
  const good = (await path.stop()).find(isEsp)!.bytes;

  const behind = new Wire(await sunrise.capture("eth0"));
  for (const [what, reason, spoil] of SPOILERS) {
    await four.step(`${what}: ${reason}`, async () => {
      const before = (await interfaceStatus(east)).drops[reason] ?? 0;
      const packet = good.slice();
      new DataView(packet.buffer).setUint32(SEQUENCE, 100);
      await inject(router, "eth1", [withLength(spoil(packet) ?? packet)]);
      await until(
        `${reason} is counted`,
        async () => ((await interfaceStatus(east)).drops[reason] ?? 0) === before + 1,
      );
    });
  }
  await sunset.pings(SUNRISE, "-c 2 -i 0.05 -W 2"); // and those with good ones still come through
  const requests = ({ protocol, payload }: Packet) => protocol === PROTOCOL.icmp && payload[0] === 8;
  await behind.saw("echo requests", requests, 2);
  equal((await behind.stop()).filter(requests).length, 2, "nothing else arrived");
});
