/** Answers that are still good (RFC 1035 §7.4, RFC 2308): bounded, the ones that were used longest ago go first. */
import type { DnsAnswer } from "./record.ts";

interface Entry {
  readonly answer: DnsAnswer;
  readonly untilMs: number;
}

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
    if (answer.ttlSeconds <= 0) return;
    if (this.#entries.size >= this.#most) this.#entries.delete(this.#entries.keys().next().value!);
    this.#entries.set(key, { answer, untilMs: nowMs + answer.ttlSeconds * 1000 });
  }

  clear(): void {
    this.#entries.clear();
  }
}
