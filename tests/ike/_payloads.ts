/** Random payloads of every type, as values that the codec must carry. */
import fc from "fast-check";
import type { IsakmpHeader, Payload, PayloadType } from "../../lib/ike/payload.ts";

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65535 });
const u32 = fc.nat(0xffffffff);
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(model, { noNullPrototype: true });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const cookie = fc.uint8Array({ minLength: 8, maxLength: 8 });

const attribute = record({ type: fc.integer({ min: 0, max: 0x7fff }), value: fc.oneof(u16, bytes(12)) });
const attributes = fc.array(attribute, { maxLength: 8 });
const transform = record({ number: u8, id: u8, attributes });
const proposal = record({
  number: u8,
  protocol: u8,
  spi: bytes(16),
  transforms: fc.array(transform, { maxLength: 4 }),
});
const spis = fc.integer({ min: 1, max: 16 }).chain((size) =>
  fc.array(fc.uint8Array({ minLength: size, maxLength: size }), { maxLength: 5 })
);

const plain = <T extends PayloadType>(type: T) => record({ type: fc.constant(type), data: bytes(40) });

/** Without `raw`, which follows from the others. */
export const PAYLOADS: { readonly [T in PayloadType]: fc.Arbitrary<unknown> } = {
  SA: record({
    type: fc.constant("SA"),
    doi: fc.constant(1),
    situation: fc.constant(1),
    proposals: fc.array(proposal, { minLength: 1, maxLength: 4 }),
  }),
  KE: plain("KE"),
  HASH: plain("HASH"),
  SIG: plain("SIG"),
  NONCE: plain("NONCE"),
  VID: plain("VID"),
  ID: record({ type: fc.constant("ID"), idType: u8, protocol: u8, port: u16, data: bytes(40) }),
  CERT: record({ type: fc.constant("CERT"), encoding: u8, data: bytes(40) }),
  CR: record({ type: fc.constant("CR"), encoding: u8, data: bytes(40) }),
  N: record({ type: fc.constant("N"), doi: u32, protocol: u8, spi: bytes(16), notify: u16, data: bytes(40) }),
  D: record({ type: fc.constant("D"), doi: u32, protocol: u8, spis }),
  ATTR: record({ type: fc.constant("ATTR"), kind: u8, identifier: u16, attributes }),
  "NAT-D": fc.oneof(plain("NAT-D"), record({ type: fc.constant("NAT-D"), draft: fc.constant(true), data: bytes(40) })),
  "NAT-OA": fc.oneof(
    record({ type: fc.constant("NAT-OA"), idType: u8, data: bytes(16) }),
    record({ type: fc.constant("NAT-OA"), draft: fc.constant(true), idType: u8, data: bytes(16) }),
  ),
  FRAG: record({ type: fc.constant("FRAG"), id: u16, number: u8, last: fc.boolean(), data: bytes(40) }),
  unknown: record({
    type: fc.constant("unknown"),
    payloadNumber: fc.oneof(fc.constantFrom(2, 3, 17, 18, 19), fc.integer({ min: 133, max: 255 })),
    data: bytes(40),
  }),
};

export const ONE_PAYLOAD = fc.oneof(...Object.values(PAYLOADS)) as fc.Arbitrary<Payload>;
export const SOME_PAYLOADS = fc.array(ONE_PAYLOAD, { maxLength: 20 });

export const HEADER: fc.Arbitrary<IsakmpHeader> = record({
  initiatorCookie: cookie,
  responderCookie: cookie,
  exchange: u8,
  flags: fc.integer({ min: 0, max: 3 }),
  messageId: u32,
});
