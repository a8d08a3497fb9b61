import { deepStrictEqual as deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { decodeHeader, encodeMessage } from "../../lib/ike/header_codec.ts";
import { PAYLOAD } from "../../lib/ike/constants.ts";
import type { Payload, PayloadType } from "../../lib/ike/payload.ts";
import { decodePayloads, encodeBody, encodePayloads, payloadNumber } from "../../lib/ike/payload_codec.ts";
import { HEADER, ONE_PAYLOAD, PAYLOADS, SOME_PAYLOADS } from "./_payloads.ts";

/** Without what only received payloads have. */
function plain(payload: Payload): unknown {
  const { start: _start, end: _end, raw: _raw, ...rest } = payload as Payload & { start: number; end: number; raw: [] };
  return rest;
}

function decoded(first: number, bytes: Uint8Array): readonly Payload[] {
  const outcome = decodePayloads(first, bytes);
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.payloads;
}

for (const type of Object.keys(PAYLOADS) as PayloadType[]) {
  Deno.test(`a payload ${type} is what it was after encoding and decoding`, () => {
    fc.assert(fc.property(PAYLOADS[type] as fc.Arbitrary<Payload>, (payload) => {
      const { first, bytes } = encodePayloads([payload]);
      const [back] = decoded(first, bytes);
      deepEqual(plain(back), payload);
      deepEqual(encodePayloads([back]), { first, bytes });
      if ("raw" in back) deepEqual(back.raw, encodeBody(payload));
    }));
  });
}

Deno.test("a message of any payloads is what it was after encoding and decoding, with any padding", () => {
  fc.assert(fc.property(SOME_PAYLOADS, fc.uint8Array({ maxLength: 15 }), (payloads, padding) => {
    const { first, bytes } = encodePayloads(payloads);
    const outcome = decodePayloads(first, new Uint8Array([...bytes, ...padding]));
    ok(outcome.ok);
    deepEqual(outcome.payloads.map(plain), payloads);
    equal(outcome.end, bytes.length);
    let at = 0;
    for (const { start, end } of outcome.payloads) {
      equal(start, at);
      at = end;
    }
    equal(at, outcome.end);
  }));
});

Deno.test("decodePayloads() gives copies: the message may be overwritten", () => {
  const { first, bytes } = encodePayloads([{ type: "NONCE", data: Uint8Array.of(1, 2, 3) }]);
  const [nonce] = decoded(first, bytes);
  bytes.fill(0);
  deepEqual(plain(nonce), { type: "NONCE", data: Uint8Array.of(1, 2, 3) });
});

Deno.test("decodePayloads() gives payloads or a reason for any bytes", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 }), (first, bytes) => {
    const outcome = decodePayloads(first, bytes);
    if (outcome.ok) ok(outcome.end <= bytes.length && outcome.payloads.length <= 20);
    else ok(outcome.reason.length > 10 && outcome.offset <= bytes.length && outcome.notify > 0);
  }));
});

Deno.test("decodePayloads() gives payloads or a reason for a valid message that was flipped, cut or repeated", () => {
  const change = fc.record({ at: fc.nat(1000), value: fc.integer({ min: 0, max: 255 }), cut: fc.nat(1000) });
  fc.assert(fc.property(SOME_PAYLOADS, change, fc.boolean(), (payloads, { at, value, cut }, twice) => {
    const { first, bytes } = encodePayloads(payloads);
    if (bytes.length === 0) return;
    const changed = bytes.slice();
    changed[at % bytes.length] = value;
    const spoiled = twice ? new Uint8Array([...changed, ...changed]) : changed.slice(0, cut % (bytes.length + 1));
    const outcome = decodePayloads(first, spoiled);
    // What was taken is encoded to the bytes that it came from, but for a flag of FRAG and the count of empty SPIs.
    if (!outcome.ok || outcome.payloads.some(({ type }) => type === "FRAG" || type === "D")) return;
    if (outcome.payloads.some((one) => one.type === "SA" && !one.proposals.length)) return;
    if (outcome.payloads.some((one) => "draft" in one)) return;
    deepEqual(encodePayloads(outcome.payloads).bytes, spoiled.slice(0, outcome.end));
  }));
});

Deno.test("a header is what it was after encoding and decoding", () => {
  fc.assert(
    fc.property(HEADER, fc.integer({ min: 0, max: 255 }), fc.uint8Array(), (header, firstPayload, bytes) => {
      const message = encodeMessage(header, firstPayload, bytes);
      deepEqual(decodeHeader(message), { ok: true, header, firstPayload, lengthBytes: 28 + bytes.length });
    }),
  );
});

Deno.test("decodeHeader() gives a header or a reason for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    const outcome = decodeHeader(bytes);
    ok(outcome.ok ? outcome.lengthBytes === bytes.length : outcome.reason);
  }));
});

const HEAD = "0102030405060708 0000000000000000 01 10 02 00 00000000 0000001c";
const HEADERS: [why: string, hex: string, reason: string, notify: number][] = [
  ["no bytes", "", "not enough room in input packet for ISAKMP Message", 16],
  ["27 bytes", HEAD.slice(0, -2), "not enough room in input packet for ISAKMP Message", 16],
  ["version 2.0", HEAD.replace(" 10 ", " 20 "), "ISAKMP version of ISAKMP Message has an unknown value: 32", 5],
  ["version 1.1", HEAD.replace(" 10 ", " 11 "), "ISAKMP version of ISAKMP Message has an unknown value: 17", 6],
  [
    "the flag of authentication only",
    HEAD.replace(" 02 00 ", " 02 05 "),
    "bitset flags of ISAKMP Message has unknown member(s): ISAKMP_FLAG_ENCRYPTION+ISAKMP_FLAG_AUTHONLY",
    8,
  ],
  [
    "a flag without a name",
    HEAD.replace(" 02 00 ", " 02 11 "),
    "bitset flags of ISAKMP Message has unknown member(s): ISAKMP_FLAG_ENCRYPTION+0x10",
    8,
  ],
  ["a length under 28", HEAD.replace("1c", "1b"), "length of ISAKMP Message is smaller than minimum", 16],
  ["a length over the datagram's", HEAD.replace("1c", "1d"), "length of ISAKMP Message is larger than can fit", 16],
  ["bytes behind the end", `${HEAD}00`, "size (29) differs from size specified in ISAKMP HDR (28)", 16],
];
for (const [why, hex, reason, notify] of HEADERS) {
  Deno.test(`decodeHeader() refuses ${why}`, () => {
    deepEqual(decodeHeader(Uint8Array.fromHex(hex.replaceAll(" ", ""))), { ok: false, reason, notify });
  });
}

/** Of one SA payload: generic header, DOI and situation, to which proposals are added. */
const sa = (proposals: string) => {
  const body = `00000001 00000001 ${proposals}`.replaceAll(" ", "");
  return `0000${(4 + body.length / 2).toString(16).padStart(4, "0")}${body}`;
};
const REFUSED: [why: string, first: number, hex: string, reason: string, notify?: number][] = [
  ["a payload without room for its header", 8, "0000", "not enough room in input packet for ISAKMP Hash Payload"],
  ["a payload that nobody knows, cut off", 77, "00", "not enough room in input packet for ISAKMP Generic Payload"],
  ["a reserved byte", 10, "00010008 11223344", "byte 2 of ISAKMP Nonce Payload must be zero, but is not"],
  ["a length under the head's", 4, "00000003", "length of ISAKMP Key Exchange Payload is smaller than minimum"],
  [
    "an ID payload without its type",
    5,
    "00000004 00000000",
    "length of ISAKMP Identification Payload is smaller than minimum",
  ],
  ["a length over the message's", 9, "00000009 11223344", "length of ISAKMP Signature Payload is larger than can fit"],
  [
    "an SPI over the payload's end",
    11,
    "0000000c 00000001 03 04 0018",
    "not enough bytes left to get SPI from ISAKMP Notification Payload",
  ],
  [
    "fewer SPIs than it counts",
    12,
    "00000010 00000001 03 04 0002 11223344",
    "not enough bytes left to get SPI from ISAKMP Delete Payload",
  ],
  [
    "more SPIs than it counts",
    12,
    "00000014 00000001 03 04 0001 11223344 55667788",
    "4 bytes are left at the end of ISAKMP Delete Payload",
  ],
  [
    "a reserved byte of Mode Config",
    14,
    "00000008 01 01 0000",
    "byte 6 of ISAKMP Mode Attribute must be zero, but is not",
  ],
  [
    "an attribute cut off",
    14,
    "0000000a 01 00 0000 0001",
    "not enough room in input packet for ISAKMP ModeCfg attribute",
  ],
  [
    "an attribute's length",
    14,
    "0000000c 01 00 0000 0001 0001",
    "length of ISAKMP ModeCfg attribute is larger than can fit",
  ],
  [
    "an address with reserved bytes",
    21,
    "0000000c 01 00 01 00 0a000001",
    "byte 7 of ISAKMP NAT-OA Payload must be zero, but is not",
  ],
  ["an SA without a situation", 1, "00000008 00000001", "not enough room in input packet for IPsec DOI SIT"],
  ["an SA without a proposal", 1, sa(""), "not enough room in input packet for ISAKMP Proposal Payload"],
  [
    "a proposal of another type",
    1,
    sa("04000008 01 01 00 00"),
    "unexpected ISAKMP_NEXT_KE payload in SA behind a Proposal",
    15,
  ],
  ["a proposal's length", 1, sa("00000007 01 01 00 00"), "length of ISAKMP Proposal Payload is smaller than minimum"],
  ["a proposal over the SA", 1, sa("00000009 01 01 00 00"), "length of ISAKMP Proposal Payload is larger than can fit"],
  [
    "a proposal's SPI",
    1,
    sa("00000008 01 03 04 00"),
    "not enough bytes left to get SPI from ISAKMP Proposal Payload",
  ],
  [
    "bytes behind the last proposal",
    1,
    sa("00000008 01 01 00 00 00"),
    "1 bytes are left behind the last Proposal of ISAKMP Security Association Payload",
    15,
  ],
  [
    "fewer transforms in phase 1",
    1,
    sa("00000010 01 01 00 02 00000008 01 01 0000"),
    "number of Transform Payloads disagrees with Oakley Proposal Payload",
    15,
  ],
  [
    "fewer transforms in phase 2",
    1,
    sa("00000014 01 03 04 02 00001000 00000008 01 0c 0000"),
    "Proposal Payload has fewer Transforms than specified",
    15,
  ],
  [
    "more transforms in phase 2",
    1,
    sa("0000001c 01 03 04 01 00001000 03000008 01 0c 0000 00000008 02 0c 0000"),
    "Proposal Payload has more Transforms than specified",
    15,
  ],
  [
    "something else than a transform",
    1,
    sa("00000014 01 03 04 01 00001000 02000008 01 0c 0000"),
    "expecting Transform Payload, but found ISAKMP_NEXT_P in Proposal",
    15,
  ],
  [
    "reserved bytes of a transform",
    1,
    sa("00000014 01 03 04 01 00001000 00000008 01 0c 0001"),
    "byte 8 of ISAKMP Transform Payload (ESP) must be zero, but is not",
  ],
  [
    "an attribute of phase 1 cut off",
    1,
    sa("00000012 01 01 00 01 0000000a 01 01 0000 8001"),
    "not enough room in input packet for ISAKMP Oakley attribute",
  ],
  [
    "an attribute of phase 2 cut off",
    1,
    sa("00000012 01 03 00 01 0000000a 01 0c 0000 8001"),
    "not enough room in input packet for ISAKMP IPsec DOI attribute",
  ],
];
for (const [why, first, hex, reason, notify = 16] of REFUSED) {
  Deno.test(`decodePayloads() refuses ${why}`, () => {
    const outcome = decodePayloads(first, Uint8Array.fromHex(hex.replaceAll(" ", "")));
    deepEqual(outcome.ok ? outcome : [outcome.reason, outcome.notify, outcome.atFirst], [reason, notify, true]);
  });
}

Deno.test("decodePayloads() says whether it was the first payload that was wrong", () => {
  const outcome = decodePayloads(8, Uint8Array.fromHex("0a000004" + "00010004"));
  deepEqual(outcome.ok || [outcome.atFirst, outcome.offset], [false, 5]);
});

Deno.test("decodePayloads() takes 20 payloads, and refuses 21", () => {
  const chain = (count: number) =>
    encodePayloads(Array.from({ length: count }, () => ({ type: "VID", data: new Uint8Array() })));
  const twenty = chain(20), more = chain(21);
  equal(decoded(twenty.first, twenty.bytes).length, 20);
  const outcome = decodePayloads(more.first, more.bytes);
  equal(outcome.ok || outcome.reason, "more than 20 payloads in message; ignored");
});

Deno.test("decodePayloads() bounds proposals, transforms, attributes and SPIs before it makes them", () => {
  const transform = { number: 1, id: 1, attributes: [] };
  const proposal = { number: 1, protocol: 3, spi: new Uint8Array(4), transforms: [transform] };
  const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);
  const sa = { type: "SA", doi: 1, situation: 1 } as const;
  const attribute = { type: 1, value: 1 };
  const MANY: [Payload, string][] = [
    [{ ...sa, proposals: many(65, proposal) }, "more than 64 proposals in ISAKMP Security Association Payload"],
    [
      { ...sa, proposals: many(3, { ...proposal, transforms: many(200, transform) }) },
      "more than 512 transforms in one SA",
    ],
    [
      { ...sa, proposals: [{ ...proposal, transforms: [{ ...transform, attributes: many(33, attribute) }] }] },
      "more than 32 attributes in ISAKMP Transform Payload (ESP)",
    ],
    [
      { type: "ATTR", kind: 1, identifier: 1, attributes: many(257, attribute) },
      "more than 256 attributes in ISAKMP Mode Attribute",
    ],
    [
      { type: "D", doi: 1, protocol: 3, spis: many(1025, new Uint8Array(4)) },
      "more than 1024 SPIs in ISAKMP Delete Payload",
    ],
  ];
  for (const [payload, reason] of MANY) {
    const { first, bytes } = encodePayloads([payload]);
    const outcome = decodePayloads(first, bytes);
    equal(outcome.ok || outcome.reason, reason);
  }
});

Deno.test("decodePayloads() reads of another DOI or situation no more than these numbers", () => {
  const [other] = decoded(1, Uint8Array.fromHex("0000000c 00000002 ffffffff".replaceAll(" ", "")));
  deepEqual(plain(other), { type: "SA", doi: 2, situation: 0, proposals: [] });
  const [labelled] = decoded(1, Uint8Array.fromHex("00000010 00000001 00000003 ffffffff".replaceAll(" ", "")));
  deepEqual(plain(labelled), { type: "SA", doi: 1, situation: 3, proposals: [] });
});

Deno.test("decodePayloads() reads the numbers of NAT traversal before the RFC", () => {
  deepEqual([15, 130, 20].map((number) => decoded(number, Uint8Array.of(0, 0, 0, 4))[0]).map(plain), [
    { type: "NAT-D", data: new Uint8Array(), draft: true },
    { type: "NAT-D", data: new Uint8Array(), draft: true },
    { type: "NAT-D", data: new Uint8Array() },
  ]);
  const address = Uint8Array.fromHex("0000000c010000000a000001");
  for (const number of [16, 131]) equal((decoded(number, address)[0] as { draft?: boolean }).draft, true);
});

Deno.test("every type of payload has its number", () => {
  fc.assert(fc.property(ONE_PAYLOAD, (payload) => {
    const number = payloadNumber(payload);
    if (payload.type === "unknown") equal(number, payload.payloadNumber);
    else if ("draft" in payload && payload.draft) ok(number === 130 || number === 131);
    else equal(number, PAYLOAD[payload.type]);
  }));
});

Deno.test("what cannot be expressed is a RangeError", () => {
  throws(() => encodePayloads([{ type: "VID", data: new Uint8Array(65532) }]), RangeError);
  throws(
    () => encodePayloads([{ type: "D", doi: 1, protocol: 3, spis: [new Uint8Array(4), new Uint8Array(2)] }]),
    RangeError,
  );
  throws(
    () => encodePayloads([{ type: "ATTR", kind: 1, identifier: 0, attributes: [{ type: 1, value: 65536 }] }]),
    RangeError,
  );
  const transforms = Array.from({ length: 256 }, (_, number) => ({ number: number & 0xff, id: 1, attributes: [] }));
  const proposals = [{ number: 1, protocol: 1, spi: new Uint8Array(), transforms }];
  throws(() => encodePayloads([{ type: "SA", doi: 1, situation: 1, proposals }]), RangeError);
  const header = {
    initiatorCookie: new Uint8Array(8),
    responderCookie: new Uint8Array(8),
    exchange: 2,
    flags: 0,
    messageId: 0,
  };
  throws(() => encodeMessage(header, 0, new Uint8Array(65536)), RangeError);
});
