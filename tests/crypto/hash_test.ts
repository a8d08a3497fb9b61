import { deepEqual, equal } from "node:assert/strict";
import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { hash, HASHES, type HashName, hmac } from "../../lib/crypto/hash.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import { testWith } from "../interop/_needs.ts";
import { field, publishedRecords } from "./_published_files.ts";

const REFERENCE = { md5, sha1, sha2_256: sha256, sha2_384: sha384, sha2_512: sha512 } as const;
const NAMES = Object.keys(HASHES) as HashName[];

const joined = (pieces: readonly Uint8Array[]) => Uint8Array.from(pieces.flatMap((piece) => [...piece]));
const pieces = fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 5 });

for (const name of NAMES) {
  Deno.test(`hash() of ${name} over pieces is the hash of the whole`, () => {
    fc.assert(fc.property(pieces, (parts) => {
      const digest = hash(name, ...parts);
      deepEqual(digest, new Uint8Array(REFERENCE[name](joined(parts))));
      equal(digest.length, HASHES[name].bytes);
    }));
  });

  Deno.test(`hmac() with ${name} over pieces is that of the whole, for keys of any length`, () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), pieces, (key, parts) => {
      const mac = hmac(name, key, ...parts);
      deepEqual(mac, new Uint8Array(nobleHmac(REFERENCE[name], key, joined(parts))));
      deepEqual(hmac(name, new Secret(key), ...parts), mac);
    }));
  });
}

const PUBLISHED: Record<HashName, string> = {
  md5: "rfc-2202-md5",
  sha1: "rfc-2202-sha1",
  sha2_256: "rfc-4231-sha256",
  sha2_384: "rfc-4231-sha384",
  sha2_512: "rfc-4231-sha512",
};
testWith(["cryptography-vectors"], "hmac() agrees with RFC 2202 and RFC 4231", async (t) => {
  for (const name of NAMES) {
    await t.step(name, () => {
      const records = publishedRecords(`HMAC/${PUBLISHED[name]}.txt`);
      equal(records.length > 4, true);
      for (const record of records) {
        const [key, msg] = ["key", "msg"].map((part) => Uint8Array.fromHex(field(record, part)));
        equal(hmac(name, key, msg).toHex(), field(record, "md").toLowerCase(), field(record, "len"));
      }
    });
  }
});
