/**
 * What opportunism must find in the DNS before it may speak for anybody (pluto.md §19.2 steps a to h, §19.5): each step is
 * a question, and the reason for which its answer is not enough. No connection, no socket.
 */
import { rsaKeyId, type RsaPublicKey } from "../crypto/rsa.ts";
import { findClaims, findGateways, findKeyRecords, type Found, type IpsecLookup } from "../dns/ipsec_records.ts";
import type { Delegation } from "../dns/x_ipsec_server.ts";
import type { Address } from "../text/address.ts";
import { formatIdentity, type Identity } from "../text/identity.ts";

/** `prefer` takes what DNSSEC does not prove as well; `require` takes it for missing. */
export type DnssecPolicy = "require" | "prefer" | "ignore";

export interface RecordsDeps {
  readonly dns: IpsecLookup;
  readonly dnssec: DnssecPolicy;
  /** For the log, once a day at most. */
  note(text: string): void;
}

/** Undefined where all is well, else why not. */
type Why = string | undefined;

const WHY_UNPROVED = "it is not proved by DNSSEC, which dnssec=require wants";
const UPGRADE = "See http://www.freeswan.org/err/txt-change.html.";

export class OppoRecords {
  constructor(readonly deps: RecordsDeps) {}

  /** Steps a to d: which of our names the DNS knows us by. @returns it, or why none */
  async findMyId(
    address: Identity | undefined,
    hostName: Identity | undefined,
    own: RsaPublicKey,
  ): Promise<{ readonly id: Identity } | { readonly why: string }> {
    const candidates: [id: Identity | undefined, title: string, noun: string][] = [
      [address, "IP address", "IP"],
      [hostName, "hostname", "hostname"],
    ];
    // all at once, so that a silent server is waited for only once
    for (const [id] of candidates) if (id) void Promise.all([this.#claims(id, id), this.#keys(id)]);
    let why = "we have neither an address nor a host name to be known by";
    let unanswered: Why; // what is published is not known then, whatever other records say
    for (const [id, title, noun] of candidates) {
      if (!id) continue;
      const found = await this.#claims(id, id);
      const wrong = judge(
        found,
        own,
        `TXT record for ${title} as %myid`,
        "no TXT RR found for us",
        "all our TXT RRs have the wrong public key",
      );
      if (wrong === undefined) {
        this.deps.note(`using our ${noun} (${formatIdentity(id)}:TXT) as identity!`);
        return { id };
      }
      why = wrong;
      unanswered ??= silenceOf(found, why);
      this.deps.note(`can not use our ${noun} (${formatIdentity(id)}:TXT) as identity: ${why}`);
    }
    for (const [id, title, noun] of candidates) {
      if (!id) continue;
      const found = await this.#keys(id);
      const wrong = judgeKeys(
        found,
        own,
        `KEY record for ${title} as %myid (no good TXT)`,
        "no KEY RR found for us",
        "all our KEY RRs have the wrong public key",
      );
      if (wrong === undefined) {
        this.deps.note(`using our ${noun} (${formatIdentity(id)}:KEY) as identity!`);
        return { id };
      }
      why = wrong;
      unanswered ??= silenceOf(found, why);
      this.deps.note(`can not use our ${noun} (${formatIdentity(id)}:KEY) as identity: ${why}`);
    }
    return { why: unanswered ?? why };
  }

  /** Steps e to g: that we may speak for our client, and are who we say. @param client undefined: the host itself */
  async confirmUs(id: Identity, client: Address | undefined, own: RsaPublicKey): Promise<Why> {
    if (client) {
      const found = await this.#claims({ kind: "address", address: client }, id);
      const wrong = judge(
        found,
        own,
        "our client's TXT record",
        "no TXT RR for our client delegates us",
        "TXT RR for our client has wrong key",
      );
      if (wrong !== undefined || hasKey(found)) return wrong;
    }
    const old = this.#keys(id); // asked together
    const found = await this.#claims(id, id);
    const wrong = judge(found, own, "our TXT record", "no TXT RR for us", "TXT RR for us has wrong key");
    if (wrong === undefined && hasKey(found)) return undefined;
    const keyWrong = judgeKeys(
      await old,
      own,
      "our KEY record",
      "no KEY RR found for us (and no good TXT RR)",
      "all our KEY RRs have the wrong public key (and no good TXT RR)",
    );
    if (keyWrong === undefined) {
      this.deps.note(`found KEY RR but not TXT RR for ${formatIdentity(id)}. ${UPGRADE}`);
    }
    return keyWrong && (silenceOf(found, wrong) ?? keyWrong);
  }

  /** Step h: who acts for the peer's client. The best one counts, and must come with its key. */
  async findGateway(
    client: Address,
  ): Promise<{ readonly address: Address; readonly key: RsaPublicKey } | { readonly why: string }> {
    const found = this.#proved(await findGateways(client, this.deps.dns));
    if (!found.ok) return { why: `target's TXT record: ${found.why}` };
    const [{ gateway, key }] = found.found;
    if (!key) return { why: "target's TXT record: the best record has no key" };
    return { address: gateway.address, key };
  }

  /** The responder's steps 1 to 3. @param client undefined: the host itself, for which nobody else must speak */
  async confirmOurClient(id: Identity, client: Address | undefined, own: RsaPublicKey): Promise<Why> {
    if (!client) return undefined;
    const found = await this.#claims({ kind: "address", address: client }, id);
    const wrong = judge(
      found,
      own,
      "our client's TXT record",
      "our client does not delegate us as its Security Gateway",
      "our client delegates us as its Security Gateway but with the wrong public key",
    );
    if (wrong !== undefined || hasKey(found)) return wrong;
    const ours = await this.#claims(id, id);
    if (ours.ok && matches(ours.found, own)) return undefined;
    const keys = await this.#keys(id);
    if (!keys.ok) {
      const silent = [ours, keys].find((one) => !one.ok && one.isUnanswered);
      const missing = "our client delegation depends on our missing TXT or KEY record";
      return silent && !silent.ok ? `our TXT or KEY record: ${silent.why}` : missing;
    }
    if (keys.found.some((key) => sameKey(key, own))) {
      this.deps.note(`found KEY RR but not TXT RR. ${UPGRADE}`);
      return undefined;
    }
    return "our client delegation depends on our TXT or KEY record, but it has the wrong public key";
  }

  /** The responder's step 4. @param key that proved the peer's identity */
  async confirmPeersClient(client: Address, peerId: Identity, key: RsaPublicKey | undefined): Promise<Why> {
    const found = await this.#claims({ kind: "address", address: client }, peerId);
    if (!found.ok) return found.isMissing ? "peer's client does not delegate to peer" : found.why;
    const withKeys = found.found.filter((one) => one.key);
    const agrees = withKeys.length === 0 || key && withKeys.some((one) => sameKey(one.key!, key));
    return agrees ? undefined : "peer and its client disagree about public key";
  }

  async #claims(client: Identity, gateway: Identity): Promise<Found<Delegation>> {
    return this.#proved(await findClaims(client, gateway, this.deps.dns));
  }

  async #keys(id: Identity): Promise<Found<RsaPublicKey>> {
    return this.#proved(await findKeyRecords(id, this.deps.dns));
  }

  #proved<T>(found: Found<T>): Found<T> {
    if (!found.ok || found.authenticated || this.deps.dnssec !== "require") return found;
    return { ok: false, why: WHY_UNPROVED, isMissing: false, authenticated: false };
  }
}

function judge(found: Found<Delegation>, own: RsaPublicKey, wanted: string, none: string, wrongKey: string): Why {
  if (!found.ok) return found.isSuitable === false ? none : `${wanted}: ${found.why}`;
  return matches(found.found, own) || !hasKey(found) ? undefined : wrongKey;
}

function judgeKeys(found: Found<RsaPublicKey>, own: RsaPublicKey, wanted: string, none: string, wrongKey: string): Why {
  if (!found.ok) return found.isSuitable === false ? none : `${wanted}: ${found.why}`;
  return found.found.some((key) => sameKey(key, own)) ? undefined : wrongKey;
}

/** @returns `why`, where that is for want of an answer */
function silenceOf(found: Found<unknown>, why: Why): Why {
  return !found.ok && found.isUnanswered ? why : undefined;
}

/** A record without a key says who the gateway is, and leaves its key to the gateway's own records. */
function hasKey(found: Found<Delegation>): boolean {
  return found.ok && found.found.some(({ key }) => key);
}

function matches(found: readonly Delegation[], own: RsaPublicKey): boolean {
  return found.some(({ key }) => key && sameKey(key, own));
}

/** By all of its bytes: the short name shows only the first ones. */
function sameKey(a: RsaPublicKey, b: RsaPublicKey): boolean {
  return rsaKeyId(a) === rsaKeyId(b) && a.modulus.toHex() === b.modulus.toHex() &&
    a.exponent.toHex() === b.exponent.toHex();
}
