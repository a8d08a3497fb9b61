import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import { DROP_REASONS, type DropName } from "../../lib/klips/counters.ts";
import type { EspTransform, Sa } from "../../lib/klips/sa.ts";
import { parseSubnet } from "../../lib/text/subnet.ts";
import { type Gateway, plainPacket, type Sent } from "./_gateway.ts";
import { drops, pair, saOf, V4, V6 } from "./_tunnel.ts";

const PACKET = plainPacket(V4.sunset, V4.sunrise, 100);
const ESP = 50, IPCOMP = 108, IPIP = 4, IPV6_IN_IP = 41, NO_NEXT_HEADER = 59;
type Pair = { west: Gateway; east: Gateway };

/** One packet that west has sealed. */
function sealed({ west }: Pair, packet = PACKET): Sent {
  west.route(packet);
  return west.sent.pop()!;
}

function change({ bytes, udp }: Sent, at: number, value: (old: number) => number): Sent {
  return { bytes: bytes.map((byte, i) => i === at ? value(byte) & 255 : byte), udp };
}

/** The first `length` bytes, with the IPv4 length to fit. */
function cut({ bytes, udp }: Sent, length: number): Sent {
  const short = bytes.slice(0, length);
  new DataView(short.buffer).setUint16(2, length);
  return { bytes: short, udp };
}

/** An authentic ESP packet with this very plaintext, trailer included: what only a faulty peer would send. */
function sealPlaintext({ east }: Pair, plaintext: ArrayLike<number>, sequence = 1): Sent {
  const sa = saOf(east, "esp");
  const t: EspTransform = sa.transform as EspTransform;
  const memory = east.memory;
  const at = 8192, nonce = 6000, aad = 6016;
  const size = 20 + 8 + t.ivBytes + plaintext.length + t.icvBytes;
  memory.bytes.set(plainPacket(V4.west, V4.east, size - 20, ESP), at);
  memory.view.setUint32(at + 20, sa.id.spi);
  memory.view.setUint32(at + 24, sequence);
  memory.bytes.set(plaintext, at + 28 + t.ivBytes);
  memory.bytes.set(t.salt, nonce);
  memory.bytes.copyWithin(nonce + 4, at + 28, at + 36);
  memory.bytes.copyWithin(aad, at + 20, at + 28);
  t.aead!.seal(nonce, aad, 8, at + 28 + t.ivBytes, plaintext.length);
  return { bytes: memory.bytes.slice(at, at + size), udp: undefined };
}

/** Plaintext of a payload with no padding but what 4 bytes of alignment need. */
function plaintext(payload: ArrayLike<number>, next: number): number[] {
  const pad = (4 - (payload.length + 2) % 4) % 4;
  return [...Array.from(payload), ...Array.from({ length: pad }, (_, i) => i + 1), pad, next];
}

const TUNNEL = () => pair(["aes128gcm16"]);
const COMPRESSED = () => pair(["comp", "aes128gcm16"]);
const CBC = () => pair(["aes128-sha1-96"]);
const AH = () => pair(["ah-sha1-96"]);

interface Row {
  why: string;
  reason: DropName;
  make: () => Pair;
  /** Readies the gateways and gives the packet that is refused. */
  packet: (pair: Pair) => Sent;
  /** Counters of the SA that rise as well. */
  counts?: Partial<Pick<Sa, "sequenceErrors" | "authErrors" | "sizeErrors" | "padErrors">>;
  /** Packets that arrive at the host all the same, before the one that is refused. */
  delivered?: number;
}

const ROWS: Row[] = [
  {
    why: "19 bytes",
    reason: "BAD_PACKET",
    make: TUNNEL,
    packet: (p) => ({ ...sealed(p), bytes: sealed(p).bytes.slice(0, 19) }),
  },
  {
    why: "a length that is not the header's",
    reason: "BAD_PACKET",
    make: TUNNEL,
    packet: (p) => change(sealed(p), 3, (b) => b + 1),
  },
  { why: "IP version 7", reason: "BAD_PACKET", make: TUNNEL, packet: (p) => change(sealed(p), 0, () => 0x75) },
  { why: "7 bytes of ESP", reason: "TRUNCATED", make: TUNNEL, packet: (p) => cut(sealed(p), 27) },
  { why: "an ESP header and nothing else", reason: "TRUNCATED", make: TUNNEL, packet: (p) => cut(sealed(p), 28) },
  { why: "no room for an ICV", reason: "TRUNCATED", make: TUNNEL, packet: (p) => cut(sealed(p), 51) },
  { why: "an AH header cut short", reason: "TRUNCATED", make: AH, packet: (p) => cut(sealed(p), 43) },
  {
    why: "an IPCOMP header cut short",
    reason: "TRUNCATED",
    make: COMPRESSED,
    packet: (p) => sealPlaintext(p, plaintext([4, 0], IPCOMP)),
  },
  { why: "another SPI", reason: "UNKNOWN_SA", make: TUNNEL, packet: (p) => change(sealed(p), 23, (b) => b + 1) },
  {
    why: "SPI 0",
    reason: "UNKNOWN_SA",
    make: TUNNEL,
    packet: (p) => change(change(sealed(p), 22, () => 0), 23, () => 0),
  },
  { why: "another destination", reason: "UNKNOWN_SA", make: TUNNEL, packet: (p) => change(sealed(p), 19, () => 9) },
  {
    why: "AH with the SPI of an ESP SA",
    reason: "UNKNOWN_SA",
    make: TUNNEL,
    packet: (p) => change(sealed(p), 9, () => 51),
  },
  { why: "no IPsec at all", reason: "UNKNOWN_SA", make: TUNNEL, packet: () => ({ bytes: PACKET, udp: undefined }) },
  {
    why: "another CPI",
    reason: "UNKNOWN_SA",
    make: COMPRESSED,
    packet: (p) => sealPlaintext(p, plaintext([4, 0, 9, 9, 3, 0], IPCOMP)),
  },
  {
    why: "a larval SA",
    reason: "SA_LARVAL",
    make: TUNNEL,
    packet: (p) => (saOf(p.east, "esp").state = "larval", sealed(p)),
  },
  { why: "a dead SA", reason: "SA_DEAD", make: TUNNEL, packet: (p) => (saOf(p.east, "esp").state = "dead", sealed(p)) },
  { why: "another source", reason: "WRONG_SOURCE", make: TUNNEL, packet: (p) => change(sealed(p), 15, () => 9) },
  {
    why: "the source of the inner neighbour alone differs",
    reason: "WRONG_SOURCE",
    make: TUNNEL,
    packet: (p) => {
      saOf(p.east, "ipip").source.bytes[3] = 77;
      return sealed(p);
    },
  },
  {
    why: "an SA that is applied inside another",
    reason: "WRONG_ORDER",
    make: CBC,
    packet: (p) => {
      p.east.group(saOf(p.east, "esp"), p.east.sa("ah.2000@192.0.2.2", V4.west, "ah-sha1-96"));
      return sealed(p);
    },
  },
  {
    why: "a tunnel inside the tunnel's SA",
    reason: "WRONG_ORDER",
    make: TUNNEL,
    packet: (p) => {
      const inner = p.east.sa("tun.999@192.0.2.2", V4.west, "ipip");
      p.east.group(inner, saOf(p.east, "ipip"));
      return sealed(p);
    },
  },
  {
    why: "ESP inside ESP without end",
    reason: "WRONG_ORDER",
    make: TUNNEL,
    packet: (p) => {
      p.east.engine.sysctls.inboundPolicyCheck = 0;
      saOf(p.east, "esp").inner = undefined;
      let packet = sealPlaintext(p, plaintext([1], NO_NEXT_HEADER), 20);
      for (let sequence = 19; sequence > 10; sequence--) {
        packet = sealPlaintext(p, plaintext(packet.bytes.slice(20), ESP), sequence);
      }
      return packet;
    },
  },
  {
    why: "bare ESP for an encapsulated SA",
    reason: "WRONG_ENCAPSULATION",
    make: () => pair(["aes128gcm16"], { udp: true }),
    packet: (p) => {
      const { bytes } = sealed(p);
      const head = plainPacket(V4.west, V4.east, bytes.length, ESP).slice(0, 20);
      return { bytes: Uint8Array.from([...head, ...bytes]), udp: undefined };
    },
  },
  {
    why: "encapsulated ESP for a bare SA",
    reason: "WRONG_ENCAPSULATION",
    make: TUNNEL,
    packet: (p) => {
      const { bytes } = sealed(p);
      const udp = { sport: 4500, dport: 4500, source: bytes.slice(12, 16), destination: bytes.slice(16, 20) };
      return { bytes: bytes.slice(20), udp };
    },
  },
  {
    why: "a hard lifetime of the SA",
    reason: "LIFETIME",
    make: TUNNEL,
    packet: (p) => {
      saOf(p.east, "esp").limit("bytes").hard = 10;
      saOf(p.east, "esp").bytesUsed = 11;
      return sealed(p);
    },
  },
  {
    why: "a hard lifetime of the tunnel",
    reason: "LIFETIME",
    make: TUNNEL,
    packet: (p) => {
      saOf(p.east, "ipip").limit("addtime").hard = 5;
      p.east.clock += 6;
      return sealed(p);
    },
  },
  {
    why: "a packet that came before",
    reason: "REPLAYED",
    make: TUNNEL,
    delivered: 1,
    counts: { sequenceErrors: 1 },
    packet: (p) => {
      const packet = sealed(p);
      p.east.receive(packet);
      return packet;
    },
  },
  {
    why: "an AH packet that came before",
    reason: "REPLAYED",
    make: AH,
    delivered: 1,
    counts: { sequenceErrors: 1 },
    packet: (p) => {
      const packet = sealed(p);
      p.east.receive(packet);
      return packet;
    },
  },
  {
    why: "a packet older than the window",
    reason: "REPLAYED",
    make: TUNNEL,
    delivered: 1,
    counts: { sequenceErrors: 1 },
    packet: (p) => {
      const old = sealed(p);
      saOf(p.west, "esp").sequenceLow = 64;
      p.east.receive(sealed(p));
      return old;
    },
  },
  {
    why: "sequence number 0",
    reason: "REPLAYED",
    make: TUNNEL,
    counts: { sequenceErrors: 1 },
    packet: (p) => sealPlaintext(p, plaintext(PACKET, IPIP), 0),
  },
  {
    why: "a changed ICV",
    reason: "AUTH_FAILED",
    make: TUNNEL,
    counts: { authErrors: 1 },
    packet: (p) => {
      const packet = sealed(p);
      return change(packet, packet.bytes.length - 1, (b) => b ^ 0x80);
    },
  },
  {
    why: "changed ciphertext under CBC",
    reason: "AUTH_FAILED",
    make: CBC,
    counts: { authErrors: 1 },
    packet: (p) => change(sealed(p), 60, (b) => b ^ 1),
  },
  {
    why: "a changed IV",
    reason: "AUTH_FAILED",
    make: CBC,
    counts: { authErrors: 1 },
    packet: (p) => change(sealed(p), 28, (b) => b ^ 1),
  },
  {
    why: "a changed sequence number",
    reason: "AUTH_FAILED",
    make: TUNNEL,
    counts: { authErrors: 1 },
    packet: (p) => change(sealed(p), 27, () => 9),
  },
  {
    why: "another key",
    reason: "AUTH_FAILED",
    make: TUNNEL,
    counts: { authErrors: 1 },
    packet: (p) => {
      const t = saOf(p.east, "esp").transform as EspTransform;
      t.salt[0] ^= 1;
      return sealed(p);
    },
  },
  {
    why: "a changed payload under AH",
    reason: "AUTH_FAILED",
    make: AH,
    counts: { authErrors: 1 },
    packet: (p) => change(sealed(p), 80, (b) => b ^ 1),
  },
  {
    why: "another ID under AH",
    reason: "AUTH_FAILED",
    make: AH,
    counts: { authErrors: 1 },
    packet: (p) => change(sealed(p), 5, (b) => b ^ 1),
  },
  {
    why: "the high half of an extended sequence number",
    reason: "AUTH_FAILED",
    counts: { authErrors: 1 },
    make: () => pair(["aes128-sha1-96"], { esn: true }),
    packet: (p) => {
      saOf(p.west, "esp").sequenceHigh = 1;
      return sealed(p);
    },
  },
  {
    why: "a payload that is not whole blocks",
    reason: "BAD_SIZE",
    make: CBC,
    counts: { sizeErrors: 1 },
    packet: (p) => {
      const packet = sealed(p);
      return cut(packet, packet.bytes.length - 4);
    },
  },
  {
    why: "an AH length that is not the algorithm's",
    reason: "BAD_SIZE",
    make: AH,
    packet: (p) => change(sealed(p), 21, () => 5),
  },
  {
    why: "padding longer than the payload",
    reason: "PAD_TOO_LONG",
    make: TUNNEL,
    packet: (p) => sealPlaintext(p, [1, 2, 3, 4, 5, 6, 7, IPIP]),
  },
  {
    why: "255 bytes of padding in 4 bytes",
    reason: "PAD_TOO_LONG",
    make: TUNNEL,
    packet: (p) => sealPlaintext(p, [0, 0, 255, IPIP]),
  },
  {
    why: "IPCOMP flags",
    reason: "COMP_ERROR",
    make: COMPRESSED,
    packet: (p) => sealPlaintext(p, plaintext([4, 1, 0x10, 0x01, 3, 0], IPCOMP)),
  },
  {
    why: "what is no deflate stream",
    reason: "COMP_ERROR",
    make: COMPRESSED,
    packet: (p) => sealPlaintext(p, plaintext([4, 0, 0x10, 0x01, 255, 255, 255], IPCOMP)),
  },
  {
    why: "a deflate stream cut short",
    reason: "COMP_ERROR",
    make: COMPRESSED,
    packet: (p) => sealPlaintext(p, plaintext([4, 0, 0x10, 0x01, ...deflateRawSync(PACKET).subarray(0, 20)], IPCOMP)),
  },
  {
    why: "a bomb",
    reason: "COMP_ERROR",
    make: COMPRESSED,
    packet: (p) => sealPlaintext(p, plaintext([4, 0, 0x10, 0x01, ...deflateRawSync(new Uint8Array(1 << 20))], IPCOMP)),
  },
  {
    why: "IPCOMP inside IPCOMP",
    reason: "COMP_ERROR",
    make: COMPRESSED,
    packet: (p) => sealPlaintext(p, plaintext([IPCOMP, 0, 0x10, 0x01, ...deflateRawSync(PACKET)], IPCOMP)),
  },
  {
    why: "TCP where the tunnel carries packets",
    reason: "WRONG_INNER",
    make: TUNNEL,
    packet: (p) => sealPlaintext(p, plaintext(PACKET, 6)),
  },
  {
    why: "a dummy packet (RFC 4303 §2.6)",
    reason: "WRONG_INNER",
    make: TUNNEL,
    packet: (p) => sealPlaintext(p, plaintext([0, 0], NO_NEXT_HEADER)),
  },
  {
    why: "nothing in the tunnel",
    reason: "WRONG_INNER",
    make: TUNNEL,
    packet: (p) => sealPlaintext(p, plaintext([], IPIP)),
  },
  {
    why: "a tunnelled packet cut short",
    reason: "WRONG_INNER",
    make: TUNNEL,
    packet: (p) => sealPlaintext(p, plaintext(PACKET.slice(0, 100), IPIP)),
  },
  {
    why: "IPv4 where IPv6 is said to be",
    reason: "WRONG_INNER",
    make: TUNNEL,
    packet: (p) => sealPlaintext(p, plaintext(PACKET, IPV6_IN_IP)),
  },
  {
    why: "AH without the ESP that the chain demands inside",
    reason: "WRONG_INNER",
    make: () => pair(["aes128gcm16", "ah-sha1-96"]),
    packet: (p) => {
      const [outer, tunnel] = [saOf(p.west, "ah"), saOf(p.west, "ipip")];
      p.west.engine.sad.ungroup(outer);
      p.west.group(tunnel, outer);
      return sealed(p);
    },
  },
  {
    why: "addresses outside the tunnel's policy",
    reason: "WRONG_POLICY",
    make: TUNNEL,
    packet: (p) => {
      givePolicy(p, "10.9.0.0/16", "0.0.0.0/0");
      return sealed(p);
    },
  },
  {
    why: "a destination outside the tunnel's policy",
    reason: "WRONG_POLICY",
    make: TUNNEL,
    packet: (p) => {
      givePolicy(p, "0.0.0.0/0", "10.2.0.16/28");
      return sealed(p);
    },
  },
  {
    why: "a protocol outside the tunnel's policy",
    reason: "WRONG_POLICY",
    make: TUNNEL,
    packet: (p) => {
      givePolicy(p, "0.0.0.0/0", "0.0.0.0/0", 6);
      return sealed(p);
    },
  },
  {
    why: "a port outside the tunnel's policy",
    reason: "WRONG_POLICY",
    make: TUNNEL,
    packet: (p) => {
      givePolicy(p, "0.0.0.0/0", "0.0.0.0/0:53", 17);
      return sealed(p, plainPacket(V4.sunset, V4.sunrise, 100, 17));
    },
  },
  {
    why: "another IP version than the policy's",
    reason: "WRONG_POLICY",
    make: () => pair(["aes128gcm16"], { inner: V6 }),
    packet: (p) => {
      givePolicy(p, "0.0.0.0/0", "0.0.0.0/0");
      return sealed(p, plainPacket(V6.sunset, V6.sunrise, 100));
    },
  },
  {
    why: "congestion that the inner packet cannot carry (RFC 6040 §4.2)",
    reason: "CONGESTED",
    make: TUNNEL,
    packet: (p) => change(sealed(p), 1, (b) => b | 3),
  },
  {
    why: "a device that is down",
    reason: "NOT_ATTACHED",
    make: TUNNEL,
    packet: (p) => (p.east.device.inlet = undefined, sealed(p)),
  },
  {
    why: "a host that takes nothing",
    reason: "HOST_REFUSED",
    make: TUNNEL,
    packet: (p) => (p.east.device.inlet = { ...p.east.device.inlet!, write: () => false }, sealed(p)),
  },
];

function givePolicy({ east }: Pair, source: string, destination: string, protocol = 0): void {
  const from = parseSubnet(source, "inet");
  const [net, port] = destination.split(":");
  const to = parseSubnet(net, "inet");
  assert.ok(from.ok && to.ok);
  const destinationSubnet = { ...to.value, port: Number(port ?? 0) };
  saOf(east, "ipip").policy = { source: from.value, destination: destinationSubnet, protocol };
}

for (const { why, reason, make, packet, counts, delivered } of ROWS) {
  Deno.test(`inbound drops ${why} as ${reason}`, () => {
    const both = make();
    const { east } = both;
    const sas = [...east.engine.sad];
    const sent = packet(both);
    const before = east.device.counters.rxPackets;
    east.receive(sent);
    assert.deepEqual(drops(east), { [reason]: 1 });
    assert.equal(east.device.counters.rxPackets, before + 1);
    assert.equal(east.device.counters[DROP_REASONS[reason].counter], 1);
    assert.equal(east.delivered.length, delivered ?? 0);
    const errors = { sequenceErrors: 0, authErrors: 0, sizeErrors: 0, padErrors: 0 };
    for (const sa of sas) {
      for (const name of Object.keys(errors) as (keyof typeof errors)[]) errors[name] += sa[name];
    }
    assert.deepEqual(errors, { ...errors, sequenceErrors: 0, authErrors: 0, sizeErrors: 0, padErrors: 0, ...counts });
  });
}

Deno.test("each reason to drop what comes in has a row above", () => {
  const elsewhere = ["NO_IKE"]; // the daemon's: datagrams for the key daemon never reach the engine
  const all = Object.keys(DROP_REASONS).filter((name) => /^rx/.test(DROP_REASONS[name as DropName].counter));
  assert.deepEqual(all.filter((name) => !elsewhere.includes(name) && !ROWS.some(({ reason }) => reason === name)), []);
});

for (
  const kinds of [["aes128gcm16"], ["aes128-sha1-96"], ["3des-md5-96"], ["ah-sha2_256-128"], [
    "comp",
    "aes128gcm16",
    "ah-sha1-96",
  ]]
) {
  Deno.test(`a packet of ${kinds.join(" and ")} with any one bit wrong is never delivered`, () => {
    const both = pair(kinds);
    const { bytes } = sealed(both);
    // RFC 4302 §3.3.3.1: TOS, fragment field, TTL and checksum of the outer header are not vouched for.
    const mutable = [1, 6, 7, 8, 10, 11];
    for (let i = 0; i < bytes.length; i++) {
      if (mutable.includes(i) || i < 20 && !kinds.at(-1)!.startsWith("ah-")) continue;
      for (let bit = 0; bit < 8; bit++) both.east.receive(change({ bytes, udp: undefined }, i, (b) => b ^ 1 << bit));
    }
    const { counters } = both.east.device;
    assert.equal(both.east.delivered.length, 0);
    assert.equal(counters.rxDropped + counters.rxErrors, counters.rxPackets);
    both.east.receive({ bytes, udp: undefined });
    assert.deepEqual(both.east.delivered, [PACKET], "the true one is still welcome");
  });

  Deno.test(`a packet of ${kinds.join(" and ")} cut or grown anywhere is never delivered`, () => {
    const both = pair(kinds);
    const packet = sealed(both);
    for (let length = 20; length < packet.bytes.length; length++) both.east.receive(cut(packet, length));
    for (const more of [1, 4, 16, 64, 1000]) {
      const grown = new Uint8Array(packet.bytes.length + more);
      grown.set(packet.bytes);
      both.east.receive(cut({ bytes: grown, udp: undefined }, grown.length));
    }
    assert.equal(both.east.delivered.length, 0);
    both.east.receive(packet);
    assert.deepEqual(both.east.delivered, [PACKET]);
  });
}

Deno.test("padding that is not 1, 2, 3 is counted and accepted, for it is authentic (klips.md §16)", () => {
  const both = TUNNEL();
  const payload = plainPacket(V4.sunset, V4.sunrise, 4);
  both.east.receive(sealPlaintext(both, [...payload, 9, 9, 2, IPIP]));
  assert.deepEqual(both.east.delivered, [payload]);
  assert.equal(saOf(both.east, "esp").padErrors, 1);
});

Deno.test("traffic flow confidentiality padding behind the inner packet is cut off (RFC 4303 §2.7)", () => {
  for (const inner of [V4, V6]) {
    const both = TUNNEL();
    const payload = plainPacket(inner.sunset, inner.sunrise, 50);
    both.east.receive(
      sealPlaintext(both, plaintext([...payload, ...Array(333).fill(7)], inner === V4 ? IPIP : IPV6_IN_IP)),
    );
    assert.deepEqual(both.east.delivered, [payload]);
  }
});

const NO_POLICY: [why: string, packet: (pair: Pair) => Sent][] = [
  ["another source", (p) => change(sealed(p), 15, () => 9)],
  ["another inner source", (p) => (givePolicy(p, "10.9.0.0/16", "0.0.0.0/0"), sealed(p))],
];
for (const [why, packet] of NO_POLICY) {
  Deno.test(`inbound_policy_check 0 lets ${why} pass (klips.md §16)`, () => {
    const both = TUNNEL();
    both.east.engine.sysctls.inboundPolicyCheck = 0;
    both.east.receive(packet(both));
    assert.deepEqual(both.east.delivered, [PACKET]);
  });
}

Deno.test("an SA from 0.0.0.0 takes packets from everyone", () => {
  const both = TUNNEL();
  for (const sa of both.east.engine.sad) sa.source.bytes.fill(0);
  both.east.receive(change(sealed(both), 15, () => 9));
  assert.deepEqual(both.east.delivered, [PACKET]);
});

Deno.test("a policy with protocol and port lets that through", () => {
  const both = TUNNEL();
  givePolicy(both, "10.1.0.0/24", "10.2.0.0/24:53", 17);
  const packet = plainPacket(V4.sunset, V4.sunrise, 60, 17);
  new DataView(packet.buffer).setUint16(22, 53);
  both.east.receive(sealed(both, packet));
  assert.deepEqual(both.east.delivered, [packet]);
});

Deno.test("congestion met by the outer packet arrives inside (RFC 6040 §4.2)", () => {
  for (const inner of [V4, V6]) {
    const both = pair(["aes128gcm16"], { inner });
    const packet = plainPacket(inner.sunset, inner.sunrise, 20);
    if (inner === V4) {
      packet[1] = 2;
      packet[11] -= 2;
    } else packet[1] = 2 << 4;
    both.east.receive(change(sealed(both, packet), 1, (b) => b | 3));
    assert.equal(inner === V4 ? both.east.delivered[0][1] : both.east.delivered[0][1] >> 4, 3);
  }
});

Deno.test("a soft lifetime is told once, and the packet delivered", () => {
  const both = TUNNEL();
  const sa = saOf(both.east, "esp");
  sa.limit("packets").soft = 1;
  for (let i = 0; i < 4; i++) both.east.receive(sealed(both));
  assert.deepEqual(both.east.expired, [[0x1001, false]]);
  assert.equal(sa.state, "dying");
  assert.equal(both.east.delivered.length, 4);
});

Deno.test("only an authentic packet makes a lifetime known to have run soft", () => {
  const both = TUNNEL();
  const sa = saOf(both.east, "esp");
  sa.limit("bytes").soft = 1;
  sa.bytesUsed = 2;
  both.east.receive(change(sealed(both), 60, (b) => b ^ 1));
  assert.deepEqual(both.east.expired, []);
});

Deno.test("SAs count what they carried: bytes after removal, the tunnel's with the outer header (klips.md §16)", () => {
  const both = TUNNEL();
  both.east.clock = 5000;
  both.east.receive(sealed(both));
  const esp = saOf(both.east, "esp"), tunnel = saOf(both.east, "ipip");
  for (const sa of [esp, tunnel]) {
    assert.deepEqual([sa.bytesUsed, sa.packetsUsed], [PACKET.length + 20, 1]);
    assert.deepEqual([sa.firstUsedAt, sa.lastUsedAt], [5000, 5000]);
  }
  assert.equal(both.east.device.counters.rxBytes, PACKET.length);
});

Deno.test("compression left out is no error, and counts in both sizes", () => {
  const both = pair(["comp", "aes128gcm16"]);
  const short = plainPacket(V4.sunset, V4.sunrise, 20);
  both.east.receive(sealed(both, short));
  assert.deepEqual(both.east.delivered, [short]);
  const { uncompressedBytes, compressedBytes } = saOf(both.east, "comp").transform;
  assert.deepEqual([uncompressedBytes, compressedBytes], [short.length + 20, short.length + 20]);
});

Deno.test("a compressed packet is inflated away from the datagrams behind it", () => {
  for (const esn of [false, true]) {
    const both = pair(["comp", "aes128-sha1-96"], { esn });
    const packet = plainPacket(V4.sunset, V4.sunrise, 8000);
    const sent = sealed(both, packet);
    const behind = 600_000 + sent.bytes.length;
    both.east.memory.bytes.fill(0xa5, behind, behind + 20_000);
    both.east.receive(sent);
    assert.deepEqual(both.east.delivered, [packet]);
    assert.ok(both.east.memory.bytes.subarray(behind, behind + 20_000).every((byte) => byte === 0xa5));
  }
});

Deno.test("a transport packet that NAT has readdressed gets a true checksum (RFC 3948 §3.1.2)", () => {
  for (const [protocol, size, field] of [[6, 40, 16], [17, 30, 6]]) {
    const both = pair(["aes128gcm16"], { udp: true, transport: true });
    const packet = plainPacket(V4.west, V4.east, size, protocol);
    const sent = sealed(both, packet);
    both.east.receive(sent);
    const [got] = both.east.delivered;
    assert.equal(got.length, packet.length);
    const pseudo = [...got.slice(12, 20), 0, protocol, 0, size, ...got.slice(20)];
    let sum = 0;
    for (let i = 0; i < pseudo.length; i += 2) sum += pseudo[i] << 8 | (pseudo[i + 1] ?? 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    assert.equal(sum, 0xffff, `protocol ${protocol}, field ${field}`);
  }
});

Deno.test("a peer is followed to another port or address by authentic packets only, and only by new ones", () => {
  const both = pair(["aes128gcm16"], { udp: true });
  const { east } = both;
  const back = east.sa("esp.2001@192.0.2.1", V4.east, "aes128gcm16", {
    udp: { sport: 4500, dport: 4500, peer: undefined },
  });
  const other = east.sa("esp.2002@198.51.100.1", V4.east, "aes128gcm16", {
    udp: { sport: 4500, dport: 4500, peer: undefined },
  });
  const elsewhere = (packet: Sent, sport: number): Sent => ({ bytes: packet.bytes, udp: { ...packet.udp!, sport } });
  const first = sealed(both);
  east.receive(elsewhere(change(first, 40, (b) => b ^ 1), 1111));
  assert.equal(back.udp!.dport, 4500, "a forged packet");
  east.receive(first);
  east.receive(elsewhere(first, 2222));
  assert.equal(back.udp!.dport, 4500, "a replayed packet");
  east.receive(elsewhere(sealed(both), 3333));
  assert.equal(back.udp!.dport, 3333);
  assert.equal(other.udp!.dport, 4500, "another peer");
  const moved = sealed(both);
  east.receive({ bytes: moved.bytes, udp: { ...moved.udp!, sport: 3333, source: Uint8Array.of(203, 0, 113, 5) } });
  assert.deepEqual([...back.udp!.peer!.bytes], [203, 0, 113, 5]);
  const home = sealed(both);
  east.receive(home);
  assert.equal(back.udp!.peer, undefined, "back at the address that the SA names");
  assert.equal(back.udp!.dport, 4500);
});
