import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { countFragments, writeFragment } from "../../lib/packet/fragment.ts";
import { counting, get16, get32, GuardedMemory, ipv4, ipv6, naiveChecksum } from "./_packets.ts";

const AT = 64;
const IDENTIFICATION = 0xbeef;

/** Cuts a packet, and checks on the way that each fragment fits the MTU and nothing else was written. */
function cut(packet: Uint8Array, mtu: number): Uint8Array[] {
  const target = AT + packet.length + 64;
  const fragments: Uint8Array[] = [];
  const probe = new GuardedMemory(target + mtu + 64);
  probe.bytes.set(packet, AT);
  const count = countFragments(probe, AT, packet.length, mtu);
  for (let i = 0; i < count; i++) {
    const memory = new GuardedMemory(target + mtu + 64);
    memory.bytes.set(packet, AT);
    const size = writeFragment(memory, AT, packet.length, mtu, i, target, IDENTIFICATION);
    ok(size <= mtu, `${size} bytes on a link of ${mtu}`);
    deepEqual(memory.bytes.slice(AT, AT + packet.length), packet, "the packet itself is only read");
    equal(memory.firstTouchedOutside([AT, AT + packet.length], [target, target + size]), -1);
    fragments.push(memory.bytes.slice(target, target + size));
  }
  return fragments;
}

/** RFC 791 §3.2: payloads at their offsets, the first header, its fragment field as the original had it. */
function joinV4(fragments: Uint8Array[], original: Uint8Array): Uint8Array {
  const first = fragments[0];
  const header = (first[0] & 15) * 4;
  const base = (get16(original, 6) & 0x1fff) * 8;
  const payload: number[] = [];
  fragments.forEach((fragment, i) => {
    equal(naiveChecksum(fragment.subarray(0, header)), 0, "header checksum");
    equal(get16(fragment, 2), fragment.length);
    const field = get16(fragment, 6);
    const last = i === fragments.length - 1;
    equal((field & 0x2000) !== 0, !last || (get16(original, 6) & 0x2000) !== 0, "more fragments");
    if (!last) equal((fragment.length - header) % 8, 0);
    equal((field & 0x1fff) * 8 - base, payload.length);
    payload.push(...fragment.subarray(header));
  });
  const whole = Uint8Array.from([...first.subarray(0, header), ...payload]);
  whole.set(original.subarray(2, 4), 2);
  whole.set(original.subarray(6, 8), 6);
  whole.set(original.subarray(10, 12), 10);
  return whole;
}

const MTU = fc.integer({ min: 68, max: 1600 });

Deno.test("IPv4 fragments joined again are the packet", () => {
  fc.assert(
    fc.property(fc.nat(6000), MTU, fc.constantFrom(0, 0x2000, 3, 0x2003), (size, mtu, fragment) => {
      const packet = ipv4(counting(size + 1), { fragment });
      deepEqual(joinV4(cut(packet, mtu), packet), packet);
    }),
    { numRuns: 40 },
  );
});

Deno.test("IPv4 options: all in the first fragment, later ones have only those that are copied (RFC 791 §3.1)", () => {
  const ROUTER_ALERT = [148, 4, 0, 0], RECORD_ROUTE = [7, 7, 4, 0, 0, 0, 0], NO_OPERATION = 1;
  const packet = ipv4(counting(300), { options: [...ROUTER_ALERT, ...RECORD_ROUTE, NO_OPERATION] });
  const [first, ...later] = cut(packet, 120);
  deepEqual([...first.subarray(20, 32)], [...packet.subarray(20, 32)]);
  equal(later.length, 3);
  for (const fragment of later) {
    deepEqual([...fragment.subarray(20, 32)], [...ROUTER_ALERT, 1, 1, 1, 1, 1, 1, 1, NO_OPERATION]);
  }
  deepEqual(joinV4([first, ...later], packet), packet);
});

for (const options of [[7, 0, 4, 0], [7, 255, 4, 0], [0x83, 1, 1, 1], [1, 1, 1, 7]]) {
  Deno.test(`IPv4 options that lie about their length (${options}) stay within the header`, () => {
    for (const fragment of cut(ipv4(counting(300), { options }), 120)) {
      equal(naiveChecksum(fragment.subarray(0, 24)), 0);
    }
  });
}

Deno.test("an IPv4 packet without an identification is given one, another keeps its own", () => {
  for (const [id, expected] of [[0, IDENTIFICATION], [7, 7]]) {
    for (const fragment of cut(ipv4(counting(200), { id }), 100)) equal(get16(fragment, 4), expected);
  }
});

const hopByHop = (next: number): number[] => [next, 0, 5, 2, 0, 0, 1, 0]; // router alert
const routing = (next: number): number[] => [next, 0, 4, 0, 0, 0, 0, 0];
const destinationOptions = (next: number): number[] => [next, 0, 1, 4, 0, 0, 0, 0];
const payloadV6 = counting(700);
const HEADERS: [name: string, before: number[], next: number, repeated: number, fragmented: number][] = [
  ["a plain packet", [], 50, 40, 50],
  ["hop-by-hop options", hopByHop(50), 0, 48, 50],
  ["a routing header", routing(50), 43, 48, 50],
  ["hop-by-hop options and a routing header", [...hopByHop(43), ...routing(50)], 0, 56, 50],
  ["destination options before a routing header", [...destinationOptions(43), ...routing(50)], 60, 56, 50],
  ["destination options alone, which are fragmented", destinationOptions(50), 60, 40, 60],
  ["hop-by-hop options cut short", [50, 200, 0, 0], 0, 40, 0],
];
for (const [name, before, next, repeated, fragmented] of HEADERS) {
  Deno.test(`IPv6 fragments repeat what routers read: ${name} (RFC 8200 §4.5)`, () => {
    const packet = ipv6([...before, ...payloadV6], { next, flowLabel: 5, trafficClass: 3 });
    const fragments = cut(packet, 256);
    const payload: number[] = [];
    fragments.forEach((fragment, i) => {
      const header = fragment.subarray(repeated, repeated + 8);
      equal(get16(fragment, 4), fragment.length - 40);
      equal(header[0], fragmented);
      equal(header[1], 0);
      equal(get16(header, 2) & 0xfff8, payload.length);
      equal(get16(header, 2) & 7, i === fragments.length - 1 ? 0 : 1);
      equal(get32(header, 4), IDENTIFICATION);
      payload.push(...fragment.subarray(repeated + 8));
    });
    const [first] = fragments;
    const whole = Uint8Array.from([...first.subarray(0, repeated), ...payload]);
    whole.set(packet.subarray(4, 6), 4);
    const field = packet.findIndex((byte, i) => byte !== whole[i]);
    if (field >= 0) {
      equal(whole[field], 44, "what comes next is a fragment header");
      whole[field] = fragmented;
    }
    deepEqual(whole, packet);
  });
}

const NO_ROOM: [name: string, packet: Uint8Array, mtu: number][] = [
  ["IPv4", ipv4(counting(100)), 27],
  ["IPv4 with options", ipv4(counting(100), { options: [1, 1, 1, 0] }), 31],
  ["IPv6", ipv6(counting(100)), 55],
  ["an MTU of 0", ipv4(counting(100)), 0],
];
for (const [name, packet, mtu] of NO_ROOM) {
  Deno.test(`countFragments() is 0 where not 8 bytes of payload fit: ${name}`, () => {
    const memory = new GuardedMemory(512);
    memory.bytes.set(packet, AT);
    equal(countFragments(memory, AT, packet.length, mtu), 0);
  });
}
