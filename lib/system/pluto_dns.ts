/** Keys of identities from the DNS, as pluto asks for them (pluto.md §12.3). */
import { findClaims, findKeyRecords, type Found, NO_RECORD_NAME, recordName } from "../dns/ipsec_records.ts";
import { Resolver } from "../dns/resolver.ts";
import { resolverOptions } from "../dns/servers.ts";
import type { RsaPublicKey } from "../crypto/rsa.ts";
import type { FetchedKeys } from "../pluto/keys.ts";
import { type Address, parseNumericAddress } from "../text/address.ts";
import { isTrustworthyServer } from "../text/dns_server.ts";
import type { Identity } from "../text/identity.ts";

export type DnssecMode = "require" | "prefer" | "ignore";

export interface PlutoDnsOptions {
  /** Of `resolvers=`; none: those of /etc/resolv.conf. */
  readonly resolvers: readonly string[];
  readonly dnssec: DnssecMode;
}

export class PlutoDns {
  readonly resolver: Resolver;
  readonly #dnssec: DnssecMode;

  constructor({ resolvers, dnssec }: PlutoDnsOptions) {
    this.resolver = new Resolver(resolverOptions(resolvers, readText("/etc/resolv.conf")), {
      now: () => performance.now(),
    });
    this.#dnssec = dnssec;
  }

  /** Whom we ask in the clear. */
  get resolverAddresses(): Address[] {
    return this.resolver.servers.flatMap((server) => {
      if (server.kind !== "udp" || isTrustworthyServer(server)) return [];
      const address = parseNumericAddress(server.address.split("%")[0], 0);
      return address.ok ? [address.value] : [];
    });
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
