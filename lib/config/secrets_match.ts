/** Which entry of ipsec.secrets is used between two identities (config.md §19.4). */
import { rsaKeyId } from "../crypto/rsa.ts";
import type { Secret } from "../crypto/secret.ts";
import type { SecretEntry, SecretKey } from "./secrets.ts";
import { formatIdentity, type Identity, identityKey, sameIdentity } from "../text/identity.ts";

export interface SecretMatch {
  readonly entry: SecretEntry;
  /** An equally good entry with another secret: the first in the file is used, and the administrator is told. */
  readonly rival: SecretEntry | undefined;
}

/** FreeS/WAN's words where there is a rival. */
export const AMBIGUOUS = "multiple ipsec.secrets entries with distinct secrets match endpoints: first secret used";

/** Entries by their indices: a gateway may have thousands, one for each peer. */
export class SecretTable {
  /** With their places in the file. */
  readonly #places = new Map<SecretEntry, number>();
  readonly #ofAnybody: SecretEntry[] = [];
  /** By the key of their only index, and by those of each. */
  readonly #alone = new Map<string, SecretEntry[]>();
  readonly #named = new Map<string, SecretEntry[]>();

  constructor(readonly entries: readonly SecretEntry[] = []) {
    for (const entry of entries) {
      this.#places.set(entry, this.#places.size);
      if (entry.idCount === 0) this.#ofAnybody.push(entry);
      const keys = new Set(entry.ids.map(identityKey));
      for (const key of keys) put(entry.idCount === 1 ? this.#alone : this.#named, key, entry);
    }
  }

  /**
   * @param him undefined where the peer has no identity; `any` for a road warrior who is known by address alone
   * @returns undefined where no entry is for the two
   */
  find(wanted: "PSK" | "RSA", me: Identity, him: Identity = { kind: "none" }): SecretMatch | undefined {
    let best: SecretEntry | undefined, rival: SecretEntry | undefined, most = 0;
    for (const entry of this.#candidates(wanted, me, him)) {
      if (kindOf(entry.key) !== wanted) continue;
      const rank = rankEntry(entry, wanted, me, him);
      if (rank > most) [best, rival, most] = [entry, undefined, rank];
      else if (rank === most && best && !rival && !sameSecret(best.key, entry.key)) rival = entry;
    }
    return best && { entry: best, rival };
  }

  /** In their order in the file. A preshared key that has several indices is between two of them. */
  #candidates(wanted: "PSK" | "RSA", me: Identity, him: Identity): SecretEntry[] {
    const named = this.#named.get(identityKey(wanted === "PSK" ? him : me)) ?? [];
    const all = [...this.#ofAnybody, ...this.#alone.get(identityKey(me)) ?? [], ...named];
    return all.sort((a, b) => this.#places.get(a)! - this.#places.get(b)!);
  }
}

function put(table: Map<string, SecretEntry[]>, key: string, entry: SecretEntry): void {
  const entries = table.get(key);
  if (entries) entries.push(entry);
  else table.set(key, [entry]);
}

/** @param user who answers an XAUTH server. Names are compared as they are: who knows whether case matters there? */
export function findXauthSecret(entries: readonly SecretEntry[], user: string): Secret | undefined {
  let ofAnybody: Secret | undefined;
  for (const { key } of entries) {
    if (key.kind !== "XAUTH") continue;
    if (key.users.includes(user)) return key.secret;
    if (key.users.length === 0) ofAnybody ??= key.secret;
  }
  return ofAnybody;
}

function kindOf({ kind }: SecretKey): "PSK" | "RSA" | "XAUTH" {
  return kind === "RSA file" ? "RSA" : kind;
}

/** 0 where the entry does not match. */
export function rankEntry({ ids, idCount }: SecretEntry, wanted: "PSK" | "RSA", me: Identity, him: Identity): number {
  if (idCount === 0) return 1;
  if (!ids.some((id) => sameIdentity(id, me))) return 0;
  if (idCount === 1) return 3;
  if (ids.some((id) => sameIdentity(id, him))) return 4;
  return wanted === "RSA" ? 2 : 0;
}

/** Entries of one kind with the same indices and different secrets, each with the first such entry: only that is used. */
export function findRivals(entries: readonly SecretEntry[]): { first: SecretEntry; second: SecretEntry }[] {
  const firsts = new Map<string, SecretEntry>();
  const rivals: { first: SecretEntry; second: SecretEntry }[] = [];
  for (const second of entries) {
    const ids = second.ids.map((id) => formatIdentity(id).toLowerCase().replace(/\.+$/, "")).sort();
    const users = second.key.kind === "XAUTH" ? second.key.users.toSorted() : [];
    const group = JSON.stringify([kindOf(second.key), second.idCount, ids, users]);
    const first = firsts.get(group);
    if (!first) firsts.set(group, second);
    else if (!sameSecret(first.key, second.key)) rivals.push({ first, second });
  }
  return rivals;
}

function sameSecret(a: SecretKey, b: SecretKey): boolean {
  if (a.kind === "PSK" || a.kind === "XAUTH") return b.kind === a.kind && a.secret.equals(b.secret);
  if (a.kind === "RSA") {
    return b.kind === "RSA" && rsaKeyId(a.key.publicKey) === rsaKeyId(b.key.publicKey) &&
      a.key.privateExponent.equals(b.key.privateExponent);
  }
  return b.kind === "RSA file" && a.path === b.path;
}

/**
 * Host names among the indices become the addresses that they have now.
 *
 * @returns the entries; of a name without address the index is left out, and with its last index the entry
 */
export async function resolveNames(
  entries: readonly SecretEntry[],
  lookup: (name: string) => Promise<readonly Identity[]>,
): Promise<{ entries: SecretEntry[]; unknown: { entry: SecretEntry; name: string }[] }> {
  const unknown: { entry: SecretEntry; name: string }[] = [];
  const resolved: SecretEntry[] = [];
  for (const entry of entries) {
    if (entry.key.kind === "XAUTH") {
      resolved.push(entry); // users are no hosts
      continue;
    }
    const ids: Identity[] = [];
    for (const id of entry.ids) {
      const found = id.kind === "name" ? await lookup(id.name) : [id];
      if (id.kind === "name" && found.length === 0) unknown.push({ entry, name: id.name });
      ids.push(...found);
    }
    if (ids.length > 0 || entry.idCount === 0) resolved.push({ ...entry, ids });
  }
  return { entries: resolved, unknown };
}
