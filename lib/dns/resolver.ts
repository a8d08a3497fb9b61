/**
 * Lookups for keys and delegations: servers in turn, retries, a cache, aliases, and what DNSSEC says. A lookup blocks
 * nothing; the same question asked twice at once goes out once; beyond a limit questions wait their turn.
 */
import { DnsCache } from "./cache.ts";
import { plainName, type Question, refuseName, type Response } from "./message.ts";
import type { DnsAnswer, RecordType } from "./record.ts";
import { type DnsServer, formatDnsServer } from "../text/dns_server.ts";
import { DnsFailure, exchange } from "./transport.ts";

export interface ResolverOptions {
  /** In the order in which they are asked; at least one. */
  readonly servers: readonly DnsServer[];
  readonly timeoutMs: number;
  /** How often each server is asked. */
  readonly attempts: number;
  /** Whether what the servers say about DNSSEC counts: they are on this host, or reached by HTTPS, or said to be trusted. */
  readonly trustAd: boolean;
  /** Questions under way at once. */
  readonly mostAtOnce: number;
  /** Questions that wait for their turn; strangers are the reason for some, and what is more fails at once. */
  readonly mostWaiting: number;
}

export interface ResolverDeps {
  /** Milliseconds. */
  now(): number;
  exchange?: typeof exchange;
}

export const DEFAULT_RESOLVER: Omit<ResolverOptions, "servers" | "trustAd"> = {
  timeoutMs: 3000,
  attempts: 2,
  mostAtOnce: 256,
  mostWaiting: 4096,
};

/** RCODEs (RFC 6895 §2.3): those of which something is known by name. */
const RCODES: Readonly<Record<number, string>> = {
  1: "server could not interpret the query",
  2: "server failure",
  4: "server does not do such queries",
  5: "query refused",
  16: "server does not know this version of EDNS",
};
const NXDOMAIN = 3;
/** Of an answer that does not say how long it holds (RFC 2308 §5 leaves it to us), and of a failure (RFC 9520). */
const NEGATIVE_SECONDS = 300, FAILURE_SECONDS = 5;
const MOST_NEGATIVE_SECONDS = 3 * 3600;
const MOST_ALIASES = 8;

export class Resolver {
  readonly #options: ResolverOptions;
  readonly #deps: ResolverDeps;
  readonly #cache = new DnsCache();
  readonly #underWay = new Map<string, Promise<DnsAnswer>>();
  readonly #waiting: (() => void)[] = [];
  #asking = 0;

  constructor(options: ResolverOptions, deps: ResolverDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get servers(): readonly DnsServer[] {
    return this.#options.servers;
  }

  /** Never throws: a failure is an answer that says why. @param name as people write it; the dot of the root may end it */
  lookup(name: string, type: RecordType): Promise<DnsAnswer> {
    const key = `${type} ${plainName(name)}`;
    const cached = this.#cache.find(key, this.#deps.now());
    if (cached) return Promise.resolve(cached);
    const underWay = this.#underWay.get(key);
    if (underWay) return underWay;
    const asked = this.#resolve({ name: shown(name), type }).then((answer) => {
      this.#cache.keep(key, answer, this.#deps.now());
      return answer;
    }).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asked);
    return asked;
  }

  forget(): void {
    this.#cache.clear();
  }

  async #resolve(question: Question): Promise<DnsAnswer> {
    const { name, type } = question;
    const refused = refuseName(name);
    if (refused) return failure(question, refused);
    let authenticated = true, asked = name, ttlSeconds = Infinity;
    for (let aliases = 0; aliases <= MOST_ALIASES; aliases++) {
      const response = await this.#ask({ name: asked, type });
      if (typeof response === "string") return failure(question, response);
      authenticated &&= response.authenticated && this.#options.trustAd;
      ttlSeconds = Math.min(ttlSeconds, response.ttlSeconds ?? NEGATIVE_SECONDS);
      const { rcode, records, canonicalName } = response;
      if (rcode === NXDOMAIN) return negative(question, "name", authenticated, ttlSeconds);
      if (rcode !== 0) return failure(question, RCODES[rcode] ?? `server answers with error ${rcode}`);
      if (records.length > 0) return { ok: true, records, authenticated, canonicalName, ttlSeconds };
      if (plainName(canonicalName) === plainName(asked)) return negative(question, "data", authenticated, ttlSeconds);
      asked = canonicalName; // a server that leaves the rest of the way to us
    }
    return failure(question, "too many aliases");
  }

  /** @returns why nobody usable answered */
  async #ask(question: Question): Promise<Response | string> {
    const { servers, attempts, timeoutMs, mostAtOnce, mostWaiting } = this.#options;
    if (this.#waiting.length >= mostWaiting) return `${mostWaiting} questions wait already`;
    while (this.#asking >= mostAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#asking++;
    const failed = new Map<DnsServer, string>();
    try {
      for (let attempt = 0; attempt < attempts; attempt++) {
        for (const server of servers) {
          const response = await this.#askOne(server, question, timeoutMs << attempt);
          if (typeof response === "string") failed.set(server, response);
          else if (response.rcode === 0 || response.rcode === NXDOMAIN) return response;
          else failed.set(server, RCODES[response.rcode] ?? `server answers with error ${response.rcode}`);
        }
      }
    } finally {
      this.#asking--;
      this.#waiting.shift()?.();
    }
    const each = [...failed].map(([server, why]) => `${formatDnsServer(server)} (${why})`);
    return each.length ? `no usable answer from ${each.join(", ")}` : "no server to ask";
  }

  async #askOne(server: DnsServer, question: Question, timeoutMs: number): Promise<Response | string> {
    try {
      return await (this.#deps.exchange ?? exchange)(server, question, timeoutMs);
    } catch (error) {
      if (error instanceof DnsFailure) return error.message;
      throw error;
    }
  }
}

/** With the dot of the root, as pluto's messages have names. */
function shown(name: string): string {
  return `${name.replace(/\.+$/, "")}.`;
}

function negative(
  { name, type }: Question,
  kind: "name" | "data",
  authenticated: boolean,
  ttlSeconds: number,
): DnsAnswer {
  const why = kind === "name" ? `no host ${name} for ${type} record` : `no ${type} record for ${name}`;
  return { ok: false, kind, why, authenticated, ttlSeconds: Math.min(ttlSeconds, MOST_NEGATIVE_SECONDS) };
}

function failure({ name, type }: Question, why: string): DnsAnswer {
  return {
    ok: false,
    kind: "failure",
    why: `failure querying DNS for ${type} of ${name}: ${why}`,
    authenticated: false,
    ttlSeconds: FAILURE_SECONDS,
  };
}
