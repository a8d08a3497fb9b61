/** One RSA public key in the forms of two programs: RFC 3110 in base 64 as in ipsec.conf, and PEM. */
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { decodeRsaPublicKey, encodeRsaPublicKey } from "../../lib/crypto/rsa.ts";

const URL = { alphabet: "base64url", omitPadding: true } as const;

/** @param data `0s...` */
export function pemOf(data: string): string {
  const decoded = decodeRsaPublicKey(Uint8Array.fromBase64(data.slice(2)));
  if (!decoded.ok) throw new Error(decoded.error);
  const { exponent, modulus } = decoded.value;
  const jwk = { kty: "RSA", n: modulus.toBase64(URL), e: exponent.toBase64(URL) };
  return createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" }) as string;
}

/** A new key pair. @returns its private part in PEM, its public one as `0s...` */
export function newKey(bits = 2048): { readonly pem: string; readonly data: string } {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const { n, e } = publicKey.export({ format: "jwk" });
  const data = encodeRsaPublicKey({
    modulus: Uint8Array.fromBase64(n!, URL),
    exponent: Uint8Array.fromBase64(e!, URL),
  });
  return {
    pem: privateKey.export({ type: "pkcs1", format: "pem" }) as string,
    data: `0s${data.toBase64()}`,
  };
}
