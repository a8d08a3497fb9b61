import { deepStrictEqual as deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import type { AuthName, CipherName } from "../../lib/crypto/algorithms.ts";
import { AUTHENTICATORS, CIPHERS, isAead } from "../../lib/crypto/algorithms.ts";
import type { GroupName } from "../../lib/crypto/dh_groups.ts";
import { ESP_NUMBERS } from "../../lib/ike/algorithms.ts";
import type { SaPayload } from "../../lib/ike/choice.ts";
import type { Attribute, Proposal, Transform } from "../../lib/ike/payload.ts";
import { decodePayloads, encodeBody, encodePayloads } from "../../lib/ike/payload_codec.ts";
import { checkPhase2Answer, choosePhase2, modeOffered, type Phase2Policy } from "../../lib/ike/phase2_choice.ts";
import { answerPhase2, offerPhase2, type Phase2Offer } from "../../lib/ike/phase2_proposal.ts";
import type { Encapsulation } from "../../lib/ike/phase2_transform.ts";
import type { IpsecSuite, Mode } from "../../lib/ike/suite.ts";

const esp = (cipher: CipherName, auth?: AuthName): IpsecSuite => ({ protocol: "esp", cipher, auth });
const ah = (auth: AuthName): IpsecSuite => ({ protocol: "ah", auth });
const OLD = esp("3des", "md5-96");
const CBC = esp("aes128", "sha2_256-128");
const GCM = esp("aes256gcm16");

const OFFER: Phase2Offer = {
  suites: [GCM, CBC, OLD],
  compress: false,
  mode: "tunnel",
  encapsulation: "none",
  lifetimeSeconds: 28800,
  spis: { esp: 0x1234, ah: 0x5678, ipcomp: 0x9abc },
};
const POLICY: Phase2Policy = {
  suites: [GCM, CBC, OLD],
  canCompress: true,
  encapsulated: false,
  pfs: false,
  pfsGroups: ["modp2048"],
};

function received(sa: SaPayload): SaPayload {
  const { first, bytes } = encodePayloads([sa]);
  const decoded = decodePayloads(first, bytes);
  ok(decoded.ok && decoded.payloads[0].type === "SA");
  return decoded.payloads[0];
}

Deno.test("offerPhase2() writes what FreeS/WAN sent: order of attributes, numbers from 0", () => {
  const sa = offerPhase2({ ...OFFER, suites: [OLD, esp("3des", "sha1-96")], pfsGroup: "modp1536" });
  equal(
    encodeBody(sa).toHex(),
    "00000001" + "00000001" + // DOI, situation
      "00000044" + "00030402" + "00001234" + // proposal 0 of ESP, SPI of 4 bytes, 2 transforms
      "0300001c" + "00030000" + "80030005" + "80040001" + "80010001" + "80027080" + "80050001" +
      "0000001c" + "01030000" + "80030005" + "80040001" + "80010001" + "80027080" + "80050002",
  );
});

const WIRE: [name: string, changes: Partial<Phase2Offer>, transforms: string[]][] = [
  ["AES with its key length last", { suites: [CBC] }, [
    "0000001c 000c0000 80040001 80010001 80027080 80050005 80060080",
  ]],
  ["AES-GCM without an authenticator", { suites: [GCM] }, ["00000018 00140000 80040001 80010001 80027080 80060100"]],
  ["AH", { suites: [ah("sha2_512-256")] }, ["00000018 00070000 80040001 80010001 80027080 80050007"]],
  ["transport mode", { suites: [OLD], mode: "transport" }, ["00000018 00030000 80040002 80010001 80027080 80050001"]],
  ["ESP in UDP", { suites: [OLD], encapsulation: "rfc" }, ["00000018 00030000 80040003 80010001 80027080 80050001"]],
  ["ESP in UDP, before the RFC", { suites: [OLD], encapsulation: "drafts", mode: "transport" }, [
    "00000018 00030000 8004f004 80010001 80027080 80050001",
  ]],
  ["a long life", { suites: [OLD], lifetimeSeconds: 86400 }, [
    "0000001c 00030000 80040001 80010001 00020004 00015180 80050001",
  ]],
  ["compression before its absence", { suites: [OLD], compress: true }, [
    "00000018 00030000 80040001 80010001 80027080 80050001",
    "00000014 00020000 80040001 80010001 80027080",
    "00000018 00030000 80040001 80010001 80027080 80050001",
  ]],
  ["compression in transport mode", { suites: [], compress: true, mode: "transport" }, [
    "00000010 00020000 80010001 80027080",
  ]],
];
for (const [name, changes, transforms] of WIRE) {
  Deno.test(`offerPhase2() writes ${name}`, () => {
    const { proposals } = offerPhase2({ ...OFFER, ...changes });
    const hex = proposals.map((proposal) => {
      const sa: SaPayload = { type: "SA", doi: 1, situation: 1, proposals: [proposal] };
      return encodeBody(sa).toHex().slice(2 * (8 + 8 + proposal.spi.length));
    });
    deepEqual(hex, transforms.map((one) => one.replaceAll(" ", "")));
  });
}

Deno.test("offerPhase2() has AH before ESP before IPCOMP in one bundle, each with its SPI", () => {
  const { proposals } = offerPhase2({ ...OFFER, suites: [OLD, ah("md5-96")], compress: true });
  deepEqual(proposals.map(({ number, protocol, spi }) => [number, protocol, spi.toHex()]), [
    [0, 2, "00005678"],
    [0, 3, "00001234"],
    [0, 4, "9abc"],
    [1, 2, "00005678"],
    [1, 3, "00001234"],
  ]);
});

Deno.test("offerPhase2() throws where a protocol has no SPI", () => {
  throws(() => offerPhase2({ ...OFFER, spis: {} }), RangeError);
});

Deno.test("choosePhase2() takes the peer's first that it has, and answers with that one as it was", () => {
  const sa = received(offerPhase2({ ...OFFER, pfsGroup: "modp2048" }));
  const choice = choosePhase2(sa, { ...POLICY, suites: [OLD, CBC] });
  ok(choice.ok);
  deepEqual(choice.protocols, [{ protocol: "esp", suite: CBC, peerSpi: 0x1234 }]);
  deepEqual([choice.mode, choice.encapsulation, choice.pfsGroup, choice.lifetimeSeconds], [
    "tunnel",
    "none",
    "modp2048",
    28800,
  ]);
  deepEqual(choice.rejected, ["Proposal 0, ESP Transform 0: policy does not have aes256gcm16"]);
  const answer = answerPhase2(choice.proposals, { esp: 0xabcdef });
  deepEqual(answer.proposals, [
    { ...sa.proposals[0], spi: Uint8Array.of(0, 0xab, 0xcd, 0xef), transforms: [sa.proposals[0].transforms[1]] },
  ]);
});

const SUITES: IpsecSuite[] = (Object.keys(CIPHERS) as CipherName[]).filter((name) => ESP_NUMBERS[name]).flatMap((
  cipher,
) => isAead(cipher) ? [esp(cipher)] : (Object.keys(AUTHENTICATORS) as AuthName[]).map((auth) => esp(cipher, auth)));
const AHS = (Object.keys(AUTHENTICATORS) as AuthName[]).map(ah);
const someEsp = fc.uniqueArray(fc.constantFrom(...SUITES), { minLength: 1, maxLength: 5 });
const someAh = fc.uniqueArray(fc.constantFrom(...AHS), { minLength: 1, maxLength: 3 });
const suites = fc.oneof(someEsp, someAh, fc.tuple(someEsp, someAh).map((both) => both.flat()));
const terms = fc.record({
  compress: fc.boolean(),
  mode: fc.constantFrom<Mode>("tunnel", "transport"),
  encapsulation: fc.constantFrom<Encapsulation>("none", "rfc", "drafts"),
  pfsGroup: fc.constantFrom<GroupName | undefined>(undefined, "modp2048", "ecp256"),
  lifetimeSeconds: fc.integer({ min: 1, max: 86400 }),
}, { noNullPrototype: true });

Deno.test("what one end offers the other takes, and the first end finds its own in the answer", () => {
  fc.assert(fc.property(suites, terms, fc.boolean(), (suites, terms, canCompress) => {
    const offer: Phase2Offer = { ...OFFER, suites, ...terms };
    const policy: Phase2Policy = {
      suites,
      canCompress,
      mode: terms.mode,
      encapsulated: terms.encapsulation !== "none",
      pfs: terms.pfsGroup !== undefined,
      pfsGroups: ["modp2048", "ecp256"],
    };
    const choice = choosePhase2(received(offerPhase2(offer)), policy);
    ok(choice.ok);
    equal(modeOffered(offerPhase2(offer)), terms.mode);
    const spis = { esp: 0x10000, ah: 0x20000, ipcomp: 0x3000 };
    const checked = checkPhase2Answer(received(answerPhase2(choice.proposals, spis)), offer);
    ok(checked.ok);
    for (const outcome of [choice, checked]) {
      deepEqual([outcome.mode, outcome.pfsGroup, outcome.lifetimeSeconds], [
        terms.mode,
        terms.pfsGroup,
        terms.lifetimeSeconds,
      ]);
      equal(outcome.encapsulation, terms.encapsulation);
      const firsts = (["ah", "esp"] as const).flatMap((name) => suites.find(({ protocol }) => protocol === name) ?? []);
      const protocols = outcome.protocols.filter(({ protocol }) => protocol !== "ipcomp");
      deepEqual(protocols.map(({ suite }) => ({ ...suite })), firsts.map((suite) => clean(suite)));
      equal(outcome.protocols.some(({ protocol }) => protocol === "ipcomp"), terms.compress && canCompress);
    }
    deepEqual(
      checked.protocols.map(({ protocol, peerSpi }) => peerSpi === spis[protocol]),
      checked.protocols.map(() => true),
    );
  }));
});

/** Without members that are undefined. */
function clean(suite: IpsecSuite): IpsecSuite {
  return JSON.parse(JSON.stringify(suite));
}

/** One transform of 3DES and MD5 in tunnel mode, changed. */
const TYPE = { lifeType: 1, life: 2, group: 3, mode: 4, auth: 5, keyLength: 6 } as const;
const GOOD: readonly Attribute[] = [
  { type: TYPE.mode, value: 1 },
  { type: TYPE.lifeType, value: 1 },
  { type: TYPE.life, value: 3600 },
  { type: TYPE.auth, value: 1 },
];
const set = (type: number, value: number | Uint8Array): Attribute[] =>
  GOOD.map((one) => one.type === type ? { type, value } : one);
const add = (type: number, value: number | Uint8Array): Attribute[] => [...GOOD, { type, value }];
const without = (...types: number[]): Attribute[] => GOOD.filter(({ type }) => !types.includes(type));
const transform = (attributes: readonly Attribute[] = GOOD, number = 1, id = 3): Transform => ({
  number,
  id,
  attributes,
});
const SPI = Uint8Array.of(0, 0, 0x10, 0);
const proposal = (changes: Partial<Proposal> = {}): Proposal => ({
  number: 1,
  protocol: 3,
  spi: SPI,
  transforms: [transform()],
  ...changes,
});
const saOf = (...proposals: Proposal[]): SaPayload => ({ type: "SA", doi: 1, situation: 1, proposals });
const one = (attributes: readonly Attribute[], id = 3): SaPayload =>
  saOf(proposal({ transforms: [transform(attributes, 1, id)] }));
const IPCOMP = proposal({
  protocol: 4,
  spi: Uint8Array.of(0x10, 0),
  transforms: [{ number: 1, id: 2, attributes: [] }],
});
const AH_MD5: Transform = { number: 1, id: 2, attributes: GOOD };

const REJECTED: [why: string, sa: SaPayload, reason: string, changes?: Partial<Phase2Policy>][] = [
  ["DES", one(GOOD, 2), "ESP_DES is not supported"],
  ["null encryption", one(GOOD, 11), "ESP_NULL is not supported"],
  ["a cipher that nobody knows", one(GOOD, 99), "99?? is not supported"],
  ["ESP without authentication", one(without(TYPE.auth)), "ESP_3DES without authentication is not supported"],
  ["an old authenticator", one(set(TYPE.auth, 3)), "AUTH_ALGORITHM_DES_MAC is not supported"],
  ["another authenticator", one(set(TYPE.auth, 2)), "policy does not have 3des-sha1-96"],
  ["a key length that 3DES has not", one(add(TYPE.keyLength, 128)), "ESP_3DES with a key of 128 bits is not supported"],
  ["AES-GCM without a key length", one(without(TYPE.auth), 20), "ESP_AES_GCM_16 is not supported"],
  [
    "AES-GCM with an authenticator",
    one(add(TYPE.keyLength, 256), 20),
    "AUTH_ALGORITHM_HMAC_MD5 beside ESP_AES_GCM_16, which authenticates by itself",
  ],
  [
    "a mode that nobody knows",
    one(set(TYPE.mode, 9)),
    "invalid value 9 for attribute ENCAPSULATION_MODE in IPsec Transform",
  ],
  ["transport where tunnel is due", one(set(TYPE.mode, 2)), "policy requires tunnel mode", { mode: "tunnel" }],
  ["UDP where there is no NAT", one(set(TYPE.mode, 3)), "encapsulation in UDP is for NAT, and there is none"],
  ["no UDP where there is NAT", one(GOOD), "encapsulation in UDP is needed, since there is NAT", {
    encapsulated: true,
  }],
  [
    "a type of life that nobody knows",
    one(set(TYPE.lifeType, 3)),
    "invalid value 3 for attribute SA_LIFE_TYPE in IPsec Transform",
  ],
  [
    "a life before its type",
    one([GOOD[0], GOOD[2], GOOD[1], GOOD[3]]),
    "SA_LIFE_DURATION attribute not preceded by SA_LIFE_TYPE attribute",
  ],
  ["no life at all", one(set(TYPE.life, 0)), "peer requested 0 seconds"],
  ["extended sequence numbers", one(add(11, 1)), "unsupported IPsec attribute ESN_TUNNEL"],
  ["an attribute that nobody knows", one(add(99, 1)), "unsupported IPsec attribute 99??"],
  [
    "a mode in the long form",
    one(set(TYPE.mode, Uint8Array.of(0, 1))),
    "unsupported IPsec attribute ENCAPSULATION_MODE",
  ],
  ["another group for PFS", one(add(TYPE.group, 19)), "policy does not have ecp256 for PFS"],
  ["MODP768 for PFS", one(add(TYPE.group, 1)), "OAKLEY_GROUP_MODP768 is not supported for PFS"],
];
for (const [why, sa, reason, changes] of REJECTED) {
  Deno.test(`choosePhase2() passes over a transform with ${why}`, () => {
    deepEqual(choosePhase2(sa, { ...POLICY, ...changes }), {
      ok: false,
      refused: "no acceptable Proposal in IPsec SA",
      notify: 14,
      rejected: [`Proposal 1, ESP Transform 1: ${reason}`],
    });
  });
}

const BUNDLES: [why: string, sa: SaPayload, policy: Phase2Policy, reason: string][] = [
  [
    "without the protocol that policy requires",
    saOf(proposal()),
    { ...POLICY, suites: [ah("md5-96")] },
    "Proposal 1 has no AH, which policy requires",
  ],
  [
    "with compression that we have not",
    saOf(proposal(), IPCOMP),
    { ...POLICY, canCompress: false },
    "Proposal 1 asks for compression, which is not available",
  ],
  [
    "with AH that policy has not",
    saOf(proposal({ protocol: 2, transforms: [AH_MD5] }), proposal()),
    POLICY,
    "Proposal 1, AH Transform 1: policy does not have md5-96",
  ],
  [
    "of AH with the wrong authenticator",
    saOf(proposal({ protocol: 2, transforms: [{ ...AH_MD5, id: 3 }] })),
    { ...POLICY, suites: [ah("md5-96")] },
    "Proposal 1, AH Transform 1: AH_SHA with AUTH_ALGORITHM_HMAC_MD5 is not supported",
  ],
  [
    "of LZS",
    saOf(proposal(), { ...IPCOMP, transforms: [{ number: 1, id: 3, attributes: [] }] }),
    POLICY,
    "Proposal 1, IPCOMP Transform 1: IPCOMP transform 3 is not supported",
  ],
  [
    "whose protocols differ in PFS",
    saOf(proposal({ protocol: 2, transforms: [AH_MD5] }), proposal({ transforms: [transform(add(TYPE.group, 14))] })),
    { ...POLICY, suites: [ah("md5-96"), OLD] },
    "Proposal 1: its protocols do not have the same group",
  ],
];
for (const [why, sa, policy, reason] of BUNDLES) {
  Deno.test(`choosePhase2() passes over a bundle ${why}`, () => {
    const alone = choosePhase2(sa, policy);
    deepEqual(alone, { ok: false, refused: "no acceptable Proposal in IPsec SA", notify: 14, rejected: [reason] });
  });
}

Deno.test("choosePhase2() takes a later bundle", () => {
  const second = { ...proposal(), number: 2 };
  const choice = choosePhase2(saOf(proposal(), IPCOMP, second), { ...POLICY, canCompress: false });
  ok(choice.ok);
  deepEqual([choice.proposals.map(({ number }) => number), choice.protocols.length], [[2], 1]);
});

Deno.test("choosePhase2() with PFS takes no transform without a group, and says so where none has one", () => {
  const policy = { ...POLICY, pfs: true };
  deepEqual(choosePhase2(saOf(proposal()), policy), {
    ok: false,
    refused: "we require PFS but Quick I1 SA specifies no GROUP_DESCRIPTION",
    notify: 14,
    rejected: ["Proposal 1, ESP Transform 1: policy requires PFS"],
  });
  const choice = choosePhase2(saOf(proposal({ transforms: [transform(), transform(add(TYPE.group, 14), 2)] })), policy);
  equal(choice.ok && choice.pfsGroup, "modp2048");
});

const TAKEN: [
  why: string,
  sa: SaPayload,
  found: { mode?: Mode; life?: number; encapsulation?: Encapsulation },
  encapsulated?: boolean,
][] = [
  ["no life", one(without(TYPE.lifeType, TYPE.life)), { life: 28800 }],
  ["a life over a day as a day", one(set(TYPE.life, Uint8Array.of(0, 1, 0x51, 0x81))), { life: 86400 }],
  ["kilobytes beside seconds", one([...GOOD, { type: 1, value: 2 }, { type: 2, value: 9 }]), { life: 3600 }],
  ["transport mode", one(set(TYPE.mode, 2)), { mode: "transport" }],
  ["ESP in UDP", one(set(TYPE.mode, 3)), { mode: "tunnel", encapsulation: "rfc" }, true],
  ["ESP in UDP, before the RFC", one(set(TYPE.mode, 61444)), { mode: "transport", encapsulation: "drafts" }, true],
  ["IPCOMP without a mode beside ESP in tunnel mode", saOf(proposal(), IPCOMP), { mode: "tunnel", life: 3600 }],
];
for (const [why, sa, found, encapsulated = false] of TAKEN) {
  Deno.test(`choosePhase2() takes ${why}`, () => {
    const choice = choosePhase2(sa, { ...POLICY, encapsulated });
    ok(choice.ok);
    for (const [name, value] of Object.entries(found)) {
      equal(name === "life" ? choice.lifetimeSeconds : choice[name as "mode" | "encapsulation"], value);
    }
  });
}

Deno.test("choosePhase2() takes AES without a key length for AES-128, and what KAME says beside AES-GCM", () => {
  const aes = choosePhase2(one(set(TYPE.auth, 5), 12), POLICY);
  deepEqual(aes.ok && aes.protocols[0].suite, CBC);
  for (const none of [0, 251]) {
    const gcm = choosePhase2(one([...set(TYPE.auth, none), { type: TYPE.keyLength, value: 256 }], 20), POLICY);
    deepEqual(gcm.ok && gcm.protocols[0].suite, clean(GCM));
  }
});

const GOOD_SA = saOf(proposal());
const bytes = (...values: number[]) => Uint8Array.from(values);
const REFUSED: [why: string, sa: SaPayload, refused: string, notify: number][] = [
  ["another DOI", { ...GOOD_SA, doi: 2, proposals: [] }, "Unknown/unsupported DOI 2??", 2],
  ["a labelled situation", { ...GOOD_SA, situation: 2 }, "unsupported IPsec DOI situation (0x2)", 3],
  ["no proposal", saOf(), "no acceptable Proposal in IPsec SA", 14],
  [
    "a protocol that nobody knows",
    saOf(proposal({ protocol: 9 })),
    "unexpected Protocol ID (9??) in IPsec Proposal",
    10,
  ],
  [
    "a proposal of ISAKMP",
    saOf(proposal({ protocol: 1 })),
    "unexpected Protocol ID (PROTO_ISAKMP) in IPsec Proposal",
    10,
  ],
  ["ESP twice", saOf(proposal(), proposal()), "IPsec SA contains two simultaneous ESP Proposals", 15],
  ["a proposal without transforms", saOf(proposal({ transforms: [] })), "IPsec Proposal contains no Transforms", 15],
  [
    "transforms of equal numbers",
    saOf(proposal({ transforms: [transform(), transform()] })),
    "Transform Numbers in Proposal are not monotonically increasing",
    15,
  ],
  ["an SPI of 8 bytes", saOf(proposal({ spi: new Uint8Array(8) })), "IPsec Proposal with improper SPI size (8)", 11],
  ["a reserved SPI", saOf(proposal({ spi: bytes(0, 0, 0, 255) })), "IPsec Proposal contains invalid SPI (0xff)", 11],
  [
    "a CPI of 3 bytes",
    saOf(proposal(), { ...IPCOMP, spi: new Uint8Array(3) }),
    "IPsec Proposal with improper CPI size (3)",
    11,
  ],
  [
    "a CPI of 4 bytes that needs them",
    saOf(proposal(), { ...IPCOMP, spi: bytes(1, 0, 16, 0) }),
    "IPsec Proposal with improper CPI size (4)",
    11,
  ],
  [
    "a CPI from the private range",
    saOf(proposal(), { ...IPCOMP, spi: bytes(0xf0, 0) }),
    "IPsec Proposal contains CPI from non-negotiated range (0xf000)",
    11,
  ],
  [
    "a CPI of another algorithm",
    saOf(proposal(), { ...IPCOMP, spi: bytes(0, 3) }),
    "IPsec Proposal contains CPI from non-negotiated range (0x3)",
    11,
  ],
  [
    "DEFLATE's own CPI with nothing else",
    saOf({ ...IPCOMP, spi: bytes(0, 2) }),
    "illegal proposal: bare IPCOMP used with well-known CPI",
    15,
  ],
  [
    "DEFLATE's own CPI for LZS",
    saOf(proposal(), { ...IPCOMP, spi: bytes(0, 2), transforms: [{ number: 1, id: 3, attributes: [] }] }),
    "illegal proposal: IPCOMP well-known CPI disagrees with transform",
    15,
  ],
  ["no mode", one(without(TYPE.mode)), "IPsec Transform must specify ENCAPSULATION_MODE", 15],
  ["an attribute twice", one(add(TYPE.mode, 1)), "repeated ENCAPSULATION_MODE attribute in IPsec Transform 1", 15],
  [
    "a type of life twice",
    one(add(TYPE.lifeType, 1)),
    "attribute SA_LIFE_TYPE value SA_LIFE_TYPE_SECONDS repeated in message",
    15,
  ],
  [
    "AH without an authenticator",
    saOf(proposal({ protocol: 2, transforms: [transform(without(TYPE.auth), 1, 2)] }), proposal()),
    "AUTH_ALGORITHM attribute missing in AH Transform",
    15,
  ],
  [
    "a key length of AH",
    saOf(proposal({ protocol: 2, transforms: [transform(add(TYPE.keyLength, 128), 1, 2)] }), proposal()),
    "KEY_LENGTH attribute inappropriate in AH Transform",
    15,
  ],
  [
    "an authenticator of IPCOMP",
    saOf(proposal(), { ...IPCOMP, transforms: [transform(GOOD, 1, 2)] }),
    "IPsec attribute AUTH_ALGORITHM inappropriate for IPCOMP",
    15,
  ],
  [
    "two groups",
    saOf(proposal({ transforms: [transform(add(TYPE.group, 14)), transform(add(TYPE.group, 19), 2)] })),
    "GROUP_DESCRIPTION inconsistent with that of a previous Transform in IPsec SA",
    15,
  ],
];
for (const [why, sa, refused, notify] of REFUSED) {
  Deno.test(`choosePhase2() refuses an SA with ${why}`, () => {
    const outcome = choosePhase2(sa, POLICY);
    deepEqual(outcome.ok || [outcome.refused, outcome.notify], [refused, notify]);
  });
}

const CPIS: [why: string, spi: Uint8Array, cpi: number][] = [
  ["two bytes", bytes(0x10, 0), 0x1000],
  ["four bytes", bytes(0, 0, 0x10, 0), 0x1000],
  ["DEFLATE's own", bytes(0, 2), 2],
];
for (const [why, spi, cpi] of CPIS) {
  Deno.test(`choosePhase2() takes a CPI of ${why}, and answers with two bytes`, () => {
    const choice = choosePhase2(saOf(proposal(), { ...IPCOMP, spi }), POLICY);
    ok(choice.ok);
    deepEqual(choice.protocols.map(({ protocol, peerSpi }) => [protocol, peerSpi]), [["esp", 0x1000], ["ipcomp", cpi]]);
    equal(answerPhase2(choice.proposals, { esp: 1, ipcomp: 0x2000 }).proposals[1].spi.toHex(), "2000");
  });
}

const ASKED: Phase2Offer = { ...OFFER, suites: [OLD], lifetimeSeconds: 3600 };
const ANSWERS: [why: string, sa: SaPayload, refused: string][] = [
  ["two bundles", saOf(proposal(), { ...proposal(), number: 2 }), "more than one Proposal in the answer's IPsec SA"],
  [
    "two transforms",
    saOf(proposal({ transforms: [transform(), transform(GOOD, 2)] })),
    "a single Transform is required in the answer's IPsec SA; found 2",
  ],
  ["a suite that was not offered", one(set(TYPE.auth, 2)), "no acceptable Proposal in IPsec SA"],
  ["a mode that was not offered", one(set(TYPE.mode, 2)), "no acceptable Proposal in IPsec SA"],
  ["PFS that was not offered", one(add(TYPE.group, 14)), "no acceptable Proposal in IPsec SA"],
  ["compression that was not offered", saOf(proposal(), IPCOMP), "no acceptable Proposal in IPsec SA"],
  ["less than was offered", saOf(IPCOMP), "no acceptable Proposal in IPsec SA"],
];
for (const [why, sa, refused] of ANSWERS) {
  Deno.test(`checkPhase2Answer() refuses ${why}`, () => {
    const answer = checkPhase2Answer(sa, ASKED);
    equal(!answer.ok && answer.refused, refused);
  });
}

Deno.test("checkPhase2Answer() takes the shorter life, and refuses an answer without the PFS that was offered", () => {
  const short = checkPhase2Answer(one(set(TYPE.life, 600)), ASKED);
  equal(short.ok && short.lifetimeSeconds, 600);
  const long = checkPhase2Answer(one(set(TYPE.life, 7200)), ASKED);
  equal(long.ok && long.lifetimeSeconds, 3600);
  equal(checkPhase2Answer(one(GOOD), { ...ASKED, pfsGroup: "modp2048" }).ok, false);
});

Deno.test("choosePhase2() gives a choice or a refusal for any proposals", () => {
  const attribute = fc.record({
    type: fc.integer({ min: 0, max: 12 }),
    value: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.uint8Array({ maxLength: 5 })),
  });
  const anyTransform = fc.tuple(fc.nat(3), fc.integer({ min: 0, max: 24 }), fc.array(attribute, { maxLength: 3 }))
    .map(([number, id, attributes]) => ({ number, id, attributes: [...GOOD, ...attributes] }));
  const anyProposal = fc.tuple(
    fc.nat(1),
    fc.nat(5),
    fc.uint8Array({ maxLength: 5 }),
    fc.array(anyTransform, { maxLength: 3 }),
  )
    .map(([number, protocol, spi, transforms]) => ({ number, protocol, spi, transforms }));
  fc.assert(fc.property(fc.array(anyProposal, { maxLength: 4 }), (proposals) => {
    const sa = saOf(...proposals);
    const outcome = choosePhase2(sa, POLICY);
    ok(outcome.ok ? outcome.protocols.length : outcome.refused && outcome.notify);
    modeOffered(sa);
    checkPhase2Answer(sa, ASKED);
  }));
});
