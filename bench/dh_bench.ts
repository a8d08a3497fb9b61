/**
 * What IKE's exchanges cost of the processor: Diffie-Hellman and RSA here, in BigInt, and in node:crypto:
 * `deno bench -A bench/dh_bench.ts`, or with `--filter modp2048`. OpenSSL's figures beside them:
 * `openssl speed ffdh2048 ffdh3072 ffdh4096 ecdhp256 ecdhp384 ecdhp521 rsa2048 rsa4096` (its exponents for 2048 bits
 * have 225 bits).
 */
import { Buffer } from "node:buffer";
import { constants, createDiffieHellman, createPrivateKey, privateEncrypt } from "node:crypto";
import { numberToBytes } from "../lib/crypto/big_number.ts";
import { makeDh } from "../lib/crypto/dh.ts";
import { type GroupName, GROUPS } from "../lib/crypto/dh_groups.ts";
import { EXPONENT_BITS, fastModp, plainModp } from "../lib/crypto/modp.ts";
import type { ModpName } from "../lib/crypto/modp_prime.ts";
import { generateRsaKey } from "../lib/crypto/rsa_generate.ts";
import { encodePrivateKey } from "../lib/crypto/rsa_pkcs1.ts";
import { signHash, verifySignature } from "../lib/ike/rsa_signature.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

for (const group of Object.keys(GROUPS) as GroupName[]) benchExchange(group);
for (const group of Object.keys(EXPONENT_BITS) as ModpName[]) benchPowers(group);
for (const bits of [1024, 2048, 4096]) benchSignatures(bits);

/** What one end has to do. */
function benchExchange(group: GroupName): void {
  const peer = makeDh(group, random).publicValue;
  Deno.bench(`${group} whole exchange`, { group: "exchange" }, () => {
    const ours = makeDh(group, random);
    if (!ours.agree(peer)) throw new Error(`${group} refuses a good value`);
    ours.wipe();
  });
}

function benchPowers(name: ModpName): void {
  const plain = plainModp(name);
  const exponent = random(EXPONENT_BITS[name] / 8);
  const base = plain.powerOfTwo(random(EXPONENT_BITS[name] / 8));
  const [of, ofTwo] = [{ group: `${name} power` }, { group: `${name} power of 2` }];
  const fast = fastModp(name);
  if (fast) {
    Deno.bench(`${name} power, WebAssembly`, of, () => void fast.power(base, exponent));
    Deno.bench(`${name} power of 2, comb`, ofTwo, () => void fast.powerOfTwo(exponent));
  }
  Deno.bench(`${name} power, BigInt`, of, () => void plain.power(base, exponent));
  Deno.bench(`${name} power of 2, BigInt`, ofTwo, () => void plain.powerOfTwo(exponent));
  const node = createDiffieHellman(numberToBytes(plain.prime), Uint8Array.of(2));
  node.setPrivateKey(exponent);
  const value = numberToBytes(base);
  Deno.bench(`${name} power, node:crypto`, of, () => void node.computeSecret(value));
}

function benchSignatures(bits: number): void {
  const key = generateRsaKey({ bits, rounds: 2, seed: random, random });
  const hash = random(32);
  const signature = signHash(key, hash, random)!;
  const der = { key: Buffer.from(encodePrivateKey(key)), format: "der", type: "pkcs1" } as const;
  const node = createPrivateKey(der);
  Deno.bench(`RSA ${bits} sign`, { group: `RSA ${bits}` }, () => void signHash(key, hash, random));
  Deno.bench(`RSA ${bits} sign, node:crypto`, { group: `RSA ${bits}` }, () => {
    privateEncrypt({ key: node, padding: constants.RSA_PKCS1_PADDING }, hash);
  });
  Deno.bench(`RSA ${bits} verify`, { group: `RSA ${bits} verify` }, () => {
    if (!verifySignature(key.publicKey, hash, signature)) throw new Error("a signature is refused");
  });
}
