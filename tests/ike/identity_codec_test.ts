import { deepStrictEqual as deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { decodeDn, encodeDn } from "../../lib/ike/dn_codec.ts";
import { decodeIdentity, encodeIdentity } from "../../lib/ike/identity_codec.ts";
import { formatIdentity, parseIdentity, sameIdentity } from "../../lib/text/identity.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));

/** The last is the subject that OpenSSL 3.0 makes with `string_mask=pkix` of /C=CH/O=Linux strongSwan/CN=moon.strongswan.org. */
const WIRE: [text: string, idType: number, data: string][] = [
  ["192.0.2.1", 1, "c0000201"],
  ["2001:db8::1", 5, "20010db8000000000000000000000001"],
  ["@west.example", 2, "776573742e6578616d706c65"],
  ["user@example.org", 3, "75736572406578616d706c652e6f7267"],
  ["@#0123abcd", 11, "0123abcd"],
  [
    "C=CH, O=Linux strongSwan, CN=moon.strongswan.org",
    9,
    "3046310b300906035504061302434831193017060355040a13104c696e7578207374726f6e675377616e311c301a060355040313136d6f6f6e2e7374726f6e677377616e2e6f7267",
  ],
];
for (const [text, idType, data] of WIRE) {
  Deno.test(`the identity ${text} on the wire, and back`, () => {
    const id = parseIdentity(text);
    ok(id.ok);
    const payload = encodeIdentity(id.value);
    deepEqual([payload.idType, payload.protocol, payload.port], [idType, 0, 0]);
    equal(payload.data.toHex(), data.replaceAll(" ", ""));
    const back = decodeIdentity(payload);
    ok(back.ok && sameIdentity(back.value, id.value));
    equal(formatIdentity(back.value), text);
  });
}

const REFUSED: [why: string, idType: number, data: string, error: string][] = [
  [
    "a short address",
    1,
    "c00002",
    "improper ID_IPV4_ADDR identification payload: IPv4 address must be exactly 4 bytes",
  ],
  [
    "a long address",
    5,
    "c0000201",
    "improper ID_IPV6_ADDR identification payload: IPv6 address must be exactly 16 bytes",
  ],
  ["0.0.0.0", 1, "00000000", "improper ID_IPV4_ADDR identification payload: it is the unspecified address"],
  ["no name", 2, "", "improper ID_FQDN identification payload: it is empty"],
  ["no key id", 11, "", "improper ID_KEY_ID identification payload: it is empty"],
  ["a name with a NUL", 2, "6100", "Phase 1 ID Payload of type ID_FQDN contains a NUL"],
  ["a name with a line end", 2, "610a", "improper ID_FQDN identification payload: it contains a control character"],
  ["a name in Latin-1", 2, "e4", "improper ID_FQDN identification payload: it is no UTF-8"],
  ["a user without a host", 3, "61", "peer's ID_USER_FQDN contains no @"],
  ["a subnet", 4, "c0000200ffffff00", "Unacceptable identity type (ID_IPV4_ADDR_SUBNET) in Phase 1 ID Payload"],
  ["a general name", 10, "00", "Unacceptable identity type (ID_DER_ASN1_GN) in Phase 1 ID Payload"],
  ["a type that nobody knows", 99, "00", "Unacceptable identity type (99??) in Phase 1 ID Payload"],
];
for (const [why, idType, data, error] of REFUSED) {
  Deno.test(`decodeIdentity() refuses ${why}`, () =>
    deepEqual(decodeIdentity({ idType, data: hex(data) }), { ok: false, error }));
}

Deno.test("decodeIdentity() gives an identity or a sentence for any bytes", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 40 }), (idType, data) => {
    const outcome = decodeIdentity({ idType, data });
    ok(outcome.ok ? formatIdentity(outcome.value).length > 0 : outcome.error);
  }));
});

Deno.test("encodeIdentity() throws for who is nobody", () => {
  throws(() => encodeIdentity({ kind: "none" }), RangeError);
  throws(() => encodeIdentity({ kind: "any", family: "inet" }), RangeError);
});

const attribute = fc.constantFrom(
  "ND",
  "UID",
  "DC",
  "CN",
  "S",
  "SN",
  "C",
  "L",
  "ST",
  "O",
  "OU",
  "T",
  "D",
  "N",
  "G",
  "I",
  "ID",
  "TCGID",
);
const part = fc.oneof(
  fc.record({ attribute, value: fc.string({ unit: "grapheme-ascii", maxLength: 300 }) }, { noNullPrototype: true }),
  fc.record({ attribute: fc.constant("CN"), value: fc.constantFrom("Zürich", "日本", "") }, { noNullPrototype: true }),
  fc.record({ attribute: fc.constant("E"), value: fc.constant("a@b.example") }, { noNullPrototype: true }),
);

Deno.test("a distinguished name is what it was after encoding and decoding", () => {
  const isText = (value: string, attribute: string) =>
    value !== "*" && (attribute !== "DC" || /^[\0-\x7f]*$/.test(value));
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
    if (!parts.every(({ value, attribute }) => isText(value, attribute))) return;
    deepEqual(decodeDn(encodeDn(parts)), { ok: true, value: parts });
  }));
});

Deno.test("decodeDn() gives a name or a reason for a valid one that was flipped or cut", () => {
  const valid = hex(WIRE[5][2]);
  for (let at = 0; at < valid.length; at++) {
    for (const bit of [1, 0x20, 0x80]) {
      const spoiled = valid.slice();
      spoiled[at] ^= bit;
      const outcome = decodeDn(spoiled);
      ok(outcome.ok || outcome.error);
    }
    equal(decodeDn(valid.subarray(0, at)).ok, false);
  }
});

const DER: [why: string, hex: string][] = [
  ["a length that is not minimal", "308105 3103 3001 00"],
  ["an unknown attribute", "300d 310b 3009 0603550499 1302 4348"],
  ["a number instead of a text", "300d 310b 3009 0603550406 0202 4348"],
  ["a control character", "300d 310b 3009 0603550406 1302 430a"],
  ["an asterisk, which would be everybody", "300c 310a 3008 0603550403 1301 2a"],
  ["bytes behind it", "300d 310b 3009 0603550406 1302 4348 00"],
];
for (const [why, text] of DER) {
  Deno.test(`decodeIdentity() leaves a name with ${why} in DER`, () => {
    deepEqual(decodeIdentity({ idType: 9, data: hex(text) }), { ok: true, value: { kind: "der", bytes: hex(text) } });
  });
}

Deno.test("decodeDn() reads several attributes of one SET, and texts of other alphabets", () => {
  const two = hex("301c 311a 3009 0603550406 1302 4348 300d 060355040a 1e06 65e5672c 0041");
  deepEqual(decodeDn(two), { ok: true, value: [{ attribute: "C", value: "CH" }, { attribute: "O", value: "日本A" }] });
});
