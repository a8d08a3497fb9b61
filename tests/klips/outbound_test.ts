import assert from "node:assert/strict";
import { DROP_REASONS, type DropName } from "../../lib/klips/counters.ts";
import type { Eroute } from "../../lib/klips/eroute.ts";
import type { Sa } from "../../lib/klips/sa.ts";
import { address, Gateway, ipHeader, plainPacket } from "./_gateway.ts";
import { drops, pair, saOf, V4, V6 } from "./_tunnel.ts";

const PACKET = plainPacket(V4.sunset, V4.sunrise, 100);
const PACKET_V6 = plainPacket(V6.sunset, V6.sunrise, 100);
const ESP = 50, AH = 51, IPCOMP = 108, UDP = 17;

const u16 = (bytes: Uint8Array, at: number): number => bytes[at] << 8 | bytes[at + 1];

/** The same packet with other header bytes and a true IPv4 checksum. */
function withHeader(packet: Uint8Array, ...changes: [at: number, value: number][]): Uint8Array {
  const bytes = packet.slice();
  for (const [at, value] of changes) bytes[at] = value;
  if (bytes[0] >>> 4 !== 4) return bytes;
  bytes[10] = bytes[11] = 0;
  let sum = 0;
  for (let i = 0; i < (bytes[0] & 15) * 4; i += 2) sum += u16(bytes, i);
  sum = (sum & 0xffff) + (sum >>> 16);
  new DataView(bytes.buffer).setUint16(10, ~(sum + (sum >>> 16)));
  return bytes;
}

const dontFragment = (packet: Uint8Array): Uint8Array => withHeader(packet, [6, 0x40]);

interface Row {
  why: string;
  reason: DropName;
  packet?: Uint8Array;
  /** The virtio header; zeroes where nothing is left to us. */
  vnet?: Uint8Array;
  make?: () => Gateway;
  /** Packets that leave all the same, before the one that is refused. */
  sent?: number;
}

function west(change: (west: Gateway) => void = () => {}, kinds = ["aes128gcm16"]): Gateway {
  const gateway = pair(kinds).west;
  change(gateway);
  return gateway;
}

/** Tunnels in tunnels: the result of each goes through the next one. */
function nestedTunnels(depth: number): Gateway {
  const gateway = west();
  let peer = V4.east;
  for (let i = 0; i < depth; i++) {
    const next = `198.51.100.${i + 1}`;
    gateway.group(
      gateway.sa(`tun.${3000 + i}@${next}`, V4.west, "ipip"),
      gateway.sa(`esp.${3100 + i}@${next}`, V4.west, "aes128gcm16"),
    );
    gateway.eroute(`${V4.west}/32`, `${peer}/32`, `tun.${3000 + i}@${next}`);
    peer = next;
  }
  return gateway;
}

const ROWS: Row[] = [
  { why: "an IPv4 header cut short", reason: "BAD_PACKET_OUT", packet: PACKET.slice(0, 19) },
  { why: "a length that is not the header's", reason: "BAD_PACKET_OUT", packet: PACKET.slice(0, 80) },
  { why: "IPv6 options cut short", reason: "BAD_PACKET_OUT", packet: plainPacket(V6.sunset, V6.sunrise, 4, 0) },
  { why: "IP version 5", reason: "BAD_PACKET_OUT", packet: withHeader(PACKET, [0, 0x55]) },
  {
    why: "a checksum to be finished inside the IP header",
    reason: "BAD_PACKET_OUT",
    vnet: Uint8Array.of(1, 0, 0, 0, 0, 0, 10, 0, 6, 0),
  },
  {
    why: "a checksum to be finished behind the packet",
    reason: "BAD_PACKET_OUT",
    vnet: Uint8Array.of(1, 0, 0, 0, 0, 0, 20, 0, 99, 0),
  },
  {
    why: "segments whose transport header is elsewhere",
    reason: "BAD_PACKET_OUT",
    packet: plainPacket(V4.sunset, V4.sunrise, 500, 6).fill(0x50, 40, 60),
    vnet: Uint8Array.of(1, 1, 40, 0, 100, 0, 24, 0, 16, 0),
  },
  { why: "IP options", reason: "IP_OPTIONS", packet: withHeader(PACKET, [0, 0x46], [20, 1]) },
  { why: "no eroute", reason: "NO_EROUTE", packet: plainPacket(V4.sunset, "10.77.0.1", 9) },
  { why: "no IPv6 eroute", reason: "NO_EROUTE", packet: PACKET_V6 },
  { why: "%drop", reason: "DROP", make: () => shunt("%drop").gateway },
  { why: "a magic SA of no known name", reason: "DROP", make: () => shunt("int.fff@0.0.0.0").gateway },
  { why: "%reject", reason: "REJECT", make: () => shunt("%reject").gateway },
  { why: "%hold", reason: "HOLD", make: () => shunt("%hold").gateway },
  { why: "%trap", reason: "TRAP", make: () => shunt("%trap").gateway },
  { why: "%trapsubnet", reason: "TRAP", make: () => shunt("%trapsubnet").gateway },
  { why: "an SA that is gone", reason: "UNKNOWN_SA_OUT", make: () => west((w) => w.engine.sad.clear()) },
  {
    why: "a nested tunnel whose SA is gone",
    reason: "UNKNOWN_SA_OUT",
    make: () =>
      west((w) => {
        w.eroute(`${V4.west}/32`, `${V4.east}/32`, "tun.3000@198.51.100.1");
      }),
  },
  { why: "a larval SA", reason: "SA_STATE_OUT", make: () => west((w) => saOf(w, "esp").state = "larval") },
  { why: "a dead SA", reason: "SA_STATE_OUT", make: () => west((w) => saOf(w, "esp").state = "dead") },
  {
    why: "sequence numbers used up",
    reason: "SEQUENCE_EXHAUSTED",
    make: () => west((w) => saOf(w, "esp").sequenceLow = 0xffffffff),
  },
  {
    why: "AH's sequence numbers used up",
    reason: "SEQUENCE_EXHAUSTED",
    make: () => west((w) => saOf(w, "ah").sequenceLow = 0xffffffff, ["ah-sha1-96"]),
  },
  {
    why: "a hard lifetime exceeded",
    reason: "LIFETIME_OUT",
    make: () =>
      west((w) => {
        saOf(w, "ipip").limit("addtime").hard = 1;
        w.clock += 2;
      }),
  },
  { why: "more than a chain may make", reason: "TOO_BIG", packet: plainPacket(V4.sunset, V4.sunrise, 65_510) },
  { why: "an MTU that fits no fragment", reason: "TOO_BIG", make: () => west((w) => w.mtu = 20) },
  {
    why: "a passed packet too large with DF",
    reason: "TOO_BIG",
    packet: dontFragment(plainPacket(V4.sunset, V4.sunrise, 1481)),
    make: () => shunt("%pass").gateway,
  },
  {
    why: "a passed IPv6 packet too large",
    reason: "TOO_BIG",
    packet: plainPacket(V6.sunset, V6.sunrise, 1461),
    make: () => {
      const gateway = new Gateway([V6.west]);
      gateway.eroute("::/0", "::/0", "%pass");
      return gateway;
    },
  },
  {
    why: "a fragment in transport mode",
    reason: "FRAGMENT",
    packet: withHeader(plainPacket(V4.west, V4.east, 64), [6, 0x20]),
    make: () => pair(["aes128gcm16"], { transport: true }).west,
  },
  {
    why: "a later fragment in transport mode",
    reason: "FRAGMENT",
    packet: withHeader(plainPacket(V4.west, V4.east, 64), [7, 8]),
    make: () => pair(["comp", "ah-sha1-96"], { transport: true }).west,
  },
  {
    why: "an IPv6 fragment in transport mode",
    reason: "FRAGMENT",
    packet: fragmentV6(),
    make: () => pair(["aes128gcm16"], { transport: true, outer: V6 }).west,
  },
  { why: "tunnels nested too deep", reason: "RECURSION", make: () => nestedTunnels(5) },
];

function fragmentV6(): Uint8Array {
  const packet = plainPacket(V6.west, V6.east, 40, 44);
  packet.set([253, 0, 0, 1, 0, 0, 0, 9], 40);
  return packet;
}

function shunt(
  said: string,
  source = "10.1.0.0/16",
  destination = "10.2.0.0/16",
): { gateway: Gateway; eroute: Eroute } {
  const gateway = new Gateway([V4.west]);
  return { gateway, eroute: gateway.eroute(source, destination, said) };
}

for (const { why, reason, packet, vnet, make, sent } of ROWS) {
  Deno.test(`outbound drops ${why} as ${reason}`, () => {
    const gateway = (make ?? west)();
    gateway.route(packet ?? PACKET, vnet);
    const { counters } = gateway.device;
    assert.deepEqual(drops(gateway), { [reason]: 1 });
    assert.equal(counters[DROP_REASONS[reason].counter], 1);
    assert.equal(gateway.sent.length, sent ?? 0);
    assert.deepEqual([counters.txPackets, counters.txBytes], [0, 0]);
  });
}

Deno.test("each reason to drop what goes out has a row above", () => {
  const elsewhere = ["SEND_FAILED", "NO_ROOM"]; // the daemon's, and the one below
  const all = Object.keys(DROP_REASONS).filter((name) => /^tx/.test(DROP_REASONS[name as DropName].counter));
  assert.deepEqual(all.filter((name) => !elsewhere.includes(name) && !ROWS.some(({ reason }) => reason === name)), []);
});

Deno.test("what finds no room is counted, and room comes back with the next flush", () => {
  const gateway = west();
  gateway.memory.bytes.set(PACKET, 4108);
  const { arena, outbound } = gateway.engine;
  while (arena.take(1 << 10) >= 0);
  outbound.accept(gateway.device, 4098, 10 + PACKET.length);
  assert.deepEqual(drops(gateway), { NO_ROOM: 1 });
  gateway.route(PACKET);
  assert.equal(gateway.sent.length, 1);
});

// Shunts

const REJECTED: [why: string, packet: Uint8Array, answer: number[] | undefined][] = [
  ["IPv4", PACKET, [3, 13]],
  ["a later fragment", withHeader(PACKET, [7, 9]), undefined],
  ["an ICMP error", withHeader(plainPacket(V4.sunset, V4.sunrise, 30, 1), [20, 3]), undefined],
  ["IPv6", PACKET_V6, [1, 1]],
];
for (const [why, packet, answer] of REJECTED) {
  Deno.test(`%reject ${answer ? `answers ${why} with ICMP ${answer}` : `does not answer ${why}`}`, () => {
    const gateway = new Gateway([V4.west, V6.west]);
    gateway.eroute("0.0.0.0/0", "0.0.0.0/0", "%reject");
    const v6 = gateway.eroute("::/0", "::/0", "%reject");
    gateway.route(packet);
    const header = packet[0] >>> 4 === 4 ? 20 : 40;
    assert.deepEqual(gateway.delivered.map((icmp) => [...icmp.slice(header, header + 2)]), answer ? [answer] : []);
    assert.equal(v6.count, header === 40 ? 1 : 0);
  });
}

Deno.test("%pass sends what came, and counts it", () => {
  const { gateway, eroute } = shunt("%pass");
  gateway.clock = 4321;
  gateway.route(PACKET);
  assert.deepEqual(gateway.sent.map(({ bytes }) => bytes), [PACKET]);
  const { txPackets, txBytes } = gateway.device.counters;
  assert.deepEqual([txPackets, txBytes, eroute.count, eroute.lastUsedAt], [1, PACKET.length, 1, 4321]);
});

Deno.test("%hold keeps the newest packet only", () => {
  const { gateway, eroute } = shunt("%hold");
  for (const size of [1, 2, 3]) gateway.route(plainPacket(V4.sunset, V4.sunrise, size));
  assert.equal(eroute.firstHeld, undefined);
  assert.deepEqual(eroute.lastHeld, plainPacket(V4.sunset, V4.sunrise, 3));
  assert.equal(eroute.count, 3);
});

function udpPacket(
  sport: number,
  dport: number,
  source: string = V4.sunset,
  destination: string = V4.sunrise,
): Uint8Array {
  const packet = plainPacket(source, destination, 40, UDP);
  const header = packet.length - 40;
  new DataView(packet.buffer).setUint32(header, sport * 65536 + dport);
  new DataView(packet.buffer).setUint16(header + 4, 40);
  return packet;
}

const TRAPS: [said: string, protocol: number, hold: string[]][] = [
  ["%trap", 0, ["10.1.0.10/32 10.2.0.10/32 0"]],
  ["%trap", UDP, ["10.1.0.10/32 10.2.0.10/32 17"]],
  ["%trapsubnet", 0, ["10.1.0.0/16 10.2.0.0/16 0"]],
];
for (const [said, protocol, hold] of TRAPS) {
  Deno.test(`${said}${protocol ? " with a protocol" : ""} asks for keys once and leaves a %hold`, () => {
    const gateway = new Gateway([V4.west]);
    gateway.eroute("10.1.0.0/16", "10.2.0.0/16", said, protocol);
    const first = udpPacket(1000, 53), second = udpPacket(1000, 54);
    gateway.route(first);
    gateway.route(second);
    assert.equal(gateway.acquired.length, 1);
    const holds = gateway.engine.eroutes.list().filter(({ shunt }) => shunt === 259);
    const show = ({ selector: { source, destination, protocol } }: Eroute) =>
      `${source.address.bytes.join(".")}/${source.bits} ${
        destination.address.bytes.join(".")
      }/${destination.bits} ${protocol}`;
    assert.deepEqual(holds.map(show), hold);
    assert.deepEqual([holds[0].firstHeld, holds[0].lastHeld], [first, second]);
    assert.deepEqual(drops(gateway), { TRAP: 1, HOLD: 1 });
  });
}

Deno.test("a super-packet that is held leaves its first segment", () => {
  const { gateway, eroute } = shunt("%hold");
  const tcp = plainPacket(V4.sunset, V4.sunrise, 20 + 3000, 6);
  tcp[32] = 0x50;
  const vnet = new Uint8Array(10);
  vnet.set([1, 1, 40, 0, 1000 & 255, 1000 >> 8, 20, 0, 16, 0]);
  gateway.route(tcp, vnet);
  assert.equal(eroute.lastHeld!.length, 1040);
  assert.deepEqual(drops(gateway), { HOLD: 3 });
});

Deno.test("a held packet goes where its flow is sent by then", () => {
  const { gateway, eroute } = shunt("%hold");
  gateway.route(PACKET);
  gateway.engine.eroutes.remove(eroute.selector);
  gateway.eroute("10.1.0.0/16", "10.2.0.0/16", "%pass");
  gateway.engine.outbound.resend(eroute.lastHeld!);
  assert.deepEqual(gateway.sent.map(({ bytes }) => bytes), [PACKET]);
});

Deno.test("a held packet whose device was detached is forgotten", () => {
  const { gateway, eroute } = shunt("%hold");
  gateway.route(PACKET);
  gateway.device.outlet = undefined;
  gateway.engine.outbound.resend(eroute.lastHeld!);
  assert.deepEqual([gateway.sent.length, eroute.count], [0, 1]);
});

// IKE in the clear

const later = withHeader(udpPacket(500, 500, V4.west, V4.east), [7, 9]);
const IKE: [why: string, packet: Uint8Array, clear: boolean][] = [
  ["to the peer of the eroute", udpPacket(500, 500, V4.west, V4.east), true],
  ["to another port of the peer", udpPacket(500, 848, V4.west, V4.east), true],
  ["from another port", udpPacket(501, 500, V4.west, V4.east), false],
  ["of another protocol", withHeader(udpPacket(500, 500, V4.west, V4.east), [9, 6]), false],
  ["from a host behind us", udpPacket(500, 500, V4.sunset, V4.sunrise), false],
  ["to a host behind the peer", udpPacket(500, 500, V4.west, V4.sunrise), false],
  ["that only looks like it, in a later fragment", later, false],
  ["where there is no eroute", udpPacket(500, 500, V4.west, "203.0.113.1"), true],
];
for (const [why, packet, clear] of IKE) {
  Deno.test(`our own IKE ${why} is ${clear ? "sent in the clear" : "protected"}`, () => {
    const gateway = west();
    const eroutes = [
      gateway.eroute("192.0.2.1/32", "192.0.2.2/32", "tun.1000@192.0.2.2"),
      gateway.eroute("192.0.2.1/32", "10.2.0.0/24", "tun.1000@192.0.2.2"),
    ];
    gateway.route(packet);
    assert.equal(gateway.sent.length, 1);
    assert.equal(gateway.sent[0].bytes[9] !== ESP, clear);
    if (clear) assert.deepEqual(eroutes.map(({ count }) => count), [0, 0]);
  });
}

// Chains

const MODES: [kinds: string[], protocols: number[]][] = [
  [["aes128gcm16"], [ESP]],
  [["3des-md5-96"], [ESP]],
  [["ah-sha1-96"], [AH]],
  [["aes128-sha1-96", "ah-sha2_512-256"], [AH, ESP]],
  [["comp", "aes256-sha2_256-128"], [ESP]],
  [["comp", "aes128gcm16", "ah-md5-96"], [AH, ESP]],
];
for (const outer of [V4, V6]) {
  for (const [kinds, [outermost]] of MODES) {
    Deno.test(`transport mode of ${kinds.join(" and ")} over IPv${outer === V4 ? 4 : 6} keeps the header`, () => {
      const { west, east } = pair(kinds, { transport: true, outer });
      const packet = outer === V4
        ? withHeader(plainPacket(outer.west, outer.east, 400), [1, 0x28], [4, 0x12], [5, 0x34], [8, 33])
        : withHeader(plainPacket(outer.west, outer.east, 400), [0, 0x6a], [1, 0xb5], [3, 7], [7, 33]);
      west.route(packet);
      const [{ bytes }] = west.sent;
      const protocolAt = outer === V4 ? 9 : 6;
      assert.equal(bytes[protocolAt], outermost);
      const kept = outer === V4 ? [0, 1, 4, 5, 6, 7, 8, 12, 15, 16, 19] : [0, 1, 2, 3, 7, 8, 23, 24, 39];
      for (const at of kept) assert.equal(bytes[at], packet[at], `byte ${at}`);
      if (kinds[0] === "comp") assert.ok(bytes.length < packet.length);
      west.carry(east);
      assert.deepEqual(east.delivered, [packet]);
    });
  }
}

Deno.test("the outer IPv4 header: TTL 64, DF clear, a new ID for each packet (klips.md §15.5)", () => {
  const gateway = west();
  const inner = withHeader(dontFragment(PACKET), [8, 5]);
  gateway.route(inner);
  gateway.route(inner);
  const [a, b] = gateway.sent.map(({ bytes }) => bytes);
  for (const bytes of [a, b]) {
    assert.equal(bytes[8], 64);
    assert.equal(u16(bytes, 6), 0);
    assert.deepEqual([...bytes.slice(12, 20)], [192, 0, 2, 1, 192, 0, 2, 2]);
  }
  assert.equal(u16(b, 4), u16(a, 4) + 1 & 0xffff);
});

for (const [hide, tos] of [[0, 0xb9], [1, 0]]) {
  for (const [inner, outer] of [[V4, V4], [V4, V6], [V6, V4], [V6, V6]]) {
    Deno.test(`sysctl tos ${hide}: outer TOS of IPv${inner === V4 ? 4 : 6} in IPv${outer === V4 ? 4 : 6}`, () => {
      const { west } = pair(["aes128gcm16"], { inner, outer });
      west.engine.sysctls.tos = hide;
      const plain = plainPacket(inner.sunset, inner.sunrise, 50);
      west.route(inner === V4 ? withHeader(plain, [1, 0xb9]) : withHeader(plain, [0, 0x6b], [1, 0x90]));
      const [{ bytes }] = west.sent;
      assert.equal(outer === V4 ? bytes[1] : (bytes[0] & 15) << 4 | bytes[1] >> 4, tos);
    });
  }
}

Deno.test("a nested tunnel: the result is looked up again, and both eroutes count", () => {
  const gateway = nestedTunnels(2);
  gateway.route(PACKET);
  const [{ bytes }] = gateway.sent;
  assert.deepEqual([...bytes.slice(16, 20)], [198, 51, 100, 2]);
  assert.equal(bytes.length, PACKET.length + 3 * (20 + 8 + 8 + 2 + 16) + 2 + 2 + 2);
  assert.deepEqual(gateway.engine.eroutes.list().map(({ count }) => count), [1, 1, 1]);
});

const NOT_NESTED: [why: string, said: string][] = [
  ["an SA to the same peer", "tun.1000@192.0.2.2"],
  ["a shunt", "%drop"],
  ["an SA to nowhere", "tun.5000@0.0.0.0"],
];
for (const [why, said] of NOT_NESTED) {
  Deno.test(`an eroute for the result that names ${why} leads nowhere, and does not count (klips.md §15.5)`, () => {
    const gateway = west();
    const eroute = gateway.eroute("192.0.2.1/32", "192.0.2.2/32", said);
    gateway.route(PACKET);
    assert.equal(gateway.sent.length, 1);
    assert.equal(eroute.count, 0);
  });
}

Deno.test("an eroute follows its SA: replaced ones are found again", () => {
  const gateway = west();
  gateway.route(PACKET);
  gateway.engine.sad.removeChain(saOf(gateway, "esp"));
  gateway.route(PACKET);
  assert.deepEqual(drops(gateway), { UNKNOWN_SA_OUT: 1 });
  gateway.sa("tun.1000@192.0.2.2", V4.west, "ipip");
  gateway.route(PACKET);
  assert.equal(gateway.sent.length, 2);
  assert.equal(gateway.sent[1].bytes.length, PACKET.length + 20);
});

// Sequence numbers

const SEQUENCES: [why: string, kind: string, esn: boolean, high: number, low: number, last: [number, number]][] = [
  ["32 bits", "aes128gcm16", false, 0, 0xfffffffd, [0, 0xffffffff]],
  ["32 bits of AH", "ah-sha1-96", false, 0, 0xfffffffd, [0, 0xffffffff]],
  ["64 bits", "aes128gcm16", true, 0xffffffff, 0xfffffffd, [0xffffffff, 0xffffffff]],
];
for (const [why, kind, esn, high, low, last] of SEQUENCES) {
  Deno.test(`sequence numbers of ${why} end without a repetition`, () => {
    const { west } = pair([kind], { esn });
    const sa = saOf(west, kind.startsWith("ah-") ? "ah" : "esp");
    sa.sequenceHigh = high;
    sa.sequenceLow = low;
    for (let i = 0; i < 4; i++) west.route(PACKET);
    assert.equal(west.sent.length, 2);
    assert.deepEqual([sa.sequenceHigh, sa.sequenceLow], last);
    assert.deepEqual(west.expired, [[0x1001, true]]);
    assert.deepEqual(drops(west), { SEQUENCE_EXHAUSTED: 1, UNKNOWN_SA_OUT: 1 });
  });
}

Deno.test("extended sequence numbers carry on from 2^32 - 1, AH and ESP, with and without CBC", () => {
  for (const kind of ["aes128gcm16", "aes128-sha1-96", "ah-sha1-96"]) {
    const { west, east } = pair([kind], { esn: true });
    const name = kind.startsWith("ah-") ? "ah" : "esp";
    saOf(west, name).sequenceLow = 0xfffffffe;
    saOf(east, name).replay!.markAuthentic(0, 0xfffffffe);
    for (let i = 0; i < 3; i++) west.route(PACKET);
    west.carry(east);
    assert.equal(east.delivered.length, 3, kind);
    assert.equal(saOf(east, name).replay!.high, 1, kind);
  }
});

// Lifetimes

type Kind = "bytes" | "packets" | "addtime" | "usetime";
const LIFETIMES: [kind: Kind, use: (sa: Sa, gateway: Gateway) => void][] = [
  ["bytes", (sa) => sa.bytesUsed = 101],
  ["packets", (sa) => sa.packetsUsed = 101],
  ["addtime", (_, gateway) => gateway.clock += 101],
  ["usetime", (sa, gateway) => {
    sa.firstUsedAt = gateway.clock;
    gateway.clock += 101;
  }],
];
for (const [kind, use] of LIFETIMES) {
  Deno.test(`a soft ${kind} limit is told once, and packets go on`, () => {
    const gateway = west();
    const sa = saOf(gateway, "esp");
    sa.limit(kind).soft = 100;
    gateway.route(PACKET);
    assert.deepEqual(gateway.expired, []);
    use(sa, gateway);
    for (let i = 0; i < 3; i++) gateway.route(PACKET);
    assert.deepEqual(gateway.expired, [[0x1001, false]]);
    assert.equal(sa.state, "dying");
    assert.equal(gateway.sent.length, 4);
  });

  Deno.test(`a hard ${kind} limit ends the chain`, () => {
    const gateway = west();
    const sa = saOf(gateway, "esp");
    const limit = sa.limit(kind);
    limit.soft = 100;
    limit.hard = 100;
    use(sa, gateway);
    for (let i = 0; i < 3; i++) gateway.route(PACKET);
    assert.deepEqual(gateway.expired, [[0x1001, true]]);
    assert.equal(gateway.engine.sad.size, 0);
    assert.deepEqual(drops(gateway), { LIFETIME_OUT: 1, UNKNOWN_SA_OUT: 2 });
  });
}

Deno.test("use time begins with the first packet", () => {
  const gateway = west();
  const sa = saOf(gateway, "esp");
  sa.limit("usetime").hard = 10;
  gateway.clock += 1000;
  gateway.route(PACKET);
  assert.equal(sa.firstUsedAt, 2000);
  assert.deepEqual(gateway.expired, []);
  gateway.clock += 11;
  gateway.route(PACKET);
  assert.deepEqual(gateway.expired, [[0x1001, true]]);
});

Deno.test("SAs count what they made: the tunnel without ESP, ESP with itself (klips.md §15.5)", () => {
  const gateway = west();
  gateway.route(PACKET);
  const [{ bytes }] = gateway.sent;
  assert.equal(saOf(gateway, "ipip").bytesUsed, PACKET.length + 20);
  assert.equal(saOf(gateway, "esp").bytesUsed, bytes.length);
  const { txPackets, txBytes } = gateway.device.counters;
  assert.deepEqual([txPackets, txBytes], [1, bytes.length]);
});

// Sizes

const MTUS: [kinds: string[], mtu: number][] = [
  [["3des-md5-96"], 1443], // the example of klips.md §15.6
  [["aes128gcm16"], 1443],
  [["ah-sha1-96"], 1451],
];
for (const [kinds, mtu] of MTUS) {
  Deno.test(`the effective MTU through ${kinds} is ${mtu}, and what it admits is not fragmented`, () => {
    const gateway = west(() => {}, kinds);
    gateway.route(dontFragment(plainPacket(V4.sunset, V4.sunrise, mtu - 20)));
    assert.equal(gateway.device.effectiveMtu, mtu);
    assert.equal(gateway.sent.length, 1);
    assert.equal(gateway.delivered.length, 0);
    gateway.route(dontFragment(plainPacket(V4.sunset, V4.sunrise, mtu - 19)));
    const [icmp] = gateway.delivered;
    assert.deepEqual([icmp[20], icmp[21], u16(icmp, 26)], [3, 4, mtu]);
  });
}

const QUIET: [why: string, packet: Uint8Array, change?: (gateway: Gateway) => void][] = [
  ["without DF", plainPacket(V4.sunset, V4.sunrise, 1450)],
  ["that is an ICMP error", withHeader(dontFragment(plainPacket(V4.sunset, V4.sunrise, 1450, 1)), [20, 3])],
  ["that is a later fragment", withHeader(plainPacket(V4.sunset, V4.sunrise, 1450), [6, 0x40], [7, 9])],
  ["while sysctl icmp is 0", dontFragment(plainPacket(V4.sunset, V4.sunrise, 1450)), (w) => w.engine.sysctls.icmp = 0],
];
for (const [why, packet, change] of QUIET) {
  Deno.test(`a large packet ${why} brings no ICMP, and is sent`, () => {
    const gateway = west(change);
    gateway.route(packet);
    assert.deepEqual(gateway.delivered, []);
    assert.ok(gateway.sent.length > 0);
  });
}

Deno.test("a large IPv6 packet brings its sender a packet too big of at least 1280", () => {
  const { west } = pair(["aes128gcm16"], { inner: V6 });
  west.local.add(address(V6.west).bytes.join());
  west.device.outlet!.address = (bytes) => bytes === 16 ? address(V6.west) : address(V4.west);
  west.route(plainPacket(V6.sunset, V6.sunrise, 1440));
  const [icmp] = west.delivered;
  assert.deepEqual([icmp[40], icmp[41], u16(icmp, 46)], [2, 0, 1443]);
  west.mtu = 1300;
  west.route(plainPacket(V6.sunset, V6.sunrise, 1250));
  assert.equal(u16(west.delivered[1], 46), 1280);
});

Deno.test("an IPv6 result too large leaves in fragments that carry the chain whole", () => {
  const { west, east } = pair(["aes128gcm16"], { outer: V6 });
  const packet = plainPacket(V4.sunset, V4.sunrise, 3000);
  west.route(packet);
  assert.equal(west.sent.length, 3);
  const payload = west.sent.flatMap(({ bytes }, i) => {
    assert.ok(bytes.length <= 1500);
    assert.deepEqual([bytes[6], bytes[40], u16(bytes, 42) & 1], [44, ESP, i < 2 ? 1 : 0]);
    return [...bytes.slice(48)];
  });
  const head = ipHeader(address(V6.west).bytes, address(V6.east).bytes, ESP, payload.length);
  east.receive({ bytes: Uint8Array.from([...head, ...payload]), udp: undefined });
  assert.deepEqual(east.delivered, [packet]);
  assert.equal(west.device.counters.txPackets, 1);
});

// TCP super-packets

Deno.test("a super-packet is cut, and each segment protected on its own", () => {
  const { west, east } = pair(["aes128gcm16"]);
  west.takesSuperPackets = true; // in the clear alone
  const [tcp, vnet] = train();
  west.route(tcp, vnet);
  assert.equal(west.sent.length, 5);
  assert.equal(saOf(west, "esp").sequenceLow, 5);
  assert.equal(west.engine.eroutes.list()[0].count, 5);
  // Carried in one turn, they leave east as one packet again.
  for (const { bytes } of west.sent) {
    east.memory.bytes.set(bytes, 600_000);
    east.engine.inbound.accept(east.device, 600_000, bytes.length, undefined);
  }
  east.engine.flush();
  assert.equal(east.delivered.length, 1);
  assert.deepEqual(east.delivered[0].slice(40), tcp.slice(40));
});

/** TCP of 5000 bytes in segments of 1000, as the host hands it over. */
function train(): [packet: Uint8Array, vnet: Uint8Array] {
  const packet = plainPacket(V4.sunset, V4.sunrise, 20 + 5000, 6);
  packet[32] = 0x50;
  packet[33] = 0x10;
  return [packet, Uint8Array.of(1, 1, 40, 0, 1000 & 255, 1000 >> 8, 20, 0, 16, 0)];
}

function passing(change: (gateway: Gateway) => void = () => {}): Gateway {
  const gateway = new Gateway([V4.west]);
  gateway.takesSuperPackets = true;
  gateway.eroute("10.1.0.0/24", "10.2.0.0/24", "%pass");
  change(gateway);
  gateway.route(...train());
  return gateway;
}

Deno.test("a super-packet that goes in the clear leaves uncut, and counts as its segments", () => {
  const gateway = passing();
  assert.deepEqual(gateway.sent.map(({ bytes }) => bytes), [train()[0]]);
  assert.equal(gateway.device.counters.txPackets, 5);
  assert.equal(gateway.device.counters.txBytes, 5 * 40 + 5000);
  assert.equal(gateway.engine.eroutes.list()[0].count, 5);
});

Deno.test("a super-packet that the device does not take leaves in segments", () => {
  const gateway = passing((gateway) => gateway.takesSuperPackets = false);
  assert.deepEqual(gateway.sent.map(({ bytes }) => bytes.length), [1040, 1040, 1040, 1040, 1040]);
  assert.equal(gateway.device.counters.txBytes, 5 * 1040);
});

Deno.test("a super-packet whose segments are larger than the device's MTU is cut, and the sender told", () => {
  const gateway = passing((gateway) => gateway.mtu = 1000);
  assert.equal(gateway.sent.some(({ bytes }) => bytes.length > 1000), false);
});

for (const shunt of ["%drop", "%reject", "%hold", "%trap"]) {
  Deno.test(`a super-packet under ${shunt} does not leave`, () => {
    const gateway = new Gateway([V4.west]);
    gateway.takesSuperPackets = true;
    gateway.eroute("10.1.0.0/24", "10.2.0.0/24", shunt);
    gateway.route(...train());
    assert.equal(gateway.sent.length, 0);
  });
}

// UDP encapsulation

Deno.test("encapsulated packets name our port, and the peer as it was last seen", () => {
  const { west } = pair(["aes128gcm16"], { udp: true });
  const sa = saOf(west, "esp");
  west.route(PACKET);
  sa.udp!.dport = 61_000;
  sa.udp!.peer = address("203.0.113.9");
  west.route(PACKET);
  const [before, after] = west.sent.map(({ udp }) => udp!);
  assert.deepEqual([before.sport, before.dport, [...before.destination]], [4500, 4500, [192, 0, 2, 2]]);
  assert.deepEqual([after.sport, after.dport, [...after.destination]], [4500, 61_000, [203, 0, 113, 9]]);
  assert.equal(new DataView(west.sent[0].bytes.buffer).getUint32(0), 0x1001, "ESP begins with its SPI");
});

Deno.test("an encapsulated SA inside a chain that goes on gets its UDP header in the packet", () => {
  const gateway = new Gateway([V4.west]);
  gateway.group(
    gateway.sa("esp.1000@192.0.2.2", V4.west, "aes128gcm16", { udp: { sport: 4500, dport: 4501, peer: undefined } }),
    gateway.sa("tun.2000@198.51.100.9", V4.west, "ipip"),
  );
  gateway.eroute("192.0.2.1/32", "192.0.2.2/32", "esp.1000@192.0.2.2");
  gateway.route(plainPacket(V4.west, V4.east, 64));
  const [{ bytes }] = gateway.sent;
  const udp = bytes.slice(40);
  assert.equal(bytes[29], UDP);
  assert.deepEqual([u16(udp, 0), u16(udp, 2), u16(udp, 4), u16(udp, 6)], [4500, 4501, udp.length, 0]);
});

for (const peer of [undefined, "203.0.113.9"]) {
  Deno.test(`encapsulated packets go through a nested tunnel as well${peer ? ", to the peer as it was last seen" : ""}`, () => {
    const { west, east } = pair(["aes128gcm16"], { udp: true });
    const hub = new Gateway(["198.51.100.9"]);
    for (const gateway of [west, hub]) {
      gateway.group(
        gateway.sa("tun.3000@198.51.100.9", V4.west, "ipip"),
        gateway.sa("esp.3001@198.51.100.9", V4.west, "aes128-sha1-96"),
      );
    }
    if (peer) saOf(west, "esp").udp!.peer = address(peer);
    west.eroute(`${V4.west}/32`, `${peer ?? V4.east}/32`, "tun.3000@198.51.100.9", UDP);
    west.route(PACKET);
    assert.equal(west.sent[0].udp, undefined, "ESP to the hub");
    west.carry(hub);
    const [datagram] = hub.delivered;
    assert.deepEqual([datagram[9], u16(datagram, 20), u16(datagram, 22)], [UDP, 4500, 4500]);
    const source = datagram.slice(12, 16), destination = datagram.slice(16, 20);
    assert.deepEqual([...destination], [...address(peer ?? V4.east).bytes]);
    const own = address(V4.east).bytes;
    east.receive({ bytes: datagram.slice(28), udp: { sport: 4500, dport: 4500, source, destination: own } });
    assert.deepEqual(east.delivered, [PACKET]);
  });
}

// IPCOMP

function random(size: number): Uint8Array {
  const packet = plainPacket(V4.sunset, V4.sunrise, size);
  crypto.getRandomValues(packet.subarray(20));
  return packet;
}

const COMPRESSED: [why: string, packet: Uint8Array, smaller: boolean][] = [
  ["a payload that shrinks", plainPacket(V4.sunset, V4.sunrise, 1000), true],
  ["a payload that does not", random(1000), false],
  ["a payload under 90 bytes", withHeader(ipHeaderWithZeros(69)), false],
  ["a payload of 90 bytes", withHeader(ipHeaderWithZeros(70)), true],
];
function ipHeaderWithZeros(size: number): Uint8Array {
  const packet = plainPacket(V4.sunset, V4.sunrise, size);
  packet.fill(0, 20);
  return packet;
}
for (const [why, packet, smaller] of COMPRESSED) {
  Deno.test(`IPCOMP ${smaller ? "compresses" : "leaves alone"} ${why}`, () => {
    const { west, east } = pair(["comp", "aes128gcm16"]);
    west.route(packet);
    const { uncompressedBytes, compressedBytes } = saOf(west, "comp").transform;
    assert.equal(uncompressedBytes, packet.length + 20);
    assert.equal(compressedBytes < uncompressedBytes, smaller);
    west.carry(east);
    assert.deepEqual(east.delivered, [packet]);
  });
}

for (const protocol of [ESP, AH, IPCOMP]) {
  Deno.test(`IPCOMP leaves protocol ${protocol} alone`, () => {
    const { west } = pair(["comp", "aes128gcm16"], { transport: true });
    west.route(withHeader(plainPacket(V4.west, V4.east, 500, protocol)));
    assert.ok(west.sent[0].bytes.length > 520);
  });
}

Deno.test("IPCOMP stops trying for a while where packets do not shrink (klips.md §19)", () => {
  const { west } = pair(["comp", "aes128gcm16"]);
  const t = saOf(west, "comp").transform;
  const tried: boolean[] = [];
  for (let i = 0; i < 8 + 4 + 2 + 8 + 2; i++) {
    const before = t.failures;
    west.route(random(500));
    tried.push(t.failures > before);
  }
  const expected = [...Array(8).fill(true), ...Array(4).fill(false), true, true, ...Array(8).fill(false), true, true];
  assert.deepEqual(tried, expected);
  t.skip = 0;
  west.route(plainPacket(V4.sunset, V4.sunrise, 1000));
  assert.equal(t.failures, 0, "a success forgets the failures");
});
