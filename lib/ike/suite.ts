/**
 * What is negotiated, as values: one suite is one combination of algorithms. The tables of names and wire numbers are in
 * `lib/ike/algorithms.ts`; `ike=`, `esp=` and `ah=` become lists of suites in `lib/ike/suite_text.ts`.
 */
import type { AuthName, CipherName } from "../crypto/algorithms.ts";
import type { GroupName } from "../crypto/dh_groups.ts";

export type IkeCipherName = "3des" | "aes";
export type IkeHashName = "md5" | "sha1" | "sha2_256" | "sha2_384" | "sha2_512";
export type AuthMethod = "psk" | "rsasig";

/** Of phase 1 (RFC 2409 §4, appendix A). `keyBits` is 192 for 3DES, which has no attribute for it on the wire. */
export interface IkeSuite {
  readonly cipher: IkeCipherName;
  readonly keyBits: number;
  readonly hash: IkeHashName;
  readonly group: GroupName;
}

/** Of phase 2: ESP with a cipher, ESP's authenticator unless the cipher is an AEAD; or AH with `auth` alone. */
export interface IpsecSuite {
  readonly protocol: "esp" | "ah";
  readonly cipher?: CipherName;
  readonly auth?: AuthName;
}

export type Mode = "tunnel" | "transport";
