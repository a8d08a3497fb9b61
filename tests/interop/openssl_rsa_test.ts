/** RSA keys: the openssl(1) command finds ours sound and signs with them, and we read what it makes. */
import assert from "node:assert/strict";
import { newhostkey } from "../../commands/newhostkey.ts";
import { readSecrets } from "../../lib/config/secrets.ts";
import { formatRsaRecord } from "../../lib/config/secrets_format.ts";
import { bytesToNumber, numberToBytes, powerModulo } from "../../lib/crypto/big_number.ts";
import { checkRsaKey, type RsaPublicKey } from "../../lib/crypto/rsa.ts";
import { decodePrivateKey, encodePrivateKey } from "../../lib/crypto/rsa_pkcs1.ts";
import { secretsFiles } from "../../lib/system/secrets_files.ts";
import { testWith } from "./_needs.ts";

/** @returns what openssl printed, as bytes */
async function openssl(...args: string[]): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return stdout;
}

/** The hash within a signature (RFC 8017 §8.2.2): what is left of s**e after padding and prefix. */
function signedHash({ exponent, modulus }: RsaPublicKey, signature: Uint8Array, hashBytes: number): string {
  const [s, e, n] = [signature, exponent, modulus].map(bytesToNumber);
  return numberToBytes(powerModulo(s, e, n)).subarray(-hashBytes).toHex();
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "oneswan-openssl-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const bits of [1024, 2192, 3072]) {
  testWith(
    ["openssl"],
    `openssl finds a key of newhostkey with ${bits} bits sound, and signs with it`,
    () =>
      inFolder(async (folder) => {
        const [secrets, pem, text] = ["secrets", "key.der", "text"].map((name) => `${folder}/${name}`);
        const quiet = { stdout: () => {}, stderr: () => {}, stdoutIsTerminal: false, env: () => undefined };
        assert.equal(await newhostkey.run(["--output", secrets, "--bits", `${bits}`], quiet), 0);
        const [{ key }] = readSecrets(secrets, secretsFiles).entries;
        assert.ok(key.kind === "RSA");
        await Deno.writeFile(pem, encodePrivateKey(key.key));
        const printed = await openssl("rsa", "-inform", "DER", "-in", pem, "-check", "-noout", "-modulus");
        const modulus = key.key.publicKey.modulus.toHex().toUpperCase();
        assert.equal(new TextDecoder().decode(printed), `Modulus=${modulus}\nRSA key ok\n`);

        await Deno.writeTextFile(text, "signed");
        const signature = await openssl("dgst", "-sha256", "-keyform", "DER", "-sign", pem, text);
        const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("signed")));
        assert.equal(signedHash(key.key.publicKey, signature, hash.length), hash.toHex());
      }),
  );
}

for (const exponent of [3, 65537]) {
  testWith(
    ["openssl"],
    `readSecrets() takes a key that openssl made with the exponent ${exponent}`,
    () =>
      inFolder(async (folder) => {
        const [pem, der, secrets] = ["key.pem", "key.der", "secrets"].map((name) => `${folder}/${name}`);
        const options = ["rsa_keygen_bits:2048", `rsa_keygen_pubexp:${exponent}`].flatMap((one) => ["-pkeyopt", one]);
        await openssl("genpkey", "-algorithm", "RSA", ...options, "-out", pem);
        await openssl("rsa", "-in", pem, "-traditional", "-outform", "DER", "-out", der);
        const decoded = decodePrivateKey(await Deno.readFile(der));
        assert.ok(decoded.ok);
        assert.deepEqual(checkRsaKey(decoded.value), []);
        await Deno.writeTextFile(secrets, formatRsaRecord(decoded.value, "RSA 2048 bits   west   of openssl"), {
          mode: 0o600,
        });
        const { entries, complaints } = readSecrets(secrets, secretsFiles);
        assert.deepEqual([entries.length, complaints], [1, []]);
      }),
  );
}
