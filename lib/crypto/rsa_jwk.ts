/** RSA keys as JSON (RFC 7518 §6.3): what node:crypto and WebCrypto import and export. */
import { refuse, type Result } from "../text/result.ts";
import { modulusBits, refuseSize, type RsaPrivateKey, type RsaPublicKey, withoutZeroes } from "./rsa.ts";
import { Secret } from "./secret.ts";

export interface RsaPublicJwk {
  readonly kty: "RSA";
  readonly n: string;
  readonly e: string;
}

/** Everything from `d` on is secret. */
export interface RsaPrivateJwk extends RsaPublicJwk {
  readonly d: string;
  readonly p: string;
  readonly q: string;
  readonly dp: string;
  readonly dq: string;
  readonly qi: string;
}

export function toPublicJwk({ modulus, exponent }: RsaPublicKey): RsaPublicJwk {
  return { kty: "RSA", n: base64Url(modulus), e: base64Url(exponent) };
}

export function toPrivateJwk(key: RsaPrivateKey): RsaPrivateJwk {
  const secret = (part: Secret) => base64Url(part.reveal());
  return {
    ...toPublicJwk(key.publicKey),
    d: secret(key.privateExponent),
    p: secret(key.prime1),
    q: secret(key.prime2),
    dp: secret(key.exponent1),
    dq: secret(key.exponent2),
    qi: secret(key.coefficient),
  };
}

const SECRET_PARTS = ["d", "p", "q", "dp", "dq", "qi"] as const;

/** The form only: whether the numbers make a key, checkRsaKey() tells. */
export function fromPrivateJwk(jwk: Readonly<Record<string, unknown>>): Result<RsaPrivateKey> {
  const publicKey = fromPublicJwk(jwk);
  if (!publicKey.ok) return publicKey;
  const bytes = SECRET_PARTS.map((part) => numberOf(jwk[part]));
  if (!bytes.every((part) => part !== undefined)) return refuse("is no RSA private key with its primes");
  const [privateExponent, prime1, prime2, exponent1, exponent2, coefficient] = bytes.map((part) => new Secret(part));
  return {
    ok: true,
    value: { publicKey: publicKey.value, privateExponent, prime1, prime2, exponent1, exponent2, coefficient },
  };
}

export function fromPublicJwk(jwk: Readonly<Record<string, unknown>>): Result<RsaPublicKey> {
  const [modulus, exponent] = [numberOf(jwk.n), numberOf(jwk.e)];
  if (jwk.kty !== "RSA" || !modulus || !exponent) return refuse("is no RSA key in JSON");
  const refusal = refuseSize(modulusBits({ modulus, exponent }));
  return refusal ? refuse(refusal) : { ok: true, value: { modulus, exponent } };
}

function base64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

function numberOf(text: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  try {
    return withoutZeroes(Uint8Array.fromBase64(text, { alphabet: "base64url" }));
  } catch {
    return undefined;
  }
}
