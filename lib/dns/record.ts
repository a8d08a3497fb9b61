/** Records and answers as the rest of the program sees them. */

/** Types that are asked for, with their numbers (IANA, DNS parameters). */
export const TYPES = { A: 1, AAAA: 28, CNAME: 5, PTR: 12, SOA: 6, TXT: 16, KEY: 25, IPSECKEY: 45 } as const;

export type RecordType = "A" | "AAAA" | "PTR" | "TXT" | "KEY" | "IPSECKEY";

/** One record's data: text of an address or a name; for TXT its strings; for the others the bytes. */
export type RecordData = string | readonly Uint8Array[] | Uint8Array;

export interface DnsRecord {
  readonly ttlSeconds: number;
  readonly data: RecordData;
}

export type DnsAnswer =
  | {
    readonly ok: true;
    readonly records: readonly DnsRecord[];
    /** A resolver that we trust says that DNSSEC proves it (AD, RFC 4035 §3.2.3). */
    readonly authenticated: boolean;
    /** What the name asked for is an alias of; the name itself where it is none. */
    readonly canonicalName: string;
    readonly ttlSeconds: number;
  }
  | {
    readonly ok: false;
    /** `name`: no such name. `data`: no such record. `failure`: unknown, as nobody usable answered. */
    readonly kind: "name" | "data" | "failure";
    /** As pluto has always said it (pluto.md §4). */
    readonly why: string;
    readonly authenticated: boolean;
    readonly ttlSeconds: number;
  };
