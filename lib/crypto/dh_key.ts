import type { GroupName } from "./dh_groups.ts";
import type { Secret } from "./secret.ts";

/** Our side of one Diffie-Hellman exchange: a key pair that is never used again. */
export interface DhKey {
  readonly group: GroupName;
  /** As KE carries it: of exactly the length that `GROUPS` says. */
  readonly publicValue: Uint8Array<ArrayBuffer>;
  /**
   * g^xy, as prf() takes it: the whole length of the prime, or the x coordinate alone (RFC 5903 §7).
   *
   * @param peerPublic any bytes from anybody
   * @returns undefined for a value of another length, out of range, of small order, that is no point of the curve, and after wipe()
   */
  agree(peerPublic: Uint8Array): Secret | undefined;
  /** Forgets the private key. */
  wipe(): void;
}
