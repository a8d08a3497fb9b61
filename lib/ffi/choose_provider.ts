import { checkProvider } from "../crypto/known_answers.ts";
import { nobleProvider } from "../crypto/noble_provider.ts";
import type { Provider } from "../crypto/provider.ts";
import { runtimeProvider } from "../crypto/runtime_provider.ts";
import { openLibcrypto } from "./libcrypto.ts";

export interface Candidate {
  readonly name: Provider["name"];
  /** @throws {Error} when the host does not have it */
  open(): Provider;
}

/** Fastest first: 1408 bytes of AES-128-GCM take about 1, 10 and 35 us (bench/crypto_bench.ts). */
const CANDIDATES: readonly Candidate[] = [
  { name: "libcrypto", open: () => openLibcrypto() },
  { name: "runtime", open: () => runtimeProvider },
  { name: "noble", open: () => nobleProvider },
];

/**
 * The first provider that is there and gives the known answers; with `wanted`, that one or none.
 *
 * @throws {Error} with the reason when `wanted`, or every provider, cannot be used
 */
export function chooseProvider(wanted?: Provider["name"], candidates = CANDIDATES): Provider {
  const reasons: string[] = [];
  for (const { name, open } of candidates) {
    if (wanted !== undefined && name !== wanted) continue;
    try {
      const provider = open();
      checkProvider(provider);
      return provider;
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  const subject = wanted === undefined ? "any cryptographic library" : `cryptographic library '${wanted}'`;
  throw new Error(`Cannot use ${subject}: ${reasons.join("; ") || "unknown name"}`);
}
