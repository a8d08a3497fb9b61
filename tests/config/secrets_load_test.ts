/** Keys of ipsec.secrets that lie in files of their own. The forms that openssl writes: tests/interop. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { createPrivateKey, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { formatComplaint } from "../../lib/config/complaint.ts";
import { loadSecrets, unlockKey } from "../../lib/config/secrets_load.ts";
import { rsaKeyFromPrimes, rsaKeyId } from "../../lib/crypto/rsa.ts";
import { parseRsaKeyFile } from "../../lib/crypto/rsa_key_file.ts";
import { toPrivateJwk } from "../../lib/crypto/rsa_jwk.ts";
import { encodePrivateKey } from "../../lib/crypto/rsa_pkcs1.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import { type Contents, secretFiles } from "./_secret_files.ts";

const KEY = rsaKeyFromPrimes(2n ** 521n - 1n, 2n ** 607n - 1n, { e: 65537n })!;
const KEY_ID = rsaKeyId(KEY.publicKey);
const object: KeyObject = createPrivateKey({ key: { ...toPrivateJwk(KEY) }, format: "jwk" });
const PKCS1 = String(object.export({ type: "pkcs1", format: "pem" }));
const PKCS8 = String(object.export({ type: "pkcs8", format: "pem" }));
const LOCKED = String(object.export({ type: "pkcs8", format: "pem", cipher: "aes-128-cbc", passphrase: "hunter2" }));
const DER = encodePrivateKey(KEY);
const latin1 = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
const FOLDER = "/etc/ipsec.d/private";

/** Entries as `index key` or `index path ?`, and complaints, for an ipsec.secrets with these lines. */
function load(text: string, files: Contents): string[] {
  const contents = { "/s": text, ...files };
  const { entries, complaints } = loadSecrets("/s", secretFiles(contents), { keyFolder: FOLDER });
  return [
    ...entries.map(({ key, idCount }) =>
      key.kind === "RSA"
        ? `${idCount}: ${rsaKeyId(key.key.publicKey)} ${key.path ?? "-"}`
        : `${idCount}: ${key.kind === "RSA file" ? `${key.path} ?` : key.kind}`
    ),
    ...complaints.map(formatComplaint),
  ];
}

const ERROR = (path: string) => `/s:1: error loading RSA private key file "${path}"`;
const W = `${FOLDER}/w.pem`;
const CASES: [what: string, text: string, files: Contents, found: string[]][] = [
  ["a relative name", ": RSA w.pem\n", { [W]: PKCS1 }, [`0: ${KEY_ID} ${W}`]],
  ["an absolute name", "@a @b : RSA /k/w.pem\n", { "/k/w.pem": PKCS8 }, [`2: ${KEY_ID} /k/w.pem`]],
  ["DER", ": RSA /k\n", { "/k": latin1(DER) }, [`0: ${KEY_ID} /k`]],
  ["a key after a certificate", ": RSA /k\n", {
    "/k": `text\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${PKCS8}`,
  }, [`0: ${KEY_ID} /k`]],
  ["lines that end in CR LF", ": RSA /k\n", { "/k": PKCS8.replaceAll("\n", "\r\n") }, [`0: ${KEY_ID} /k`]],
  ["a passphrase", ': RSA w.pem "hunter2"\n', { [W]: LOCKED }, [`0: ${KEY_ID} ${W}`]],
  ["a passphrase that is not needed", ': RSA w.pem "x"\n', { [W]: PKCS1 }, [`0: ${KEY_ID} ${W}`]],
  ["%prompt", ": RSA w.pem %prompt\n", { [W]: LOCKED }, [`0: ${W} ?`]],
  ["%prompt that is not needed", ": RSA w.pem %prompt\n", { [W]: PKCS8 }, [`0: ${KEY_ID} ${W}`]],
  ["other entries beside it", ': RSA w.pem\n@a : PSK "x"\n', {}, [
    "1: PSK",
    `${ERROR(W)}: No such file or directory`,
  ]],
  ["a passphrase that is missing", ": RSA w.pem\n", { [W]: LOCKED }, [
    `${ERROR(W)}: it is encrypted; its passphrase, or %prompt, must follow its name`,
  ]],
  ["a wrong passphrase", ": RSA w.pem other\n", { [W]: LOCKED }, [
    `${ERROR(W)}: it cannot be decrypted: the passphrase is a wrong one, or the file is damaged`,
  ]],
  ["a file that others may read", ": RSA w.pem\n", { [W]: { text: PKCS8, mode: 0o640 } }, [
    `${ERROR(W)}: with mode 0640 others can read or change the key; run: chmod 600 ${W}`,
  ]],
  ["a file of OpenSSH", ": RSA w.pem\n", {
    [W]: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
  }, [
    `${ERROR(W)}: it is in OpenSSH's own form; convert a copy of it with: ssh-keygen -p -m PEM -f FILE`,
  ]],
  ["a file of OpenPGP", ": RSA w.pem\n", {
    [W]: "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n",
  }, [`${ERROR(W)}: it is a key of OpenPGP, which is not read; make a file of it that openssl reads`]],
  ["half a file", ": RSA w.pem\n", { [W]: PKCS8.slice(0, 200) }, [`${ERROR(W)}: it breaks off before its END line`]],
  ["base64 of nothing", ": RSA w.pem\n", {
    [W]: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
  }, [`${ERROR(W)}: it is damaged, or no private key of RSA`]],
  ["half a file in DER", ": RSA w.pem\n", { [W]: latin1(DER.subarray(0, 100)) }, [
    `${ERROR(W)}: it is damaged, or no private key of RSA`,
  ]],
  ["something else", ": RSA w.pem\n", { [W]: "hello\n" }, [`${ERROR(W)}: it is no private key in PEM or DER`]],
  ["an empty file", ": RSA w.pem\n", { [W]: "" }, [`${ERROR(W)}: it is no private key in PEM or DER`]],
  ["numbers that make no key", ": RSA w.pem\n", {
    [W]: latin1(encodePrivateKey({ ...KEY, prime1: KEY.prime2, prime2: KEY.prime1 })),
  }, [
    `${ERROR(W)}: it is no sound RSA key: dP is not congruent to d mod (p-1), dQ is not congruent to d mod (q-1), ` +
    "qInv is not conguent ot (q^-1) mod p",
  ]],
  ["a complaint of the lines, in their order", "@x : RSA w.pem\n: PSK oops\n", {}, [
    `${ERROR(W)}: No such file or directory`,
    "/s:2: PSK data malformed (input does not begin with format prefix): (not shown)",
  ]],
];
for (const [what, text, files, found] of CASES) {
  Deno.test(`loadSecrets() with ${what}`, () => deepEqual(load(text, files), found));
}

Deno.test("unlockKey() opens a key with the passphrase that was asked for", () => {
  const files = secretFiles({ "/s": ": RSA w.pem %prompt\n", [W]: LOCKED });
  const [{ key }] = loadSecrets("/s", files, { keyFolder: FOLDER }).entries;
  ok(key.kind === "RSA file");
  const secret = (text: string) => new Secret(new TextEncoder().encode(text));
  const wrong = unlockKey(key, secret("other"), files);
  ok(!wrong.ok && wrong.error.startsWith("it cannot be decrypted"));
  const right = unlockKey(key, secret("hunter2"), files);
  ok(right.ok && right.value.kind === "RSA");
  equal(rsaKeyId(right.value.key.publicKey), KEY_ID);
});

Deno.test("parseRsaKeyFile() gives a sound key or a reason for any bytes", () => {
  const files = [PKCS1, PKCS8, LOCKED].map((text) => new TextEncoder().encode(text)).concat(DER);
  const passphrase = new Secret(new TextEncoder().encode("hunter2"));
  fc.assert(fc.property(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 1, max: 255 }), (file, where, flip) => {
    const spoilt = file.slice();
    spoilt[where % spoilt.length] ^= flip;
    const parsed = parseRsaKeyFile(spoilt);
    const opened = parsed.ok ? parsed.value.open(passphrase) : parsed;
    if (opened.ok) equal(opened.value.publicKey.modulus.length, KEY.publicKey.modulus.length);
    else ok(opened.error.length > 0);
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const parsed = parseRsaKeyFile(bytes);
    if (parsed.ok) ok(!parsed.value.open(passphrase).ok);
  }));
});
