import { deepStrictEqual as deepEqual, equal } from "node:assert/strict";
import { mayAnswerWithIcmp, writeIcmpError } from "../../lib/packet/icmp.ts";
import {
  counting,
  DESTINATION_V6,
  GuardedMemory,
  ipv4,
  ipv6,
  naiveChecksum,
  SOURCE_V6,
  tcp,
  transportChecksum,
  udp,
} from "./_packets.ts";

const AT = 64, TARGET = 4096;
const GATEWAY = Uint8Array.of(192, 0, 2, 1);
const GATEWAY_V6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

function errorAbout(packet: Uint8Array, type: number, code: number, mtu: number): Uint8Array {
  const memory = new GuardedMemory(8192);
  memory.bytes.set(packet, AT);
  const from = packet[0] >>> 4 === 4 ? GATEWAY : GATEWAY_V6;
  const size = writeIcmpError(memory, AT, packet.length, TARGET, type, code, mtu, from);
  equal(memory.firstTouchedOutside([AT, AT + packet.length], [TARGET, TARGET + size]), -1);
  return memory.bytes.slice(TARGET, TARGET + size);
}

const MESSAGES: [name: string, packet: Uint8Array, type: number, code: number, mtu: number][] = [
  ["fragmentation needed", ipv4(counting(1480), { fragment: 0x4000 }), 3, 4, 1443],
  ["administratively prohibited", udp(counting(20)), 3, 13, 0],
  ["administratively prohibited, about a header and 8 bytes", ipv4(counting(8)), 3, 13, 0],
  ["administratively prohibited, about an odd length", ipv4(counting(41)), 3, 13, 0],
];
for (const [name, packet, type, code, mtu] of MESSAGES) {
  Deno.test(`writeIcmpError() for IPv4, byte by byte: ${name}`, () => {
    const quoted = packet.subarray(0, Math.min(packet.length, 548)); // RFC 1812 §4.3.2.3: 576 bytes in all
    const icmp = Uint8Array.from([type, code, 0, 0, 0, 0, mtu >> 8, mtu & 255, ...quoted]);
    const checksum = naiveChecksum(icmp);
    icmp.set([checksum >> 8, checksum & 255], 2);
    const expected = ipv4(icmp, { source: [...GATEWAY], destination: [10, 1, 0, 10], protocol: 1, id: 0, tos: 0xc0 });
    deepEqual(errorAbout(packet, type, code, mtu), expected);
  });
}

const MESSAGES_V6: [name: string, packet: Uint8Array, type: number, code: number, mtu: number][] = [
  ["packet too big", ipv6(counting(1400)), 2, 0, 1280],
  ["administratively prohibited", udp(counting(21), true), 1, 1, 0],
];
for (const [name, packet, type, code, mtu] of MESSAGES_V6) {
  Deno.test(`writeIcmpError() for IPv6, byte by byte: ${name}`, () => {
    const quoted = packet.subarray(0, Math.min(packet.length, 1232)); // RFC 4443 §2.4: 1280 bytes in all
    const icmp = [type, code, 0, 0, 0, 0, mtu >> 8, mtu & 255, ...quoted];
    const expected = ipv6(icmp, { source: [...GATEWAY_V6], destination: SOURCE_V6, next: 58 });
    const checksum = transportChecksum(expected, 40, 58);
    expected.set([checksum >> 8, checksum & 255], 42);
    deepEqual(errorAbout(packet, type, code, mtu), expected);
  });
}

const icmp = (type: number): number[] => [type, 0, 0, 0, 0, 0, 0, 0];
const extension = (next: number): number[] => [next, 0, 1, 4, 0, 0, 0, 0];
const MULTICAST_V6 = [0xff, 2, ...Array(13).fill(0), 1];
const HOP_BY_HOP = 0, FRAGMENT = 44, DESTINATION = 60, ICMPV6 = 58;

const ANSWERED: [name: string, packet: Uint8Array, answer: boolean][] = [
  ["TCP", tcp(counting(3)), true],
  ["a first fragment", ipv4(counting(64), { fragment: 0x2000 }), true],
  ["a later fragment", ipv4(counting(64), { fragment: 5 }), false],
  ["an echo request", ipv4(icmp(8), { protocol: 1 }), true],
  ["a timestamp request", ipv4(icmp(13), { protocol: 1 }), true],
  ["an ICMP unreachable", ipv4(icmp(3), { protocol: 1 }), false],
  ["a source quench", ipv4(icmp(4), { protocol: 1 }), false],
  ["a redirect", ipv4(icmp(5), { protocol: 1 }), false],
  ["a time exceeded", ipv4(icmp(11), { protocol: 1 }), false],
  ["a parameter problem", ipv4(icmp(12), { protocol: 1 }), false],
  ["an unknown ICMP type", ipv4(icmp(99), { protocol: 1 }), false],
  ["a packet to a multicast group", ipv4(counting(9), { destination: [224, 0, 0, 5] }), false],
  ["a packet to everyone", ipv4(counting(9), { destination: [255, 255, 255, 255] }), false],
  ["a packet from 0.0.0.0", ipv4(counting(9), { source: [0, 0, 0, 0] }), false],
  ["a packet from the loopback net", ipv4(counting(9), { source: [127, 0, 0, 1] }), false],
  ["a packet from a multicast group", ipv4(counting(9), { source: [239, 0, 0, 1] }), false],
  ["a packet from 255.255.255.255", ipv4(counting(9), { source: [255, 255, 255, 255] }), false],
  ["a packet with less than 8 bytes of payload", ipv4(counting(7)), false],
  ["IPv6 TCP", tcp(counting(3), { v6: true }), true],
  ["an ICMPv6 echo request", ipv6(icmp(128), { next: ICMPV6 }), true],
  ["an ICMPv6 unreachable", ipv6(icmp(1), { next: ICMPV6 }), false],
  ["an ICMPv6 redirect", ipv6(icmp(137), { next: ICMPV6 }), false],
  ["an ICMPv6 error behind options", ipv6([...extension(ICMPV6), ...icmp(2)], { next: DESTINATION }), false],
  ["an ICMPv6 error in a fragment", ipv6([...extension(ICMPV6), ...icmp(3)], { next: FRAGMENT }), false],
  ["an ICMPv6 query behind options", ipv6([...extension(ICMPV6), ...icmp(128)], { next: HOP_BY_HOP }), true],
  ["ICMPv6 that lies behind the packet's end", ipv6(extension(ICMPV6), { next: HOP_BY_HOP }), false],
  ["ICMPv6 behind options cut short", ipv6([ICMPV6, 9, ...icmp(128)], { next: HOP_BY_HOP }), false],
  ["an IPv6 packet to a multicast group", ipv6(counting(9), { destination: MULTICAST_V6 }), false],
  ["an IPv6 packet from a multicast group", ipv6(counting(9), { source: MULTICAST_V6 }), false],
  ["an IPv6 packet from ::", ipv6(counting(9), { source: Array(16).fill(0) }), false],
  ["an IPv6 packet with less than 8 bytes of payload", ipv6(counting(7)), false],
];
for (const [name, packet, answer] of ANSWERED) {
  Deno.test(`mayAnswerWithIcmp() says ${answer ? "yes" : "no"} to ${name}`, () => {
    const memory = new GuardedMemory(512);
    memory.bytes.set(packet, AT);
    equal(mayAnswerWithIcmp(memory, AT, packet.length), answer);
  });
}

Deno.test("an error goes to the source of the packet, from the gateway", () => {
  const v6 = errorAbout(udp(counting(30), true), 1, 1, 0);
  deepEqual([...v6.subarray(8, 24)], [...GATEWAY_V6]);
  deepEqual([...v6.subarray(24, 40)], SOURCE_V6);
  deepEqual([...v6.subarray(48 + 24, 48 + 40)], DESTINATION_V6, "the quoted packet's destination");
});
