import { deepStrictEqual as deepEqual, equal } from "node:assert/strict";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { Coalescer, OFFER } from "../../lib/packet/tcp_coalesce.ts";
import { GSO, VNET } from "../../lib/packet/tcp_segments.ts";
import { counting, FLAG, get16, ipv4, ipv6, put16, tcp, type TcpFields, udp } from "./_packets.ts";

const AT = 4096, START = 100_002;

/** @returns what each packet met, and what one flush then gives */
function offer(...packets: Uint8Array[]): { met: number[]; flushed: Uint8Array } {
  const memory = new PacketMemory(200_000);
  const coalescer = new Coalescer(memory, START);
  const met = packets.map((packet) => {
    memory.bytes.set(packet, AT);
    return coalescer.offer(memory, AT, packet.length);
  });
  return { met, flushed: memory.bytes.slice(START, START + coalescer.flush()) };
}

const SIZE = 1000;
const TIMESTAMPS = [1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6];
/** Segment `i` of a train, so that nothing but `fields` differs from what would be joined. */
function segment(i: number, fields: TcpFields = {}, size = SIZE): Uint8Array {
  return tcp(counting(size, i), {
    sequence: 1000 + i * SIZE,
    options: TIMESTAMPS,
    ...fields,
    ip: { id: 100 + i, ...fields.ip },
  });
}

for (const v6 of [false, true]) {
  Deno.test(`the segments of one IPv${v6 ? 6 : 4} flow are joined`, () => {
    const { met, flushed } = offer(segment(0, { v6 }), segment(1, { v6 }), segment(2, { v6 }, 10));
    deepEqual(met, [OFFER.STARTED, OFFER.APPENDED, OFFER.APPENDED]);
    const header = (v6 ? 40 : 20) + 32;
    equal(flushed[VNET.gsoType], v6 ? GSO.TCPV6 : GSO.TCPV4);
    deepEqual(
      [...flushed.subarray(VNET.bytes + header)],
      [...counting(SIZE), ...counting(SIZE, 1), ...counting(10, 2)],
    );
  });
}

const rebuilt = (packet: Uint8Array, at: number, value: number): Uint8Array => {
  const bytes = packet.slice();
  const old = get16(bytes, at & ~1);
  bytes[at] = value;
  // RFC 1624: the checksum follows the change.
  let sum = (~get16(bytes, 36) & 0xffff) + (~old & 0xffff) + get16(bytes, at & ~1);
  sum = (sum & 0xffff) + (sum >>> 16);
  put16(bytes, 36, ~(sum + (sum >>> 16)) & 0xffff);
  return bytes;
};
const second = segment(1);
const NOT_JOINED: [why: string, first: Uint8Array, next: Uint8Array][] = [
  ["another source", segment(0), segment(1, { ip: { source: [10, 1, 0, 11] } })],
  ["another destination", segment(0), segment(1, { ip: { destination: [10, 2, 0, 11] } })],
  ["another IPv6 source", segment(0, { v6: true }), segment(1, { v6: true, ip: { source: Array(16).fill(9) } })],
  ["another port", segment(0), rebuilt(second, 20, 1)],
  ["another version", segment(0), segment(1, { v6: true })],
  ["a gap in the sequence", segment(0), segment(2, { ip: { id: 101 } })],
  ["a repeated segment", segment(0), segment(0, { ip: { id: 101 } })],
  ["another acknowledgement", segment(0), segment(1, { acknowledgement: 78 })],
  ["another window", segment(0), segment(1, { window: 501 })],
  ["other options", segment(0), segment(1, { options: [1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 7] })],
  ["no options", segment(0), segment(1, { options: [] })],
  ["another urgent pointer", segment(0), rebuilt(second, 39, 1)],
  ["the accurate-ECN flag", segment(0), rebuilt(second, 32, second[32] | 1)],
  ["another TOS", segment(0), segment(1, { ip: { tos: 2 } })],
  ["another TTL", segment(0), segment(1, { ip: { ttl: 63 } })],
  ["another IP identification", segment(0), segment(1, { ip: { id: 200 } })],
  ["another don't-fragment flag", segment(0), segment(1, { ip: { fragment: 0 } })],
  ["another hop limit", segment(0, { v6: true }), segment(1, { v6: true, ip: { hopLimit: 63 } })],
  ["another traffic class", segment(0, { v6: true }), segment(1, { v6: true, ip: { trafficClass: 4 } })],
  ["another flow label", segment(0, { v6: true }), segment(1, { v6: true, ip: { flowLabel: 4 } })],
  ["a longer segment", segment(0), segment(1, {}, SIZE + 1)],
  ["a segment after a short one", segment(0, { sequence: 1000 }, 10), segment(1, { sequence: 1010 })],
  ["a segment after a push", segment(0, { flags: FLAG.ACK | FLAG.PSH }), segment(1)],
  ["SYN", segment(0), segment(1, { flags: FLAG.ACK | FLAG.SYN })],
  ["FIN", segment(0), segment(1, { flags: FLAG.ACK | FLAG.FIN })],
  ["RST", segment(0), segment(1, { flags: FLAG.ACK | FLAG.RST })],
  ["URG", segment(0), segment(1, { flags: FLAG.ACK | FLAG.URG })],
  ["ECE", segment(0), segment(1, { flags: FLAG.ACK | FLAG.ECE })],
  ["CWR", segment(0), segment(1, { flags: FLAG.ACK | FLAG.CWR })],
  ["no ACK", segment(0), segment(1, { flags: 0 })],
  ["a bare acknowledgement", segment(0), segment(1, {}, 0)],
  ["a wrong checksum", segment(0), segment(1).map((byte, i) => i === 60 ? byte ^ 1 : byte)],
  ["a first segment with a wrong checksum", segment(0).map((byte, i) => i === 60 ? byte ^ 1 : byte), segment(1)],
  ["a fragment", segment(0), segment(1, { ip: { fragment: 0x2000 } })],
  ["IP options", segment(0), segment(1, { ip: { options: [1, 1, 1, 0] } })],
  ["a TCP header cut short", segment(0), ipv4(counting(19), { protocol: 6 })],
  ["a TCP header longer than the packet", segment(0), rebuilt(segment(1, {}, 8), 32, 0xf0)],
  ["UDP", segment(0), udp(counting(SIZE))],
  ["another protocol over IPv6", segment(0, { v6: true }), ipv6(counting(SIZE))],
];
for (const [why, first, next] of NOT_JOINED) {
  Deno.test(`a segment is not joined: ${why}`, () => {
    const { met, flushed } = offer(first, next);
    deepEqual(met, [OFFER.STARTED, OFFER.REFUSED]);
    deepEqual(flushed, Uint8Array.from([...new Uint8Array(VNET.bytes), ...first]), "the first one leaves as it came");
  });
}

Deno.test("a push ends the train and shows in it", () => {
  const { met, flushed } = offer(segment(0), segment(1, { flags: FLAG.ACK | FLAG.PSH }), segment(2));
  deepEqual(met, [OFFER.STARTED, OFFER.APPENDED, OFFER.REFUSED]);
  equal(flushed[VNET.bytes + 20 + 13], FLAG.ACK | FLAG.PSH);
});

Deno.test("a train ends at the longest packet there is", () => {
  const packets = Array.from({ length: 70 }, (_, i) => segment(i));
  const { met, flushed } = offer(...packets);
  const full = Math.floor((65_535 - 52) / SIZE);
  deepEqual(met.indexOf(OFFER.REFUSED), full);
  equal(flushed.length, VNET.bytes + 52 + full * SIZE);
  equal(get16(flushed, VNET.bytes + 2), 52 + full * SIZE);
});

Deno.test("a packet longer than 65535 bytes is refused, empty or not", () => {
  const memory = new PacketMemory(200_000);
  const coalescer = new Coalescer(memory, START);
  equal(coalescer.offer(memory, AT, 65_536), OFFER.REFUSED);
  equal(coalescer.flush(), 0);
});

Deno.test("segments counts what flush() will give", () => {
  const memory = new PacketMemory(200_000);
  const coalescer = new Coalescer(memory, START);
  equal(coalescer.segments, 0);
  for (let i = 0; i < 3; i++) {
    const packet = segment(i);
    memory.bytes.set(packet, AT);
    coalescer.offer(memory, AT, packet.length);
    equal(coalescer.segments, i + 1);
  }
  coalescer.flush();
  equal(coalescer.segments, 0);
});
