/** Keys of identities from the DNS, as pluto asks for them (pluto.md §12.3). */
import { lookup } from "node:dns/promises";
import { findClaims, findKeyRecords, type Found, NO_RECORD_NAME, recordName } from "../dns/ipsec_records.ts";
import { Resolver } from "../dns/resolver.ts";
import { resolverOptions } from "../dns/servers.ts";
import type { RsaPublicKey } from "../crypto/rsa.ts";
import type { FetchedKeys } from "../pluto/keys.ts";
import { DNS_PROTOCOLS, type NameServer } from "../pluto/dns_passage.ts";
import { type Address, parseNumericAddress, sameAddress } from "../text/address.ts";
import { isTrustworthyServer } from "../text/dns_server.ts";
import type { Identity } from "../text/identity.ts";

const HTTPS_PORT = 443;

export type DnssecMode = "require" | "prefer" | "ignore";

export interface PlutoDnsOptions {
  /** Of `resolvers=`; none: those of /etc/resolv.conf. */
  readonly resolvers: readonly string[];
  readonly dnssec: DnssecMode;
}

export class PlutoDns {
  readonly resolver: Resolver;
  readonly #dnssec: DnssecMode;
  /** Of HTTPS servers, by name. */
  readonly #addresses = new Map<string, Address[]>();

  constructor({ resolvers, dnssec }: PlutoDnsOptions) {
    this.resolver = new Resolver(resolverOptions(resolvers, readText("/etc/resolv.conf")), {
      now: () => performance.now(),
    });
    this.#dnssec = dnssec;
  }

  /** Whom we ask, but for this host itself. Names of HTTPS servers are looked up meanwhile. */
  nameServers(changed: () => void): NameServer[] {
    return this.resolver.servers.flatMap((server): NameServer[] => {
      if (server.kind === "https") return this.#httpsServers(new URL(server.url), changed);
      const address = parseNumericAddress(server.address.split("%")[0], 0);
      if (!address.ok || isTrustworthyServer(server)) return [];
      return [{ address: address.value, port: server.port, protocols: DNS_PROTOCOLS }];
    });
  }

  #httpsServers({ hostname, port }: URL, changed: () => void): NameServer[] {
    const literal = parseNumericAddress(hostname.replace(/^\[(.*)\]$/, "$1"), 0);
    const addresses = literal.ok ? [literal.value] : this.#addresses.get(hostname) ?? [];
    if (!literal.ok) void this.#lookUp(hostname, changed);
    return addresses.map((address) => ({ address, port: Number(port || HTTPS_PORT), protocols: ["tcp"] }));
  }

  async #lookUp(name: string, changed: () => void): Promise<void> {
    const found = await lookup(name, { all: true }).catch(() => []);
    const addresses = found.flatMap(({ address }) => {
      const parsed = parseNumericAddress(address, 0);
      return parsed.ok ? [parsed.value] : [];
    });
    const known = this.#addresses.get(name) ?? [];
    const isNew = addresses.some((one) => !known.some((other) => sameAddress(one, other)));
    if (!isNew) return; // what has been an address may still be used
    this.#addresses.set(name, addresses);
    changed();
  }

  /** TXT stands for IPSECKEY as well, its modern form. */
  async keys(id: Identity, type: "TXT" | "KEY"): Promise<FetchedKeys> {
    const name = recordName(id);
    if (!name) return { why: NO_RECORD_NAME };
    if (type === "KEY") return this.#accepted(await findKeyRecords(id, this.resolver), name, (key) => [key]);
    // only what the identity says of itself
    return this.#accepted(await findClaims(id, id, this.resolver), name, ({ key }) => key ? [key] : []);
  }

  #accepted<T>(found: Found<T>, name: string, keysOf: (one: T) => RsaPublicKey[]): FetchedKeys {
    if (!found.ok) return { why: found.why };
    if (this.#dnssec === "require" && !found.authenticated) {
      return { why: `the DNS answer for ${name} is not authenticated by DNSSEC, which dnssec=require wants` };
    }
    return { keys: found.found.flatMap(keysOf) };
  }
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
