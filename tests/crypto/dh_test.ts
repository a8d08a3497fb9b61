import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { createDiffieHellman, createECDH, getDiffieHellman } from "node:crypto";
import { bytesToNumber, numberToBytes, powerModulo } from "../../lib/crypto/big_number.ts";
import { makeDh } from "../../lib/crypto/dh.ts";
import { type GroupName, GROUPS } from "../../lib/crypto/dh_groups.ts";
import { type ModpName, modpPrime } from "../../lib/crypto/modp_prime.ts";
import { testWith } from "../interop/_needs.ts";
import { field, publishedRecords, type VectorRecord } from "./_published_files.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
/** A source that gives these bytes once. */
const fixed = (hex: string) => () => Uint8Array.fromHex(hex);

const NAMES = Object.keys(GROUPS) as GroupName[];
/** As node:crypto calls them. */
const NODE_NAMES: Record<ModpName, string> = {
  modp1024: "modp2",
  modp1536: "modp5",
  modp2048: "modp14",
  modp3072: "modp15",
  modp4096: "modp16",
  modp6144: "modp17",
  modp8192: "modp18",
};
const MODPS = Object.keys(NODE_NAMES) as ModpName[];
const EXPONENT_BYTES: Record<ModpName, number> = {
  modp1024: 32,
  modp1536: 32,
  modp2048: 32,
  modp3072: 36,
  modp4096: 44,
  modp6144: 48,
  modp8192: 52,
};

for (const group of MODPS) {
  Deno.test(`the prime of ${group} by its formula is the one that node:crypto has`, () => {
    equal(modpPrime(group), bytesToNumber(getDiffieHellman(NODE_NAMES[group]).getPrime()));
  });
}

testWith(["cryptography-vectors"], "the primes by their formula are those that RFC 3526 prints", async (t) => {
  const published = publishedRecords("asymmetric/DH/rfc3526.txt").map((record) => BigInt(`0x${field(record, "p")}`));
  const [, ...groups] = MODPS;
  equal(published.length, groups.length);
  for (const [i, group] of groups.entries()) await t.step(group, () => equal(modpPrime(group), published[i]));
});

for (const group of NAMES) {
  Deno.test(`two ends agree in ${group}, by values of the length that KE has`, () => {
    for (let i = 0; i < 3; i++) {
      const [ours, theirs] = [makeDh(group, random), makeDh(group, random)];
      for (const { publicValue } of [ours, theirs]) equal(publicValue.length, GROUPS[group].publicBytes);
      const secret = ours.agree(theirs.publicValue)!;
      deepEqual(secret.reveal(), theirs.agree(ours.publicValue)!.reveal());
      const half = GROUPS[group].kind === "ecp" ? 2 : 1;
      equal(secret.length, GROUPS[group].publicBytes / half);
    }
  });

  Deno.test(`each exchange in ${group} has a private key of its own`, () => {
    const values = Array.from({ length: 3 }, () => makeDh(group, random).publicValue.toHex());
    equal(new Set(values).size, values.length);
  });

  Deno.test(`agree() gives nothing after wipe() in ${group}`, () => {
    const [ours, theirs] = [makeDh(group, random), makeDh(group, random)];
    ours.wipe();
    equal(ours.agree(theirs.publicValue), undefined);
  });
}

for (const group of MODPS) {
  Deno.test(`${group} computes what node:crypto computes`, () => {
    const drawn: Uint8Array[] = [];
    const ours = makeDh(group, (length) => {
      drawn.push(random(length));
      return new Uint8Array(drawn[0]);
    });
    deepEqual(drawn.map((bytes) => bytes.length), [EXPONENT_BYTES[group]]);
    const node = createDiffieHellman(getDiffieHellman(NODE_NAMES[group]).getPrime(), Uint8Array.of(2));
    node.setPrivateKey(drawn[0]);
    const peer = makeDh(group, random).publicValue;
    // Without padding in front in Deno 2.9.
    equal(bytesToNumber(ours.agree(peer)!.reveal()), bytesToNumber(node.computeSecret(peer)));
    equal(bytesToNumber(ours.publicValue), powerModulo(2n, bytesToNumber(drawn[0]), modpPrime(group)));
  });
}

/** Numbers as KE of the group carries them. */
function valueOf(group: ModpName, number: bigint): Uint8Array {
  const bytes = numberToBytes(number);
  const value = new Uint8Array(Math.max(GROUPS[group].publicBytes, bytes.length));
  value.set(bytes, value.length - bytes.length);
  return value;
}

const REFUSED_NUMBERS: [what: string, number: (p: bigint) => bigint][] = [
  ["0", () => 0n],
  ["1", () => 1n],
  ["p-1", (p) => p - 1n],
  ["p", (p) => p],
  ["p+1", (p) => p + 1n],
  ["the largest number", (p) => (1n << BigInt(p.toString(2).length)) - 1n],
];
for (const group of MODPS) {
  const ours = makeDh(group, random);
  for (const [what, number] of REFUSED_NUMBERS) {
    Deno.test(`agree() in ${group} refuses ${what}`, () => {
      equal(ours.agree(valueOf(group, number(modpPrime(group)))), undefined);
    });
  }
  Deno.test(`agree() in ${group} takes 2 and p-2`, () => {
    for (const number of [2n, modpPrime(group) - 2n]) ok(ours.agree(valueOf(group, number)));
  });
}

Deno.test("agree() refuses every other length", () => {
  for (const group of NAMES) {
    const [ours, peer] = [makeDh(group, random), makeDh(group, random).publicValue];
    for (const wrong of [new Uint8Array(), peer.slice(1), peer.slice(0, -1), Uint8Array.of(0, ...peer)]) {
      equal(ours.agree(wrong), undefined, `${group}: ${wrong.length} bytes`);
    }
  }
});

Deno.test("a shared secret keeps its leading zero bytes", () => {
  const ours = makeDh("modp1024", fixed("03".padStart(64, "0"))); // x = 3
  const secret = ours.agree(valueOf("modp1024", 2n))!;
  equal(secret.reveal().toHex(), "08".padStart(256, "0"));
});

interface CurveVector {
  readonly group: GroupName;
  readonly i: string;
  readonly gi: string;
  readonly r: string;
  readonly gr: string;
  readonly girx: string;
}

/** RFC 5903 §8. */
const RFC_5903: CurveVector[] = [
  {
    group: "ecp256",
    i: "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
    gi: "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180" +
      "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
    r: "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
    gr: "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63" +
      "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
    girx: "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
  },
  {
    group: "ecp384",
    i: "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
    gi: "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa" +
      "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
    r: "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
    gr: "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571" +
      "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
    girx: "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746",
  },
  {
    group: "ecp521",
    i: "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777f5957b" +
      "2639bab072462f68c27a57382d4a52",
    gi: "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d107564941885" +
      "942af5a7f4601723c4195d176ced3e" +
      "017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6cf2261a" +
      "6a7f1507438bf01beb6ca3926f9582",
    r: "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757a3bdbf2a3163e4c2f869cc" +
      "a7458aa4a4effc311f5cb151685eb9",
    gr: "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6c2912d" +
      "4ef2d0433ced2b6171640012d9460f" +
      "015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae49cb57" +
      "091f4732296579ab44fcd17f0fc56a",
    girx: "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06b3c715" +
      "a3a8cc3151f2bee417996d19f3ddea",
  },
];
for (const { group, i, gi, r, gr, girx } of RFC_5903) {
  Deno.test(`${group} computes the example of RFC 5903 §8`, () => {
    const [initiator, responder] = [makeDh(group, fixed(i)), makeDh(group, fixed(r))];
    equal(initiator.publicValue.toHex(), gi);
    equal(responder.publicValue.toHex(), gr);
    equal(initiator.agree(responder.publicValue)!.reveal().toHex(), girx);
    equal(responder.agree(initiator.publicValue)!.reveal().toHex(), girx);
  });

  const REFUSED: [what: string, value: Uint8Array][] = [
    ["the point at infinity as zeros", new Uint8Array(gi.length / 2)],
    ["coordinates over the prime", new Uint8Array(gi.length / 2).fill(0xff)],
    ["a point beside the curve", flipped(gi, gi.length / 2 - 1)],
    ["a point with another x", flipped(gi, gi.length / 4 - 1)],
    ["x and y exchanged", Uint8Array.fromHex(gi.slice(gi.length / 2) + gi.slice(0, gi.length / 2))],
  ];
  for (const [what, value] of REFUSED) {
    Deno.test(`agree() in ${group} refuses ${what}`, () => {
      equal(makeDh(group, random).agree(value), undefined);
    });
  }
}

function flipped(hex: string, at: number): Uint8Array {
  const bytes = Uint8Array.fromHex(hex);
  bytes[at] ^= 1;
  return bytes;
}

for (const [group, curve] of [["ecp256", "prime256v1"], ["ecp384", "secp384r1"]] as const) {
  Deno.test(`${group} computes what node:crypto computes`, () => {
    const node = createECDH(curve);
    const ours = makeDh(group, random);
    const shared = node.computeSecret.bind(node);
    const theirs = node.generateKeys().subarray(1);
    deepEqual(ours.agree(theirs)!.reveal(), new Uint8Array(shared(Uint8Array.of(4, ...ours.publicValue))));
  });
}

/** Bytes of a private key, by which CAVP's records tell their curve. */
const CURVE_BYTES: ReadonlyMap<number, GroupName> = new Map([[32, "ecp256"], [48, "ecp384"], [66, "ecp521"]]);
const CAVP_FILES = ["init", "resp"].map((role) =>
  `asymmetric/ECDH/KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_${role}.fax`
);
testWith(["cryptography-vectors"], "the curves agree with NIST CAVP", async (t) => {
  for (const file of CAVP_FILES) await t.step(file, () => checkCurves(publishedRecords(file)));
});

function checkCurves(records: readonly VectorRecord[]): void {
  const seen = { good: 0, wrongSecret: 0, noPoint: 0 };
  for (const record of records) {
    const secret = record.get("dsiut") ?? "";
    const group = CURVE_BYTES.get(secret.length / 2);
    const result = field(record, "result");
    // Our own key comes from nowhere but makeDh(): that it is wrong cannot happen.
    if (!group || /IUT's/.test(result)) continue;
    const peer = Uint8Array.fromHex(field(record, "qscavsx") + field(record, "qscavsy"));
    const agreed = makeDh(group, fixed(secret)).agree(peer)?.reveal().toHex();
    const kind = result.startsWith("P") ? "good" : /CAVS's/.test(result) ? "noPoint" : "wrongSecret";
    seen[kind]++;
    const found = agreed === undefined ? "noPoint" : agreed === field(record, "z") ? "good" : "wrongSecret";
    equal(found, kind, `${group}, ${field(record, "count")}: ${result}`);
  }
  ok(seen.good > 0 && seen.wrongSecret > 0 && seen.noPoint > 0, JSON.stringify(seen));
}

for (const group of NAMES) {
  Deno.test(`makeDh() in ${group} refuses a source of random bytes that gives zeros for ever`, () => {
    throws(() => makeDh(group, (length) => new Uint8Array(length)), RangeError);
  });
}

Deno.test("makeDh() on a curve draws again where a number is no private key", () => {
  const draws = ["00".repeat(32), "ff".repeat(32), RFC_5903[0].i].map((hex) => Uint8Array.fromHex(hex));
  equal(makeDh("ecp256", () => draws.shift()!).publicValue.toHex(), RFC_5903[0].gi);
});
