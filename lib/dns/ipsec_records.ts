/**
 * What the DNS says about IPsec at a name: gateways that may act for it, and keys (pluto.md §12.3, §19.1). TXT and
 * IPSECKEY are asked for together and taken alike; KEY, the form of old peers, only where there is neither.
 */
import type { RsaPublicKey } from "../crypto/rsa.ts";
import { type Address, sameAddress } from "../text/address.ts";
import type { Identity } from "../text/identity.ts";
import { sameIdentity } from "../text/identity.ts";
import type { DnsServer } from "../text/dns_server.ts";
import type { Result } from "../text/result.ts";
import { parseIpseckey, parseKeyRecord } from "./key_record.ts";
import type { DnsAnswer, DnsRecord, RecordType } from "./record.ts";
import { reverseName } from "./reverse_name.ts";
import { type Delegation, parseXIpsecServer } from "./x_ipsec_server.ts";

export interface IpsecLookup {
  /** Whom it asks; undefined where that is nobody in particular. */
  readonly servers?: readonly DnsServer[];
  lookup(name: string, type: RecordType): Promise<DnsAnswer>;
}

export type Found<T> =
  | { readonly ok: true; readonly found: readonly T[]; readonly authenticated: boolean }
  | {
    readonly ok: false;
    readonly why: string;
    /** The DNS has nothing that could be meant, rather than something broken, or no answer. */
    readonly isMissing: boolean;
    /** The DNS gave no answer: what is published is not known. */
    readonly isUnanswered?: boolean;
    /** False where there are records, of which none is about what was asked. */
    readonly isSuitable?: boolean;
    readonly authenticated: boolean;
  };

/** @returns the name that an identity's records are at; undefined where it has none */
export function recordName(id: Identity): string | undefined {
  if (id.kind === "address") return reverseName(id.address);
  return id.kind === "fqdn" || id.kind === "name" ? `${id.name.replace(/\.+$/, "")}.` : undefined;
}

export const NO_RECORD_NAME = "can only query DNS for key for ID that is a FQDN, IPV4_ADDR, or IPV6_ADDR";

/** Gateways for a host, best first; records that do not name an address are passed over. */
export async function findGateways(
  client: Address,
  dns: IpsecLookup,
): Promise<Found<Delegation & { readonly gateway: { readonly kind: "address"; readonly address: Address } }>> {
  const self: Identity = { kind: "address", address: client };
  const all = await findDelegations(reverseName(client), dns, self);
  if (!all.ok) return all;
  const found = all.found.filter(hasAddress);
  return found.length ? { ...all, found } : unsuitable(reverseName(client), all.authenticated);
}

function hasAddress<T extends Delegation>(
  one: T,
): one is T & { readonly gateway: { readonly kind: "address"; readonly address: Address } } {
  return one.gateway.kind === "address";
}

/** What the records of `client` say about `gateway`: those that name it, with their keys; best first. */
export async function findClaims(client: Identity, gateway: Identity, dns: IpsecLookup): Promise<Found<Delegation>> {
  const name = recordName(client);
  if (!name) return { ok: false, why: NO_RECORD_NAME, isMissing: true, authenticated: false };
  const all = await findDelegations(name, dns, client);
  if (!all.ok) return all;
  const found = all.found.filter((one) => sameGateway(one.gateway, gateway));
  return found.length ? { ...all, found } : unsuitable(name, all.authenticated);
}

function sameGateway(a: Identity, b: Identity): boolean {
  if (a.kind === "address" && b.kind === "address") return sameAddress(a.address, b.address);
  return sameIdentity(a, b);
}

/** Keys of an identity in its KEY records. */
export async function findKeyRecords(id: Identity, dns: IpsecLookup): Promise<Found<RsaPublicKey>> {
  const name = recordName(id);
  if (!name) return { ok: false, why: NO_RECORD_NAME, isMissing: true, authenticated: false };
  return collect(await dns.lookup(name, "KEY"), name, "KEY", ({ data }) => parseKeyRecord(data as Uint8Array));
}

/** All delegations of a name, best first; records without a gateway are about `self`. */
export async function findDelegations(name: string, dns: IpsecLookup, self: Identity): Promise<Found<Delegation>> {
  const [txt, ipseckey] = await Promise.all([dns.lookup(name, "TXT"), dns.lookup(name, "IPSECKEY")]);
  const texts = collect(txt, name, "TXT", ({ data }) => parseXIpsecServer(data as readonly Uint8Array[]));
  const keys = collect(ipseckey, name, "IPSECKEY", ({ data }) => ownGateway(parseIpseckey(data as Uint8Array), self));
  if (!texts.ok && !keys.ok) {
    // a record that is there and broken, or a server that fails, is worth more words than one that is missing
    return texts.isMissing && !keys.isMissing ? keys : texts;
  }
  const found = [...texts.ok ? texts.found : [], ...keys.ok ? keys.found : []];
  const authenticated = [texts, keys].every((one) => !one.ok || one.authenticated);
  return { ok: true, found: found.sort((a, b) => a.precedence - b.precedence), authenticated };
}

/** A record without a gateway is about the host itself (RFC 4025 §2.5). */
function ownGateway(parsed: Result<Delegation> | undefined, self: Identity): Result<Delegation> | undefined {
  return parsed?.ok && parsed.value.gateway.kind === "none"
    ? { ok: true, value: { ...parsed.value, gateway: self } }
    : parsed;
}

/** One record that is malformed makes the whole answer unusable, as it always has. */
function collect<T>(
  answer: DnsAnswer,
  name: string,
  type: RecordType,
  parse: (record: DnsRecord) => Result<T> | undefined,
): Found<T> {
  if (!answer.ok) {
    const { why, kind, authenticated } = answer;
    return { ok: false, why, isMissing: kind !== "failure", isUnanswered: kind === "failure", authenticated };
  }
  const found: T[] = [];
  for (const record of answer.records) {
    const parsed = parse(record);
    if (parsed && !parsed.ok) {
      const why = `failure processing ${type} record of DNS answer for ${name}: ${parsed.error}`;
      return { ok: false, why, isMissing: false, authenticated: answer.authenticated };
    }
    if (parsed) found.push(parsed.value);
  }
  const { authenticated } = answer;
  return found.length ? { ok: true, found, authenticated } : unsuitable(name, authenticated, type);
}

function unsuitable(
  name: string,
  authenticated: boolean,
  type: RecordType = "TXT",
): Extract<Found<never>, { ok: false }> {
  const why = `failure processing ${type} record of DNS answer for ${name}: no suitable ${type} record found in DNS`;
  return { ok: false, why, isMissing: true, isSuitable: false, authenticated };
}
