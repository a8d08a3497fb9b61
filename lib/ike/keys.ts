/**
 * Keys and hashes of IKEv1 (RFC 2409 §5, appendix B), in the letters of the RFC: CKY-I and CKY-R are the cookies, `_b` is
 * the body of a payload without its generic header, M-ID the four bytes of the message ID. The formula stands above its
 * line; secrets go in and come out as {@linkcode Secret}, and what is between is wiped.
 */
import { AUTHENTICATORS, CIPHERS } from "../crypto/algorithms.ts";
import { hash, type HashName, hmac } from "../crypto/hash.ts";
import { Secret } from "../crypto/secret.ts";
import { blockBytes, type IkeCipher } from "./cbc.ts";
import type { IkeSuite, IpsecSuite } from "./suite.ts";

/** What both ends have said in phase 1, each as it was on the wire. */
export interface Phase1Values {
  readonly initiatorCookie: Uint8Array;
  readonly responderCookie: Uint8Array;
  /** Public values of Diffie-Hellman. */
  readonly gxi: Uint8Array;
  readonly gxr: Uint8Array;
  /** Bodies of the nonces. */
  readonly ni: Uint8Array;
  readonly nr: Uint8Array;
}

export interface Phase1Keys {
  readonly skeyid: Secret;
  readonly skeyidD: Secret;
  readonly skeyidA: Secret;
  /** Of the suite's cipher, made from SKEYID_e. */
  readonly encryptionKey: Secret;
}

/** The prf of a suite is the HMAC of its hash (RFC 2409 §4). */
function prf(name: HashName, key: Secret | Uint8Array, ...pieces: readonly Uint8Array[]): Secret {
  const bytes = hmac(name, key, ...pieces);
  const secret = new Secret(bytes);
  bytes.fill(0);
  return secret;
}

/** Authentication with a pre-shared key. */
export function skeyidFromPsk(name: HashName, psk: Secret, { ni, nr }: Pick<Phase1Values, "ni" | "nr">): Secret {
  // SKEYID = prf(pre-shared-key, Ni_b | Nr_b)
  return prf(name, psk, ni, nr);
}

/** Authentication with signatures. */
export function skeyidFromSignatures(
  name: HashName,
  gxy: Secret,
  { ni, nr }: Pick<Phase1Values, "ni" | "nr">,
): Secret {
  const nonces = new Uint8Array([...ni, ...nr]);
  // SKEYID = prf(Ni_b | Nr_b, g^xy)
  return prf(name, nonces, gxy.reveal());
}

/** @param skeyid goes into the result, which owns it from now on */
export function deriveKeys(
  suite: IkeSuite,
  skeyid: Secret,
  gxy: Secret,
  { initiatorCookie, responderCookie }: Pick<Phase1Values, "initiatorCookie" | "responderCookie">,
): Phase1Keys {
  const derive = (before: Secret | undefined, octet: number) =>
    prf(
      suite.hash,
      skeyid,
      before?.reveal() ?? NOTHING,
      gxy.reveal(),
      initiatorCookie,
      responderCookie,
      Uint8Array.of(octet),
    );
  // SKEYID_d = prf(SKEYID, g^xy | CKY-I | CKY-R | 0)
  const skeyidD = derive(undefined, 0);
  // SKEYID_a = prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)
  const skeyidA = derive(skeyidD, 1);
  // SKEYID_e = prf(SKEYID, SKEYID_a | g^xy | CKY-I | CKY-R | 2)
  const skeyidE = derive(skeyidA, 2);
  const encryptionKey = expandEncryptionKey(suite, skeyidE);
  skeyidE.wipe();
  return { skeyid, skeyidD, skeyidA, encryptionKey };
}

const NOTHING = new Uint8Array(0);

/** Appendix B: as many bytes of SKEYID_e, or of Ka where it is too short. */
export function expandEncryptionKey({ hash: name, keyBits }: IkeSuite, skeyidE: Secret): Secret {
  const bytes = keyBits / 8;
  if (skeyidE.length >= bytes) return new Secret(skeyidE.reveal().subarray(0, bytes));
  // Ka = K1 | K2 | K3;  K1 = prf(SKEYID_e, 0);  K2 = prf(SKEYID_e, K1);  K3 = prf(SKEYID_e, K2)
  return chain(bytes, (before) => prf(name, skeyidE, before?.reveal() ?? Uint8Array.of(0)));
}

/** The first `bytes` of K1 | K2 | ..., each of which is made from the one before; wipes them. */
function chain(bytes: number, next: (before: Secret | undefined) => Secret): Secret {
  const joined = new Uint8Array(bytes);
  let k: Secret | undefined;
  for (let at = 0; at < bytes;) {
    const before = k;
    k = next(before);
    before?.wipe();
    joined.set(k.reveal().subarray(0, bytes - at), at);
    at += k.length;
  }
  k?.wipe();
  const secret = new Secret(joined);
  joined.fill(0);
  return secret;
}

/** @param sai body of the initiator's SA payload  @param idii body of the initiator's ID payload; both as on the wire */
export function hashI(name: HashName, skeyid: Secret, values: Phase1Values, sai: Uint8Array, idii: Uint8Array) {
  const { gxi, gxr, initiatorCookie, responderCookie } = values;
  // HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b)
  return hmac(name, skeyid, gxi, gxr, initiatorCookie, responderCookie, sai, idii);
}

/** @param sai body of the initiator's SA payload  @param idir body of the responder's ID payload; both as on the wire */
export function hashR(name: HashName, skeyid: Secret, values: Phase1Values, sai: Uint8Array, idir: Uint8Array) {
  const { gxi, gxr, initiatorCookie, responderCookie } = values;
  // HASH_R = prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b | IDir_b)
  return hmac(name, skeyid, gxr, gxi, responderCookie, initiatorCookie, sai, idir);
}

/** IV of the first encrypted message of phase 1 (appendix B). */
export function firstIv(suite: IkeSuite, { gxi, gxr }: Pick<Phase1Values, "gxi" | "gxr">): Uint8Array<ArrayBuffer> {
  // hash(g^xi | g^xr)
  return cut(suite, hash(suite.hash, gxi, gxr));
}

/**
 * IV of the first message of an exchange under phase 1's protection (appendix B).
 *
 * @param lastIv last block of phase 1
 */
export function messageIv(suite: IkeSuite, lastIv: Uint8Array, messageId: number): Uint8Array<ArrayBuffer> {
  // hash(last phase 1 CBC output block | M-ID)
  return cut(suite, hash(suite.hash, lastIv, fourBytes(messageId)));
}

function cut(cipher: IkeCipher, digest: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return digest.slice(0, blockBytes(cipher));
}

function fourBytes(number: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

/**
 * Of the first message of Quick Mode, and of informational and transaction exchanges.
 *
 * @param rest all that follows the HASH payload, with generic headers and without padding
 */
export function hash1(name: HashName, skeyidA: Secret, messageId: number, rest: Uint8Array) {
  // HASH(1) = prf(SKEYID_a, M-ID | SA | Ni [ | KE ] [ | IDci | IDcr ])
  return hmac(name, skeyidA, fourBytes(messageId), rest);
}

/** @param ni body of the initiator's nonce  @param rest as for {@linkcode hash1} */
export function hash2(name: HashName, skeyidA: Secret, messageId: number, ni: Uint8Array, rest: Uint8Array) {
  // HASH(2) = prf(SKEYID_a, M-ID | Ni_b | SA | Nr [ | KE ] [ | IDci | IDcr ])
  return hmac(name, skeyidA, fourBytes(messageId), ni, rest);
}

export function hash3(
  name: HashName,
  skeyidA: Secret,
  messageId: number,
  { ni, nr }: Pick<Phase1Values, "ni" | "nr">,
) {
  // HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)
  return hmac(name, skeyidA, Uint8Array.of(0), fourBytes(messageId), ni, nr);
}

/** Of one Quick Mode. */
export interface Phase2Values {
  readonly ni: Uint8Array;
  readonly nr: Uint8Array;
  /** g(qm)^xy, with perfect forward secrecy. */
  readonly gqmxy?: Secret;
}

/** RFC 2407 §4.4.1. */
const PROTOCOLS = { ah: 2, esp: 3 } as const;

/** Keys of the SA with this SPI: of a cipher with its salt, as KLIPS takes them (RFC 4106 §8.1), then of the authenticator. */
export function saKeys(
  name: HashName,
  skeyidD: Secret,
  values: Phase2Values,
  suite: IpsecSuite,
  spi: number,
): { readonly cipher?: Secret; readonly auth?: Secret } {
  const cipherBytes = suite.cipher ? CIPHERS[suite.cipher].keyBits / 8 : 0;
  const authBytes = suite.auth ? AUTHENTICATORS[suite.auth].keyBits / 8 : 0;
  const keymat = makeKeymat(name, skeyidD, values, PROTOCOLS[suite.protocol], spi, cipherBytes + authBytes);
  const part = (start: number, end: number) => new Secret(keymat.reveal().subarray(start, end));
  const keys = {
    ...(suite.cipher && { cipher: part(0, cipherBytes) }),
    ...(suite.auth && { auth: part(cipherBytes, cipherBytes + authBytes) }),
  };
  keymat.wipe();
  return keys;
}

/** RFC 2409 §5.5. */
export function makeKeymat(
  name: HashName,
  skeyidD: Secret,
  { ni, nr, gqmxy }: Phase2Values,
  protocol: number,
  spi: number,
  bytes: number,
): Secret {
  const seed = [gqmxy?.reveal() ?? NOTHING, Uint8Array.of(protocol), fourBytes(spi), ni, nr];
  // KEYMAT = K1 | K2 | K3 | ...
  // K1 = prf(SKEYID_d, [ g(qm)^xy | ] protocol | SPI | Ni_b | Nr_b)
  // K2 = prf(SKEYID_d, K1 | [ g(qm)^xy | ] protocol | SPI | Ni_b | Nr_b)
  return chain(bytes, (before) => prf(name, skeyidD, before?.reveal() ?? NOTHING, ...seed));
}
