/** Diffie-Hellman groups of IKE (RFC 2409 §6, RFC 3526, RFC 5903): names and numbers; `lib/crypto/dh.ts` computes. */

export interface GroupRow {
  /** IANA: Group Description of IKE, and of its successor. */
  readonly number: number;
  /** Of the public value as it is sent, in bytes. */
  readonly publicBytes: number;
  readonly kind: "modp" | "ecp";
  /** Only where a connection names it, or `legacy=yes`. */
  readonly legacy: boolean;
}

export const GROUPS = {
  modp1024: { number: 2, publicBytes: 128, kind: "modp", legacy: true },
  modp1536: { number: 5, publicBytes: 192, kind: "modp", legacy: true },
  modp2048: { number: 14, publicBytes: 256, kind: "modp", legacy: false },
  modp3072: { number: 15, publicBytes: 384, kind: "modp", legacy: false },
  modp4096: { number: 16, publicBytes: 512, kind: "modp", legacy: false },
  modp6144: { number: 17, publicBytes: 768, kind: "modp", legacy: false },
  modp8192: { number: 18, publicBytes: 1024, kind: "modp", legacy: false },
  ecp256: { number: 19, publicBytes: 64, kind: "ecp", legacy: false },
  ecp384: { number: 20, publicBytes: 96, kind: "ecp", legacy: false },
  ecp521: { number: 21, publicBytes: 132, kind: "ecp", legacy: false },
} as const satisfies Record<string, GroupRow>;

export type GroupName = keyof typeof GROUPS;
