/** RSA public keys as other programs keep them in files: SubjectPublicKeyInfo and PKCS #1 in PEM, or a certificate with one. */
import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject } from "node:crypto";
import { refuse, type Result } from "../text/result.ts";
import type { RsaPublicKey } from "./rsa.ts";
import { fromPublicJwk, toPublicJwk } from "./rsa_jwk.ts";

const PUBLIC_BLOCK = /-----BEGIN ((?:RSA )?PUBLIC KEY|CERTIFICATE)-----[^]*?-----END \1-----/;

/** SubjectPublicKeyInfo in PEM (RFC 7468 §13). */
export function formatPublicKeyPem(key: RsaPublicKey): string {
  return createPublicKey({ key: { ...toPublicJwk(key) }, format: "jwk" }).export({ type: "spki", format: "pem" })
    .toString();
}

/** The first public key, or that of the first certificate. Of a certificate nothing else is looked at, nor believed. */
export function parsePublicKeyPem(text: string): Result<RsaPublicKey> {
  const [block] = PUBLIC_BLOCK.exec(text) ?? [];
  if (!block) {
    return refuse(
      /PRIVATE KEY-----/.test(text)
        ? "holds a private key; its public one is made with: openssl pkey -pubout"
        : "holds no public key in PEM",
    );
  }
  let key: KeyObject;
  try {
    key = createPublicKey(Buffer.from(block));
  } catch {
    return refuse("is damaged, or no public key");
  }
  return key.asymmetricKeyType === "rsa"
    ? fromPublicJwk({ ...key.export({ format: "jwk" }) })
    : refuse("holds a public key, but none of RSA");
}
