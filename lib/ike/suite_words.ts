/**
 * The words of which ike=, esp=, ah= and pfsgroup= are made, as users of FreeS/WAN's algorithm patches, Openswan, libreswan
 * and strongSwan spell them.
 */
import { type GroupName, GROUPS } from "../crypto/dh_groups.ts";
import { suggest } from "../text/suggest.ts";
import type { IkeHashName } from "./suite.ts";

export type Word =
  | { readonly kind: "cipher"; readonly cipher: "3des" | "aes" | "aesgcm"; readonly bits?: number }
  | { readonly kind: "hash"; readonly hash: IkeHashName }
  | { readonly kind: "group"; readonly group: GroupName }
  /** No authenticator: good beside an AEAD only. */
  | { readonly kind: "none" }
  /** Key bits or ICV bits of the word before, or the rest of `sha2-256`. */
  | { readonly kind: "number"; readonly number: number }
  /** `hmac` of `hmac-sha1`. */
  | { readonly kind: "empty" }
  | { readonly kind: "refused"; readonly why: string };

const HASHES: Readonly<Record<string, IkeHashName>> = {
  md5: "md5",
  sha: "sha1",
  sha1: "sha1",
  sha2: "sha2_256",
  sha256: "sha2_256",
  sha2_256: "sha2_256",
  sha384: "sha2_384",
  sha2_384: "sha2_384",
  sha512: "sha2_512",
  sha2_512: "sha2_512",
};
/** Bits of the ICV in ESP and AH; sometimes part of the word. */
export const ICV_BITS: Readonly<Record<IkeHashName, number>> = {
  md5: 96,
  sha1: 96,
  sha2_256: 128,
  sha2_384: 192,
  sha2_512: 256,
};

const MODERN = "use aes256 or aes128";
/** Names that users of other systems may try, and why they get something else. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^des(_?cbc|_iv64|_iv32)?$/, `is single DES, whose 56-bit key can be found by trying all of them; ${MODERN}`],
  [/^(modp768|dh1)$/, "is a group that is broken in practice; use modp2048 or a larger one"],
  [/^(chacha20_?poly1305(compat)?)$/, `has no number in version 1 of IKE; ${MODERN}`],
  [
    /^(curve25519|x25519|dh31|curve448|x448|dh32|ml_?kem_?\d+)$/,
    "is a group of version 2 of IKE; use ecp256 or modp2048",
  ],
  [/^(dh2[234]|modp(1024|2048)s\d+)$/, "is a group whose prime nobody can account for; use modp2048 or a larger one"],
  [/^(dh(2[5-9]|30)|ecp(192|224|\d+bp))$/, "is a group that is not supported; use ecp256 or modp2048"],
  [
    /^aes_?(128|192|256)?_?(gcm|ccm)_?(8|12|64|96|a|b)(_?\d+)?$/,
    "has a short ICV, which RFC 8221 does not want; use aes256gcm16",
  ],
  [
    /^aes_?192_?gcm(_?16|128)?$|^aes_gcm(_16|_c)?_?192$/,
    "is not supported: AES-GCM has keys of 128 or 256 bits; use aes256gcm16",
  ],
  [/^aes\w*(ccm|ctr|gmac)\w*$|^null_auth_aes_gmac$/, `is not supported; ${MODERN}`],
  [/^(aes_?xcbc|aes128_xcbc|aes_?cmac)(_96)?$/, "is an authenticator that is not supported; use sha2_256"],
  [/^(blowfish|cast|camellia|serpent|twofish|idea|rc5|seed)[_\w]*$/, `is not supported; ${MODERN}`],
];

const AES = /^(?:aes|aes_cbc|rijndael)(?:_?(128|192|256))?$/;
const GCM = /^aes_gcm(?:_?16|_c)?(?:_?(128|256))?$|^aes_?(128|256)_?gcm(?:_?16|128)?$/;
const GROUP_NUMBER = /^(?:dh|group)_?(\d+)$/;

/** Canonical spellings, to propose. */
const SPELLINGS: readonly string[] = [
  "3des",
  "aes128",
  "aes192",
  "aes256",
  "aes128gcm16",
  "aes256gcm16",
  ...Object.keys(ICV_BITS),
  ...Object.keys(GROUPS),
];

export function findWord(text: string): Word | undefined {
  const word = text.toLowerCase();
  if (/^\d{2,4}$/.test(word)) return { kind: "number", number: Number(word) };
  if (word === "hmac") return { kind: "empty" };
  if (word === "null" || word === "none") return { kind: "none" };
  if (/^3des(_cbc)?$/.test(word)) return { kind: "cipher", cipher: "3des" };
  const gcm = GCM.exec(word);
  if (gcm) return { kind: "cipher", cipher: "aesgcm", ...bitsOf(gcm[1] ?? gcm[2]) };
  const aes = AES.exec(word);
  if (aes) return { kind: "cipher", cipher: "aes", ...bitsOf(aes[1]) };
  const hash = findHash(word);
  if (hash) return { kind: "hash", hash };
  const group = findGroupWord(word);
  if (group) return { kind: "group", group };
  const refused = REFUSED.find(([pattern]) => pattern.test(word));
  return refused && { kind: "refused", why: refused[1] };
}

function bitsOf(text: string | undefined): { readonly bits?: number } {
  return text === undefined ? {} : { bits: Number(text) };
}

/** `sha2_256`, `hmac_sha2_256_128`. */
function findHash(word: string): IkeHashName | undefined {
  const bare = word.replace(/^hmac_/, "");
  if (Object.hasOwn(HASHES, bare)) return HASHES[bare];
  return (Object.keys(ICV_BITS) as IkeHashName[]).find((hash) => bare === `${hash}_${ICV_BITS[hash]}`);
}

function findGroupWord(word: string): GroupName | undefined {
  const bare = word.replace(/^ecp_/, "ecp");
  if (Object.hasOwn(GROUPS, bare)) return bare as GroupName;
  const number = Number(GROUP_NUMBER.exec(word)?.[1]);
  return (Object.keys(GROUPS) as GroupName[]).find((name) => GROUPS[name].number === number);
}

/** `"aes129" is no algorithm that is known here; did you mean aes128?` */
export function unknownWord(word: string): string {
  const near = suggest(word, SPELLINGS);
  return `"${word}" is no algorithm that is known here${near ? `; did you mean ${near}?` : ""}`;
}
