import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { isAead } from "../../lib/crypto/algorithms.ts";
import { GROUPS } from "../../lib/crypto/dh_groups.ts";
import { ESP_NUMBERS, IKE_CIPHERS, IKE_HASHES } from "../../lib/ike/algorithms.ts";
import { encodePayloads } from "../../lib/ike/payload_codec.ts";
import { offerPhase1 } from "../../lib/ike/phase1_proposal.ts";
import type { IkeSuite, IpsecSuite } from "../../lib/ike/suite.ts";
import {
  DEFAULT_AH_SUITES,
  DEFAULT_ESP_SUITES,
  DEFAULT_IKE_SUITES,
  type IpsecSuites,
  parseAhSuites,
  parseEspSuites,
  parseGroup,
  parseIkeSuites,
} from "../../lib/ike/suite_text.ts";
import type { Result } from "../../lib/text/result.ts";

const showIke = ({ cipher, keyBits, hash, group }: IkeSuite) => `${cipher}${keyBits}/${hash}/${group}`;
const showIpsec = ({ cipher, auth }: IpsecSuite) => [cipher, auth].filter(Boolean).join("/");
const ike = (text: string, legacy = false) =>
  shown(parseIkeSuites(text, legacy), (suites) => suites.map(showIke).join(" "));
const ipsec = (result: Result<IpsecSuites>) =>
  shown(result, ({ suites, pfsGroup }) => suites.map(showIpsec).join(" ") + (pfsGroup ? ` pfs=${pfsGroup}` : ""));

function shown<T>(result: Result<T>, show: (value: T) => string): string {
  return result.ok ? show(result.value) : `refused: ${result.error}`;
}

const NO_CIPHER = "names no cipher: begin it with aes256, aes128 or the like";

/** Spellings from the documentation and the test suites of FreeS/WAN's patches, Openswan, libreswan and strongSwan. */
const IKE: [text: string, suites: string][] = [
  ["aes128-sha1;modp1536,3des-md5-modp1536", "aes128/sha1/modp1536 3des192/md5/modp1536"],
  ["aes_cbc256-sha2_256;dh14", "aes256/sha2_256/modp2048"],
  ["aes_cbc-256-sha2_256-dh14", "aes256/sha2_256/modp2048"],
  ["aes256-sha512-modp4096!", "aes256/sha2_512/modp4096"],
  ["AES-128-SHA-MODP1024", "aes128/sha1/modp1024"],
  ["3des_cbc-hmac_md5-group5", "3des192/md5/modp1536"],
  ["aes192-sha2_384-ecp_384", "aes192/sha2_384/ecp384"],
  ["aes128-sha2-256-dh19, aes256-sha-512-dh21", "aes128/sha2_256/ecp256 aes256/sha2_512/ecp521"],
  ["aes-sha2-modp3072", "aes128/sha2_256/modp3072 aes256/sha2_256/modp3072"],
  ["aes128-aes256-sha256-modp2048", "aes128/sha2_256/modp2048 aes256/sha2_256/modp2048"],
  [
    "aes128+3des-sha1+md5;modp1536",
    "aes128/sha1/modp1536 aes128/md5/modp1536 3des192/sha1/modp1536 3des192/md5/modp1536",
  ],
  ["aes256-sha1;modp2048,aes256-sha1;modp2048", "aes256/sha1/modp2048"],
  ["aes256", "aes256/sha2_256/modp2048 aes256/sha2_512/modp2048 aes256/sha2_256/ecp256 aes256/sha2_512/ecp256"],
  ["3des-sha1", "3des192/sha1/modp2048 3des192/sha1/ecp256"],
  ["aes256-modp4096", "aes256/sha2_256/modp4096 aes256/sha2_512/modp4096"],
  // What cannot be.
  ["aes129-sha1", 'refused: "aes129" is no algorithm that is known here; did you mean aes128?'],
  ["aes128-sha3", 'refused: "sha3" is no algorithm that is known here; did you mean sha1?'],
  ["aes128-sha1-modp2084", 'refused: "modp2084" is no algorithm that is known here; did you mean modp2048?'],
  ["aes128-rot13", 'refused: "rot13" is no algorithm that is known here'],
  ["modp1536", `refused: "modp1536" ${NO_CIPHER}`],
  [
    "aes128gcm16-sha2",
    'refused: "aes128gcm16-sha2" has AES-GCM, which version 1 of IKE has for ESP only: use aes256-sha2_256',
  ],
  ["aes-none", 'refused: "aes-none" has no hash, which IKE needs: use sha2_256'],
  [
    "des-md5",
    'refused: "des" is single DES, whose 56-bit key can be found by trying all of them; use aes256 or aes128',
  ],
  ["aes-sha1-modp768", 'refused: "modp768" is a group that is broken in practice; use modp2048 or a larger one'],
  ["aes-sha1-dh1", 'refused: "dh1" is a group that is broken in practice; use modp2048 or a larger one'],
  ["aes-sha1-dh31", 'refused: "dh31" is a group of version 2 of IKE; use ecp256 or modp2048'],
  ["aes-sha1-dh24", 'refused: "dh24" is a group whose prime nobody can account for; use modp2048 or a larger one'],
  ["aes-sha1-dh28", 'refused: "dh28" is a group that is not supported; use ecp256 or modp2048'],
  ["aes-aes_xcbc", 'refused: "aes_xcbc" is an authenticator that is not supported; use sha2_256'],
  ["camellia256-sha1", 'refused: "camellia256" is not supported; use aes256 or aes128'],
  ["aes_ctr256-sha1", 'refused: "aes_ctr256" is not supported; use aes256 or aes128'],
  ["aes-512-sha1", 'refused: "aes-512" is no key length of aes'],
  ["aes128-sha1-80", 'refused: "sha1-80" is no length for sha1: it is cut to 96 bits'],
  ["128-sha1", 'refused: "128" stands behind nothing that it could be the length of'],
  ["aes128-256", 'refused: "256" stands behind nothing that it could be the length of'],
  ["aes,", "refused: has nothing between commas, where an algorithm should be"],
  ["", "refused: has nothing between commas, where an algorithm should be"],
  [`aes${"-sha1".repeat(300)}`, "refused: is longer than 1024 characters"],
  [
    "aes-aes192-sha1-sha2-sha384-sha512-modp2048-modp3072-modp4096-ecp256-ecp384-ecp521",
    "refused: has more than 64 combinations of algorithms",
  ],
];
for (const [text, suites] of IKE) {
  Deno.test(`parseIkeSuites() of ${text.slice(0, 60) || "nothing"}`, () => equal(ike(text), suites));
}

Deno.test("parseIkeSuites() fills old algorithms in with legacy=yes only", () => {
  equal(ike("aes128-sha2_256", true).split(" ").length, 4);
  ok(ike("aes128", true).includes("aes128/sha1/modp1024"));
  ok(!/sha1|md5|modp1/.test(ike("aes128")));
});

const ESP: [text: string, suites: string][] = [
  ["aes128gcm16", "aes128gcm16"],
  ["aes_gcm256", "aes256gcm16"],
  ["aes_gcm_c-256-null", "aes256gcm16"],
  ["aes_gcm-null", "aes128gcm16 aes256gcm16"],
  ["aes_gcm_16_128,aes_gcm_16-256", "aes128gcm16 aes256gcm16"],
  ["aes256gcm128", "aes256gcm16"],
  ["3des-md5-96", "3des/md5-96"],
  ["3des-hmac-sha1-96", "3des/sha1-96"],
  ["aes128-sha2_256-128", "aes128/sha2_256-128"],
  ["aes256-hmac_sha2_512_256", "aes256/sha2_512-256"],
  ["aes-sha1, 3des-md5", "aes128/sha1-96 aes256/sha1-96 3des/md5-96"],
  ["aes128-sha2_256-modp2048", "aes128/sha2_256-128 pfs=modp2048"],
  ["aes128-sha1;modp1536,3des-md5;modp1536", "aes128/sha1-96 3des/md5-96 pfs=modp1536"],
  ["aes256gcm16-aes128-sha256-ecp256", "aes256gcm16 aes128/sha2_256-128 pfs=ecp256"],
  ["3des", "3des/sha2_256-128 3des/sha2_512-256"],
  // What cannot be.
  [
    "3des-md5;modp1536,aes-sha1;modp2048",
    "refused: names both modp1536 and modp2048: all proposals have the same group for PFS",
  ],
  ["null-sha1", 'refused: "null-sha1" has null encryption, which looks like ESP that hides something: use ah= instead'],
  [
    "aes-null",
    'refused: "aes-null" has no authentication, without which encryption can be broken: add sha2_256, or use aes256gcm16',
  ],
  ["aes128gcm16-sha1", 'refused: "aes128gcm16-sha1" authenticates by itself: leave the hash out'],
  ["aes128gcm8", 'refused: "aes128gcm8" has a short ICV, which RFC 8221 does not want; use aes256gcm16'],
  ["aes_gcm_a-128-null", 'refused: "aes_gcm_a" has a short ICV, which RFC 8221 does not want; use aes256gcm16'],
  ["aes_gcm_c-192", 'refused: "aes_gcm_c-192" is not supported: AES-GCM has keys of 128 or 256 bits; use aes256gcm16'],
  ["aes256ccm16", 'refused: "aes256ccm16" is not supported; use aes256 or aes128'],
  ["chacha20poly1305", 'refused: "chacha20poly1305" has no number in version 1 of IKE; use aes256 or aes128'],
  ["sha1", `refused: "sha1" ${NO_CIPHER}`],
];
for (const [text, suites] of ESP) {
  Deno.test(`parseEspSuites() of ${text}`, () => equal(ipsec(parseEspSuites(text, false)), suites));
}

Deno.test("parseEspSuites() fills SHA-1 in with legacy=yes only", () => {
  equal(ipsec(parseEspSuites("aes128", true)), "aes128/sha2_256-128 aes128/sha2_512-256 aes128/sha1-96");
});

const AH: [text: string, suites: string][] = [
  ["sha1", "sha1-96"],
  ["hmac-sha1-96,hmac-md5-96", "sha1-96 md5-96"],
  ["sha2_256-128;modp2048", "sha2_256-128 pfs=modp2048"],
  ["sha2-512", "sha2_512-256"],
  ["aes128-sha1", 'refused: "aes128-sha1" has a cipher: AH only authenticates, and esp= is for both'],
  ["null", 'refused: "null" names no hash: use sha2_256'],
  ["modp2048", 'refused: "modp2048" names no hash: use sha2_256'],
];
for (const [text, suites] of AH) {
  Deno.test(`parseAhSuites() of ${text}`, () => equal(ipsec(parseAhSuites(text)), suites));
}

const ONE_GROUP: [text: string, group: string][] = [
  ["modp1536", "modp1536"],
  ["dh5", "modp1536"],
  ["DH14", "modp2048"],
  ["ecp_521", "ecp521"],
  ["dh1", 'refused: "dh1" is a group that is broken in practice; use modp2048 or a larger one'],
  ["aes", 'refused: "aes" is no group: modp2048, ecp256 and the like'],
  ["modp1537", 'refused: "modp1537" is no algorithm that is known here; did you mean modp1536?'],
];
for (const [text, group] of ONE_GROUP) {
  Deno.test(`parseGroup() of ${text}`, () => equal(shown(parseGroup(text), String), group));
}

Deno.test("every group has its name, and its number behind dh", () => {
  for (const [name, { number }] of Object.entries(GROUPS)) {
    deepEqual(parseGroup(name), { ok: true, value: name });
    deepEqual(parseGroup(`dh${number}`), { ok: true, value: name });
  }
});

const word = fc.oneof(
  fc.constantFrom(
    "aes",
    "aes_cbc",
    "aes128",
    "3des",
    "aes_gcm",
    "sha",
    "sha2",
    "md5",
    "null",
    "hmac",
    "modp2048",
    "dh19",
  ),
  fc.constantFrom("96", "128", "256", "512", "", "!", "des", "aes_gcm_c", "sha2_512", "aes1288"),
  fc.string({ maxLength: 6 }),
);
const text = fc.array(fc.tuple(word, fc.constantFrom("-", ";", "+", ",", ", ", "")), { maxLength: 8 })
  .map((words) => words.flat().join(""));

Deno.test("any text gives suites that can be negotiated, or a sentence", () => {
  fc.assert(
    fc.property(text, fc.boolean(), (text, legacy) => {
      const forIke = parseIkeSuites(text, legacy);
      if (forIke.ok) {
        ok(forIke.value.length > 0 && forIke.value.length <= 64);
        for (const { cipher, keyBits, hash, group } of forIke.value) {
          ok((IKE_CIPHERS[cipher].keyBits as readonly number[]).includes(keyBits) && IKE_HASHES[hash] && GROUPS[group]);
        }
      } else ok(forIke.error.length > 10);
      for (const forIpsec of [parseEspSuites(text, legacy), parseAhSuites(text)]) {
        if (!forIpsec.ok) continue;
        for (const { protocol, cipher, auth } of forIpsec.value.suites) {
          if (protocol === "ah") ok(!cipher && auth);
          else ok(cipher && ESP_NUMBERS[cipher] && (isAead(cipher) ? !auth : auth));
        }
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("what is offered by default is modern; with legacy=yes the old ones come last", () => {
  const isOld = (text: string) => /3des|md5|sha1|modp1[05]/.test(text);
  for (const legacy of [false, true]) {
    const lists = [
      DEFAULT_IKE_SUITES(legacy).map(showIke),
      DEFAULT_ESP_SUITES(legacy).map(showIpsec),
      DEFAULT_AH_SUITES(legacy).map(showIpsec),
    ];
    for (const list of lists) {
      ok(list.length <= 12);
      equal(list.some(isOld), legacy);
      const firstOld = list.findIndex(isOld);
      ok(firstOld < 0 || list.slice(firstOld).every(isOld), list.join(" "));
    }
  }
});

Deno.test("the first message stays under 1000 bytes with all defaults, both methods and seven vendor IDs", () => {
  const sa = offerPhase1({ suites: DEFAULT_IKE_SUITES(true), auth: ["rsasig", "psk"], lifetimeSeconds: 3600 });
  const bytes = encodePayloads([sa]).bytes.length + 28 + 7 * 20;
  ok(bytes < 1000, `${bytes}`);
});
