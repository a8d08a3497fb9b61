import { ok } from "node:assert/strict";
import { DROP, InterfaceCounters } from "../../lib/klips/counters.ts";
import type { Provider } from "../../lib/crypto/provider.ts";
import { Gateway, plainPacket } from "./_gateway.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { Coalescer } from "../../lib/packet/tcp_coalesce.ts";
import { heapBytesPerCall } from "../_heap.ts";
import { counting, tcp } from "../packet/_packets.ts";
import { pair, saOf, type TunnelOptions, V4, V6 } from "./_tunnel.ts";

// The engine makes no object, closure, array, view, bigint or string for a packet. Cryptography that does nothing leaves
// its heap alone; what libcrypto needs is measured in tests/ffi/libcrypto_test.ts.

const inert: Provider = {
  name: "noble",
  description: "none",
  cbc: () => ({ encrypt() {}, decrypt() {}, wipe() {} }),
  aead: () => ({ seal() {}, open: () => true, wipe() {} }),
  mac: () => ({ sign() {}, verify: () => true, wipe() {} }),
};

/**
 * Less than the smallest object, which has 16 bytes. The tests' clock stands at a whole number of seconds: V8 puts the
 * fractions of the daemon's clock into boxes of 16 bytes, two or three for each packet.
 */
const NOTHING = 15;

/** Takes all packets and keeps none. */
function swallow(gateway: Gateway): void {
  const { outlet, inlet } = gateway.device;
  gateway.device.outlet = {
    name: "eth0",
    mtu: gateway.mtu,
    packet() {},
    superPacket: () => true,
    datagram() {},
    flush() {},
    address: (bytes) => outlet!.address(bytes),
  };
  gateway.device.inlet = { ...inlet!, write: () => true };
}

const OUT: [name: string, kinds: string[], options: TunnelOptions][] = [
  ["AES-GCM", ["aes128gcm16"], {}],
  ["AES-GCM in UDP", ["aes128gcm16"], { udp: true }],
  ["AES-CBC and HMAC with extended sequence numbers", ["aes128-sha2_256-128"], { esn: true }],
  ["ESP in AH", ["aes128-sha1-96", "ah-sha1-96"], {}],
  ["IPv6 in IPv6", ["aes128gcm16"], { outer: V6, inner: V6 }],
  ["transport mode over IPv6 with AH", ["ah-sha2_512-256"], { outer: V6, transport: true }],
];

function packetFor({ transport, outer = V4, inner = V4 }: TunnelOptions): Uint8Array {
  return transport ? plainPacket(outer.west, outer.east, 200) : plainPacket(inner.sunset, inner.sunrise, 200);
}

for (const [name, kinds, options] of OUT) {
  Deno.test(`no object is made per packet sent: ${name}`, () => {
    const { west } = pair(kinds, { ...options, provider: inert });
    swallow(west);
    const packet = packetFor(options);
    west.memory.bytes.set(packet, 4108);
    const perPacket = heapBytesPerCall(
      () => west.engine.outbound.accept(west.device, 4098, 10 + packet.length),
      NOTHING,
    );
    ok(west.device.counters.txPackets > 0 && west.device.counters.txDropped + west.device.counters.txErrors === 0);
    ok(perPacket <= NOTHING, `${perPacket} bytes per packet`);
  });

  Deno.test(`no object is made per packet received: ${name}`, () => {
    const { west, east } = pair(kinds, { ...options, provider: inert });
    west.route(packetFor(options));
    const [{ bytes, udp }] = west.sent;
    swallow(east);
    const at = 600_000;
    const origin = udp ? { names: udp.source, at: 0, port: udp.sport } : undefined;
    const outer = udp ? plainPacket(V4.west, V4.east, bytes.length, 50) : bytes.slice();
    if (udp) outer.set(bytes, 20);
    const v4 = outer[0] >>> 4 === 4;
    const header = v4 ? 20 : 40;
    const sequenceAt = at + header + (outer[v4 ? 9 : 6] === 51 ? 8 : 4);
    // The inner sequence number of ESP in AH is checked as well: neither may stand still.
    const innerAt = kinds.length > 1 ? at + header + 24 + 4 : sequenceAt;
    let sequence = 1;
    const perPacket = heapBytesPerCall(() => {
      east.memory.bytes.set(outer, at);
      east.memory.view.setUint32(sequenceAt, sequence);
      east.memory.view.setUint32(innerAt, sequence++);
      east.engine.inbound.accept(east.device, at, outer.length, origin);
    }, NOTHING);
    const { counters } = east.device;
    ok(counters.rxPackets > 0 && counters.rxDropped + counters.rxErrors === 0, JSON.stringify(counters));
    ok(perPacket <= NOTHING, `${perPacket} bytes per packet`);
  });
}

function sender(change: (west: Gateway) => void): Gateway {
  const { west } = pair(["aes128gcm16"], { provider: inert });
  change(west);
  swallow(west);
  return west;
}

const OTHER: [name: string, packet: Uint8Array, make: () => Gateway][] = [
  ["a nested tunnel", plainPacket(V4.sunset, V4.sunrise, 200), () =>
    sender((west) => {
      west.group(
        west.sa("tun.3000@198.51.100.9", V4.west, "ipip"),
        west.sa("esp.3001@198.51.100.9", V4.west, "aes128-sha1-96"),
      );
      west.eroute("192.0.2.1/32", "192.0.2.2/32", "tun.3000@198.51.100.9");
    })],
  [
    "%pass",
    plainPacket(V4.sunset, "10.9.0.1", 200),
    () => sender((west) => west.eroute("10.1.0.0/24", "10.9.0.0/16", "%pass")),
  ],
  [
    "%drop",
    plainPacket(V4.sunset, "10.9.0.1", 200),
    () => sender((west) => west.eroute("10.1.0.0/24", "10.9.0.0/16", "%drop")),
  ],
  ["no eroute", plainPacket(V4.sunset, "10.9.0.1", 200), () => sender(() => {})],
  ["a result in fragments", plainPacket(V4.sunset, V4.sunrise, 1500), () => sender(() => {})],
  ["a malformed packet", plainPacket(V4.sunset, V4.sunrise, 200).fill(0, 0, 1), () => sender(() => {})],
];
for (const [name, packet, make] of OTHER) {
  Deno.test(`no object is made per packet sent: ${name}`, () => {
    const west = make();
    west.memory.bytes.set(packet, 4108);
    const perPacket = heapBytesPerCall(
      () => west.engine.outbound.accept(west.device, 4098, 10 + packet.length),
      NOTHING,
    );
    ok(perPacket <= NOTHING, `${perPacket} bytes per packet`);
  });
}

Deno.test("no object is made per super-packet that goes in the clear", () => {
  const west = sender((west) => west.eroute("10.1.0.0/24", "10.9.0.0/16", "%pass"));
  const packet = plainPacket(V4.sunset, "10.9.0.1", 20 + 5000, 6);
  packet[32] = 0x50;
  west.memory.bytes.set([1, 1, 40, 0, 1000 & 255, 1000 >> 8, 20, 0, 16, 0], 4098);
  west.memory.bytes.set(packet, 4108);
  const perPacket = heapBytesPerCall(
    () => west.engine.outbound.accept(west.device, 4098, 10 + packet.length),
    NOTHING,
  );
  ok(west.device.counters.txPackets > 0 && west.device.counters.txPackets % 5 === 0);
  ok(perPacket <= NOTHING, `${perPacket} bytes per packet`);
});

const REFUSED: [name: string, change: (bytes: Uint8Array, east: Gateway) => void, reason: number][] = [
  ["an unknown SA", (bytes) => bytes[21] = 0xff, DROP.UNKNOWN_SA],
  ["a replayed packet", (_, east) => saOf(east, "esp").replay!.markAuthentic(0, 1), DROP.REPLAYED],
  ["a packet from elsewhere", (bytes) => bytes[15] = 9, DROP.WRONG_SOURCE],
];
for (const [name, change, reason] of REFUSED) {
  Deno.test(`no object is made per packet refused: ${name}`, () => {
    const { west, east } = pair(["aes128gcm16"], { provider: inert });
    west.route(plainPacket(V4.sunset, V4.sunrise, 200));
    const [{ bytes }] = west.sent;
    change(bytes, east);
    swallow(east);
    east.memory.bytes.set(bytes, 600_000);
    const perPacket = heapBytesPerCall(
      () => east.engine.inbound.accept(east.device, 600_000, bytes.length, undefined),
      NOTHING,
    );
    ok(east.device.counters.drops[reason] > 0);
    ok(perPacket <= NOTHING, `${perPacket} bytes per packet`);
  });
}

Deno.test("no object is made to find an SA whose SPI has its highest bit set", () => {
  const gateway = new Gateway([V4.east], inert);
  const sa = gateway.sa("esp.f0000001@192.0.2.2", V4.west, "aes128gcm16");
  const { memory, engine: { sad } } = gateway;
  memory.view.setUint32(100, sa.id.spi);
  memory.bytes.set(sa.id.destination.bytes, 104);
  let found = 0;
  const perLookup = heapBytesPerCall(() => {
    if (sad.lookup(memory, 50, memory.view.getInt32(100), 104, 4)) found++;
  }, NOTHING);
  ok(found > 0);
  ok(perLookup <= NOTHING, `${perLookup} bytes per lookup`);
});

Deno.test("no object is made per segment joined", () => {
  const memory = new PacketMemory(200_000);
  const joiner = new Coalescer(memory, 100_002);
  const segments = Array.from({ length: 10 }, (_, i) => tcp(counting(1000), { sequence: i * 1000, ip: { id: i } }));
  segments.forEach((segment, i) => memory.bytes.set(segment, 4096 + i * 2048));
  let joined = 0;
  const perTrain = heapBytesPerCall(() => {
    for (let i = 0; i < 10; i++) joiner.offer(memory, 4096 + i * 2048, 1040);
    joined += joiner.segments;
    joiner.flush();
  }, NOTHING);
  ok(joined % 10 === 0 && joined > 0);
  ok(perTrain <= NOTHING, `${perTrain} bytes per train`);
});

Deno.test("no object is made per segment of a super-packet", () => {
  const { west } = pair(["aes128gcm16"], { provider: inert });
  swallow(west);
  const packet = plainPacket(V4.sunset, V4.sunrise, 20 + 20_000, 6);
  packet[32] = 0x50;
  packet[33] = 0x10;
  west.memory.bytes.set(Uint8Array.of(1, 1, 40, 0, 1000 & 255, 1000 >> 8, 20, 0, 16, 0), 4098);
  west.memory.bytes.set(packet, 4108);
  const perPacket = heapBytesPerCall(() => {
    west.engine.outbound.accept(west.device, 4098, 10 + packet.length);
    west.engine.flush();
  }, NOTHING);
  ok(west.device.counters.txPackets > 0);
  ok(perPacket <= NOTHING, `${perPacket} bytes per super-packet`);
});

Deno.test("counting a drop makes no object", () => {
  const counters = new InterfaceCounters();
  ok(heapBytesPerCall(() => counters.drop(DROP.NO_EROUTE), 1) <= 1);
});
