/** Secrets and public keys (pluto.md §7.2, §7.3, §12.3): which of them belong to a connection. */
import { AMBIGUOUS, findXauthSecret, type SecretMatch, SecretTable } from "../config/secrets_match.ts";
import type { SecretEntry } from "../config/secrets.ts";
import type { RsaPrivateKey, RsaPublicKey } from "../crypto/rsa.ts";
import { encodeRsaPublicKey, secretNumbers } from "../crypto/rsa.ts";
import type { Secret } from "../crypto/secret.ts";
import type { PeerKeys } from "../ike/host.ts";
import { formatIdentity, type Identity, sameIdentity } from "../text/identity.ts";
import type { Connection } from "./connection.ts";
import { isAddressOf } from "./myid.ts";

/** A public key that is known, and of whom. */
export interface KnownKey {
  readonly id: Identity;
  readonly key: RsaPublicKey;
  /** Seconds since 1970. */
  readonly installedAt: number;
  /** Seconds since 1970; undefined for ever. */
  readonly until?: number;
  /** Of the certificate that it came with. */
  readonly issuer?: string;
}

/** Keys that the DNS has for an identity, or why there are none. */
export type FetchedKeys = { readonly keys: readonly RsaPublicKey[] } | { readonly why: string };

export interface KeysDeps {
  /** Asks the DNS for the records of one type at an identity. Absent: there is no resolver. */
  lookupKeys?(id: Identity, type: "TXT" | "KEY"): Promise<FetchedKeys>;
  /** Seconds since 1970. */
  wallClock(): number;
  /** A warning for the log. */
  warn(text: string): void;
}

/** Of the DNS, for one identity: each costs a verification, and anybody may claim a name whose zone is full of keys. */
const MOST_FETCHED = 8;

export class Keys {
  #secrets = new SecretTable();
  /** Entries with a rival that have been warned of. */
  readonly #ambiguous = new Set<SecretEntry>();
  /** Newest first. */
  #known: KnownKey[] = [];

  constructor(readonly deps: KeysDeps) {}

  get hasSecrets(): boolean {
    return this.#secrets.entries.length > 0;
  }

  /** Newest first. */
  get known(): readonly KnownKey[] {
    return this.#known;
  }

  /** Owns them from now on; those before are wiped. */
  setSecrets(entries: readonly SecretEntry[]): void {
    this.#ambiguous.clear();
    const kept = new Set(entries);
    for (const one of this.#secrets.entries) if (!kept.has(one)) wipe(one);
    this.#secrets = new SecretTable(entries);
  }

  forgetSecrets(): void {
    this.setSecrets([]);
  }

  /** @param peerId who the peer says it is, where that is known already */
  presharedKey(connection: Connection, peerId?: Identity): Secret | undefined {
    const match = this.#find("PSK", connection, peerId);
    return match?.entry.key.kind === "PSK" ? match.entry.key.secret : undefined;
  }

  privateKey(connection: Connection): RsaPrivateKey | undefined {
    const match = this.#find("RSA", connection);
    return match?.entry.key.kind === "RSA" ? match.entry.key.key : undefined;
  }

  /** XAUTH, client's side. */
  xauthPassword(user: string): Secret | undefined {
    return findXauthSecret(this.#secrets.entries, user);
  }

  #find(kind: "PSK" | "RSA", connection: Connection, peerId?: Identity): SecretMatch | undefined {
    const { ours } = connection;
    const match = this.#secrets.find(kind, ours.id, peerId ?? indexOfPeer(connection));
    if (match?.rival && !this.#ambiguous.has(match.entry)) {
      this.#ambiguous.add(match.entry);
      this.deps.warn(AMBIGUOUS);
    }
    return match;
  }

  add(id: Identity, key: RsaPublicKey, more: Pick<KnownKey, "until" | "issuer"> = {}): void {
    const bytes = encodeRsaPublicKey(key).toHex();
    this.#known = this.#known.filter((one) =>
      !sameIdentity(one.id, id) || encodeRsaPublicKey(one.key).toHex() !== bytes
    );
    this.#known.unshift({ id, key, installedAt: this.deps.wallClock(), ...more });
  }

  removeAll(id: Identity): void {
    this.#known = this.#known.filter((one) => !sameIdentity(one.id, id));
  }

  forgetPublicKeys(): void {
    this.#known = [];
  }

  /** Loaded ones, and where there are none and the connection says so those of the DNS, which are not kept. */
  async peerKeys(connection: Connection, peerId: Identity): Promise<PeerKeys> {
    this.#removeExpired();
    const loaded = this.#known.filter((one) => sameIdentity(one.id, peerId)).map(({ key }) => key);
    const keys = [...connection.gatewayKeys, ...loaded];
    if (keys.length || !connection.peers.keyOnDemand) return { keys };
    const fetched = await this.fetch(peerId);
    return "why" in fetched ? { keys: [], why: fetched.why } : { keys: fetched.keys.slice(0, MOST_FETCHED) };
  }

  /** TXT records first, then KEY records. @returns where neither has any the reasons, in that order */
  async fetchBoth(id: Identity): Promise<{ keys: readonly RsaPublicKey[]; whys: readonly string[] }> {
    const whys: string[] = [];
    for (const type of ["TXT", "KEY"] as const) {
      const fetched = await this.deps.lookupKeys?.(id, type) ?? { why: "no DNS resolver is configured" };
      if ("why" in fetched) whys.push(fetched.why);
      else if (fetched.keys.length) return { keys: fetched.keys, whys: [] };
      else whys.push(`no ${type} record for ${formatIdentity(id)}`);
    }
    return { keys: [], whys };
  }

  async fetch(id: Identity): Promise<FetchedKeys> {
    const { keys, whys } = await this.fetchBoth(id);
    return keys.length ? { keys } : { why: whys.at(-1) ?? "no key" };
  }

  #removeExpired(): void {
    const now = this.deps.wallClock();
    const expired = this.#known.filter(({ until }) => until !== undefined && until < now);
    if (expired.length === 0) return;
    this.#known = this.#known.filter((one) => !expired.includes(one));
    for (const _ of expired) this.deps.warn("cached RSA public key has expired and has been deleted");
  }
}

function wipe({ key }: SecretEntry): void {
  if (key.kind === "PSK" || key.kind === "XAUTH") key.secret.wipe();
  else if (key.kind === "RSA") { for (const number of secretNumbers(key.key)) number.fill(0); }
}

/** A road warrior's identity comes after its secret is needed: `%any` stands for it, as it does in ipsec.secrets. */
function indexOfPeer({ connectionKind, peers }: Connection): Identity {
  if (connectionKind !== "CK_INSTANCE" && !peers.isAnyHost) return peers.id;
  const isFixed = peers.id.kind === "address" && !isAddressOf(peers.id, peers.host);
  return isFixed ? peers.id : { kind: "any", family: peers.host.family };
}
