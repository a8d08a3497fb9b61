import assert from "node:assert/strict";
import { learnPathMtu } from "../../lib/klips/path_mtu.ts";
import { address, Gateway } from "./_gateway.ts";

// west 192.0.2.1 -- router 192.0.2.254 -- 192.0.2.2 east

const AT = 600_000;
const SPI = 0x1000;

/** An ICMP error, and the first bytes of the packet that it is about. */
interface ErrorOptions {
  type?: number;
  code?: number;
  mtu?: number;
  spi?: number;
  destination?: string;
  protocol?: number;
  size?: number;
  offset?: number;
  spoil?: boolean;
  cut?: number;
}

function icmpError(options: ErrorOptions = {}): Uint8Array {
  const { type = 3, code = 4, mtu = 1400, spi = SPI, destination = "192.0.2.2", protocol = 50 } = options;
  const bytes = new Uint8Array(8 + 20 + 16);
  const view = new DataView(bytes.buffer);
  bytes.set([type, code], 0);
  view.setUint16(6, mtu);
  view.setUint32(8, 0x45000000 | (options.size ?? 1500));
  view.setUint16(14, options.offset ?? 0);
  bytes[17] = protocol;
  bytes.set(address("192.0.2.1").bytes, 20);
  bytes.set(address(destination).bytes, 24);
  if (protocol === 17) {
    view.setUint16(28, 4500);
    view.setUint16(30, 4500);
    view.setUint32(36, spi);
  } else view.setUint32(protocol === 51 ? 32 : 28, spi);
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += view.getUint16(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(2, ~sum & 0xffff);
  if (options.spoil) bytes[bytes.length - 1] ^= 1;
  return bytes.subarray(0, options.cut);
}

function packetTooBig(mtu: number, fragmentOffset?: number): Uint8Array {
  const fragment = fragmentOffset === undefined ? 0 : 8;
  const bytes = new Uint8Array(8 + 40 + fragment + 8);
  const view = new DataView(bytes.buffer);
  bytes[0] = 2;
  view.setUint32(4, mtu);
  bytes[8] = 0x60;
  view.setUint16(12, 1460);
  bytes[14] = fragment ? 44 : 50;
  bytes.set(address("2001:db8::1").bytes, 16);
  bytes.set(address("2001:db8::2").bytes, 32);
  if (fragment) {
    bytes[48] = 50;
    view.setUint16(50, fragmentOffset! << 3 | 1);
  }
  view.setUint32(48 + fragment, SPI);
  return bytes;
}

/** Tells west of an error. @returns the path MTU that its SA has afterwards, and whether anything was learned */
function learned(gateway: Gateway, error: Uint8Array, bytes: 4 | 16 = 4): boolean {
  gateway.memory.bytes.set(error, AT);
  const { engine } = gateway;
  engine.tick();
  return learnPathMtu(gateway.memory, engine.sad, AT, error.length, bytes, engine.now()) !== undefined;
}

function west(udp = false): Gateway {
  const gateway = new Gateway(["192.0.2.1", "2001:db8::1"]);
  const encapsulation = udp ? { sport: 4500, dport: 4500, peer: undefined } : undefined;
  gateway.sa("esp.1000@192.0.2.2", "192.0.2.1", "aes128gcm16", { udp: encapsulation });
  gateway.sa("ah.1000@192.0.2.2", "192.0.2.1", "ah-sha1-96");
  gateway.sa("esp:1000@2001:db8::2", "2001:db8::1", "aes128gcm16");
  gateway.sa("esp.1000@198.51.100.1", "192.0.2.1", "aes128gcm16");
  return gateway;
}

function pathMtus(gateway: Gateway): Record<string, number> {
  return Object.fromEntries(
    [...gateway.engine.sad].map((sa) => [`${sa.id.protocol}@${sa.id.destination.bytes.join(".")}`, sa.pathMtu]),
  );
}

const TAKEN: [what: string, error: Uint8Array, mtu: number][] = [
  ["an ESP packet", icmpError(), 1400],
  ["an AH packet", icmpError({ protocol: 51 }), 1400],
  ["an MTU that nobody has as one that links may have", icmpError({ mtu: 68 }), 552],
];
for (const [what, error, mtu] of TAKEN) {
  Deno.test(`learnPathMtu() takes an error about ${what}, for every SA to that peer and no other`, () => {
    const gateway = west();
    assert.ok(learned(gateway, error));
    const found = pathMtus(gateway);
    assert.equal(found["50@192.0.2.2"], mtu);
    assert.equal(found["51@192.0.2.2"], mtu);
    assert.equal(found["50@198.51.100.1"], 0);
  });
}

Deno.test("learnPathMtu() takes an error about ESP in UDP", () => {
  const gateway = west(true);
  assert.ok(learned(gateway, icmpError({ protocol: 17 })));
  assert.equal(pathMtus(gateway)["50@192.0.2.2"], 1400);
});

for (const offset of [undefined, 0]) {
  Deno.test(`learnPathMtu() takes an ICMPv6 error about ${offset === 0 ? "a first fragment" : "a packet"}`, () => {
    const gateway = west();
    assert.ok(learned(gateway, packetTooBig(1320, offset), 16));
    assert.equal([...gateway.engine.sad].find((sa) => sa.source.family === "inet6")!.pathMtu, 1320);
  });
}

const REFUSED: [why: string, error: Uint8Array, bytes?: 4 | 16][] = [
  ["another SPI", icmpError({ spi: 0x1001 })],
  ["another destination", icmpError({ destination: "192.0.2.3" })],
  ["another protocol", icmpError({ protocol: 6 })],
  ["a later fragment", icmpError({ offset: 185 })],
  ["another kind of unreachable", icmpError({ code: 1 })],
  ["another ICMP type", icmpError({ type: 11, code: 0 })],
  ["no MTU", icmpError({ mtu: 0 })],
  ["an MTU that the packet would have fitted", icmpError({ mtu: 1500 })],
  ["a wrong checksum", icmpError({ spoil: true })],
  ["half a quotation", icmpError({ cut: 30 })],
  ["a later IPv6 fragment", packetTooBig(1320, 100), 16],
  ["an IPv4 quotation in ICMPv6", icmpError({ type: 2 }), 16],
];
for (const [why, error, bytes] of REFUSED) {
  Deno.test(`learnPathMtu() refuses an error with ${why}`, () => {
    const gateway = west();
    assert.equal(learned(gateway, error, bytes), false);
    assert.deepEqual(Object.values(pathMtus(gateway)).filter((mtu) => mtu !== 0), []);
  });
}

Deno.test("a path MTU is only lowered, and forgotten after ten minutes", () => {
  const gateway = west();
  assert.ok(learned(gateway, icmpError({ mtu: 1400 })));
  assert.equal(learned(gateway, icmpError({ mtu: 1450 })), false);
  assert.ok(learned(gateway, icmpError({ mtu: 1300 })));
  gateway.clock += 601;
  assert.ok(learned(gateway, icmpError({ mtu: 1450 })));
  assert.equal(pathMtus(gateway)["50@192.0.2.2"], 1450);
});
