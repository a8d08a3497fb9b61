import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { AUTHENTICATORS } from "../../lib/crypto/algorithms.ts";
import { address, plainPacket } from "./_gateway.ts";
import { drops, pair, saOf, V4, V6 } from "./_tunnel.ts";

// What RFC 4302 says of the ICV, computed a second time with node:crypto over a copy that the test zeroes itself.

const KIND = "ah-sha2_256-128";
const ICV_BYTES = AUTHENTICATORS["sha2_256-128"].icvBytes;
/** The key of tests/klips/_gateway.ts. */
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1);

function icvOf(packet: Uint8Array, ah: number, zeroed: (bytes: Uint8Array) => void): Uint8Array {
  const copy = packet.slice();
  zeroed(copy);
  copy.fill(0, ah + 12, ah + 12 + ICV_BYTES);
  return Uint8Array.from(createHmac("sha256", KEY).update(copy).digest().subarray(0, ICV_BYTES));
}

function zeroV6(bytes: Uint8Array): void {
  bytes.set([0x60, 0, 0, 0], 0);
  bytes[7] = 0;
}

Deno.test("the ICV over IPv4 leaves out TOS, fragment field, TTL and checksum (RFC 4302 §3.3.3.1.1)", () => {
  const { west } = pair([KIND], { transport: true });
  const packet = plainPacket(V4.west, V4.east, 77);
  packet[1] = 0xb8;
  packet[6] = 0x40;
  packet[8] = 17;
  west.route(packet);
  const [{ bytes }] = west.sent;
  const expected = icvOf(bytes, 20, (copy) => {
    copy[1] =
      copy[6] =
      copy[7] =
      copy[8] =
      copy[10] =
      copy[11] =
        0;
  });
  assert.deepEqual(bytes.slice(32, 32 + ICV_BYTES), expected);
});

const MUTABLE: [name: string, at: number, mutable: boolean][] = [
  ["TOS", 1, true],
  ["flags", 6, true],
  ["TTL", 8, true],
  ["header checksum", 10, true],
  ["identification", 5, false],
  ["length of AH", 21, false],
];
for (const [name, at, mutable] of MUTABLE) {
  Deno.test(`a router ${mutable ? "may" : "may not"} change ${name} of an IPv4 packet under AH`, () => {
    const { west, east } = pair([KIND], { transport: true });
    west.route(plainPacket(V4.west, V4.east, 50));
    const [{ bytes }] = west.sent;
    bytes[at] ^= 0x40;
    east.receive({ bytes, udp: undefined });
    assert.equal(east.delivered.length, mutable ? 1 : 0);
  });
}

/** IPv4 options as they may come in: the engine itself sends none. */
const OPTIONS: [name: string, options: number[], mutable: boolean][] = [
  ["router alert", [148, 4, 0, 0], false],
  ["security", [130, 4, 1, 2], false],
  ["no-operation", [1, 1, 1, 1], false],
  ["record route", [7, 4, 4, 9], true],
  ["timestamp", [68, 4, 5, 0], true],
  ["loose source route", [131, 4, 4, 9], true],
  ["an unknown one", [200, 4, 7, 7], true],
];
for (const [name, options, mutable] of OPTIONS) {
  Deno.test(`IPv4 option under AH: ${name} counts ${mutable ? "as zero" : "as it is"} (RFC 4302 appendix A1)`, () => {
    const { east } = pair([KIND], { transport: true });
    const payload = 40, ah = 24;
    const packet = new Uint8Array(ah + 12 + ICV_BYTES + payload);
    packet.set(plainPacket(V4.west, V4.east, packet.length - 20).slice(0, 20));
    packet[0] = 0x46;
    packet[9] = 51;
    packet.set(options, 20);
    packet.set([253, (12 + ICV_BYTES) / 4 - 2, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 1], ah);
    const icv = icvOf(packet, ah, (copy) => {
      copy[1] =
        copy[6] =
        copy[7] =
        copy[8] =
        copy[10] =
        copy[11] =
          0;
      if (mutable) copy.fill(0, 20, 24);
    });
    packet.set(icv, ah + 12);
    east.receive({ bytes: packet, udp: undefined });
    assert.deepEqual(drops(east), {});
    assert.deepEqual([...east.delivered[0].slice(20, 24)], options, "they arrive as they came");
  });
}

/** IPv6 with extension headers before the payload. */
function withExtensions(next: number, extensions: number[]): Uint8Array {
  const packet = plainPacket(V6.west, V6.east, extensions.length + 20, next);
  packet.set(extensions, 40);
  packet[0] = 0x6b;
  packet.set([0x12, 0x34, 0x56], 1);
  packet[7] = 9;
  return packet;
}

const HOP_BY_HOP = 0, ROUTING = 43;
const EXTENSIONS: [name: string, next: number, extensions: number[], zeroed: [from: number, to: number][]][] = [
  ["none", 253, [], []],
  ["hop-by-hop options that may not change", HOP_BY_HOP, [253, 0, 0x05, 2, 0, 0, 1, 0], []],
  ["hop-by-hop options that may change", HOP_BY_HOP, [253, 0, 0x3e, 4, 9, 8, 7, 6], [[44, 48]]],
  ["both, with padding before", HOP_BY_HOP, [253, 1, 0, 0, 0x05, 2, 1, 2, 0x3e, 6, 9, 8, 7, 6, 5, 4], [[50, 56]]],
  ["destination options before a routing header", 60, [ROUTING, 0, 0x3e, 4, 1, 2, 3, 4, 253, 0, 4, 0, 0, 0, 0, 0], [[
    44,
    48,
  ]]],
];
for (const [name, next, extensions, zeroed] of EXTENSIONS) {
  Deno.test(`the ICV over IPv6, extension headers: ${name} (RFC 4302 §3.3.3.1.2)`, () => {
    const { west, east } = pair([KIND], { transport: true, outer: V6 });
    const packet = withExtensions(next, extensions);
    west.route(packet);
    const [{ bytes }] = west.sent;
    const ah = 40 + extensions.length;
    assert.equal(bytes[ah], 253, "AH stands behind what routers read");
    const expected = icvOf(bytes, ah, (copy) => {
      zeroV6(copy);
      for (const [from, to] of zeroed) copy.fill(0, from, to);
    });
    assert.deepEqual(bytes.slice(ah + 12, ah + 12 + ICV_BYTES), expected);
    for (const [from, to] of zeroed) bytes.fill(0x77, from, to);
    east.receive({ bytes, udp: undefined });
    assert.deepEqual(drops(east), {});
    const expectedPacket = packet.slice();
    for (const [from, to] of zeroed) expectedPacket.fill(0x77, from, to);
    assert.deepEqual(east.delivered, [expectedPacket]);
  });
}

const ROUTES: [name: string, type: number, stops: string[]][] = [
  ["type 0 with two stops", 0, ["2001:db8::7", "2001:db8::2"]],
  ["type 2 of mobile IPv6", 2, ["2001:db8::2"]],
];
for (const [name, type, stops] of ROUTES) {
  Deno.test(`a routing header of ${name} is signed as the last stop sees it (RFC 4302 §3.3.3.1.2)`, () => {
    const { west, east } = pair([KIND], { transport: true, outer: V6 });
    const first = "2001:db8::99";
    west.eroute(`${V6.west}/128`, `${first}/128`, "ah:1000@2001:db8::2");
    const addresses = stops.map((stop) => [...address(stop).bytes]);
    const header = [253, stops.length * 2, type, stops.length, 0, 0, 0, 0, ...addresses.flat()];
    const packet = plainPacket(V6.west, first, header.length + 20, ROUTING);
    packet.set(header, 40);
    west.route(packet);
    const [{ bytes }] = west.sent;
    assert.deepEqual(
      bytes.slice(24, 40 + header.length).toString(),
      [
        ...address(first).bytes,
        ...[253, ...header.slice(1)].with(0, 51),
      ].toString(),
      "sent as it was",
    );
    // RFC 8200 §4.4: each stop changes the destination with the next address of the list.
    const arrived = bytes.slice();
    arrived[43] = 0;
    const all = [[...address(first).bytes], ...addresses];
    arrived.set(all.at(-1)!, 24);
    all.slice(0, -1).forEach((stop, i) => arrived.set(stop, 48 + 16 * i));
    east.receive({ bytes: arrived, udp: undefined });
    assert.deepEqual(drops(east), {});
    assert.equal(east.delivered.length, 1);
  });
}

Deno.test("AH keeps headers of any length", () => {
  const { west, east } = pair([KIND], { transport: true, outer: V6 });
  const options = (next: number, fill: number) =>
    [next, 255, 1, 253, ...Array(253).fill(0)].concat(
      Array.from({ length: 7 }, () => [1, 253, ...Array(253).fill(fill)]).flat(),
    ).concat(Array(2048).fill(0)).slice(0, 2048);
  const packet = withExtensions(HOP_BY_HOP, [...options(ROUTING, 1), 253, 0, 4, 0, 0, 0, 0, 0]);
  west.mtu = 9000;
  west.route(packet);
  west.carry(east);
  assert.deepEqual(drops(east), {});
  assert.deepEqual(east.delivered, [packet]);
});

Deno.test("AH is padded to 8 bytes over IPv6 and to 4 over IPv4 (RFC 4302 §2.2)", () => {
  for (
    const [outer, kind, bytes] of [[V4, "ah-sha1-96", 24], [V4, KIND, 28], [V6, KIND, 32], [
      V6,
      "ah-sha1-96",
      24,
    ]] as const
  ) {
    const { west } = pair([kind], { transport: true, outer });
    west.route(plainPacket(outer.west, outer.east, 20));
    const header = outer === V4 ? 20 : 40;
    assert.equal(west.sent[0].bytes.length, header + bytes + 20);
    assert.equal(west.sent[0].bytes[header + 1], bytes / 4 - 2);
    assert.equal(saOf(west, "ah").bytesUsed, header + bytes + 20);
  }
});
