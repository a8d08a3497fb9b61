/**
 * Answers that are still good (RFC 1035 §7.4, RFC 2308): bounded, the ones that were used longest ago go first. What is far
 * longer than keys and delegations is not kept: strangers choose some of the names that are asked for.
 */
import type { DnsAnswer, DnsRecord } from "./record.ts";

interface Entry {
  readonly answer: DnsAnswer;
  readonly untilMs: number;
}

const LONGEST_KEPT_BYTES = 8192;

export class DnsCache {
  readonly #entries = new Map<string, Entry>();
  readonly #most: number;

  constructor(most = 10_000) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(key: string, nowMs: number): DnsAnswer | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.untilMs <= nowMs) return undefined;
    this.#entries.set(key, entry); // now the latest used
    return entry.answer;
  }

  keep(key: string, answer: DnsAnswer, nowMs: number): void {
    this.#entries.delete(key);
    if (answer.ttlSeconds <= 0 || answer.ok && bytesOf(answer.records) > LONGEST_KEPT_BYTES) return;
    if (this.#entries.size >= this.#most) this.#entries.delete(this.#entries.keys().next().value!);
    this.#entries.set(key, { answer, untilMs: nowMs + answer.ttlSeconds * 1000 });
  }

  clear(): void {
    this.#entries.clear();
  }
}

function bytesOf(records: readonly DnsRecord[]): number {
  return records.flatMap(({ data }): readonly { readonly length: number }[] =>
    typeof data === "string" || data instanceof Uint8Array ? [data] : data
  ).reduce((sum, { length }) => sum + length, 0);
}
