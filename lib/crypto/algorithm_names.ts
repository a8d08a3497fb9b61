/** The algorithm names of `ipsec spi --esp` and `--ah`, esp= and ah=: what they stand for, and why some are refused. */
import { AUTHENTICATORS, type AuthName, type CbcName, type CipherName, CIPHERS, isAead } from "./algorithms.ts";

export interface Algorithms {
  readonly cipher: CipherName | undefined;
  readonly auth: AuthName | undefined;
}

const CIPHER_NAMES = Object.keys(CIPHERS) as CipherName[];
const AUTH_NAMES = Object.keys(AUTHENTICATORS) as AuthName[];
export const AEAD_NAMES = CIPHER_NAMES.filter(isAead);
export const CBC_NAMES = CIPHER_NAMES.filter((name): name is CbcName => !isAead(name));

/** `3des-md5-96`, `aes128gcm16`, ...: a CBC cipher with its authenticator, or an AEAD alone. */
export const ESP_ALGORITHMS: ReadonlyMap<string, Algorithms> = new Map([
  ...CBC_NAMES.flatMap((cipher) =>
    AUTH_NAMES.map((auth): [string, Algorithms] => [`${cipher}-${auth}`, { cipher, auth }])
  ),
  ...AEAD_NAMES.map((cipher): [string, Algorithms] => [cipher, { cipher, auth: undefined }]),
]);

/** `sha2_256-128` and the like, and FreeS/WAN's `hmac-md5-96`, `hmac-sha1-96`. */
export const AH_ALGORITHMS: ReadonlyMap<string, Algorithms> = new Map(
  AUTH_NAMES.flatMap((auth): [string, Algorithms][] => [
    [auth, { cipher: undefined, auth }],
    [`hmac-${auth}`, { cipher: undefined, auth }],
  ]),
);

/** Why ESP with `name` is refused, for names that users of other systems may try; undefined for a name nobody knows. */
export function whyRefused(name: string): string | undefined {
  if (/^des($|-|_)/.test(name)) {
    return "Single DES is refused: its 56-bit key can be found by trying all of them.  Use aes128gcm16 or aes128-sha2_256-128.";
  }
  if (/^null($|-|_)/.test(name)) {
    return "Null encryption is refused: ESP that hides nothing looks like ESP that does.  Use AH to authenticate only.";
  }
  if ((CBC_NAMES as string[]).includes(name)) {
    return `ESP without authentication is refused: packets could be altered unnoticed, which also breaks the encryption.  ` +
      `Name an authenticator too: ${name}-sha2_256-128 or ${name}-sha1-96.`;
  }
  return undefined;
}

/** A key as it is needed and as it was given; `option` names it. */
export interface KeyNeed {
  readonly option: "--enckey" | "--authkey";
  readonly bits: number;
}

export function keysOf({ cipher, auth }: Algorithms): KeyNeed[] {
  const needs: KeyNeed[] = [];
  if (auth) needs.push({ option: "--authkey", bits: AUTHENTICATORS[auth].keyBits });
  if (cipher) needs.push({ option: "--enckey", bits: CIPHERS[cipher].keyBits });
  return needs;
}

/** Why a key of the right length is refused all the same; undefined for a good one. */
export function whyWeak({ cipher }: Algorithms, encryptionKey: Uint8Array): string | undefined {
  if (cipher !== "3des") return undefined;
  // The lowest bit of each byte is parity and no part of the key (FIPS 46-3).
  const des = [0, 8, 16].map((at) => encryptionKey.slice(at, at + 8).map((byte) => byte & 0xfe).join());
  if (des[0] !== des[1] && des[1] !== des[2]) return undefined;
  return "the second of its three DES keys is equal to a neighbour, which makes 3DES single DES";
}
