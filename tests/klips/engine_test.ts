import assert from "node:assert/strict";
import { AUTHENTICATORS, type CipherName, CIPHERS, isAead } from "../../lib/crypto/algorithms.ts";
import { nobleProvider } from "../../lib/crypto/noble_provider.ts";
import { Gateway, plainPacket, type Sent } from "./_gateway.ts";
import { drops, pair, V4, V6 } from "./_tunnel.ts";

// sunset 10.1.0.10 -- west 192.0.2.1 ====== 192.0.2.2 east -- sunrise 10.2.0.10

const ESP_KINDS = (Object.keys(CIPHERS) as CipherName[]).flatMap((cipher) =>
  isAead(cipher) ? [cipher as string] : Object.keys(AUTHENTICATORS).map((auth) => `${cipher}-${auth}`)
);
const AH_KINDS = Object.keys(AUTHENTICATORS).map((auth) => `ah-${auth}`);

for (const kind of [...ESP_KINDS, ...AH_KINDS]) {
  for (const esn of [false, true]) {
    Deno.test(`a tunnel of ${kind}${esn ? " with extended sequence numbers" : ""} carries packets unchanged`, () => {
      const { west, east } = pair([kind], { esn });
      for (const size of [0, 1, 7, 64, 500, 1300]) {
        const packet = plainPacket(V4.sunset, V4.sunrise, size);
        west.route(packet);
        assert.equal(west.sent.length, 1, `size ${size}`);
        west.carry(east);
        assert.deepEqual(east.delivered.pop(), packet, `size ${size}: ${JSON.stringify(east.device.counters)}`);
      }
    });
  }
}

const FAMILIES: [name: string, outer: typeof V4, inner: typeof V4][] = [
  ["IPv4 in IPv4", V4, V4],
  ["IPv6 in IPv4", V4, V6],
  ["IPv4 in IPv6", V6, V4],
  ["IPv6 in IPv6", V6, V6],
];
for (const [name, outer, inner] of FAMILIES) {
  for (
    const kinds of [["aes128gcm16"], ["ah-sha2_256-128"], ["aes128-sha1-96", "ah-sha1-96"], [
      "comp",
      "aes256-sha2_256-128",
    ]]
  ) {
    for (const udp of kinds.at(-1)!.startsWith("ah-") ? [false] : [false, true]) {
      Deno.test(`${name} through ${kinds.join(" and ")}${udp ? " in UDP" : ""}`, () => {
        const { west, east } = pair(kinds, { outer, inner, udp });
        const packet = plainPacket(inner.sunset, inner.sunrise, 900);
        west.route(packet);
        assert.equal(west.sent.length, 1);
        assert.equal(west.sent[0].udp !== undefined, udp);
        assert.ok(west.sent[0].bytes.length < (kinds[0] === "comp" ? 700 : 1200));
        west.carry(east);
        assert.deepEqual(east.delivered, [packet]);
      });
    }
  }
}

Deno.test("transport mode keeps the packet's own header", () => {
  for (const net of [V4, V6]) {
    const west = new Gateway([net.west]), east = new Gateway([net.east]);
    for (const g of [west, east]) {
      const esp = g.sa(`esp${net.sep}1000@${net.east}`, net.west, "aes128-sha2_256-128");
      const ah = g.sa(`ah${net.sep}1001@${net.east}`, net.west, "ah-sha2_512-256");
      g.group(esp, ah);
    }
    const bits = net === V4 ? 32 : 128;
    west.eroute(`${net.west}/${bits}`, `${net.east}/${bits}`, `esp${net.sep}1000@${net.east}`);
    const packet = plainPacket(net.west, net.east, 333);
    west.route(packet);
    west.carry(east);
    assert.deepEqual(east.delivered, [packet]);
  }
});

Deno.test("a packet that was changed, cut, replayed or misdirected is dropped under its reason", () => {
  const CASES: [name: string, change: (sent: Sent) => Uint8Array, reason: string][] = [
    ["changed ciphertext", ({ bytes }) => bytes.map((b, i) => i === 60 ? b ^ 1 : b), "AUTH_FAILED"],
    ["changed ICV", ({ bytes }) => bytes.map((b, i) => i === bytes.length - 1 ? b ^ 0x80 : b), "AUTH_FAILED"],
    ["another SPI", ({ bytes }) => bytes.map((b, i) => i === 21 ? b ^ 0xff : b), "UNKNOWN_SA"],
    ["another source", ({ bytes }) => bytes.map((b, i) => i === 15 ? 99 : b), "WRONG_SOURCE"],
    ["changed sequence number", ({ bytes }) => bytes.map((b, i) => i === 27 ? 9 : b), "AUTH_FAILED"],
  ];
  for (const [name, change, reason] of CASES) {
    const { west, east } = pair(["aes128-sha1-96"]);
    west.route(plainPacket(V4.sunset, V4.sunrise, 100));
    const bytes = change(west.sent[0]);
    east.receive({ bytes, udp: undefined });
    assert.equal(east.delivered.length, 0, name);
    assert.equal(dropsOf(east, reason), 1, `${name}: ${JSON.stringify([...east.device.counters.drops])}`);
  }
});

Deno.test("a packet is accepted once", () => {
  const { west, east } = pair(["aes128gcm16"]);
  west.route(plainPacket(V4.sunset, V4.sunrise, 100));
  const [packet] = west.sent;
  east.receive(packet);
  east.receive(packet);
  assert.equal(east.delivered.length, 1);
  assert.equal(dropsOf(east, "REPLAYED"), 1);
});

Deno.test("what comes out of a tunnel must fit its policy", () => {
  const { west, east } = pair(["aes128gcm16"]);
  west.eroute("10.9.0.0/24", "10.2.0.0/24", "tun.1000@192.0.2.2");
  const tunnel = [...east.engine.sad].find((sa) => sa.transform.kind === "ipip")!;
  const [source, destination] = [
    west.eroute("10.1.0.0/24", "10.3.0.0/24", "tun.1000@192.0.2.2"),
    west.eroute("10.1.1.0/24", "10.2.0.0/24", "tun.1000@192.0.2.2"),
  ];
  tunnel.policy = { source: source.selector.source, destination: destination.selector.destination, protocol: 0 };
  west.route(plainPacket("10.9.0.7", V4.sunrise, 100));
  west.carry(east);
  assert.equal(east.delivered.length, 0);
  assert.equal(dropsOf(east, "WRONG_POLICY"), 1);
  west.route(plainPacket(V4.sunset, V4.sunrise, 100));
  west.carry(east);
  assert.equal(east.delivered.length, 1);
});

Deno.test("an AH layer that a chain demands cannot be left out", () => {
  const { west, east } = pair(["aes128-sha1-96"]);
  const esp = [...east.engine.sad].find((sa) => sa.transform.kind === "esp")!;
  east.group(esp, east.sa("ah.2000@192.0.2.2", "192.0.2.1", "ah-sha1-96"));
  west.route(plainPacket(V4.sunset, V4.sunrise, 100));
  west.carry(east);
  assert.equal(east.delivered.length, 0);
  assert.equal(dropsOf(east, "WRONG_ORDER"), 1);
});

Deno.test("no eroute, %drop, %reject and %pass do what they say", () => {
  const west = new Gateway(["192.0.2.1"]);
  const packet = plainPacket(V4.sunset, V4.sunrise, 64, 17);
  west.route(packet);
  assert.equal(west.sent.length, 0);
  assert.equal(dropsOf(west, "NO_EROUTE"), 1);
  const all = west.eroute("0.0.0.0/0", "0.0.0.0/0", "%drop");
  west.route(packet);
  assert.equal(west.sent.length, 0);
  west.engine.eroutes.remove(all.selector);
  west.eroute("0.0.0.0/0", "0.0.0.0/0", "%reject");
  west.route(packet);
  assert.deepEqual([...west.delivered[0].slice(20, 22)], [3, 13], "administratively prohibited");
  const pass = west.eroute("10.1.0.0/24", "0.0.0.0/0", "%pass");
  west.route(packet);
  assert.deepEqual(west.sent.map((s) => s.bytes), [packet]);
  assert.equal(pass.count, 1);
});

Deno.test("%trap asks for keys, holds the packet, and lets it go when the eroute comes", () => {
  const { west, east } = pair(["aes128gcm16"]);
  west.eroute("10.1.0.0/16", "10.8.0.0/16", "%trap");
  const first = plainPacket(V4.sunset, "10.8.0.1", 40), last = plainPacket(V4.sunset, "10.8.0.1", 41);
  west.route(first);
  west.route(last);
  assert.equal(west.sent.length, 0);
  assert.deepEqual(west.acquired, ["260"]);
  const hold = west.engine.eroutes.list().find((e) => e.shunt === 259)!;
  assert.deepEqual(hold.firstHeld, first);
  assert.deepEqual(hold.lastHeld, last);
  west.engine.eroutes.remove(hold.selector);
  west.eroute("10.1.0.10/32", "10.8.0.1/32", "tun.1000@192.0.2.2");
  west.engine.outbound.resend(hold.firstHeld!);
  west.engine.outbound.resend(hold.lastHeld!);
  west.carry(east);
  assert.deepEqual(east.delivered, [first, last]);
});

Deno.test("our own IKE passes an eroute to its peer in the clear", () => {
  const { west } = pair(["aes128gcm16"]);
  west.eroute("192.0.2.1/32", "192.0.2.2/32", "tun.1000@192.0.2.2");
  const ike = plainPacket("192.0.2.1", "192.0.2.2", 100, 17);
  new DataView(ike.buffer).setUint32(20, 500 << 16 | 500);
  new DataView(ike.buffer).setUint16(24, 100);
  west.route(ike);
  assert.deepEqual(west.sent.map((s) => s.bytes), [ike]);
  const other = ike.slice();
  new DataView(other.buffer).setUint16(20, 501);
  west.sent.length = 0;
  west.route(other);
  assert.equal(west.sent[0].bytes[9], 50, "other ports are protected");
});

Deno.test("a packet limit ends the chain, with a soft warning before", () => {
  const { west } = pair(["aes128gcm16"]);
  const esp = [...west.engine.sad].find((sa) => sa.transform.kind === "esp")!;
  esp.limit("packets").soft = 2;
  esp.limit("packets").hard = 4;
  for (let i = 0; i < 8; i++) west.route(plainPacket(V4.sunset, V4.sunrise, 10));
  assert.deepEqual(west.expired, [[0x1001, false], [0x1001, true]]);
  assert.equal(west.sent.length, 5);
  assert.equal(west.engine.sad.size, 0);
  assert.equal(dropsOf(west, "UNKNOWN_SA_OUT"), 2);
});

Deno.test("a sequence number is never used twice", () => {
  const { west } = pair(["aes128gcm16"]);
  const esp = [...west.engine.sad].find((sa) => sa.transform.kind === "esp")!;
  esp.sequenceLow = 0xfffffffe;
  west.route(plainPacket(V4.sunset, V4.sunrise, 10));
  west.route(plainPacket(V4.sunset, V4.sunrise, 10));
  assert.equal(west.sent.length, 1);
  assert.equal(west.engine.sad.size, 0);
});

Deno.test("extended sequence numbers go on past 32 bits", () => {
  const { west, east } = pair(["aes128-sha2_256-128"], { esn: true });
  const espOf = (g: Gateway) => [...g.engine.sad].find((sa) => sa.transform.kind === "esp")!;
  espOf(west).sequenceLow = 0xfffffffe;
  espOf(east).replay!.markAuthentic(0, 0xfffffffe);
  for (let i = 0; i < 4; i++) west.route(plainPacket(V4.sunset, V4.sunrise, 10 + i));
  west.carry(east);
  assert.equal(east.delivered.length, 4);
  assert.deepEqual([espOf(west).sequenceHigh, espOf(west).sequenceLow], [1, 2]);
});

Deno.test("a result too large for the device leaves in fragments", () => {
  const { west, east } = pair(["aes128gcm16"]);
  west.route(plainPacket(V4.sunset, V4.sunrise, 4000));
  assert.equal(west.sent.length, 3);
  for (const { bytes } of west.sent) assert.ok(bytes.length <= 1500);
  const [first] = west.sent;
  const whole = first.bytes.slice(0, 20);
  const payload = west.sent.flatMap((s) => [...s.bytes.slice(20)]);
  const packet = Uint8Array.from([...whole, ...payload]);
  new DataView(packet.buffer).setUint16(2, packet.length);
  new DataView(packet.buffer).setUint16(6, 0);
  east.receive({ bytes: packet, udp: undefined });
  assert.equal(east.delivered.length, 1);
  assert.equal(east.delivered[0].length, 4020);
});

Deno.test("a large packet that must not be fragmented brings its sender the MTU", () => {
  const { west } = pair(["aes128gcm16"]);
  const packet = plainPacket(V4.sunset, V4.sunrise, 1480);
  new DataView(packet.buffer).setUint16(6, 0x4000);
  west.route(packet);
  const [icmp] = west.delivered;
  assert.deepEqual([...icmp.slice(20, 22)], [3, 4]);
  assert.equal(new DataView(icmp.buffer).getUint16(26), west.device.effectiveMtu);
  assert.equal(west.device.effectiveMtu, 1443);
});

Deno.test("a peer behind NAT is followed to its new port", () => {
  const { west, east } = pair(["aes128gcm16"], { udp: true });
  const back = [
    east.sa("tun.2000@192.0.2.1", "192.0.2.2", "ipip"),
    east.sa("esp.2001@192.0.2.1", "192.0.2.2", "aes128gcm16", { udp: { sport: 4500, dport: 4500, peer: undefined } }),
  ];
  east.group(...back);
  west.route(plainPacket(V4.sunset, V4.sunrise, 10));
  const [{ bytes, udp }] = west.sent;
  east.receive({ bytes, udp: { ...udp!, sport: 61234, source: Uint8Array.of(203, 0, 113, 5) } });
  assert.equal(east.delivered.length, 1);
  assert.equal(back[1].udp!.dport, 61234);
  assert.deepEqual([...back[1].udp!.peer!.bytes], [203, 0, 113, 5]);
});

Deno.test("a nested tunnel goes through both gateways' SAs", () => {
  const { west } = pair(["aes128gcm16"]);
  west.group(
    west.sa("tun.3000@198.51.100.9", "192.0.2.1", "ipip"),
    west.sa("esp.3001@198.51.100.9", "192.0.2.1", "aes128-sha1-96"),
  );
  west.eroute("192.0.2.1/32", "192.0.2.2/32", "tun.3000@198.51.100.9");
  west.route(plainPacket(V4.sunset, V4.sunrise, 100));
  assert.deepEqual([...west.sent[0].bytes.slice(16, 20)], [198, 51, 100, 9]);
});

Deno.test("noble carries what node:crypto sealed", () => {
  const { west } = pair(["3des-md5-96"]);
  const east = new Gateway(["192.0.2.2"], nobleProvider);
  east.group(
    east.sa("tun.1000@192.0.2.2", "192.0.2.1", "ipip"),
    east.sa("esp.1001@192.0.2.2", "192.0.2.1", "3des-md5-96"),
  );
  const packet = plainPacket(V4.sunset, V4.sunrise, 77);
  west.route(packet);
  west.carry(east);
  assert.deepEqual(east.delivered, [packet]);
});

function dropsOf(gateway: Gateway, reason: string): number {
  return drops(gateway)[reason] ?? 0;
}
