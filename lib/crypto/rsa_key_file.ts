/**
 * RSA private keys as other programs keep them in files: PKCS #1 and PKCS #8, in PEM or DER, encrypted or not (RFC 7468,
 * RFC 8018). node:crypto takes them apart; what is refused is refused with what to do about it.
 */
import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject } from "node:crypto";
import { refuse, type Result } from "../text/result.ts";
import { checkRsaKey, type RsaPrivateKey } from "./rsa.ts";
import { fromPrivateJwk } from "./rsa_jwk.ts";
import { decodePrivateKey } from "./rsa_pkcs1.ts";
import type { Secret } from "./secret.ts";

export interface RsaKeyFile {
  readonly isEncrypted: boolean;
  /** The key, which must be sound. @param passphrase of an encrypted one; for others it does not matter */
  open(passphrase: Secret | undefined): Result<RsaPrivateKey>;
}

/** First blocks of PEM whose name ends so are looked for; others, certificates for one, may stand before it. */
const KEY_BLOCK = /-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----[^]*?-----END \1-----/;
const ANY_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----/;
/** Headers of the encryption that came before PKCS #8 (RFC 1421 §4.6.1.1). */
const ENCRYPTED_HEADER = /^Proc-Type: *4, *ENCRYPTED/m;
const SEQUENCE = 0x30;

const CONVERT = "convert it with: openssl pkcs8 -topk8";

/** Why a block of PEM with another name is of no use. */
const OTHER_BLOCKS: readonly [name: RegExp, why: string][] = [
  [/^OPENSSH PRIVATE KEY$/, "is in OpenSSH's own form; convert a copy of it with: ssh-keygen -p -m PEM -f FILE"],
  [/^PGP /, "is a key of OpenPGP, which is not read; make a file of it that openssl reads"],
  [/PRIVATE KEY$/, "holds a private key, but none of RSA"],
  [/CERTIFICATE$/, "holds a certificate, and no private key"],
  [/PUBLIC KEY$/, "holds a public key, and no private key"],
];

/** Borrows `bytes` until the key has been opened. */
export function parseRsaKeyFile(bytes: Uint8Array): Result<RsaKeyFile> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  const [block, name] = KEY_BLOCK.exec(text) ?? [];
  if (block && /^(RSA |ENCRYPTED )?PRIVATE KEY$/.test(name)) return { ok: true, value: pemFile(block, name) };
  const other = name ?? ANY_BLOCK.exec(text)?.[1];
  if (other) {
    const isCut = /^(RSA |ENCRYPTED )?PRIVATE KEY$/.test(other);
    const why = isCut ? "breaks off before its END line" : OTHER_BLOCKS.find(([pattern]) => pattern.test(other))?.[1];
    return refuse(why ?? "holds no private key");
  }
  return bytes[0] === SEQUENCE ? { ok: true, value: derFile(bytes) } : refuse("is no private key in PEM or DER");
}

function pemFile(block: string, name: string): RsaKeyFile {
  return encryptable(
    name === "ENCRYPTED PRIVATE KEY" || ENCRYPTED_HEADER.test(block),
    (passphrase) => createPrivateKey({ key: block, format: "pem", passphrase }),
  );
}

function derFile(bytes: Uint8Array): RsaKeyFile {
  const pkcs1 = decodePrivateKey(bytes);
  if (pkcs1.ok) return { isEncrypted: false, open: () => sound(pkcs1.value) };
  const key = Buffer.from(bytes);
  return encryptable(
    isEncryptedPkcs8(bytes),
    (passphrase) => createPrivateKey({ key, format: "der", type: "pkcs8", passphrase }),
  );
}

/** EncryptedPrivateKeyInfo begins with an algorithm, PrivateKeyInfo with a version number (RFC 5958 §2, §3). */
function isEncryptedPkcs8(der: Uint8Array): boolean {
  const header = der[1] & 0x80 ? 2 + (der[1] & 0x7f) : 2;
  return der[header] === SEQUENCE;
}

function encryptable(isEncrypted: boolean, import_: (passphrase: Buffer | undefined) => KeyObject): RsaKeyFile {
  return {
    isEncrypted,
    open(passphrase) {
      if (isEncrypted && !passphrase) return refuse("is encrypted, and no passphrase is given");
      let key: KeyObject;
      try {
        key = import_(isEncrypted ? Buffer.from(passphrase!.reveal()) : undefined);
      } catch (error) {
        return refuse(isEncrypted ? whyLocked(error) : "is damaged, or no private key of RSA");
      }
      if (key.asymmetricKeyType !== "rsa") return refuse("holds a private key, but none of RSA");
      const numbers = fromPrivateJwk({ ...key.export({ format: "jwk" }) });
      return numbers.ok ? sound(numbers.value) : numbers;
    },
  };
}

/** OpenSSL's word for a cipher, or a whole form, that it does not have. */
function whyLocked(error: unknown): string {
  return /unsupported/i.test((error as Error).message)
    ? `is encrypted in a way that is not read; ${CONVERT}`
    : "cannot be decrypted: the passphrase is a wrong one, or the file is damaged";
}

function sound(key: RsaPrivateKey): Result<RsaPrivateKey> {
  const complaints = checkRsaKey(key);
  return complaints.length ? refuse(`is no sound RSA key: ${complaints.join(", ")}`) : { ok: true, value: key };
}
