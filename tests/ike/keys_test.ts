import { deepEqual, equal } from "node:assert/strict";
import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { ESP_ALGORITHMS } from "../../lib/crypto/algorithm_names.ts";
import { AUTHENTICATORS, type AuthName, CIPHERS } from "../../lib/crypto/algorithms.ts";
import type { HashName } from "../../lib/crypto/hash.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import {
  deriveKeys,
  expandEncryptionKey,
  firstIv,
  hash1,
  hash2,
  hash3,
  hashI,
  hashR,
  makeKeymat,
  messageIv,
  saKeys,
  skeyidFromPsk,
  skeyidFromSignatures,
} from "../../lib/ike/keys.ts";
import type { IkeSuite, IpsecSuite } from "../../lib/ike/suite.ts";

interface Published {
  readonly name: string;
  /** Of pre-shared keys; undefined for signatures. */
  readonly psk?: string;
  readonly initiatorCookie: string;
  readonly responderCookie: string;
  readonly ni: string;
  readonly nr: string;
  readonly gxy: string;
  readonly skeyid: string;
  readonly skeyidD: string;
  readonly skeyidA: string;
  readonly skeyidE: string;
}

/** NIST CAVP, component tests of SP 800-135, IKEv1: the first of its groups; all with SHA-1. */
const SP_800_135: Published[] = [
  {
    name: "a pre-shared key of one byte",
    psk: "75",
    initiatorCookie: "83d374c30b3b5082",
    responderCookie: "5afc0da06c728029",
    ni: "b9a2d0e922dc66dd",
    nr: "2130166863b5ddef",
    gxy: "739003ba2c11c982946c65e26acf661fbf8ebb78011a9fead79efa12fe3e71cc",
    skeyid: "62b04d112877e442fc3282fc37c076997718a0b9",
    skeyidD: "369e5aad1bdb5faf6a3d929d500cdc236710a9ab",
    skeyidA: "588e957d8d790d093b3a39f121473473af78e9bb",
    skeyidE: "cd74b0c048219db81384d3fda8f6cda51e398a2b",
  },
  {
    name: "signatures, g^xy of 256 bits",
    initiatorCookie: "8c3bcd3a69831d7f",
    responderCookie: "d2d9a7ff4fbe95a7",
    ni: "69a62284195f1680",
    nr: "80c94ba25c8abda5",
    gxy: "8ba4cbc73c0187301dc19a975823854dbd641c597f637f8d053a83b9514673eb",
    skeyid: "707197817fb2d90cf54d1842606bdea59b9f4823",
    skeyidD: "384be709a8a5e63c3ed160cfe3921c4b37d5b32d",
    skeyidA: "48b327575abe3adba0f279849e289022a13e2b47",
    skeyidE: "a4a415c8e0c38c0da847c356cc61c24df8025560",
  },
  {
    name: "signatures, g^xy of 1024 bits",
    initiatorCookie: "382e5c8b0a3fa307",
    responderCookie: "ba4b7616700a2413",
    ni: "ced5635da6796075",
    nr: "6244b427712fb776",
    gxy: "2a2e0bbe8da3657a83f3d35826e49e2d38e557e912a1b9e6c30c63577b3eab71" +
      "5466202862027f2c26f3090743555579611771db0b92bef93834432a3a7762fc" +
      "8a0f4889fd281d6082770d10a40d7bad61e832f041e620d6787e7f62ab2861dd" +
      "fbe272e0d9d3cdec5f1bbf750e24b8b32d6d714968ad69ce5086c32ad2742ebc",
    skeyid: "dc37ac99de6dcfbd1ee74af7fb36f9b4b0a7829d",
    skeyidD: "486293ed547adb562cefdaf43d3d8457b196f2b6",
    skeyidA: "f4053b5ca07e59bb41b8f401037ca90b72b3917e",
    skeyidE: "49a1d53a80fb77e663552964fbbcb45092021473",
  },
];

const bytes = (hex: string) => Uint8Array.fromHex(hex);
const secret = (hex: string) => new Secret(bytes(hex));
const hexOf = (key: Secret) => key.reveal().toHex();
/** Distinct bytes of any length, the same in every run. */
const noise = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => 31 * i + 7 * seed + (i >> 3));

for (const vector of SP_800_135) {
  Deno.test(`deriveKeys() agrees with NIST SP 800-135 vectors: ${vector.name}`, () => {
    // AES-128 takes the first 16 of 20 bytes of SKEYID_e.
    const suite: IkeSuite = { cipher: "aes", keyBits: 128, hash: "sha1", group: "modp1024" };
    const nonces = { ni: bytes(vector.ni), nr: bytes(vector.nr) };
    const gxy = secret(vector.gxy);
    const skeyid = vector.psk
      ? skeyidFromPsk("sha1", secret(vector.psk), nonces)
      : skeyidFromSignatures("sha1", gxy, nonces);
    const cookies = {
      initiatorCookie: bytes(vector.initiatorCookie),
      responderCookie: bytes(vector.responderCookie),
    };
    const keys = deriveKeys(suite, skeyid, gxy, cookies);
    equal(hexOf(keys.skeyid), vector.skeyid);
    equal(hexOf(keys.skeyidD), vector.skeyidD);
    equal(hexOf(keys.skeyidA), vector.skeyidA);
    equal(hexOf(keys.encryptionKey), vector.skeyidE.slice(0, 32));
  });
}

// What follows is compared with the formulas once more, spelled out over whole texts with other software's HMAC.

const REFERENCE = { md5, sha1, sha2_256: sha256, sha2_384: sha384, sha2_512: sha512 } as const;
const NAMES = Object.keys(REFERENCE) as HashName[];
const join = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
const prf = (name: HashName, key: Uint8Array, ...parts: Uint8Array[]) =>
  nobleHmac(REFERENCE[name], key, join(...parts));
const zero = Uint8Array.of(0);

const VALUES = {
  initiatorCookie: noise(8, 1),
  responderCookie: noise(8, 2),
  gxi: noise(128, 3),
  gxr: noise(128, 4),
  ni: noise(16, 5),
  nr: noise(20, 6),
};
const MESSAGE_ID = 0xfedc0102;
const M_ID = bytes("fedc0102");

for (const name of NAMES) {
  Deno.test(`HASHes with ${name} cover what RFC 2409 says, in its order`, () => {
    const { initiatorCookie: ckyI, responderCookie: ckyR, gxi, gxr, ni, nr } = VALUES;
    const [skeyid, skeyidA] = [noise(REFERENCE[name].outputLen, 7), noise(REFERENCE[name].outputLen, 8)];
    const [sa, id, rest] = [noise(52, 9), noise(12, 10), noise(77, 11)];
    const made = {
      hashI: hashI(name, new Secret(skeyid), VALUES, sa, id),
      hashR: hashR(name, new Secret(skeyid), VALUES, sa, id),
      hash1: hash1(name, new Secret(skeyidA), MESSAGE_ID, rest),
      hash2: hash2(name, new Secret(skeyidA), MESSAGE_ID, ni, rest),
      hash3: hash3(name, new Secret(skeyidA), MESSAGE_ID, VALUES),
    };
    deepEqual(made, {
      hashI: prf(name, skeyid, gxi, gxr, ckyI, ckyR, sa, id),
      hashR: prf(name, skeyid, gxr, gxi, ckyR, ckyI, sa, id),
      hash1: prf(name, skeyidA, M_ID, rest),
      hash2: prf(name, skeyidA, M_ID, ni, rest),
      hash3: prf(name, skeyidA, zero, M_ID, ni, nr),
    });
  });

  for (const [cipher, keyBits] of [["3des", 192], ["aes", 128], ["aes", 192], ["aes", 256]] as const) {
    const suite: IkeSuite = { cipher, keyBits, hash: name, group: "modp2048" };
    Deno.test(`the encryption key of ${cipher} with ${keyBits} bits is made from SKEYID_e of ${name}`, () => {
      const skeyidE = noise(REFERENCE[name].outputLen, 12);
      const k1 = prf(name, skeyidE, zero), k2 = prf(name, skeyidE, k1), k3 = prf(name, skeyidE, k2);
      const expected = skeyidE.length >= keyBits / 8 ? skeyidE : join(k1, k2, k3);
      deepEqual(expandEncryptionKey(suite, new Secret(skeyidE)).reveal(), expected.slice(0, keyBits / 8));
    });

    Deno.test(`IVs of ${cipher} with ${keyBits} bits are the first block of ${name}`, () => {
      const block = cipher === "3des" ? 8 : 16;
      const last = noise(block, 13);
      const { gxi, gxr } = VALUES;
      deepEqual(firstIv(suite, VALUES), new Uint8Array(REFERENCE[name](join(gxi, gxr))).slice(0, block));
      deepEqual(
        messageIv(suite, last, MESSAGE_ID),
        new Uint8Array(REFERENCE[name](join(last, M_ID))).slice(0, block),
      );
    });
  }

  for (const pfs of [false, true]) {
    Deno.test(`KEYMAT with ${name} goes on for as long as keys are wanted ${pfs ? "with" : "without"} PFS`, () => {
      const { ni, nr } = VALUES;
      const skeyidD = noise(REFERENCE[name].outputLen, 14);
      const gqmxy = noise(256, 15);
      const seed = join(pfs ? gqmxy : new Uint8Array(), Uint8Array.of(3), bytes("8000abcd"), ni, nr);
      const blocks = [prf(name, skeyidD, seed)];
      for (let i = 0; i < 8; i++) blocks.push(prf(name, skeyidD, blocks[i], seed));
      const values = { ni, nr, ...(pfs && { gqmxy: new Secret(gqmxy) }) };
      for (const length of [0, 1, 16, 20, 21, 64, 100]) {
        const keymat = makeKeymat(name, new Secret(skeyidD), values, 3, 0x8000abcd, length);
        deepEqual(keymat.reveal(), join(...blocks).slice(0, length), `${length} bytes`);
      }
    });
  }
}

const SUITES: IpsecSuite[] = [
  ...[...ESP_ALGORITHMS.values()].map((algorithms) => ({ protocol: "esp" as const, ...algorithms })),
  ...(Object.keys(AUTHENTICATORS) as AuthName[]).map((auth) => ({ protocol: "ah" as const, auth })),
];

for (const suite of SUITES) {
  const { protocol, cipher, auth } = suite;
  Deno.test(`saKeys() of ${protocol} ${cipher ?? ""} ${auth ?? ""}: the cipher's key first, each of KLIPS's length`, () => {
    const skeyidD = new Secret(noise(20, 16));
    const cipherBytes = cipher ? CIPHERS[cipher].keyBits / 8 : 0;
    const authBytes = auth ? AUTHENTICATORS[auth].keyBits / 8 : 0;
    const number = protocol === "ah" ? 2 : 3;
    const keymat = makeKeymat("sha1", skeyidD, VALUES, number, 0x1001, cipherBytes + authBytes).reveal();
    const keys = saKeys("sha1", skeyidD, VALUES, suite, 0x1001);
    deepEqual(keys.cipher?.reveal(), cipher ? keymat.slice(0, cipherBytes) : undefined);
    deepEqual(keys.auth?.reveal(), auth ? keymat.slice(cipherBytes) : undefined);
  });
}

Deno.test("saKeys() gives each SPI and each protocol keys of its own", () => {
  const skeyidD = new Secret(noise(20, 17));
  const auth = "sha1-96";
  const made = [
    saKeys("sha1", skeyidD, VALUES, { protocol: "ah", auth }, 0x1001),
    saKeys("sha1", skeyidD, VALUES, { protocol: "ah", auth }, 0x1002),
    saKeys("sha1", skeyidD, VALUES, { protocol: "esp", auth }, 0x1001),
    saKeys("sha1", skeyidD, { ...VALUES, gqmxy: new Secret(noise(128, 18)) }, { protocol: "ah", auth }, 0x1001),
  ].map((keys) => hexOf(keys.auth!));
  equal(new Set(made).size, made.length);
});
