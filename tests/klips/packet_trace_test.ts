import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describePacket } from "../../lib/klips/packet_trace.ts";
import type { Sysctls } from "../../lib/klips/sysctl.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { ipv4, ipv6, tcp, udp } from "../packet/_packets.ts";
import { Gateway, plainPacket } from "./_gateway.ts";

// sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10

function described(packet: Uint8Array): string {
  const memory = new PacketMemory(4096);
  memory.bytes.set(packet, 64);
  return describePacket(memory, 64, packet.length);
}

const PACKETS: [what: string, packet: Uint8Array, line: RegExp][] = [
  [
    "an echo request",
    ipv4([8, 0, 0, 0, 0, 0, 0, 0], { protocol: 1, id: 7, fragment: 0x4000 }),
    /^IP: ihl:20 ver:4 tos:0 tlen:28 id:7 DF frag_off:0 ttl:64 proto:1 \(ICMP\) chk:\d+ saddr:10\.1\.0\.10 daddr:10\.2\.0\.10 type:code=8:0$/,
  ],
  ["TCP with its ports", tcp([1, 2, 3]), /proto:6 \(TCP\) chk:\d+ saddr:[\d.]+:40000 daddr:[\d.]+:443$/],
  [
    "UDP over IPv6",
    udp([1], true),
    /^IP: ver:6 tclass:0 plen:9 hlim:64 next:17 \(UDP\) saddr:fd01:1::10:5000 daddr:fd01:2::10:53$/,
  ],
  [
    "a later fragment without ports",
    ipv4(Array(32).fill(0), { protocol: 17, fragment: 0x2002 }),
    /MF frag_off:16 .*daddr:[\d.]+$/,
  ],
  ["ICMPv6", ipv6([128, 0, 0, 0], { next: 58 }), /next:58 \(ICMPv6\) .* type:code=128:0$/],
  ["a protocol without a name", ipv4([1], { protocol: 253 }), /proto:253 chk/],
];
for (const [what, packet, line] of PACKETS) {
  Deno.test(`describePacket() shows ${what}`, () => match(described(packet), line));
}

function pair(): { west: Gateway; east: Gateway } {
  const west = new Gateway(["192.0.2.1"]), east = new Gateway(["192.0.2.2"]);
  for (const gateway of [west, east]) {
    gateway.group(
      gateway.sa("tun.1000@192.0.2.2", "192.0.2.1", "ipip"),
      gateway.sa("esp.1000@192.0.2.2", "192.0.2.1", "aes128-sha1-96"),
    );
  }
  west.eroute("10.1.0.0/24", "10.2.0.0/24", "tun.1000@192.0.2.2");
  return { west, east };
}

const PACKET = plainPacket("10.1.0.10", "10.2.0.10", 100);
const ALL = 0xffffffff;

Deno.test("klipsdebug: nothing is said where nothing is wanted", () => {
  const { west, east } = pair();
  west.route(PACKET);
  west.carry(east);
  deepEqual([...west.debugged, ...east.debugged], []);
});

const FLAGS: [variable: keyof Sysctls & `debug${string}`, bits: number, side: "west" | "east", lines: RegExp[]][] = [
  ["debugTunnel", 0x10, "west", [/^klips_debug:xmit: ipsec0: IP: .*saddr:10\.1\.0\.10/]],
  ["debugTunnel", 0x20, "west", [/^klips_debug:xmit: ipsec0: sending IP: .*proto:50 .*saddr:192\.0\.2\.1/]],
  ["debugTunnel", 0x40, "west", [/^klips_debug:findroute: eroute to tun0x1000@192\.0\.2\.2$/]],
  ["debugRadij", ALL, "west", [/^klips_debug:findroute: eroute to tun0x1000@192\.0\.2\.2$/]],
  ["debugEsp", ALL, "west", [
    /^klips_debug:xmit: esp0x1000@192\.0\.2\.2 ESP_AES_HMAC_SHA1: 140 bytes in, \d+ out, number 1$/,
  ]],
  ["debugEsp", ALL, "east", [/^klips_debug:rcv: esp0x1000@192\.0\.2\.2 ESP_AES_HMAC_SHA1: \d+ bytes in, 140 out$/]],
  ["debugAh", ALL, "west", []],
  ["debugRcv", 0x01, "east", [
    /^klips_debug:rcv: ipsec0: IP: .*proto:50/,
    /^klips_debug:rcv: ipsec0: to the host: IP: .*saddr:10\.1\.0\.10/,
  ]],
  ["debugRcv", 0x10, "east", [/^klips_debug:rcv: SA esp0x1000@192\.0\.2\.2 ESP_AES_HMAC_SHA1$/]],
];
for (const [variable, bits, side, lines] of FLAGS) {
  Deno.test(`klipsdebug: ${variable} with bits 0x${bits.toString(16)} says what ${side} does`, () => {
    const { west, east } = pair();
    const gateway = side === "west" ? west : east;
    gateway.engine.sysctls[variable] = bits;
    west.route(PACKET);
    west.carry(east);
    equal(gateway.debugged.length, lines.length, gateway.debugged.join("\n"));
    lines.forEach((line, i) => match(gateway.debugged[i], line));
  });
}

Deno.test("klipsdebug: a packet that is dropped says why, on the side that was asked for", () => {
  const { west, east } = pair();
  west.engine.sysctls.debugTunnel = 0x80;
  east.engine.sysctls.debugRcv = 0x80;
  west.route(plainPacket("10.1.0.10", "10.9.0.1", 10));
  deepEqual(west.debugged, ["klips_debug:xmit: ipsec0: packet dropped: no eroute (NO_EROUTE)"]);
  west.route(PACKET);
  west.sent[0].bytes[60] ^= 1;
  west.carry(east);
  deepEqual(east.debugged, ["klips_debug:rcv: ipsec0: packet dropped: authentication failed (AUTH_FAILED)"]);
});

Deno.test("klipsdebug: an SPI that is unknown is shown unsigned", () => {
  const { west, east } = pair();
  east.engine.sysctls.debugRcv = 0x10;
  west.route(PACKET);
  west.sent[0].bytes[20] = 0xf0;
  west.carry(east);
  equal(east.debugged[0], "klips_debug:rcv: no SA of protocol 50 with SPI 0xf0001000");
});

Deno.test("klipsdebug: verbose adds what is on the wire, and never what is inside", () => {
  const { west, east } = pair();
  for (const { engine: { sysctls } } of [west, east]) {
    sysctls.debugTunnel =
      sysctls.debugRcv =
      sysctls.debugEsp =
      sysctls.debugVerbose =
        ALL;
  }
  west.route(PACKET);
  west.carry(east);
  const said = [...west.debugged, ...east.debugged].join("\n");
  ok(/:xmit: 45[0-9a-f]{100}/.test(said) && /:rcv: 45[0-9a-f]{100}/.test(said), said);
  const inside = Array.from(PACKET.subarray(20), (byte) => byte.toString(16).padStart(2, "0")).join("");
  ok(!said.includes(inside.slice(0, 40)), "the payload is not shown");
});
