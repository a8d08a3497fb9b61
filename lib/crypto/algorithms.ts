/**
 * The algorithms of KLIPS, one row each: everything that printing, checking and wire numbers need.
 *
 * `pfkey` numbers are those of RFC 2367 §3.5 and, for later algorithms, of the IANA IPsec registries as every
 * PF_KEY implementation uses them. Key lengths are in bits; an AEAD's key includes its 4-byte salt (RFC 4106 §8.1,
 * RFC 7634 §2).
 */

export interface CipherRow {
  /** Key length in bits, salt included for an AEAD. */
  readonly keyBits: number;
  /** IV on the wire, in bytes. */
  readonly ivBytes: number;
  /** What the plaintext with its trailer is padded to, in bytes. */
  readonly blockBytes: number;
  /** Bytes of salt at the end of the key; 0 for a cipher that is not an AEAD. */
  readonly saltBytes: number;
  /** ICV of an AEAD, in bytes; 0 for a cipher that needs an authenticator. */
  readonly icvBytes: number;
  readonly pfkey: number;
  /** As `ipsec spi` lists it. */
  readonly listing: string;
}

export const CIPHERS = {
  "3des": { keyBits: 192, ivBytes: 8, blockBytes: 8, saltBytes: 0, icvBytes: 0, pfkey: 3, listing: "3DES" },
  aes128: { keyBits: 128, ivBytes: 16, blockBytes: 16, saltBytes: 0, icvBytes: 0, pfkey: 12, listing: "AES" },
  aes192: { keyBits: 192, ivBytes: 16, blockBytes: 16, saltBytes: 0, icvBytes: 0, pfkey: 12, listing: "AES" },
  aes256: { keyBits: 256, ivBytes: 16, blockBytes: 16, saltBytes: 0, icvBytes: 0, pfkey: 12, listing: "AES" },
  aes128gcm16: {
    keyBits: 160,
    ivBytes: 8,
    blockBytes: 4,
    saltBytes: 4,
    icvBytes: 16,
    pfkey: 20,
    listing: "AES_GCM_16",
  },
  aes256gcm16: {
    keyBits: 288,
    ivBytes: 8,
    blockBytes: 4,
    saltBytes: 4,
    icvBytes: 16,
    pfkey: 20,
    listing: "AES_GCM_16",
  },
  chacha20poly1305: {
    keyBits: 288,
    ivBytes: 8,
    blockBytes: 4,
    saltBytes: 4,
    icvBytes: 16,
    pfkey: 28,
    listing: "CHACHA20_POLY1305",
  },
} as const satisfies Record<string, CipherRow>;

export type CipherName = keyof typeof CIPHERS;
export type AeadName = "aes128gcm16" | "aes256gcm16" | "chacha20poly1305";
export type CbcName = Exclude<CipherName, AeadName>;

export interface AuthRow {
  readonly keyBits: number;
  /** Full digest, in bits (`alen=` of the listing). */
  readonly digestBits: number;
  /** ICV on the wire, in bytes. */
  readonly icvBytes: number;
  readonly pfkey: number;
  readonly listing: string;
}

export const AUTHENTICATORS = {
  "md5-96": { keyBits: 128, digestBits: 128, icvBytes: 12, pfkey: 2, listing: "HMAC_MD5" },
  "sha1-96": { keyBits: 160, digestBits: 160, icvBytes: 12, pfkey: 3, listing: "HMAC_SHA1" },
  "sha2_256-128": { keyBits: 256, digestBits: 256, icvBytes: 16, pfkey: 5, listing: "HMAC_SHA2_256" },
  "sha2_384-192": { keyBits: 384, digestBits: 384, icvBytes: 24, pfkey: 6, listing: "HMAC_SHA2_384" },
  "sha2_512-256": { keyBits: 512, digestBits: 512, icvBytes: 32, pfkey: 7, listing: "HMAC_SHA2_512" },
} as const satisfies Record<string, AuthRow>;

export type AuthName = keyof typeof AUTHENTICATORS;

export function isAead(cipher: CipherName): cipher is AeadName {
  return CIPHERS[cipher].icvBytes > 0;
}
