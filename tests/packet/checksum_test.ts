import { deepStrictEqual as deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import {
  copyAndSum,
  finishPartialChecksum,
  finishTransportChecksum,
  fold,
  pseudoHeaderSum,
  storeChecksum,
  sum,
} from "../../lib/packet/checksum.ts";
import { copyWords, PacketMemory } from "../../lib/packet/memory.ts";
import {
  counting,
  get16,
  GuardedMemory,
  ipv4,
  naiveChecksum,
  pseudoHeader,
  put16,
  tcp,
  transportChecksum,
  udp,
} from "./_packets.ts";

/** The checksum field of RFC 1071 in network order, from our sum in host order. */
function checksumOf(memory: PacketMemory, at: number, length: number): number {
  storeChecksum(memory, 0, sum(memory, at, length));
  return memory.view.getUint16(0);
}

const EXAMPLES: [name: string, bytes: number[], checksum: number][] = [
  ["the example of RFC 1071 §3", [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], ~0xddf2 & 0xffff],
  ["no bytes", [], 0xffff],
  ["one byte, which is padded with zero", [0x12], ~0x1200 & 0xffff],
  ["all ones, whose sum is the other zero", [0xff, 0xff], 0],
];
for (const [name, bytes, checksum] of EXAMPLES) {
  Deno.test(`sum() and storeChecksum(): ${name}`, () => {
    const memory = new PacketMemory(64);
    memory.bytes.set(bytes, 8);
    equal(checksumOf(memory, 8, bytes.length), checksum);
  });
}

for (const vectors of [true, false]) {
  Deno.test(`sum() ${vectors ? "with" : "without"} vectors is RFC 1071 for any bytes at any offset`, () => {
    const memory = new PacketMemory(4096, { vectors });
    equal(memory.sumBlocks !== undefined, vectors);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 2, max: 40 }), (bytes, at) => {
      memory.bytes.set(bytes, at);
      equal(checksumOf(memory, at, bytes.length), naiveChecksum(bytes));
    }));
  });
}

for (const vectors of [true, false]) {
  Deno.test(`copyAndSum() ${vectors ? "with" : "without"} vectors copies what it sums, and no byte more`, () => {
    const memory = new PacketMemory(8192, { vectors });
    const offset = fc.integer({ min: 0, max: 40 });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), offset, offset, (bytes, from, to) => {
      memory.bytes.fill(0xa5);
      memory.bytes.set(bytes, from);
      equal(fold(copyAndSum(memory, 4096 + to, from, bytes.length)), fold(sum(memory, from, bytes.length)));
      const copied = memory.bytes.slice(4096 + to - 1, 4096 + to + bytes.length + 1);
      deepEqual(copied, Uint8Array.from([0xa5, ...bytes, 0xa5]));
    }));
  });
}

Deno.test("copyWords() copies whole words", () => {
  const memory = new PacketMemory(256);
  memory.bytes.set(counting(60), 3);
  copyWords(memory, 130, 3, 52);
  deepEqual(memory.bytes.slice(129, 183), Uint8Array.from([0, ...counting(52), 0]));
});

Deno.test("sum() of the longest packet of ones does not overflow", () => {
  const memory = new PacketMemory(70_000);
  memory.bytes.fill(0xff, 4);
  equal(checksumOf(memory, 4, 65_535), naiveChecksum(new Uint8Array(65_535).fill(0xff)));
});

Deno.test("sum() adds what was summed before", () => {
  const memory = new PacketMemory(128);
  memory.bytes.set(counting(100), 4);
  equal(fold(sum(memory, 44, 60, sum(memory, 4, 40))), fold(sum(memory, 4, 100)));
});

Deno.test("two memories in turn are not mixed up", () => {
  const a = new PacketMemory(64), b = new PacketMemory(64);
  a.bytes.set([1, 2, 3, 4], 8);
  b.bytes.set([5, 6, 7, 8], 8);
  for (let i = 0; i < 3; i++) {
    equal(checksumOf(a, 8, 4), naiveChecksum(Uint8Array.of(1, 2, 3, 4)));
    equal(checksumOf(b, 8, 4), naiveChecksum(Uint8Array.of(5, 6, 7, 8)));
  }
});

const PACKETS: [name: string, packet: Uint8Array, header: number, protocol: 6 | 17, field: number][] = [
  ["TCP over IPv4", tcp(counting(101)), 20, 6, 16],
  ["TCP over IPv6", tcp(counting(64), { v6: true }), 40, 6, 16],
  ["UDP over IPv4", udp(counting(33)), 20, 17, 6],
  ["UDP over IPv6", udp(counting(8), true), 40, 17, 6],
];
for (const [name, packet, header, protocol, field] of PACKETS) {
  Deno.test(`pseudoHeaderSum() and sum() agree with RFC 9293 and RFC 8200 for ${name}`, () => {
    const memory = new PacketMemory(512);
    memory.bytes.set(packet, 6);
    const v4 = header === 20;
    const source = 6 + (v4 ? 12 : 8), size = v4 ? 4 : 16;
    const pseudo = pseudoHeaderSum(memory, source, source + size, size, protocol, packet.length - header);
    equal(fold(sum(memory, 6 + header, packet.length - header, pseudo)), 0xffff);
  });

  Deno.test(`finishPartialChecksum() completes what the host began for ${name}`, () => {
    const memory = new GuardedMemory(512);
    const begun = packet.slice();
    put16(begun, header + field, ~naiveChecksum(Uint8Array.from(pseudoHeader(packet, header, protocol))) & 0xffff);
    memory.bytes.set(begun, 108);
    equal(finishPartialChecksum(memory, 108, begun.length, header, field), 0);
    deepEqual(memory.bytes.slice(108, 108 + packet.length), packet);
    equal(memory.firstTouchedOutside([108, 108 + packet.length]), -1);
  });

  Deno.test(`finishTransportChecksum() makes a wrong checksum right for ${name}`, () => {
    const memory = new PacketMemory(512);
    const wrong = packet.slice();
    put16(wrong, header + field, get16(wrong, header + field) ^ 0x5555);
    memory.bytes.set(wrong, 110);
    finishTransportChecksum(memory, 110, header, wrong.length, protocol);
    deepEqual(memory.bytes.slice(110, 110 + packet.length), packet);
  });
}

const OUTSIDE: [start: number, offset: number][] = [[20, 79], [99, 0], [100, 0], [65535, 65535], [0, 99]];
for (const [start, offset] of OUTSIDE) {
  Deno.test(`finishPartialChecksum() refuses a field at ${start} + ${offset} of 100 bytes`, () => {
    const memory = new GuardedMemory(512);
    equal(finishPartialChecksum(memory, 64, 100, start, offset), -1);
    equal(memory.firstTouchedOutside(), -1);
  });
}

/** Payloads whose last word makes a checksum of zero. */
function zeroChecksum(): Uint8Array<ArrayBuffer> {
  const packet = udp([0, 0, 0, 0]);
  put16(packet, 26, 0);
  put16(packet, 28, transportChecksum(packet, 20, 17));
  return packet;
}

Deno.test("a UDP checksum that comes to 0 is sent as 0xffff", () => {
  const memory = new PacketMemory(512);
  const packet = zeroChecksum();
  memory.bytes.set(packet, 100);
  memory.view.setUint16(126, 0x1111);
  finishTransportChecksum(memory, 100, 20, packet.length, 17);
  equal(memory.view.getUint16(126), 0xffff);
  memory.view.setUint16(126, ~naiveChecksum(Uint8Array.from(pseudoHeader(packet, 20, 17))) & 0xffff);
  equal(finishPartialChecksum(memory, 100, packet.length, 20, 6), 0);
  equal(memory.view.getUint16(126), 0xffff);
});

const LEFT_ALONE: [name: string, packet: Uint8Array, protocol: 6 | 17][] = [
  ["a UDP datagram over IPv4 without one", udp(counting(9)).map((b, i) => i === 26 || i === 27 ? 0 : b), 17],
  ["a fragment", ipv4(counting(40), { protocol: 17, fragment: 0x2000 }), 17],
  ["a TCP header cut short", ipv4(counting(19), { protocol: 6 }), 6],
  ["a UDP header cut short", ipv4(counting(7), { protocol: 17 }), 17],
];
for (const [name, packet, protocol] of LEFT_ALONE) {
  Deno.test(`finishTransportChecksum() leaves ${name} alone`, () => {
    const memory = new PacketMemory(256);
    memory.bytes.set(packet, 64);
    finishTransportChecksum(memory, 64, 20, packet.length, protocol);
    deepEqual(memory.bytes.slice(64, 64 + packet.length), packet);
  });
}
