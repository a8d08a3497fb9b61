/** UDP datagrams joined on their way to the host, and cut again as the host does. */
import { deepStrictEqual as deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { PacketMemory } from "../../lib/packet/memory.ts";
import { Coalescer, OFFER } from "../../lib/packet/tcp_coalesce.ts";
import { GSO, Segmenter, VNET } from "../../lib/packet/tcp_segments.ts";
import { counting, get16, type Ipv4Fields, type Ipv6Fields, put16, tcp, udp } from "./_packets.ts";

const AT = 4096, START = 100_002, TARGET = 180_000;
const SIZE = 100;
const DONT_FRAGMENT = 0x4000;

function joiner(joinsUdp = true): Coalescer {
  const coalescer = new Coalescer(new PacketMemory(260_000), START);
  coalescer.joinsUdp = joinsUdp;
  return coalescer;
}

/** @returns what each packet met, and what one flush then gives */
function offer(coalescer: Coalescer, packets: readonly Uint8Array[]): { met: number[]; flushed: Uint8Array } {
  const { memory } = coalescer;
  const met = packets.map((packet) => {
    memory.bytes.set(packet, AT);
    return coalescer.offer(memory, AT, packet.length);
  });
  return { met, flushed: memory.bytes.slice(START, START + coalescer.flush()) };
}

/** Datagram `i` of a train. */
function datagram(i: number, size = SIZE, v6 = false, ip: Ipv4Fields & Ipv6Fields = {}, ports = [5000, 53]) {
  return udp(counting(size, i), v6, ports, { id: 100 + i, ...ip });
}

/** What the host makes of a flushed super-packet. */
function cut(coalescer: Coalescer, flushed: Uint8Array): Uint8Array[] {
  const { memory } = coalescer;
  memory.bytes.set(flushed, START);
  const segmenter = new Segmenter();
  const count = segmenter.begin(memory, START, flushed.length);
  return Array.from({ length: count }, (_, i) => {
    const length = segmenter.writeSegment(memory, i, TARGET);
    return memory.bytes.slice(TARGET, TARGET + length);
  });
}

Deno.test("datagrams of one size are joined, a shorter one ends them, and cutting gives them back", () => {
  fc.assert(fc.property(
    fc.boolean(),
    fc.integer({ min: 2, max: 40 }),
    fc.integer({ min: 1, max: 1400 }),
    fc.integer({ min: 1, max: 1400 }),
    (v6, count, size, last) => {
      const packets = Array.from(
        { length: count },
        (_, i) => datagram(i, i < count - 1 ? size : Math.min(last, size), v6),
      );
      const coalescer = joiner();
      const { met, flushed } = offer(coalescer, packets);
      deepEqual(met, [OFFER.STARTED, ...Array(count - 1).fill(OFFER.APPENDED)]);
      equal(flushed[VNET.gsoType], GSO.UDP_L4);
      deepEqual(cut(coalescer, flushed), packets);
    },
  ));
});

Deno.test("datagrams that may not be fragmented are joined whatever their IDs (RFC 6864)", () => {
  const ip = { fragment: DONT_FRAGMENT, id: 0 };
  const { met } = offer(joiner(), [datagram(0, SIZE, false, ip), datagram(1, SIZE, false, ip)]);
  deepEqual(met, [OFFER.STARTED, OFFER.APPENDED]);
});

const withoutChecksum = datagram(1);
put16(withoutChecksum, 26, 0);
const wrongLength = datagram(1);
put16(wrongLength, 24, get16(wrongLength, 24) - 1);
const NOT_JOINED: [why: string, first: Uint8Array, next: Uint8Array][] = [
  ["a longer one", datagram(0), datagram(1, SIZE + 1)],
  ["one after a shorter one", datagram(0, 10), datagram(1, 11)],
  ["an empty one", datagram(0), datagram(1, 0)],
  ["another source port", datagram(0), datagram(1, SIZE, false, {}, [5001, 53])],
  ["another destination port", datagram(0), datagram(1, SIZE, false, {}, [5000, 54])],
  ["another destination", datagram(0), datagram(1, SIZE, false, { destination: [10, 2, 0, 11] })],
  ["another TOS", datagram(0), datagram(1, SIZE, false, { tos: 4 })],
  ["an ID out of order", datagram(0), datagram(2)],
  ["no checksum", datagram(0), withoutChecksum],
  ["a wrong checksum", datagram(0), datagram(1).map((byte, i) => i === 60 ? byte ^ 1 : byte)],
  ["a wrong checksum at first", datagram(0).map((byte, i) => i === 60 ? byte ^ 1 : byte), datagram(1)],
  ["a length that is not the packet's", datagram(0), wrongLength],
  ["a fragment", datagram(0), datagram(1, SIZE, false, { fragment: 0x2000 })],
  ["TCP", datagram(0), tcp(counting(SIZE), { ip: { id: 101, fragment: 0 } })],
];
for (const [why, first, next] of NOT_JOINED) {
  Deno.test(`a datagram is not joined: ${why}`, () => {
    const { met, flushed } = offer(joiner(), [first, next]);
    deepEqual(met, [OFFER.STARTED, OFFER.REFUSED]);
    deepEqual(flushed, Uint8Array.from([...new Uint8Array(VNET.bytes), ...first]), "the first one leaves as it came");
  });
}

Deno.test("datagrams are not joined where the host takes no such trains", () => {
  const { met } = offer(joiner(false), [datagram(0), datagram(1)]);
  deepEqual(met, [OFFER.STARTED, OFFER.REFUSED]);
});

Deno.test("a train holds no more datagrams than a host cuts at once", () => {
  const { met } = offer(joiner(), Array.from({ length: 70 }, (_, i) => datagram(i)));
  equal(met.indexOf(OFFER.REFUSED), 64);
});
