import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { Coalescer, OFFER } from "../../lib/packet/tcp_coalesce.ts";
import { GSO, Segmenter, VNET } from "../../lib/packet/tcp_segments.ts";
import {
  counting,
  FLAG,
  get16,
  get32,
  GuardedMemory,
  naiveChecksum,
  superPacket,
  tcp,
  type TcpFields,
  transportChecksum,
  udp,
} from "./_packets.ts";

const HEADER = 4098;
const PACKET = HEADER + VNET.bytes;
const TARGET = 80_000;
const JOIN = 160_002;
const SIZE = 240_000;
/** Timestamps, as Linux sends them: two no-operations before 10 bytes. */
const TIMESTAMPS = [1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6];

function cut(bytes: Uint8Array): Uint8Array[] {
  const memory = new GuardedMemory(SIZE);
  memory.bytes.set(bytes, HEADER);
  const segmenter = new Segmenter();
  const count = segmenter.begin(memory, HEADER, bytes.length);
  const segments: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const length = segmenter.writeSegment(memory, i, TARGET);
    ok(length <= segmenter.largest);
    segments.push(memory.bytes.slice(TARGET, TARGET + length));
    memory.bytes.fill(0xa5, TARGET, TARGET + length);
  }
  deepEqual(memory.bytes.slice(HEADER, HEADER + bytes.length), bytes, "the super-packet is only read");
  equal(memory.firstTouchedOutside([HEADER, HEADER + bytes.length]), -1);
  return segments;
}

/** Offers all, flushing where one is refused; @returns what was written, each with its virtio header */
function join(packets: Uint8Array[]): Uint8Array[] {
  const memory = new GuardedMemory(SIZE);
  const coalescer = new Coalescer(memory, JOIN);
  const written: Uint8Array[] = [];
  const flush = () => {
    const length = coalescer.flush();
    if (length > 0) written.push(memory.bytes.slice(JOIN, JOIN + length));
  };
  for (const packet of packets) {
    memory.bytes.set(packet, TARGET);
    if (coalescer.offer(memory, TARGET, packet.length) !== OFFER.REFUSED) continue;
    flush();
    equal(coalescer.offer(memory, TARGET, packet.length), OFFER.STARTED);
  }
  flush();
  equal(coalescer.flush(), 0, "nothing is left");
  const longest = Math.max(...packets.map((packet) => packet.length));
  const total = packets.reduce<number>((sum, packet) => sum + packet.length, VNET.bytes);
  equal(memory.firstTouchedOutside([TARGET, TARGET + longest], [JOIN, JOIN + Math.min(total, 65_545)]), -1);
  return written;
}

const TRAIN = fc.record({
  v6: fc.boolean(),
  sequence: fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xffff0000, max: 0xffffffff })),
  payload: fc.integer({ min: 1, max: 30_000 }),
  gsoSize: fc.integer({ min: 500, max: 9000 }),
  push: fc.boolean(),
  options: fc.constantFrom([], TIMESTAMPS, [...TIMESTAMPS, 1, 1, 1, 0]),
  id: fc.constantFrom(0, 1, 0xfff0),
}, { noNullPrototype: true });

Deno.test("what the segmenter cuts, the joiner puts together again, byte by byte", () => {
  fc.assert(
    fc.property(TRAIN, ({ v6, sequence, payload, gsoSize, push, options, id }) => {
      const flags = FLAG.ACK | (push ? FLAG.PSH : 0);
      const packet = tcp(counting(payload), { v6, sequence, options, flags, ip: { id } });
      const bytes = superPacket(packet, v6 ? GSO.TCPV6 : GSO.TCPV4, gsoSize);
      const segments = cut(bytes);
      equal(segments.length, Math.ceil(payload / gsoSize));
      const written = join(segments);
      equal(written.length, 1);
      if (segments.length > 1) return deepEqual(written[0], bytes);
      // One segment is an ordinary packet with a true checksum.
      deepEqual(written[0], Uint8Array.from([...new Uint8Array(VNET.bytes), ...packet]));
    }),
    { numRuns: 60 },
  );
});

const ODD: [name: string, fields: TcpFields, flags: number[]][] = [
  ["FIN and PSH go with the last segment", { flags: FLAG.ACK | FLAG.FIN | FLAG.PSH }, [0x10, 0x10, 0x19]],
  ["CWR goes with the first segment (RFC 3168 §6.1.2)", { flags: FLAG.ACK | FLAG.CWR }, [0x90, 0x10, 0x10]],
  ["ECE goes with each segment", { flags: FLAG.ACK | FLAG.ECE }, [0x50, 0x50, 0x50]],
];
for (const [name, fields, flags] of ODD) {
  for (const v6 of [false, true]) {
    Deno.test(`writeSegment(), IPv${v6 ? 6 : 4}: ${name}`, () => {
      const header = v6 ? 40 : 20;
      const packet = tcp(counting(2500), { ...fields, v6, sequence: 0xfffffff0, ip: { id: 0xffff } });
      const segments = cut(superPacket(packet, (v6 ? GSO.TCPV6 : GSO.TCPV4) | GSO.ECN, 1000));
      deepEqual(segments.map((segment) => segment[header + 13]), flags);
      deepEqual(segments.map((segment) => get32(segment, header + 4)), [0xfffffff0, 984, 1984]);
      deepEqual(segments.map((segment) => segment.length - header - 20), [1000, 1000, 500]);
      for (const [i, segment] of segments.entries()) {
        equal(transportChecksum(segment, header, 6), 0);
        if (v6) equal(get16(segment, 4), segment.length - 40);
        else {
          equal(naiveChecksum(segment.subarray(0, 20)), 0);
          equal(get16(segment, 2), segment.length);
          equal(get16(segment, 4), 0xffff + i & 0xffff);
        }
      }
    });
  }
}

for (const v6 of [false, true]) {
  Deno.test(`writeSegment() cuts a train of UDP datagrams over IPv${v6 ? 6 : 4}`, () => {
    const header = v6 ? 40 : 20;
    const segments = cut(superPacket(udp(counting(1100), v6), GSO.UDP_L4, 500));
    deepEqual(segments.map((segment) => get16(segment, header + 4)), [508, 508, 108]);
    deepEqual(segments.flatMap((segment) => [...segment.subarray(header + 8)]), counting(1100));
    for (const segment of segments) equal(transportChecksum(segment, header, 17), 0);
  });
}

const whole = superPacket(tcp(counting(2500)), GSO.TCPV4, 1000);
function lying(change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = whole.slice();
  change(bytes, new DataView(bytes.buffer));
  return bytes;
}
const REFUSED: [name: string, bytes: Uint8Array][] = [
  ["a segment size of 0", lying((_, view) => view.setUint16(VNET.gsoSize, 0))],
  ["IPv6 said of an IPv4 packet", lying((bytes) => bytes[VNET.gsoType] = GSO.TCPV6)],
  ["an unknown type", lying((bytes) => bytes[VNET.gsoType] = 3)],
  ["a transport header inside the IP header", lying((_, view) => view.setUint16(VNET.checksumStart, 19, true))],
  ["a transport header behind the end", lying((_, view) => view.setUint16(VNET.checksumStart, 65_535, true))],
  ["a TCP header of 16 bytes", lying((bytes) => bytes[VNET.bytes + 32] = 0x40)],
  [
    "a TCP header longer than the packet",
    superPacket(tcp([1]), GSO.TCPV4, 100).map((byte, i) => i === VNET.bytes + 32 ? 0xf0 : byte),
  ],
];
for (const [name, bytes] of REFUSED) {
  Deno.test(`begin() refuses ${name}`, () => {
    const memory = new GuardedMemory(SIZE);
    memory.bytes.set(bytes, HEADER);
    equal(new Segmenter().begin(memory, HEADER, bytes.length), -1);
  });
}

Deno.test("begin() takes a packet without payload for an ordinary one", () => {
  const memory = new GuardedMemory(SIZE);
  const bytes = superPacket(tcp([]), GSO.TCPV4, 1000);
  memory.bytes.set(bytes, HEADER);
  equal(new Segmenter().begin(memory, HEADER, bytes.length), 1);
});

Deno.test("any virtio header gives segments inside the room they were promised, or a refusal", () => {
  const VNET_BYTES = fc.uint8Array({ minLength: VNET.bytes, maxLength: VNET.bytes });
  const memory = new GuardedMemory(SIZE);
  const segmenter = new Segmenter();
  fc.assert(
    fc.property(VNET_BYTES, fc.uint8Array({ minLength: 20, maxLength: 300 }), fc.boolean(), (head, body, v4) => {
      body[0] = v4 ? 0x45 : 0x60;
      head[VNET.gsoType] &= 0x85;
      if (head[VNET.checksumStart + 1] > 3) head[VNET.checksumStart + 1] = 0;
      memory.bytes.fill(0xa5);
      memory.bytes.set(head, HEADER);
      memory.bytes.set(body, PACKET);
      const count = segmenter.begin(memory, HEADER, VNET.bytes + body.length);
      if (count < 0 || (head[VNET.gsoType] & ~GSO.ECN) === GSO.NONE) return;
      for (const index of new Set([0, count >> 1, count - 1])) segmenter.writeSegment(memory, index, TARGET);
      const room: [number, number] = [TARGET, TARGET + segmenter.largest];
      equal(memory.firstTouchedOutside([HEADER, PACKET + body.length], room), -1);
    }),
    { numRuns: 60 },
  );
});
