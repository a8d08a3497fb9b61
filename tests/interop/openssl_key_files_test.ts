/** Key files of ipsec.secrets, in every form that openssl(1) writes: read, and signed with; openssl verifies. */
import assert from "node:assert/strict";
import { createPrivateKey, sign } from "node:crypto";
import { loadSecrets } from "../../lib/config/secrets_load.ts";
import type { RsaPrivateKey } from "../../lib/crypto/rsa.ts";
import { toPrivateJwk } from "../../lib/crypto/rsa_jwk.ts";
import { secretsFiles } from "../../lib/system/secrets_files.ts";
import { testWith } from "./_needs.ts";

const PASSPHRASE = "it's a  secret";

async function openssl(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** A folder with `key.pem`, PKCS #8 in the clear, as `openssl genpkey` writes it, and `public.pem`. */
async function withKey(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "oneswan-keys-" });
  try {
    await openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", `${folder}/key.pem`);
    await openssl("pkey", "-in", `${folder}/key.pem`, "-pubout", "-out", `${folder}/public.pem`);
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** ipsec.secrets of a folder, with key files beside it. @param words what follows `: RSA` */
async function load(folder: string, words: string) {
  await Deno.writeTextFile(`${folder}/secrets`, `: RSA ${words}\n`, { mode: 0o600 });
  return loadSecrets(`${folder}/secrets`, secretsFiles, { keyFolder: folder });
}

async function openSslVerifies(folder: string, key: RsaPrivateKey): Promise<void> {
  const [text, signature] = [`${folder}/text`, `${folder}/signature`];
  await Deno.writeTextFile(text, "signed");
  const imported = createPrivateKey({ key: { ...toPrivateJwk(key) }, format: "jwk" });
  await Deno.writeFile(signature, sign("sha256", new TextEncoder().encode("signed"), imported));
  const said = await openssl("dgst", "-sha256", "-verify", `${folder}/public.pem`, "-signature", signature, text);
  assert.equal(said, "Verified OK\n");
}

const PASS = ["-passout", `pass:${PASSPHRASE}`];
/** What openssl is called with to make the form from `key.pem`. */
const FORMS: [what: string, args: string[], encrypted: boolean][] = [
  ["PKCS #8 in PEM", ["pkcs8", "-topk8", "-nocrypt"], false],
  ["PKCS #8 in DER", ["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], false],
  ["PKCS #1 in PEM", ["rsa", "-traditional"], false],
  ["PKCS #1 in DER", ["rsa", "-traditional", "-outform", "DER"], false],
  ["encrypted PKCS #8 in PEM", ["pkcs8", "-topk8", ...PASS], true],
  ["encrypted PKCS #8 in DER", ["pkcs8", "-topk8", "-outform", "DER", ...PASS], true],
  ["PKCS #8 encrypted with scrypt and AES-128", ["pkcs8", "-topk8", "-scrypt", "-v2", "aes128", ...PASS], true],
  ...["aes128", "aes192", "aes256", "des3"].map((cipher): [string, string[], boolean] => [
    `PKCS #1 encrypted with ${cipher}`,
    ["rsa", "-traditional", `-${cipher}`, ...PASS],
    true,
  ]),
];
for (const [what, args, encrypted] of FORMS) {
  testWith(["openssl"], `loadSecrets() loads a key file of openssl: ${what}`, () =>
    withKey(async (folder) => {
      await openssl(...args, "-in", `${folder}/key.pem`, "-out", `${folder}/form`);
      await Deno.chmod(`${folder}/form`, 0o600);
      const { entries, complaints } = await load(folder, encrypted ? `form "${PASSPHRASE}"` : "form");
      assert.deepEqual([entries.length, complaints], [1, []]);
      const [{ key }] = entries;
      assert.ok(key.kind === "RSA" && key.path === `${folder}/form`);
      await openSslVerifies(folder, key.key);
      if (!encrypted) return;
      const wrong = await load(folder, "form other");
      assert.deepEqual(wrong.entries, []);
      assert.match(wrong.complaints[0].message, /cannot be decrypted: the passphrase is a wrong one/);
    }));
}

const REFUSED: [what: string, args: string[], message: RegExp][] = [
  [
    "a certificate",
    ["req", "-x509", "-subj", "/CN=west", "-key", "KEY"],
    /it holds a certificate, and no private key$/,
  ],
  ["a public key", ["pkey", "-pubout", "-in", "KEY"], /it holds a public key, and no private key$/],
  ["a key of ECDSA", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], /but none of RSA$/],
  ["a key of ECDSA in DER", [
    "genpkey",
    "-algorithm",
    "EC",
    "-outform",
    "DER",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
  ], /no private key of RSA$/],
  ["a key of ECDSA in its own form", ["ecparam", "-genkey", "-noout", "-name", "prime256v1"], /but none of RSA$/],
  [
    "a cipher that is not read",
    ["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-in", "KEY", ...PASS],
    /is encrypted in a way that is not read; convert it with: openssl pkcs8 -topk8$/,
  ],
];
for (const [what, args, message] of REFUSED) {
  testWith(["openssl"], `loadSecrets() refuses a file of openssl with ${what}`, () =>
    withKey(async (folder) => {
      const words = args.map((word) => word === "KEY" ? `${folder}/key.pem` : word);
      await openssl(...words, "-out", `${folder}/form`);
      await Deno.chmod(`${folder}/form`, 0o600);
      const { entries, complaints } = await load(folder, `form "${PASSPHRASE}"`);
      assert.deepEqual(entries, []);
      assert.match(complaints[0].message, message);
    }));
}
