/** Super-packets given to a link uncut: the kernel cuts them as lib/packet does, byte by byte, where the device cannot. */
import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { GSO, Segmenter, VNET } from "../../lib/packet/tcp_segments.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { Net } from "../../tools/_net.ts";
import { counting, FLAG, superPacket, tcp, udp } from "../packet/_packets.ts";
import { scenario } from "./_scenario.ts";

const TIMESTAMPS = [1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6];
const TRAINS: [name: string, bytes: Uint8Array][] = [
  ["TCP over IPv4", superPacket(tcp(counting(30_000), { options: TIMESTAMPS }), GSO.TCPV4, 1448)],
  ["TCP over IPv6", superPacket(tcp(counting(5000), { v6: true }), GSO.TCPV6, 1400)],
  [
    "the last of a stream",
    superPacket(tcp(counting(3000), { flags: FLAG.ACK | FLAG.PSH | FLAG.FIN }), GSO.TCPV4, 1200),
  ],
  ["UDP over IPv4", superPacket(udp(counting(4100)), GSO.UDP_L4, 1000)],
  ["UDP over IPv6", superPacket(udp(counting(4100), true), GSO.UDP_L4, 1000)],
];
const HEADER = 4098, TARGET = 80_000;

function cut(bytes: Uint8Array): string[] {
  const memory = new PacketMemory(100_000);
  memory.bytes.set(bytes, HEADER);
  const segmenter = new Segmenter();
  return Array.from({ length: segmenter.begin(memory, HEADER, bytes.length) }, (_, i) => {
    const length = segmenter.writeSegment(memory, i, TARGET);
    return memory.bytes.slice(TARGET, TARGET + length).toHex();
  });
}

async function oneHost() {
  const net = await Net.make(["west"], []);
  return { net, [Symbol.asyncDispose]: () => net[Symbol.asyncDispose]() };
}

scenario("the kernel cuts what a link is given as lib/packet would", oneHost, async ({ net, step }) => {
  const program = fileURLToPath(new URL("_send_to_tap.ts", import.meta.url));
  const command = [Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", "-q", program];
  for (const [name, bytes] of TRAINS) {
    await step(name, async () => {
      const frames = (await net.hosts.west.run(command, { input: bytes.toHex() })).trim().split("\n");
      const ETHERNET_HEX = 28;
      const type = bytes[VNET.bytes] >>> 4 === 4 ? "0800" : "86dd";
      const ours = frames.filter((frame) => frame.startsWith(`020000000001020000000002${type}`));
      deepEqual(ours.map((frame) => frame.slice(ETHERNET_HEX)), cut(bytes));
    });
  }
});
