import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { checkPacket, FlowKey, NOT_IP, readFlow } from "../../lib/packet/ip_header.ts";
import { counting, GuardedMemory, ipv4, ipv6, put16, tcp, udp } from "./_packets.ts";

const AT = 64;

function inMemory(packet: Uint8Array): GuardedMemory {
  const memory = new GuardedMemory(AT + packet.length + 64);
  memory.bytes.set(packet, AT);
  return memory;
}

function changed(packet: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = packet.slice();
  change(bytes);
  return bytes;
}

const CHECKED: [name: string, packet: Uint8Array, result: number][] = [
  ["an IPv4 packet", ipv4(counting(30)), 0],
  ["an IPv4 header alone", ipv4([]), 0],
  ["an IPv4 packet with options", ipv4(counting(30), { options: [1, 1, 1, 0] }), 0],
  ["an IPv6 packet", ipv6(counting(30)), 0],
  ["an IPv6 header alone", ipv6([]), 0],
  ["nothing", new Uint8Array(0), NOT_IP.TRUNCATED],
  ["19 bytes", ipv4([]).slice(0, 19), NOT_IP.TRUNCATED],
  ["39 bytes of IPv6", ipv6([]).slice(0, 39), NOT_IP.TRUNCATED],
  ["version 5", changed(ipv4(counting(30)), (b) => b[0] = 0x55), NOT_IP.VERSION],
  ["version 0", changed(ipv4(counting(30)), (b) => b[0] = 0x05), NOT_IP.VERSION],
  ["an IPv4 header of 16 bytes", changed(ipv4(counting(30)), (b) => b[0] = 0x44), NOT_IP.HEADER_LENGTH],
  ["an IPv4 header longer than the packet", changed(ipv4(counting(30)), (b) => b[0] = 0x4f), NOT_IP.HEADER_LENGTH],
  ["an IPv4 packet cut by one byte", ipv4(counting(30)).slice(0, 49), NOT_IP.LENGTH],
  ["an IPv4 packet with a byte too many", Uint8Array.from([...ipv4(counting(30)), 0]), NOT_IP.LENGTH],
  ["an IPv6 packet cut by one byte", ipv6(counting(30)).slice(0, 69), NOT_IP.LENGTH],
  ["an IPv6 packet with a byte too many", Uint8Array.from([...ipv6(counting(30)), 0]), NOT_IP.LENGTH],
];
for (const [name, packet, result] of CHECKED) {
  Deno.test(`checkPacket() gives ${result} for ${name}`, () => {
    equal(checkPacket(inMemory(packet), AT, packet.length), result);
  });
}

const PORTS = [0x9c, 0x40, 0x01, 0xbb];
const TCP_PORTS = [...PORTS, ...counting(16)];
/** An extension header of 8 bytes that names `next`, and pads itself with PadN. */
const extension = (next: number): number[] => [next, 0, 1, 4, 0, 0, 0, 0];
const fragmentHeader = (next: number, field: number): number[] => [next, 0, field >> 8, field & 255, 0, 0, 0, 9];
const HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60, TCP = 6;

interface Expected {
  protocol: number;
  ports: [number, number];
  headerLength: number;
  fragment?: boolean;
  laterFragment?: boolean;
}
const FLOWS: [name: string, packet: Uint8Array, expected: Expected][] = [
  ["TCP", tcp([1]), { protocol: 6, ports: [40000, 443], headerLength: 20 }],
  ["UDP", udp([1]), { protocol: 17, ports: [5000, 53], headerLength: 20 }],
  ["a protocol without ports", ipv4(TCP_PORTS, { protocol: 50 }), { protocol: 50, ports: [0, 0], headerLength: 20 }],
  [
    "TCP behind IPv4 options",
    ipv4(TCP_PORTS, { protocol: 6, options: [1, 1, 1, 0] }),
    { protocol: 6, ports: [40000, 443], headerLength: 24 },
  ],
  [
    "a first IPv4 fragment",
    ipv4(TCP_PORTS, { protocol: 6, fragment: 0x2000 }),
    { protocol: 6, ports: [40000, 443], headerLength: 20, fragment: true },
  ],
  [
    "a later IPv4 fragment, whose ports are read where they would stand (klips.md §14)",
    ipv4(TCP_PORTS, { protocol: 6, fragment: 5 }),
    { protocol: 6, ports: [40000, 443], headerLength: 20, fragment: true, laterFragment: true },
  ],
  [
    "an IPv4 packet that must not be fragmented",
    ipv4(TCP_PORTS, { protocol: 6, fragment: 0x4000 }),
    { protocol: 6, ports: [40000, 443], headerLength: 20 },
  ],
  [
    "TCP of three bytes",
    ipv4(PORTS.slice(0, 3), { protocol: 6 }),
    { protocol: 6, ports: [0, 0], headerLength: 20 },
  ],
  ["TCP over IPv6", tcp([1], { v6: true }), { protocol: 6, ports: [40000, 443], headerLength: 40 }],
  [
    "TCP behind hop-by-hop and destination options",
    ipv6([...extension(DESTINATION), ...extension(TCP), ...TCP_PORTS], { next: HOP_BY_HOP }),
    { protocol: 6, ports: [40000, 443], headerLength: 56 },
  ],
  [
    "TCP behind a routing header of 24 bytes",
    ipv6([TCP, 2, 2, 0, ...counting(20), ...TCP_PORTS], { next: ROUTING }),
    { protocol: 6, ports: [40000, 443], headerLength: 64 },
  ],
  [
    "a first IPv6 fragment",
    ipv6([...fragmentHeader(TCP, 1), ...TCP_PORTS], { next: FRAGMENT }),
    { protocol: 6, ports: [40000, 443], headerLength: 48, fragment: true },
  ],
  [
    "a later IPv6 fragment, which has no ports",
    ipv6([...fragmentHeader(TCP, 8 << 3), ...TCP_PORTS], { next: FRAGMENT }),
    { protocol: 6, ports: [0, 0], headerLength: 48, fragment: true, laterFragment: true },
  ],
  [
    "an atomic IPv6 fragment (RFC 6946)",
    ipv6([...fragmentHeader(TCP, 0), ...TCP_PORTS], { next: FRAGMENT }),
    { protocol: 6, ports: [40000, 443], headerLength: 48 },
  ],
  [
    "no next header",
    ipv6([], { next: 59 }),
    { protocol: 59, ports: [0, 0], headerLength: 40 },
  ],
];
for (const [name, packet, { protocol, ports, headerLength, fragment, laterFragment }] of FLOWS) {
  Deno.test(`readFlow() reads ${name}`, () => {
    const flow = new FlowKey();
    equal(readFlow(inMemory(packet), AT, packet.length, flow), 0);
    deepEqual(
      [flow.protocol, flow.sourcePort, flow.destinationPort, flow.headerLength, flow.fragment, flow.laterFragment],
      [protocol, ...ports, headerLength, fragment ?? false, laterFragment ?? false],
    );
  });
}

const CUT: [name: string, packet: Uint8Array][] = [
  ["an extension header of 7 bytes", ipv6(extension(TCP).slice(0, 7), { next: HOP_BY_HOP })],
  ["no extension header where one is named", ipv6([], { next: ROUTING })],
  ["an extension header longer than the packet", ipv6([TCP, 255, ...counting(60)], { next: DESTINATION })],
  ["a fragment header cut short", ipv6([TCP, 0, 0, 1], { next: FRAGMENT })],
];
for (const [name, packet] of CUT) {
  Deno.test(`readFlow() refuses ${name}`, () => {
    ok(readFlow(inMemory(packet), AT, packet.length, new FlowKey()) < 0);
  });
}

Deno.test("a flow leaves nothing of the one before", () => {
  const flow = new FlowKey();
  const first = ipv4(TCP_PORTS, { protocol: 6, fragment: 0x2001 }), second = ipv6([], { next: 59 });
  readFlow(inMemory(first), AT, first.length, flow);
  readFlow(inMemory(second), AT, second.length, flow);
  const fresh = new FlowKey();
  readFlow(inMemory(second), AT, second.length, fresh);
  deepEqual({ ...flow }, { ...fresh });
});

Deno.test("any bytes pass through checkPacket() and readFlow() without a throw and unchanged", () => {
  const flow = new FlowKey();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(4, 6, 0), (bytes, version) => {
    if (bytes.length > 0 && version) bytes[0] = version << 4 | bytes[0] & 15;
    if (bytes.length >= 40 && version === 6) put16(bytes, 4, bytes.length - 40);
    const memory = inMemory(bytes);
    if (checkPacket(memory, AT, bytes.length) === 0 && readFlow(memory, AT, bytes.length, flow) === 0) {
      ok(flow.headerLength >= 20 && flow.headerLength <= bytes.length);
    }
    deepEqual(memory.bytes.slice(AT, AT + bytes.length), Uint8Array.from(bytes));
    equal(memory.firstTouchedOutside([AT, AT + bytes.length]), -1);
  }));
});
