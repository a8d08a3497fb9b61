import { deepEqual, doesNotThrow, equal, match, throws } from "node:assert/strict";
import fc from "fast-check";
import { checkRequest, decodeMessage, encodeMessage, encodeRefusal } from "../../lib/pfkey/codec.ts";
import {
  DEBUG_WORDS,
  EXT,
  messageName,
  MESSAGES,
  protocolSatype,
  satypeName,
  satypeProtocol,
  SATYPES,
  TUNNEL_OPS,
} from "../../lib/pfkey/constants.ts";
import { EXTENSIONS } from "../../lib/pfkey/extension_codec.ts";
import type { Extensions, PfkeyMessage } from "../../lib/pfkey/message.ts";

// Round trips

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65535 });
const u32 = fc.nat(0xffffffff);
const u64 = fc.maxSafeNat();
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(model, { noNullPrototype: true });

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyIp = fc.oneof(
  record({ family: fc.constant("inet" as const), bytes: bytes(4) }),
  record({ family: fc.constant("inet6" as const), bytes: bytes(16) }),
);
const address = record({ address: anyIp, port: u16, proto: u8, prefixLength: u8 });
const sa = record({ spi: u32, replay: u8, state: u8, auth: u8, encrypt: u8, flags: u32, ref: u32 });
const lifetime = record({ allocations: u32, bytes: u64, addtime: u64, usetime: u64, packets: u32 });
const key = fc.integer({ min: 0, max: 128 }).chain((n) => record({ bits: fc.constant(n * 8), key: bytes(n) }));
/** Text that UTF-8 can carry, without the NUL that ends it. */
const text = fc.string({ unit: "grapheme", maxLength: 100 }).filter((text) => !text.includes("\0"));
const identity = record({ type: u16, id: u64, text });
const combination = record({
  auth: u8,
  encrypt: u8,
  flags: u16,
  authMinBits: u16,
  authMaxBits: u16,
  encryptMinBits: u16,
  encryptMaxBits: u16,
  soft: lifetime,
  hard: lifetime,
});
const supported = fc.array(record({ id: u8, ivBits: u8, minBits: u16, maxBits: u16 }), { maxLength: 9 });
const interfaceName = fc.string({ unit: "grapheme-ascii", maxLength: 15 });

const ARBITRARY: { [K in keyof Required<Extensions>]: fc.Arbitrary<Required<Extensions>[K]> } = {
  sa,
  sa2: sa,
  lifetimeCurrent: lifetime,
  lifetimeHard: lifetime,
  lifetimeSoft: lifetime,
  source: address,
  destination: address,
  proxy: address,
  destination2: address,
  sourceFlow: address,
  destinationFlow: address,
  sourceMask: address,
  destinationMask: address,
  natOa: address,
  keyAuth: key,
  keyEncrypt: key,
  identitySource: identity,
  identityDestination: identity,
  sensitivity: fc.integer({ min: 0, max: 6 }).chain((words) => bytes(words * 8 + 4)),
  proposal: record({ replay: u8, combinations: fc.array(combination, { maxLength: 4 }) }),
  supportedAuth: supported,
  supportedEncrypt: supported,
  spiRange: record({ min: u32, max: u32 }),
  satype2: u8,
  debug: record(
    Object.fromEntries(DEBUG_WORDS.map((name) => [name, u32])) as Record<typeof DEBUG_WORDS[number], typeof u32>,
  ),
  protocol: record({ protocol: u8, direction: u8, flags: u8 }),
  natType: u8,
  natSport: u16,
  natDport: u16,
  path: text,
  data: fc.uint8Array({ maxLength: 300 }),
  tunnel: record({
    op: fc.constantFrom(...Object.keys(TUNNEL_OPS) as (keyof typeof TUNNEL_OPS)[]),
    virtual: interfaceName,
    physical: interfaceName,
  }),
};
const extensions = fc.record<Extensions>(ARBITRARY, { requiredKeys: [], noNullPrototype: true });
const message: fc.Arbitrary<PfkeyMessage> = record({
  type: fc.constantFrom(...Object.values(MESSAGES).map(({ number }): number => number)),
  errno: u8,
  satype: fc.integer({ min: 0, max: 11 }),
  seq: u32,
  pid: u32,
  extensions,
});

function decoded(raw: Uint8Array): PfkeyMessage {
  const outcome = decodeMessage(raw);
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.message;
}

for (const { field, number } of EXTENSIONS) {
  Deno.test(`extension ${number}, ${field}, is what it was after encoding and decoding`, () => {
    fc.assert(fc.property(ARBITRARY[field] as fc.Arbitrary<unknown>, (value) => {
      const one = { type: 3, errno: 0, satype: 3, seq: 1, pid: 2, extensions: { [field]: value } };
      const raw = encodeMessage(one);
      equal(raw.length % 8, 0);
      equal(new DataView(raw.buffer).getUint16(18, true), number);
      deepEqual(decoded(raw), one);
    }));
  });
}

Deno.test("a message of any extensions is what it was after encoding and decoding", () => {
  fc.assert(fc.property(message, (one) => deepEqual(decoded(encodeMessage(one)), one)));
});

Deno.test("every extension has a row and a field", () => {
  deepEqual(EXTENSIONS.map(({ field }) => field).sort(), Object.keys(ARBITRARY).sort());
  equal(new Set(EXTENSIONS.map(({ number }) => number)).size, EXTENSIONS.length);
});

Deno.test("text keeps a byte order mark at its start", () => {
  const one = { type: 32, errno: 0, satype: 0, seq: 0, pid: 0, extensions: { path: "\ufeffversion" } };
  deepEqual(decoded(encodeMessage(one)), one);
});

// Totality

Deno.test("decodeMessage() gives a value or a reason for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (raw) => doesNotThrow(() => decodeMessage(raw))));
});

Deno.test("decodeMessage() gives a value or a reason for a message damaged anywhere, and what it accepts it can encode", () => {
  const damage = fc.array(fc.tuple(fc.nat(), u8), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(message, damage, fc.nat(), (one, patches, cut) => {
      const raw = encodeMessage(one);
      for (const [at, value] of patches) raw[at % raw.length] = value;
      const outcome = decodeMessage(raw);
      if (outcome.ok) deepEqual(decoded(encodeMessage(outcome.message)), outcome.message);
      equal(decodeMessage(raw.subarray(0, cut % raw.length)).ok, false);
    }),
    { numRuns: 500 },
  );
});

// Exact bytes, written by hand from RFC 2367 §2 and klips.md §12

const hex = (raw: Uint8Array) => Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text: string) =>
  Uint8Array.from(text.replaceAll(/\s/g, "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
const v4 = (...bytes: number[]) => ({ family: "inet" as const, bytes: Uint8Array.from(bytes) });
const end = (...bytes: number[]) => ({ address: v4(...bytes), port: 0, proto: 0, prefixLength: 0 });
const SA = { spi: 0x12345678, replay: 32, state: 1, auth: 2, encrypt: 3, flags: 8, ref: 0xffffffff };

const EXACT: [what: string, message: PfkeyMessage, hex: string][] = [
  [
    "FLUSH",
    { type: 9, errno: 0, satype: 0, seq: 1, pid: 0x1234, extensions: {} },
    "02090000 0200 0000 01000000 34120000",
  ],
  [
    "DELETE",
    {
      type: 4,
      errno: 0,
      satype: 3,
      seq: 2,
      pid: 99,
      extensions: { sa: SA, source: end(192, 1, 2, 23), destination: end(192, 1, 2, 45) },
    },
    `02040003 0b00 0000 02000000 63000000
     0300 0100 12345678 20 01 02 03 08000000 ffffffff 00000000
     0300 0500 00 00 0000 0200 0000 c0010217 0000000000000000
     0300 0600 00 00 0000 0200 0000 c001022d 0000000000000000`,
  ],
  [
    "keys and lifetimes of an ADD",
    {
      type: 3,
      errno: 0,
      satype: 3,
      seq: 0x01020304,
      pid: 5,
      extensions: {
        lifetimeHard: { allocations: 1, bytes: 2 ** 32 + 2, addtime: 3, usetime: 4, packets: 5 },
        keyAuth: { bits: 128, key: unhex("000102030405060708090a0b0c0d0e0f") },
        keyEncrypt: { bits: 64, key: unhex("f0f1f2f3f4f5f6f7") },
      },
    },
    `02030003 0c00 0000 04030201 05000000
     0500 0300 01000000 0200000001000000 0300000000000000 0400000000000000 05000000 00000000
     0300 0800 8000 0000 0001020304050607 08090a0b0c0d0e0f
     0200 0900 4000 0000 f0f1f2f3f4f5f6f7`,
  ],
  [
    "the ports and masks of an X_ADDFLOW",
    {
      type: 14,
      errno: 0,
      satype: 9,
      seq: 0,
      pid: 0,
      extensions: {
        sourceFlow: { ...end(10, 1, 0, 0), port: 500 },
        sourceMask: { ...end(255, 255, 0, 0), port: 0xffff },
        protocol: { protocol: 17, direction: 1, flags: 2 },
      },
    },
    `020e0009 0900 0000 00000000 00000000
     0300 1500 00 00 0000 0200 01f4 0a010000 0000000000000000
     0300 1700 00 00 0000 0200 ffff ffff0000 0000000000000000
     0100 1a00 11 01 02 00`,
  ],
  [
    "an IPv6 address",
    {
      type: 5,
      errno: 0,
      satype: 2,
      seq: 0,
      pid: 0,
      extensions: {
        source: {
          address: { family: "inet6", bytes: unhex("20010db8000000000000000000000001") },
          port: 0x1234,
          proto: 6,
          prefixLength: 0,
        },
      },
    },
    `02050002 0700 0000 00000000 00000000
     0500 0500 06 00 0000 0a00 1234 00000000 20010db8000000000000000000000001 00000000 00000000`,
  ],
  [
    "identities, padded",
    {
      type: 6,
      errno: 0,
      satype: 3,
      seq: 0,
      pid: 0,
      extensions: { identitySource: { type: 2, id: 7, text: "west.example" } },
    },
    `02060003 0600 0000 00000000 00000000
     0400 0a00 0200 0000 0700000000000000 776573742e6578616d706c65 00 000000`,
  ],
  [
    "the second SA of an X_GRPSA",
    {
      type: 13,
      errno: 0,
      satype: 9,
      seq: 0,
      pid: 0,
      extensions: { satype2: 3, sa2: { ...SA, ref: 7 }, destination2: end(192, 1, 2, 45) },
    },
    `020d0009 0900 0000 00000000 00000000
     0100 1200 03 000000
     0300 1300 12345678 20 01 02 03 08000000 07000000 00000000
     0300 1400 00 00 0000 0200 0000 c001022d 0000000000000000`,
  ],
  [
    "an X_DEBUG",
    {
      type: 16,
      errno: 0,
      satype: 0,
      seq: 0,
      pid: 0,
      extensions: {
        debug: Object.fromEntries(DEBUG_WORDS.map((name, i) => [name, i + 1])) as Required<Extensions>["debug"],
      },
    },
    `02100000 0900 0000 00000000 00000000
     0700 1900 01000000 02000000 03000000 04000000 05000000 06000000
               07000000 08000000 09000000 0a000000 0b000000 0c000000 00000000`,
  ],
  [
    "an SPI range, and what is supported",
    {
      type: 1,
      errno: 0,
      satype: 3,
      seq: 0,
      pid: 0,
      extensions: {
        spiRange: { min: 0x100, max: 0xfff },
        supportedAuth: [{ id: 2, ivBits: 0, minBits: 128, maxBits: 128 }],
      },
    },
    `02010003 0600 0000 00000000 00000000
     0200 0e00 00000000 02 00 8000 8000 0000
     0200 1000 00010000 ff0f0000 00000000`,
  ],
  [
    "an X_TNCFG",
    {
      type: 33,
      errno: 0,
      satype: 0,
      seq: 0,
      pid: 0,
      extensions: { tunnel: { op: "attach", virtual: "ipsec0", physical: "eth0" } },
    },
    `02210000 0700 0000 00000000 00000000
     0500 4200 01 000000 697073656330 00000000000000000000 65746830 000000000000000000000000`,
  ],
];
for (const [what, one, text] of EXACT) {
  Deno.test(`encodeMessage() and decodeMessage(): the bytes of ${what}`, () => {
    equal(hex(encodeMessage(one)), text.replaceAll(/\s/g, ""));
    deepEqual(decoded(unhex(text)), one);
  });
}

Deno.test("a proposal is 80 bytes for each combination", () => {
  const none = { allocations: 0, bytes: 0, addtime: 0, usetime: 0, packets: 0 };
  const soft = { allocations: 1, bytes: 3, addtime: 5, usetime: 7, packets: 9 };
  const hard = { allocations: 2, bytes: 4, addtime: 6, usetime: 8, packets: 10 };
  const one = {
    auth: 2,
    encrypt: 3,
    flags: 1,
    authMinBits: 128,
    authMaxBits: 129,
    encryptMinBits: 168,
    encryptMaxBits: 169,
  };
  const proposal = { replay: 64, combinations: [{ ...one, soft, hard }, { ...one, soft: none, hard: none }] };
  const raw = encodeMessage({ type: 6, errno: 0, satype: 3, seq: 0, pid: 0, extensions: { proposal } });
  equal(raw.length, 16 + 8 + 2 * 80);
  equal(
    hex(raw.subarray(16, 104)),
    ("1500 0d00 40 000000 02 03 0100 8000 8100 a800 a900 00000000 01000000 02000000" +
      "0300000000000000 0400000000000000 0500000000000000 0600000000000000 0700000000000000 0800000000000000" +
      "09000000 0a000000").replaceAll(" ", ""),
  );
});

Deno.test("decodeMessage() reads the shorter SA and lifetime of RFC 2367", () => {
  const { extensions } = decoded(unhex(
    `02030003 0800 0000 00000000 00000000
     0200 0100 00001000 00 01 02 03 00000000
     0400 0300 01000000 0200000000000000 0300000000000000 0400000000000000`,
  ));
  deepEqual(extensions, {
    sa: { spi: 0x1000, replay: 0, state: 1, auth: 2, encrypt: 3, flags: 0, ref: 0xffffffff },
    lifetimeHard: { allocations: 1, bytes: 2, addtime: 3, usetime: 4, packets: 0 },
  });
});

// Malformed messages

const HEADER = (words: string) => `02030003 ${words} 0000 00000000 00000000`;
const MALFORMED: [why: string, hex: string, errno: number, reason: RegExp][] = [
  ["nothing", "", 22, /needs 1 bytes, has 0/],
  ["half a header", "0203000302000000", 22, /needs 4 bytes/],
  ["a length of 0", HEADER("0000"), 90, /length/],
  ["a length beyond the end", HEADER("0300"), 90, /length/],
  ["bytes behind its length", `${HEADER("0200")} 0100120003000000`, 90, /length/],
  ["version 1", "01030003 0200 0000 00000000 00000000", 22, /version 1/],
  ["type 0", "02000003 0200 0000 00000000 00000000", 22, /message type 0/],
  ["type 31", "021f0003 0200 0000 00000000 00000000", 22, /message type 31/],
  ["SA type 12", "0203000c 0200 0000 00000000 00000000", 22, /SA type 12/],
  ["the reserved field", "02030003 0200 0100 00000000 00000000", 22, /reserved/],
  ["an extension of length 0", `${HEADER("0300")} 0000120003000000`, 22, /extension 18 of 0 bytes/],
  ["an extension past the end", `${HEADER("0300")} 0200120003000000`, 22, /extension 18 of 16 bytes/],
  ["an extension of the largest length", `${HEADER("0300")} ffff120003000000`, 22, /extension 18 of 524280 bytes/],
  ["extension 0", `${HEADER("0300")} 0100000000000000`, 22, /unknown extension 0/],
  ["a private extension", `${HEADER("0300")} 0100110000000000`, 22, /unknown extension 17/],
  ["an unknown extension", `${HEADER("0300")} 0100ffff00000000`, 22, /unknown extension 65535/],
  ["an extension twice", `${HEADER("0400")} 0100120003000000 0100120003000000`, 22, /extension 18 twice/],
  ["an extension too long by a word", `${HEADER("0400")} 0200120003000000 0000000000000000`, 22, /8 bytes too many/],
  ["an SA of one word", `${HEADER("0300")} 0100010000001000`, 22, /needs/],
  ["a lifetime of three words", `${HEADER("0500")} 03000300${"00".repeat(20)}`, 22, /needs/],
  ["an address without sockaddr", `${HEADER("0300")} 0100050000000000`, 22, /needs 2 bytes/],
  ["a sockaddr of family 0", `${HEADER("0500")} 03000500 00000000 0000 0000 c0010217 0000000000000000`, 22, /family 0/],
  ["a sockaddr of family 9", `${HEADER("0500")} 03000500 00000000 0900 0000 c0010217 0000000000000000`, 22, /family 9/],
  [
    "half a sockaddr_in6",
    `${HEADER("0500")} 03000500 00000000 0a00 0000 00000000 2001000000000000`,
    22,
    /needs 16 bytes/,
  ],
  ["a key shorter than its bits", `${HEADER("0400")} 02000900 8000 0000 0001020304050607`, 22, /needs 16 bytes, has 8/],
  ["a key longer than its bits", `${HEADER("0400")} 02000900 0000 0000 0001020304050607`, 22, /8 bytes too many/],
  ["a key of 65535 bits", `${HEADER("0300")} 01000900 ffff 0000`, 22, /needs 8192 bytes, has 0/],
  ["an identity without its end", `${HEADER("0500")} 03000a00 02000000 0000000000000000 4142434445464748`, 22, /end/],
  ["half an SPI range", `${HEADER("0300")} 0100100000010000`, 22, /needs/],
  ["half an X_DEBUG", `${HEADER("0400")} 02001900${"00".repeat(12)}`, 22, /needs/],
  ["data that says it is 4 GB", `${HEADER("0300")} 01004100ffffffff`, 22, /needs 4294967295 bytes/],
  ["an unknown operation", `${HEADER("0700")} 05004200 09${"00".repeat(35)}`, 22, /unknown operation 9/],
  [
    "80 bytes and a half of a proposal",
    `${HEADER("0600")} 04000d00 40000000${"00".repeat(24)}`,
    22,
    /24 bytes too many/,
  ],
];
for (const [why, text, errno, reason] of MALFORMED) {
  Deno.test(`decodeMessage() refuses ${why}`, () => {
    const outcome = decodeMessage(unhex(text));
    if (outcome.ok) throw new Error("it was accepted");
    equal(outcome.errno, errno);
    match(outcome.reason, reason);
  });
}

Deno.test("a reason never tells bytes of a key", () => {
  const raw = unhex(`${HEADER("0400")} 02000900 8000 0000 a5a5a5a5a5a5a5a5`);
  const outcome = decodeMessage(raw);
  equal(outcome.ok ? "" : /a5|165/.test(outcome.reason), false);
});

Deno.test("encodeMessage() refuses what its length field cannot express", () => {
  const one = (length: number) => ({
    type: 32,
    errno: 0,
    satype: 0,
    seq: 0,
    pid: 0,
    extensions: { data: new Uint8Array(length) },
  });
  equal(encodeMessage(one(65535 * 8 - 24)).length, 65535 * 8);
  throws(() => encodeMessage(one(65535 * 8 - 23)), RangeError);
});

Deno.test("interface names over 15 bytes are cut, and end", () => {
  const tunnel = { op: "attach" as const, virtual: "v".repeat(40), physical: "ü".repeat(40) };
  const { extensions } = decoded(
    encodeMessage({ type: 33, errno: 0, satype: 0, seq: 0, pid: 0, extensions: { tunnel } }),
  );
  equal(extensions.tunnel!.virtual, "v".repeat(15));
  equal(extensions.tunnel!.physical.startsWith("ü".repeat(7)), true);
});

Deno.test("encodeRefusal() copies the header, with the errno and no extensions", () => {
  const raw = unhex("01030003 0b00 5500 02000000 63000000 0300010012345678");
  equal(hex(encodeRefusal(raw, 17)), "020311030200000002000000" + "63000000");
  equal(encodeRefusal(new Uint8Array(3), 22).length, 16);
});

// Requests

const REQUEST: PfkeyMessage = {
  type: 3,
  errno: 0,
  satype: 3,
  seq: 0,
  pid: 0,
  extensions: { sa: { ...SA, flags: 0 }, source: end(192, 1, 2, 23), destination: end(192, 1, 2, 45) },
};

for (const [name, row] of Object.entries(MESSAGES)) {
  Deno.test(`checkRequest(${name}) takes its extensions and no others`, () => {
    const value = (number: number) => {
      const { field } = EXTENSIONS.find((row) => row.number === number)!;
      const prefixLength = 0, replay = 1, ref = 0;
      return { [field]: { prefixLength, replay, ref } } as unknown as Extensions;
    };
    const required: Extensions = Object.assign({}, ...row.required.map(value));
    const request = { ...REQUEST, type: row.number, satype: row.needsSatype ? 3 : 0, extensions: required };
    equal(checkRequest(request), 0);
    for (const { number, field } of EXTENSIONS) {
      const permitted: readonly number[] = [...row.required, ...row.permitted];
      const allowed = permitted.includes(number) && number !== EXT.SENSITIVITY;
      equal(checkRequest({ ...request, extensions: { ...required, ...value(number) } }), allowed ? 0 : 22, field);
    }
    for (const number of row.required) {
      const { field } = EXTENSIONS.find((row) => row.number === number)!;
      equal(checkRequest({ ...request, extensions: { ...required, [field]: undefined } }), 22, `without ${field}`);
    }
    equal(checkRequest({ ...request, errno: 1 }), name === "ACQUIRE" ? 0 : 22);
    if (row.needsSatype) { for (const satype of [0, 1, 4, 8]) equal(checkRequest({ ...request, satype }), 22); }
  });
}

for (const replay of [64, 65]) {
  Deno.test(`checkRequest() of a window of ${replay}`, () => {
    const sa = { ...SA, replay };
    equal(checkRequest({ ...REQUEST, extensions: { ...REQUEST.extensions, sa } }), replay > 64 ? 22 : 0);
  });
}

Deno.test("names of messages and SA types", () => {
  deepEqual([0, 1, 8, 14, 16, 17, 255].map(messageName), [
    "reserved",
    "getspi",
    "expire",
    "x-addflow(eroute)",
    "x-debug",
    "unknown-sadb-type",
    "unknown-sadb-type",
  ]);
  deepEqual([0, 2, 3, 9, 10, 11, 12].map(satypeName), ["UNKNOWN", "AH", "ESP", "IPIP", "COMP", "INT", "UNKNOWN"]);
  for (const { number, protocol } of Object.values(SATYPES)) {
    deepEqual([satypeProtocol(number), protocolSatype(protocol)], [protocol, number]);
  }
  deepEqual([satypeProtocol(0), protocolSatype(17)], [undefined, 0]);
});
