/**
 * Wire numbers of the algorithms of IKE version 1 and of the SAs that it negotiates (IANA: `ipsec-registry` for phase 1,
 * `isakmp-registry` for phase 2), and their names in logs. A suite is found by its numbers, and its numbers by the suite.
 *
 * ChaCha20-Poly1305 is not here: RFC 7634 gave it a number for version 2 only, and no other implementation has it in
 * version 1.
 */
import type { AuthName, CipherName } from "../crypto/algorithms.ts";
import { type GroupName, GROUPS } from "../crypto/dh_groups.ts";
import { namer } from "./constants.ts";
import type { AuthMethod, IkeCipherName, IkeHashName } from "./suite.ts";

/** RFC 2409 appendix A, and what was registered later: ours and those that are refused by name. */
const OAKLEY_CIPHERS = {
  DES_CBC: 1,
  IDEA_CBC: 2,
  BLOWFISH_CBC: 3,
  RC5_R16_B64_CBC: 4,
  "3DES_CBC": 5,
  CAST_CBC: 6,
  AES_CBC: 7,
  CAMELLIA_CBC: 8,
} as const;
const OAKLEY_HASHES = { MD5: 1, SHA: 2, TIGER: 3, SHA2_256: 4, SHA2_384: 5, SHA2_512: 6 } as const;
const OAKLEY_AUTHS = {
  PRESHARED_KEY: 1,
  DSS_SIG: 2,
  RSA_SIG: 3,
  RSA_ENC: 4,
  RSA_ENC_REV: 5,
  ECDSA_SIG: 8,
  ECDSA_P256: 9,
  ECDSA_P384: 10,
  ECDSA_P521: 11,
  HYBRID_INIT_RSA: 64221,
  HYBRID_RESP_RSA: 64222,
  XAUTH_INIT_PRESHARED: 65001,
  XAUTH_RESP_PRESHARED: 65002,
  XAUTH_INIT_DSS: 65003,
  XAUTH_RESP_DSS: 65004,
  XAUTH_INIT_RSA: 65005,
  XAUTH_RESP_RSA: 65006,
} as const;
const OAKLEY_GROUPS: Readonly<Record<string, number>> = {
  MODP768: 1,
  GP155: 3,
  GP185: 4,
  ...Object.fromEntries(Object.entries(GROUPS).map(([name, { number }]) => [name.toUpperCase(), number])),
};
const ESP_TRANSFORMS = {
  DES_IV64: 1,
  DES: 2,
  "3DES": 3,
  RC5: 4,
  IDEA: 5,
  CAST: 6,
  BLOWFISH: 7,
  "3IDEA": 8,
  DES_IV32: 9,
  RC4: 10,
  NULL: 11,
  AES: 12,
  AES_CTR: 13,
  AES_CCM_8: 14,
  AES_CCM_12: 15,
  AES_CCM_16: 16,
  AES_GCM_8: 18,
  AES_GCM_12: 19,
  AES_GCM_16: 20,
  SEED_CBC: 21,
  CAMELLIA: 22,
  NULL_AUTH_AES_GMAC: 23,
} as const;
const AH_TRANSFORMS = { MD5: 2, SHA: 3, DES: 4, SHA2_256: 5, SHA2_384: 6, SHA2_512: 7 } as const;
const AUTH_ALGORITHMS = {
  HMAC_MD5: 1,
  HMAC_SHA1: 2,
  DES_MAC: 3,
  KPDK: 4,
  HMAC_SHA2_256: 5,
  HMAC_SHA2_384: 6,
  HMAC_SHA2_512: 7,
} as const;

export const oakleyCipherName: (value: number) => string = namer(OAKLEY_CIPHERS, "OAKLEY_");
export const oakleyHashName: (value: number) => string = namer(OAKLEY_HASHES, "OAKLEY_");
export const oakleyAuthName: (value: number) => string = namer(OAKLEY_AUTHS, "OAKLEY_");
export const oakleyGroupName: (value: number) => string = namer(OAKLEY_GROUPS, "OAKLEY_GROUP_");
export const espTransformName: (value: number) => string = namer(ESP_TRANSFORMS, "ESP_");
export const ahTransformName: (value: number) => string = namer(AH_TRANSFORMS, "AH_");
export const authAlgorithmName: (value: number) => string = namer(AUTH_ALGORITHMS, "AUTH_ALGORITHM_");

interface IkeCipherRow {
  readonly number: number;
  readonly keyBits: readonly number[];
  /** KEY_LENGTH stands beside it; ciphers with one length have none (RFC 2409 appendix A). */
  readonly hasKeyLength: boolean;
  /** Only where a connection names it, or `legacy=yes`. */
  readonly legacy: boolean;
}

export const IKE_CIPHERS = {
  "3des": { number: OAKLEY_CIPHERS["3DES_CBC"], keyBits: [192], hasKeyLength: false, legacy: true },
  aes: { number: OAKLEY_CIPHERS.AES_CBC, keyBits: [128, 192, 256], hasKeyLength: true, legacy: false },
} as const satisfies Record<IkeCipherName, IkeCipherRow>;

export const IKE_HASHES = {
  md5: { number: OAKLEY_HASHES.MD5, legacy: true },
  sha1: { number: OAKLEY_HASHES.SHA, legacy: true },
  sha2_256: { number: OAKLEY_HASHES.SHA2_256, legacy: false },
  sha2_384: { number: OAKLEY_HASHES.SHA2_384, legacy: false },
  sha2_512: { number: OAKLEY_HASHES.SHA2_512, legacy: false },
} as const satisfies Record<IkeHashName, { readonly number: number; readonly legacy: boolean }>;

/** Whose password is asked for, too, after phase 1 (draft-beaulieu-ike-xauth-02 §7.2). */
export type XauthSide = "initiator" | "responder";

const AUTH_NUMBERS: Readonly<Record<AuthMethod, Readonly<Record<XauthSide | "none", number>>>> = {
  psk: {
    none: OAKLEY_AUTHS.PRESHARED_KEY,
    initiator: OAKLEY_AUTHS.XAUTH_INIT_PRESHARED,
    responder: OAKLEY_AUTHS.XAUTH_RESP_PRESHARED,
  },
  rsasig: {
    none: OAKLEY_AUTHS.RSA_SIG,
    initiator: OAKLEY_AUTHS.XAUTH_INIT_RSA,
    responder: OAKLEY_AUTHS.XAUTH_RESP_RSA,
  },
};

export function authNumber(auth: AuthMethod, xauth?: XauthSide): number {
  return AUTH_NUMBERS[auth][xauth ?? "none"];
}

export function findAuth(number: number): { readonly auth: AuthMethod; readonly xauth?: XauthSide } | undefined {
  for (const auth of ["psk", "rsasig"] as const) {
    for (const xauth of [undefined, "initiator", "responder"] as const) {
      if (authNumber(auth, xauth) === number) return { auth, xauth };
    }
  }
  return undefined;
}

export function findGroup(number: number): GroupName | undefined {
  return (Object.keys(GROUPS) as GroupName[]).find((name) => GROUPS[name].number === number);
}

export function findIkeHash(number: number): IkeHashName | undefined {
  return (Object.keys(IKE_HASHES) as IkeHashName[]).find((name) => IKE_HASHES[name].number === number);
}

/** Of AES where KEY_LENGTH is missing, as with peers that follow an early draft of RFC 3602. */
const AES_KEY_BITS = 128;

/** @param keyLength KEY_LENGTH, where there is one */
export function findIkeCipher(
  number: number,
  keyLength?: number,
): { readonly cipher: IkeCipherName; readonly keyBits: number } | undefined {
  const cipher = (Object.keys(IKE_CIPHERS) as IkeCipherName[]).find((name) => IKE_CIPHERS[name].number === number);
  if (!cipher) return undefined;
  const lengths: readonly number[] = IKE_CIPHERS[cipher].keyBits;
  const keyBits = keyLength ?? (cipher === "aes" ? AES_KEY_BITS : lengths[0]);
  return lengths.includes(keyBits) ? { cipher, keyBits } : undefined;
}

export interface EspNumbers {
  readonly id: number;
  /** KEY_LENGTH, without the salt (RFC 4106 §8.1); none for ciphers with one length. */
  readonly keyLength?: number;
}

/** None for what version 1 cannot express. */
export const ESP_NUMBERS: Readonly<Record<CipherName, EspNumbers | undefined>> = {
  "3des": { id: ESP_TRANSFORMS["3DES"] },
  aes128: { id: ESP_TRANSFORMS.AES, keyLength: 128 },
  aes192: { id: ESP_TRANSFORMS.AES, keyLength: 192 },
  aes256: { id: ESP_TRANSFORMS.AES, keyLength: 256 },
  aes128gcm16: { id: ESP_TRANSFORMS.AES_GCM_16, keyLength: 128 },
  aes256gcm16: { id: ESP_TRANSFORMS.AES_GCM_16, keyLength: 256 },
  chacha20poly1305: undefined,
};

/** @param keyLength KEY_LENGTH, where there is one */
export function findEspCipher(id: number, keyLength?: number): CipherName | undefined {
  const wanted = keyLength ??
    (id === ESP_TRANSFORMS.AES ? AES_KEY_BITS : id === ESP_TRANSFORMS["3DES"] ? 192 : undefined);
  return (Object.keys(ESP_NUMBERS) as CipherName[]).find((name) => {
    const numbers = ESP_NUMBERS[name];
    return numbers?.id === id && (numbers.keyLength ?? 192) === wanted;
  });
}

/** AH's transform, and AUTH_ALGORITHM, which ESP has too (RFC 2407 §4.4.3, §4.5; RFC 4868 §4). */
export const AUTH_PAIRS: Readonly<Record<AuthName, { readonly ah: number; readonly algorithm: number }>> = {
  "md5-96": { ah: AH_TRANSFORMS.MD5, algorithm: AUTH_ALGORITHMS.HMAC_MD5 },
  "sha1-96": { ah: AH_TRANSFORMS.SHA, algorithm: AUTH_ALGORITHMS.HMAC_SHA1 },
  "sha2_256-128": { ah: AH_TRANSFORMS.SHA2_256, algorithm: AUTH_ALGORITHMS.HMAC_SHA2_256 },
  "sha2_384-192": { ah: AH_TRANSFORMS.SHA2_384, algorithm: AUTH_ALGORITHMS.HMAC_SHA2_384 },
  "sha2_512-256": { ah: AH_TRANSFORMS.SHA2_512, algorithm: AUTH_ALGORITHMS.HMAC_SHA2_512 },
};

/** By AUTH_ALGORITHM. */
export function findAuthenticator(algorithm: number): AuthName | undefined {
  return (Object.keys(AUTH_PAIRS) as AuthName[]).find((name) => AUTH_PAIRS[name].algorithm === algorithm);
}
