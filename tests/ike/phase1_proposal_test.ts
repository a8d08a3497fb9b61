import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { type GroupName, GROUPS } from "../../lib/crypto/dh_groups.ts";
import type { SaPayload } from "../../lib/ike/choice.ts";
import { OAKLEY } from "../../lib/ike/constants.ts";
import type { Attribute, Proposal, Transform } from "../../lib/ike/payload.ts";
import { decodePayloads, encodeBody, encodePayloads } from "../../lib/ike/payload_codec.ts";
import {
  checkPhase1Answer,
  choosePhase1,
  offerPhase1,
  type Phase1Offer,
  type Phase1Policy,
} from "../../lib/ike/phase1_proposal.ts";
import type { AuthMethod, IkeCipherName, IkeHashName, IkeSuite } from "../../lib/ike/suite.ts";

const suite = (cipher: IkeCipherName, keyBits: number, hash: IkeHashName, group: GroupName): IkeSuite => ({
  cipher,
  keyBits,
  hash,
  group,
});
const OLD = suite("3des", 192, "md5", "modp1536");
const MODERN = suite("aes", 256, "sha2_256", "modp2048");
const SMALL = suite("aes", 128, "sha1", "modp1024");

const OFFER: Phase1Offer = { suites: [MODERN, SMALL, OLD], auth: ["rsasig", "psk"], lifetimeSeconds: 3600 };

function received(sa: SaPayload): SaPayload {
  const { first, bytes } = encodePayloads([sa]);
  const decoded = decodePayloads(first, bytes);
  ok(decoded.ok && decoded.payloads[0].type === "SA");
  return decoded.payloads[0];
}

Deno.test("offerPhase1() writes what FreeS/WAN sent: order of attributes, numbers from 0", () => {
  const sa = offerPhase1({
    suites: [suite("3des", 192, "md5", "modp1536"), suite("3des", 192, "sha1", "modp1024")],
    auth: ["psk"],
    lifetimeSeconds: 3600,
  });
  equal(
    encodeBody(sa).toHex(),
    "00000001" + "00000001" + // DOI, situation
      "00000048" + "00010002" + // proposal 0 of ISAKMP, no SPI, 2 transforms
      "03000020" + "00010000" + "800b0001" + "800c0e10" + "80010005" + "80020001" + "80030001" + "80040005" +
      "00000020" + "01010000" + "800b0001" + "800c0e10" + "80010005" + "80020002" + "80030001" + "80040002",
  );
});

Deno.test("offerPhase1() writes a long life in the long form, and key lengths of AES last", () => {
  const sa = offerPhase1({ suites: [MODERN], auth: ["rsasig"], lifetimeSeconds: 86400, xauth: "initiator" });
  equal(
    encodeBody(sa).toHex().slice(32 + 16),
    "800b0001" + "000c0004" + "00015180" + "80010007" + "80020004" + "8003fded" + "8004000e" + "800e0100",
  );
});

Deno.test("offerPhase1() has each suite with each method", () => {
  const { proposals: [{ transforms }] } = offerPhase1(OFFER);
  deepEqual(transforms.map(({ number }) => number), [0, 1, 2, 3, 4, 5]);
  deepEqual(transforms.map(({ attributes }) => attributes[4].value), [3, 1, 3, 1, 3, 1]);
});

Deno.test("choosePhase1() takes the peer's first that it has, and answers with that one as it was", () => {
  const sa = received(offerPhase1(OFFER));
  const choice = choosePhase1(sa, { suites: [OLD, SMALL], auth: ["psk"] });
  ok(choice.ok);
  deepEqual([choice.suite, choice.auth, choice.lifetimeSeconds], [SMALL, "psk", 3600]);
  deepEqual(choice.answer.proposals[0].transforms, [sa.proposals[0].transforms[3]]);
  deepEqual(choice.rejected.slice(0, 3), [
    "OAKLEY_AES_CBC with a key of 256 bits is not supported.  Attribute OAKLEY_ENCRYPTION_ALGORITHM",
    "OAKLEY_AES_CBC with a key of 256 bits is not supported.  Attribute OAKLEY_ENCRYPTION_ALGORITHM",
    "policy does not allow OAKLEY_RSA_SIG authentication.  Attribute OAKLEY_AUTHENTICATION_METHOD",
  ]);
});

const CIPHERS: [IkeCipherName, number][] = [["3des", 192], ["aes", 128], ["aes", 192], ["aes", 256]];
const anySuite = fc.tuple(
  fc.constantFrom(...CIPHERS),
  fc.constantFrom<IkeHashName>("md5", "sha1", "sha2_256", "sha2_384", "sha2_512"),
  fc.constantFrom(...Object.keys(GROUPS) as GroupName[]),
).map(([[cipher, keyBits], hash, group]) => suite(cipher, keyBits, hash, group));
const someSuites = fc.array(anySuite, { minLength: 1, maxLength: 6 });
const someAuth = fc.constantFrom<AuthMethod[]>(["psk"], ["rsasig"], ["rsasig", "psk"]);
const side = fc.constantFrom(undefined, "initiator" as const, "responder" as const);

Deno.test("what one end offers the other takes, if it has it, and the first end finds its own in the answer", () => {
  const life = fc.integer({ min: 1, max: 86400 });
  fc.assert(
    fc.property(someSuites, someAuth, life, side, someSuites, (suites, auth, lifetimeSeconds, xauth, others) => {
      const offer: Phase1Offer = { suites, auth, lifetimeSeconds, xauth };
      const sa = received(offerPhase1(offer));
      const common = suites.find((one) => others.some((other) => JSON.stringify(one) === JSON.stringify(other)));
      const choice = choosePhase1(sa, { suites: others, auth: ["psk", "rsasig"], xauth });
      equal(choice.ok, common !== undefined);
      if (!choice.ok) return;
      deepEqual([choice.suite, choice.auth, choice.lifetimeSeconds], [common, auth[0], lifetimeSeconds]);
      const checked = checkPhase1Answer(received(choice.answer), offer);
      ok(checked.ok);
      deepEqual([checked.suite, checked.auth, checked.lifetimeSeconds], [common, auth[0], lifetimeSeconds]);
    }),
  );
});

const LONG_LIVES: [text: string, bytes: Uint8Array][] = [
  ["2147483 seconds, as vpnc asks for", Uint8Array.of(0, 0x20, 0xc4, 0x9b)],
  ["a number of 16 bytes", new Uint8Array(16).fill(1)],
];
for (const [text, value] of LONG_LIVES) {
  Deno.test(`choosePhase1() takes a life of ${text} for a day`, () => {
    const sa = offerPhase1(OFFER);
    const [{ transforms: [first] }] = sa.proposals;
    const attributes = first.attributes.map((one) => one.type === OAKLEY.LIFE_DURATION ? { ...one, value } : one);
    const choice = choosePhase1(
      { ...sa, proposals: [{ ...sa.proposals[0], transforms: [{ ...first, attributes }] }] },
      {
        suites: [MODERN],
        auth: ["rsasig"],
      },
    );
    ok(choice.ok);
    equal(choice.lifetimeSeconds, 86400);
  });
}

/** One transform of MD5, 3DES, PSK, MODP1536, changed. */
const PSK: Phase1Policy = { suites: [OLD], auth: ["psk"] };
const GOOD: readonly Attribute[] = [
  { type: OAKLEY.LIFE_TYPE, value: 1 },
  { type: OAKLEY.LIFE_DURATION, value: 3600 },
  { type: OAKLEY.ENCRYPTION_ALGORITHM, value: 5 },
  { type: OAKLEY.HASH_ALGORITHM, value: 1 },
  { type: OAKLEY.AUTHENTICATION_METHOD, value: 1 },
  { type: OAKLEY.GROUP_DESCRIPTION, value: 5 },
];
const set = (type: number, value: number | Uint8Array): Attribute[] =>
  GOOD.map((one) => one.type === type ? { type, value } : one);
const add = (type: number, value: number | Uint8Array): Attribute[] => [...GOOD, { type, value }];
const without = (...types: number[]): Attribute[] => GOOD.filter(({ type }) => !types.includes(type));
const transform = (attributes: readonly Attribute[], number = 1): Transform => ({ number, id: 1, attributes });
const saOf = (transforms: readonly Transform[], changes: Partial<Proposal> = {}): SaPayload => ({
  type: "SA",
  doi: 1,
  situation: 1,
  proposals: [{ number: 1, protocol: 1, spi: new Uint8Array(), transforms, ...changes }],
});

const LIFE = "OAKLEY_LIFE_DURATION";
const REJECTED: [why: string, attributes: Attribute[], reason: string][] = [
  ["DES", set(1, 1), "OAKLEY_DES_CBC is not supported.  Attribute OAKLEY_ENCRYPTION_ALGORITHM"],
  ["a cipher that nobody knows", set(1, 99), "99?? is not supported.  Attribute OAKLEY_ENCRYPTION_ALGORITHM"],
  ["another hash", set(2, 2), "OAKLEY_SHA is not supported.  Attribute OAKLEY_HASH_ALGORITHM"],
  ["Tiger", set(2, 3), "OAKLEY_TIGER is not supported.  Attribute OAKLEY_HASH_ALGORITHM"],
  ["RSA", set(3, 3), "policy does not allow OAKLEY_RSA_SIG authentication.  Attribute OAKLEY_AUTHENTICATION_METHOD"],
  ["DSS", set(3, 2), "Pluto does not support OAKLEY_DSS_SIG authentication.  Attribute OAKLEY_AUTHENTICATION_METHOD"],
  [
    "XAUTH where there is none",
    set(3, 65001),
    "policy does not allow OAKLEY_XAUTH_INIT_PRESHARED: no end is an XAUTH server.  Attribute OAKLEY_AUTHENTICATION_METHOD",
  ],
  ["another group", set(4, 14), "only OAKLEY_GROUP_MODP1536 supported.  Attribute OAKLEY_GROUP_DESCRIPTION"],
  ["MODP768", set(4, 1), "only OAKLEY_GROUP_MODP1536 supported.  Attribute OAKLEY_GROUP_DESCRIPTION"],
  [
    "a life before its type",
    [GOOD[1], GOOD[0], ...GOOD.slice(2)],
    `OAKLEY_LIFE_DURATION attribute not preceded by OAKLEY_LIFE_TYPE attribute.  Attribute ${LIFE}`,
  ],
  ["no life at all", set(12, 0), `peer requested 0 seconds.  Attribute ${LIFE}`],
  ["a type of life that nobody knows", set(11, 3), "unknown value 3??.  Attribute OAKLEY_LIFE_TYPE"],
  ["a PRF", add(13, 1), "unsupported OAKLEY attribute.  Attribute OAKLEY_PRF"],
  ["an attribute that nobody knows", add(77, 1), "unsupported OAKLEY attribute.  Attribute 77??"],
  [
    "a cipher in the long form",
    set(1, Uint8Array.of(0, 5)),
    "unsupported OAKLEY attribute.  Attribute OAKLEY_ENCRYPTION_ALGORITHM (variable length)",
  ],
  [
    "a key length that 3DES has not",
    add(14, 128),
    "OAKLEY_3DES_CBC with a key of 128 bits is not supported.  Attribute OAKLEY_ENCRYPTION_ALGORITHM",
  ],
];
for (const [why, attributes, reason] of REJECTED) {
  Deno.test(`choosePhase1() passes over a transform with ${why}`, () => {
    const alone = choosePhase1(saOf([transform(attributes)]), PSK);
    deepEqual(alone, { ok: false, refused: "no acceptable Oakley Transform", notify: 14, rejected: [reason] });
    const second = choosePhase1(saOf([transform(attributes), transform(GOOD, 2)]), PSK);
    ok(second.ok);
    deepEqual([second.answer.proposals[0].transforms[0].number, second.rejected], [2, [reason]]);
  });
}

const TAKEN: [why: string, attributes: Attribute[], lifetimeSeconds: number][] = [
  ["a life of a day", set(12, Uint8Array.of(0, 1, 0x51, 0x80)), 86400],
  ["no life", without(11, 12), 3600],
  ["kilobytes beside seconds", [...GOOD, { type: 11, value: 2 }, { type: 12, value: 10 }], 3600],
  ["a long form with zeroes in front", set(12, new Uint8Array(8).with(7, 60)), 60],
  ["3DES's one key length", add(14, 192), 3600],
];
for (const [why, attributes, lifetimeSeconds] of TAKEN) {
  Deno.test(`choosePhase1() takes ${why}`, () => {
    const choice = choosePhase1(saOf([transform(attributes)]), PSK);
    equal(choice.ok && choice.lifetimeSeconds, lifetimeSeconds);
  });
}

Deno.test("choosePhase1() takes AES without a key length for AES-128", () => {
  const attributes = set(1, 7);
  const choice = choosePhase1(saOf([transform(attributes)]), {
    suites: [suite("aes", 128, "md5", "modp1536")],
    auth: ["psk"],
  });
  equal(choice.ok && choice.suite.keyBits, 128);
});

Deno.test("choosePhase1() names all groups that would do", () => {
  const suites = [OLD, { ...OLD, group: "modp1024" as const }, { ...OLD, group: "ecp256" as const }];
  const choice = choosePhase1(saOf([transform(set(4, 14))]), { suites, auth: ["psk"] });
  deepEqual(!choice.ok && choice.rejected, [
    "only OAKLEY_GROUP_MODP1536, OAKLEY_GROUP_MODP1024 and OAKLEY_GROUP_ECP256 supported.  Attribute OAKLEY_GROUP_DESCRIPTION",
  ]);
});

Deno.test("choosePhase1() says why a method that policy has cannot be used", () => {
  const why = "Can't authenticate: no preshared key found for `@west' and `@east'";
  const choice = choosePhase1(saOf([transform(GOOD)]), { ...PSK, unable: { psk: why } });
  deepEqual(!choice.ok && choice.rejected, [`${why}.  Attribute OAKLEY_AUTHENTICATION_METHOD`]);
});

Deno.test("choosePhase1() with an XAUTH server takes XAUTH only", () => {
  const policy: Phase1Policy = { ...PSK, xauth: "initiator" };
  const choice = choosePhase1(
    saOf([transform(GOOD, 1), transform(set(3, 65002), 2), transform(set(3, 65001), 3)]),
    policy,
  );
  ok(choice.ok);
  deepEqual([choice.auth, choice.answer.proposals[0].transforms[0].number], ["psk", 3]);
  equal(
    choice.rejected[0],
    "policy asks for XAUTH of the initiator, which OAKLEY_PRESHARED_KEY does not offer.  Attribute OAKLEY_AUTHENTICATION_METHOD",
  );
});

const GOOD_SA = saOf([transform(GOOD)]);
const REFUSED: [why: string, sa: SaPayload, refused: string, notify: number][] = [
  ["another DOI", { ...GOOD_SA, doi: 0, proposals: [] }, "Unknown/unsupported DOI ISAKMP_DOI_ISAKMP", 2],
  ["a labelled situation", { ...GOOD_SA, situation: 3 }, "unsupported IPsec DOI situation (0x3)", 3],
  ["no proposal", { ...GOOD_SA, proposals: [] }, "no Proposal in Oakley SA", 15],
  [
    "two proposals",
    { ...GOOD_SA, proposals: [...GOOD_SA.proposals, ...GOOD_SA.proposals] },
    "Proposal Payload must be alone in Oakley SA; found ISAKMP_NEXT_P following Proposal",
    16,
  ],
  [
    "a proposal of ESP",
    saOf([transform(GOOD)], { protocol: 3 }),
    "unexpected Protocol ID (PROTO_IPSEC_ESP) found in Oakley Proposal",
    10,
  ],
  ["a long SPI", saOf([transform(GOOD)], { spi: new Uint8Array(17) }), "invalid SPI size (17) in Oakley Proposal", 11],
  [
    "transforms of equal numbers",
    saOf([transform(GOOD), transform(GOOD)]),
    "Transform Numbers are not monotonically increasing in Oakley Proposal",
    15,
  ],
  [
    "a transform that is none of IKE",
    saOf([{ ...transform(GOOD), id: 2 }]),
    "expected KEY_IKE but found 2 in Oakley Transform",
    12,
  ],
  [
    "an attribute twice",
    saOf([transform(add(1, 5))]),
    "repeated OAKLEY_ENCRYPTION_ALGORITHM attribute in Oakley Transform 1",
    15,
  ],
  [
    "a type of life twice",
    saOf([transform([GOOD[0], ...GOOD])]),
    "attribute OAKLEY_LIFE_TYPE value OAKLEY_LIFE_SECONDS repeated",
    15,
  ],
  [
    "no hash and no group",
    saOf([transform(without(2, 4))]),
    "missing mandatory attribute(s) OAKLEY_HASH_ALGORITHM+OAKLEY_GROUP_DESCRIPTION in Oakley Transform 1",
    15,
  ],
];
for (const [why, sa, refused, notify] of REFUSED) {
  Deno.test(`choosePhase1() refuses an SA with ${why}`, () => {
    deepEqual(choosePhase1(sa, PSK), { ok: false, refused, notify, rejected: [] });
  });
}

Deno.test("choosePhase1() takes an SPI, cookies as some send, and answers without", () => {
  const choice = choosePhase1(saOf([transform(GOOD)], { spi: new Uint8Array(16) }), PSK);
  ok(choice.ok);
  equal(choice.answer.proposals[0].spi.length, 0);
});

const ASKED: Phase1Offer = { suites: [OLD], auth: ["psk"], lifetimeSeconds: 3600 };
const ANSWERS: [why: string, sa: SaPayload, refused: string][] = [
  [
    "two transforms",
    saOf([transform(GOOD), transform(GOOD, 2)]),
    "a single Transform is required in a selecting Oakley Proposal; found 2",
  ],
  ["no transform", saOf([]), "a single Transform is required in a selecting Oakley Proposal; found 0"],
  ["what was not offered", saOf([transform(set(4, 2))]), "no acceptable Oakley Transform"],
];
for (const [why, sa, refused] of ANSWERS) {
  Deno.test(`checkPhase1Answer() refuses ${why}`, () => {
    const answer = checkPhase1Answer(sa, ASKED);
    equal(!answer.ok && answer.refused, refused);
  });
}

Deno.test("checkPhase1Answer() takes attributes in another order, another number, and the shorter life", () => {
  const [type, duration, ...rest] = set(12, 600);
  const turned = saOf([transform([...rest.toReversed(), type, duration], 7)]);
  const answer = checkPhase1Answer(turned, ASKED);
  equal(answer.ok && answer.lifetimeSeconds, 600);
  const long = checkPhase1Answer(saOf([transform(set(12, 28800))]), ASKED);
  equal(long.ok && long.lifetimeSeconds, 3600);
});

Deno.test("choosePhase1() gives a choice or a refusal for any attributes", () => {
  const attribute = fc.record({
    type: fc.integer({ min: 0, max: 18 }),
    value: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.uint8Array({ maxLength: 5 })),
  });
  const transforms = fc.array(
    fc.array(attribute, { maxLength: 8 }).map((attributes) => [...GOOD.slice(2), ...attributes]),
    {
      maxLength: 4,
    },
  );
  fc.assert(fc.property(transforms, (lists) => {
    const outcome = choosePhase1(saOf(lists.map((attributes, i) => transform(attributes, i))), PSK);
    ok(outcome.ok ? outcome.suite : outcome.refused && outcome.notify);
  }));
});
