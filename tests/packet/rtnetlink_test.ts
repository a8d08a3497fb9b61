/** Bytes of the kernel's (Linux 6.18), read from a netlink socket; the comment is what ip(8) said. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal, throws } from "node:assert/strict";
import fc from "fast-check";
import {
  decodeAttributes,
  decodeEnd,
  decodeList,
  decodeMessages,
  encodeMessage,
  isAnswer,
  NetlinkMalformed,
  NetlinkWriter,
} from "../../lib/packet/netlink.ts";
import {
  decodeAddress,
  decodeLink,
  decodeLinkKind,
  decodeNeighbour,
  decodeRoute,
  decodeRule,
  encodeAddress,
  encodeNeighbourQuestion,
  encodeRoute,
  type RouteMessage,
  RTM,
} from "../../lib/packet/rtnetlink.ts";
import { type Address, parseAddress } from "../../lib/text/address.ts";
import { parseSubnet, type Subnet } from "../../lib/text/subnet.ts";

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const messageOf = (hex: string) => decodeMessages(bytesOf(hex))[0];

function at(text: string): Address {
  const parsed = parseAddress(text, 0);
  if (!parsed.ok) throw new Error(parsed.error);
  return { family: parsed.value.family, bytes: parsed.value.bytes.slice() };
}

function net(text: string): Subnet {
  const parsed = parseSubnet(text, text.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const MAIN = { type: "unicast", table: 254, protocol: 3, scope: 0, metric: 0 } as const;

const ROUTES: [ip: string, hex: string, expected: RouteMessage][] = [
  [
    "10.2.0.0/24 via 192.0.2.254 dev ipsec0 src 192.0.2.1 mtu 1400 onlink",
    "5000000018000200070000009664000002180000fe0300011400000008000f00fe000000080001000a0200000c0008000800020078050000" +
    "08000700c000020108000500c00002fe0800040003000000",
    {
      ...MAIN,
      destination: net("10.2.0.0/24"),
      source: at("192.0.2.1"),
      mtu: 1400,
      nextHops: [{ device: 3, gateway: at("192.0.2.254"), onlink: true }],
    },
  ],
  [
    "unreachable 10.3.0.0/16 table 1000 metric 9",
    "3400000018000200070000009664000002100000fc0300070000000008000f00e8030000080001000a0300000800060009000000",
    { ...MAIN, type: "unreachable", table: 1000, metric: 9, destination: net("10.3.0.0/16"), nextHops: [] },
  ],
  [
    "10.4.0.0/16 with two next hops",
    "5000000018000200070000009664000002100000fe0300011000000008000f00fe000000080001000a04000024000900100010010200000" +
    "008000500c0000203100010000200000008000500c0000204",
    {
      ...MAIN,
      destination: net("10.4.0.0/16"),
      nextHops: [{ device: 2, gateway: at("192.0.2.3") }, { device: 2, gateway: at("192.0.2.4") }],
    },
  ],
  [
    "10.5.0.0/16 via inet6 2001:db8::2 dev ipsec0 onlink",
    "4c00000018000200070000009664000002100000fe0300010400000008000f00fe000000080001000a050000160012000a0020010db80000" +
    "000000000000000000020000" + "0800040003000000",
    {
      ...MAIN,
      destination: net("10.5.0.0/16"),
      nextHops: [{ device: 3, gateway: at("2001:db8::2"), onlink: true }],
    },
  ],
  [
    "fd01:2::/64 via 2001:db8::fe dev ipsec0 metric 1024 onlink",
    "880000001800020007000000966400000a400000fe0300011400000008000f00fe00000014000100fd0100020000000000000000000000000" +
    "8000600000400001400050020010db80000000000000000000000fe080004000300000024000c000000000000000000000000000000000000" +
    "0000000000000000000000000000000500140000000000",
    {
      ...MAIN,
      metric: 1024,
      destination: net("fd01:2::/64"),
      nextHops: [{ device: 3, gateway: at("2001:db8::fe"), onlink: true }],
    },
  ],
];

for (const [ip, hex, expected] of ROUTES) {
  Deno.test(`decodeRoute() reads ${ip}`, () => {
    const message = messageOf(hex);
    equal(message.type, RTM.NEWROUTE);
    deepEqual(decodeRoute(message), expected);
  });
  if (expected.nextHops.length < 2) {
    Deno.test(`decodeRoute() undoes encodeRoute() of ${ip}`, () => {
      const body = encodeRoute(expected);
      deepEqual(decodeRoute({ type: RTM.NEWROUTE, flags: 0, sequence: 1, body }), expected);
    });
  }
}

const ADDRESSES: [ip: string, hex: string, expected: ReturnType<typeof decodeAddress>][] = [
  [
    "192.0.2.1/24 brd 192.0.2.255 dev eth0",
    "58000000140002000700000096640000021880000200000008000100c000020108000200c000020108000400c00002ff090003006574683" +
    "000000000080008008000000014000600ffffffffffffffffda3f0700da3f0700",
    {
      device: 2,
      address: at("192.0.2.1"),
      bits: 24,
      broadcast: at("192.0.2.255"),
      scope: 0,
      flags: 0x80,
      label: "eth0",
    },
  ],
  [
    "192.0.2.1/24 noprefixroute dev ipsec0",
    "50000000140002000700000096640000021880000300000008000100c000020108000200c00002010b00030069707365633000000800080" +
    "08002000014000600ffffffffffffffffda3f0700da3f0700",
    { device: 3, address: at("192.0.2.1"), bits: 24, scope: 0, flags: 0x280, label: "ipsec0" },
  ],
  [
    "10.9.0.1 peer 10.9.0.2 dev eth0",
    "500000001400020007000000966400000220800002000000080001000a090002080002000a0900010900030065746830000000000800080" +
    "08000000014000600ffffffffffffffffda3f0700da3f0700",
    { device: 2, address: at("10.9.0.1"), bits: 32, peer: at("10.9.0.2"), scope: 0, flags: 0x80, label: "eth0" },
  ],
  [
    "2001:db8::1/64 nodad noprefixroute dev ipsec0",
    "480000001400020007000000966400000a408200030000001400010020010db800000000000000000000000114000600ffffffffffffffff" +
    "da3f0700da3f07000800080082020000",
    { device: 3, address: at("2001:db8::1"), bits: 64, scope: 0, flags: 0x282 },
  ],
];

for (const [ip, hex, expected] of ADDRESSES) {
  Deno.test(`decodeAddress() reads ${ip}, and undoes encodeAddress()`, () => {
    const message = messageOf(hex);
    deepEqual(decodeAddress(message), expected);
    deepEqual(decodeAddress({ ...message, body: encodeAddress(expected!) }), expected);
  });
}

Deno.test("decodeLink() reads eth0, a TUN device that is down", () => {
  // cut behind the MTU
  const hex =
    "540000001000020007000000716700000000feff02000000901000000000000009000300657468300000000008000d00f401000005001000020000000500110000000000050043000000000008000400dc050000";
  deepEqual(decodeLink(messageOf(hex)), { index: 2, name: "eth0", mtu: 1500, flags: 0x1090 });
  const ARPHRD_NONE = 0xfffe;
  deepEqual(decodeLinkKind(messageOf(hex)), { index: 2, hardware: ARPHRD_NONE });
});

Deno.test("decodeLinkKind() reads one end of a veth", () => {
  // put together by hand: the kernel's has two dozen attributes more
  const hex = "38000000100002000700000071670000000001000300000043100100000000000700030065300000" + "10001200" +
    "0900010076657468" + "00000000";
  deepEqual(decodeLinkKind(messageOf(hex)), { index: 3, hardware: 1, kind: "veth" });
});

const NEIGHBOURS: [ip: string, hex: string, expected: ReturnType<typeof decodeNeighbour>][] = [
  [
    "192.0.2.2 lladdr 02:00:00:00:00:02 PERMANENT",
    "4c0000001c000000010000000000000002000000030000008000000108000100c00002020a000200020000000002000008000400000000001400" +
    "030010000000100000001000000001000000",
    { state: 0x80, linkAddress: bytesOf("020000000002") },
  ],
  [
    "2001:db8::2 lladdr 02:00:00:00:00:03 STALE",
    "580000001c00000002000000000000000a00000003000000040000011400010020010db80000000000000000000000020a000200020000000003" +
    "000008000400000000001400030080170000100000001000000001000000",
    { state: 0x04, linkAddress: bytesOf("020000000003") },
  ],
  [
    "192.0.2.3 INCOMPLETE",
    "400000001c000000030000000000000002000000030000000100000108000100c00002030800040004000000140003007f1700000f0000000f00" +
    "000002000000",
    { state: 0x01 },
  ],
];

for (const [ip, hex, expected] of NEIGHBOURS) {
  Deno.test(`decodeNeighbour() reads ${ip}`, () => deepEqual(decodeNeighbour(messageOf(hex)), expected));
}

Deno.test("encodeNeighbourQuestion() asks what the kernel answered", () => {
  const question = encodeNeighbourQuestion(at("192.0.2.2"), 3);
  equal(question.toHex(), "02000000030000000000000008000100c0000202");
});

Deno.test("decodeRule() reads 77: from 10.1.0.0/16 fwmark 0x5 lookup 1000", () => {
  const hex =
    "5400000020000200070000009664000002001000fc0000010000000008000f00e803000008000e00ffffffff05001500000000000800" +
    "06004d00000008000a000500000008001000ffffffff080002000a010000";
  deepEqual(decodeRule(messageOf(hex)), {
    family: "inet",
    priority: 77,
    action: 1,
    table: 1000,
    source: net("10.1.0.0/16"),
    destination: net("0.0.0.0/0"),
    mark: 5,
  });
});

Deno.test("decodeRule() passes over the rules of multicast routing, whose family is another", () => {
  const hex =
    "3c00000020000200070000009664000080000000fd0000010000000008000f00fd00000008000e00ffffffff0500150002000000" +
    "08000600ff7f0000";
  equal(decodeRule(messageOf(hex)), undefined);
});

const ENDS: [name: string, hex: string, expected: ReturnType<typeof decodeEnd>][] = [
  [
    "a refusal with the request and a sentence",
    "680000000200000207000000966400009bffffff3400000018000506070000000000000002180000fe03000100000000080001000a070000" +
    "080004000300000008000500cb007101200001004e657874686f702068617320696e76616c6964206761746577617900",
    { errno: 101, text: "Nexthop has invalid gateway" },
  ],
  [
    "an acknowledgement",
    "2400000002000001070000009664000000000000240000001a0005000700000000000000",
    { errno: 0, text: "" },
  ],
  ["the end of a listing", "1400000003000200070000009664000000000000", { errno: 0, text: "" }],
];

for (const [name, hex, expected] of ENDS) {
  Deno.test(`decodeEnd() reads ${name}`, () => {
    const message = messageOf(hex);
    deepEqual(decodeEnd(message), expected);
    ok(!isAnswer(message));
  });
}

Deno.test("decodeEnd() says nothing of an answer", () => equal(decodeEnd(messageOf(ROUTES[0][1])), undefined));

Deno.test("decodeMessages() undoes encodeMessage(), also of several and of lengths that are no multiple of 4", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (bodies) => {
    const messages = bodies.map((body, i) => ({ type: 16 + i, flags: i, sequence: i, body: body.slice() }));
    const bytes = new Uint8Array(messages.flatMap((message) => [...encodeMessage(message)]));
    deepEqual(decodeMessages(bytes).map((one) => ({ ...one, body: one.body.slice() })), messages);
  }));
});

Deno.test("decodeList() undoes NetlinkWriter, nested ones too", () => {
  const inner = (writer: NetlinkWriter) => writer.text(1, "ipsec0").u32(2, 7);
  const bytes = new NetlinkWriter().n32(5, 0x01020304).nested(3, inner).bytes(4, undefined).done();
  const [number, nested] = decodeList(bytes);
  deepEqual([number[0], [...number[1]]], [5, [1, 2, 3, 4]]);
  deepEqual([nested[0], decodeAttributes(nested[1]).size], [3, 2]);
});

const DECODERS = { decodeRoute, decodeAddress, decodeLink, decodeLinkKind, decodeNeighbour, decodeRule, decodeEnd };
const SEEDS = [...ROUTES, ...ADDRESSES, ...NEIGHBOURS, ...ENDS].map(([, hex]) => bytesOf(hex));

/** A valid datagram with bytes changed, or cut short, or any bytes. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.tuple(
    fc.constantFrom(...SEEDS),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }),
    fc.nat(200),
  ).map(([seed, changes, length]) => {
    const bytes = seed.slice(0, length || seed.length);
    for (const [where, value] of changes) if (where < bytes.length) bytes[where] = value;
    return bytes;
  }),
);

for (const [name, decode] of Object.entries(DECODERS)) {
  Deno.test(`${name}() gives a value or NetlinkMalformed for any bytes`, () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        try {
          for (const message of decodeMessages(bytes)) decode(message);
        } catch (error) {
          ok(error instanceof NetlinkMalformed, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
}

const REFUSED: [why: string, hex: string][] = [
  ["a header cut short", "1000000018"],
  ["a length below the header's", "0f000000180000000000000000000000"],
  ["a length beyond the datagram", "20000000180000000000000000000000"],
];
for (const [why, hex] of REFUSED) {
  Deno.test(`decodeMessages() refuses ${why}`, () => {
    throws(() => decodeMessages(bytesOf(hex)), NetlinkMalformed);
  });
}
