/** Hashes and HMACs (RFC 2104) of IKE by node:crypto, over a text that comes in pieces. */
import { createHash, createHmac } from "node:crypto";
import type { Secret } from "./secret.ts";

export interface HashRow {
  readonly bytes: number;
  /** Of node:crypto. */
  readonly node: string;
}

export const HASHES = {
  md5: { bytes: 16, node: "md5" },
  sha1: { bytes: 20, node: "sha1" },
  sha2_256: { bytes: 32, node: "sha256" },
  sha2_384: { bytes: 48, node: "sha384" },
  sha2_512: { bytes: 64, node: "sha512" },
} as const satisfies Record<string, HashRow>;

export type HashName = keyof typeof HASHES;

export function hash(name: HashName, ...pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const digest = createHash(HASHES[name].node);
  for (const piece of pieces) digest.update(piece);
  return new Uint8Array(digest.digest());
}

/** @param key of any length */
export function hmac(
  name: HashName,
  key: Secret | Uint8Array,
  ...pieces: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const mac = createHmac(HASHES[name].node, key instanceof Uint8Array ? key : key.reveal());
  for (const piece of pieces) mac.update(piece);
  return new Uint8Array(mac.digest());
}
