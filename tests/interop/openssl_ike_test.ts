/** The openssl(1) command agrees with our exchanges of Diffie-Hellman and with our signatures of IKE. */
import assert from "node:assert/strict";
import { fixedBytes, numberToBytes } from "../../lib/crypto/big_number.ts";
import { makeDh } from "../../lib/crypto/dh.ts";
import { type GroupName, GROUPS } from "../../lib/crypto/dh_groups.ts";
import { HASHES, type HashName } from "../../lib/crypto/hash.ts";
import { type ModpName, modpPrime } from "../../lib/crypto/modp_prime.ts";
import { decodePrivateKey, encodePublicKey } from "../../lib/crypto/rsa_pkcs1.ts";
import { signHash, verifySignature } from "../../lib/ike/rsa_signature.ts";
import { testWith } from "./_needs.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** @returns what openssl printed, as bytes */
async function openssl(...args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new Uint8Array(stdout);
}

async function inFolder(run: (file: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "oneswan-openssl-" });
  try {
    await run((name) => `${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** One element of DER, of any length. */
function der(tag: number, ...content: (Uint8Array | number[])[]): Uint8Array {
  const body = content.flatMap((part) => [...part]);
  const length = body.length < 0x80 ? [body.length] : ((bytes) => [0x80 | bytes.length, ...bytes])([
    ...numberToBytes(BigInt(body.length)),
  ]);
  return Uint8Array.of(tag, ...length, ...body);
}

const integer = (number: bigint) => {
  const bytes = numberToBytes(number);
  return der(0x02, bytes[0] & 0x80 ? [0] : [], bytes);
};

/** SubjectPublicKeyInfo (RFC 5280 §4.1) of PKCS #3. */
function encodeDhKey(group: ModpName, value: Uint8Array): Uint8Array {
  const dhKeyAgreement = der(0x06, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1]);
  const parameters = der(0x30, integer(modpPrime(group)), integer(2n));
  const y = integer(BigInt(`0x${value.toHex()}`));
  return der(0x30, der(0x30, dhKeyAgreement, parameters), der(0x03, [0], y));
}

/** The public value in what openssl prints of a key; before a point it has one byte more. */
function publicValue(group: GroupName, printed: Uint8Array): Uint8Array {
  const [, lines] = /pub(?:lic-key)?:\n((?: +[0-9a-f:]+\n)+)/.exec(new TextDecoder().decode(printed))!;
  const { publicBytes } = GROUPS[group];
  const number = BigInt(`0x${lines.replace(/[^0-9a-f]/g, "")}`);
  return fixedBytes(BigInt.asUintN(8 * publicBytes, number), publicBytes);
}

const OPENSSL_GROUPS: [group: GroupName, options: string[]][] = [
  ["modp1536", ["-algorithm", "DH", "-pkeyopt", "group:modp_1536"]],
  ["modp2048", ["-algorithm", "DH", "-pkeyopt", "group:modp_2048"]],
  ["modp3072", ["-algorithm", "DH", "-pkeyopt", "group:modp_3072"]],
  ["modp4096", ["-algorithm", "DH", "-pkeyopt", "group:modp_4096"]],
  ["modp6144", ["-algorithm", "DH", "-pkeyopt", "group:modp_6144"]],
  ["modp8192", ["-algorithm", "DH", "-pkeyopt", "group:modp_8192"]],
  ["ecp256", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]],
  ["ecp384", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]],
  ["ecp521", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]],
];
for (const [group, options] of OPENSSL_GROUPS) {
  testWith(["openssl"], `openssl and makeDh() agree in ${group}`, () =>
    inFolder(async (file) => {
      await openssl("genpkey", ...options, "-out", file("peer.pem"));
      const peer = await openssl("pkey", "-in", file("peer.pem"), "-pubout", "-outform", "DER");
      const ours = makeDh(group, random);
      const encoded = GROUPS[group].kind === "modp"
        ? encodeDhKey(group as ModpName, ours.publicValue)
        : Uint8Array.of(...peer.subarray(0, -ours.publicValue.length), ...ours.publicValue);
      await Deno.writeFile(file("ours.der"), encoded);
      const padded = GROUPS[group].kind === "modp" ? ["-pkeyopt", "dh_pad:1"] : [];
      const theirs = await openssl(
        ...["pkeyutl", "-derive", "-inkey", file("peer.pem")],
        ...["-peerkey", file("ours.der"), "-peerform", "DER", ...padded],
      );
      const printed = await openssl("pkey", "-in", file("peer.pem"), "-noout", "-text_pub");
      const secret = ours.agree(publicValue(group, printed));
      assert.ok(secret);
      assert.equal(secret.reveal().toHex(), theirs.toHex());
    }));
}

for (const [bits, exponent] of [[1024, 3], [2048, 65537], [2192, 3], [4096, 65537]]) {
  testWith(
    ["openssl"],
    `openssl verifies our signatures with ${bits} bits, and we its, without the name of a hash`,
    () =>
      inFolder(async (file) => {
        const size = ["-pkeyopt", `rsa_keygen_bits:${bits}`, "-pkeyopt", `rsa_keygen_pubexp:${exponent}`];
        await openssl("genpkey", "-algorithm", "RSA", ...size, "-out", file("key.pem"));
        const key = decodePrivateKey(await openssl("rsa", "-in", file("key.pem"), "-traditional", "-outform", "DER"));
        assert.ok(key.ok);
        await Deno.writeFile(file("public.der"), encodePublicKey(key.value.publicKey));
        const spki = ["rsa", "-RSAPublicKey_in", "-inform", "DER", "-in", file("public.der"), "-pubout"];
        await openssl(...spki, "-out", file("public.pem"));
        const padding = ["-pkeyopt", "rsa_padding_mode:pkcs1"];
        for (const name of Object.keys(HASHES) as HashName[]) {
          const digest = random(HASHES[name].bytes);
          await Deno.writeFile(file("hash"), digest);
          await Deno.writeFile(file("signature"), signHash(key.value, digest, random)!);
          const recover = ["pkeyutl", "-verifyrecover", "-pubin", "-inkey", file("public.pem"), ...padding];
          assert.equal((await openssl(...recover, "-in", file("signature"))).toHex(), digest.toHex(), name);
          const sign = ["pkeyutl", "-sign", "-inkey", file("key.pem"), ...padding, "-in", file("hash")];
          assert.ok(verifySignature(key.value.publicKey, digest, await openssl(...sign)), name);
        }
      }),
  );
}
