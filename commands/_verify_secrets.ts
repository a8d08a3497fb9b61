/** The check of `ipsec verify` that ipsec.secrets has what the connections of ipsec.conf need. Pure but for the files read. */
import type { FileSystem } from "../lib/config/file_system.ts";
import { loadConfig } from "../lib/config/load.ts";
import type { Secrets } from "../lib/config/secrets.ts";
import { SecretTable } from "../lib/config/secrets_match.ts";
import { type Conn, isStarting, settingOf, SIDES } from "../lib/config/settings.ts";
import { decodeRsaPublicKey, rsaKeyId } from "../lib/crypto/rsa.ts";
import { type Address, sameAddress } from "../lib/text/address.ts";
import { parseData } from "../lib/text/data.ts";
import { formatIdentity, type Identity, parseIdentity } from "../lib/text/identity.ts";

/** Identities that are known without asking anybody. */
const CERTAIN: readonly Identity["kind"][] = ["address", "fqdn", "user", "dn", "keyid"];

/** What one connection is to prove, as seen from this host. */
interface Need {
  readonly conn: string;
  readonly authBy: readonly string[];
  readonly me: Identity;
  readonly him: Identity;
  /** Parameter and short name of the key that ipsec.conf has for this host; undefined where it names none. */
  readonly ownKey: { readonly parameter: string; readonly id: string } | undefined;
}

/**
 * @param addresses of this host, by which it finds out which end it is
 * @returns a line for each connection that cannot prove who this host is; those of which that is not certain are left out
 */
export function missingSecrets(
  file: string,
  files: FileSystem,
  addresses: readonly Address[],
  { entries }: Pick<Secrets, "entries">,
): string[] {
  const conns = [...loadConfig(file, files).conns.values()].filter((conn) => conn.at);
  // a host's name stands for an address that only the DNS knows
  if (entries.some(({ ids }) => ids.some(({ kind }) => kind === "name"))) return [];
  const secrets = new SecretTable(entries);
  return conns.flatMap((conn) => needOf(conn, addresses) ?? []).flatMap((need) => {
    const lines = need.authBy.map((method) => whyNot(method, need, secrets));
    return lines.every((line) => line !== undefined) ? lines : [];
  });
}

function needOf(conn: Conn, addresses: readonly Address[]): Need | undefined {
  const value = (name: string) => settingOf(conn.settings, "conn", name)?.value ?? "";
  if (!isStarting(value("auto"))) return undefined;
  const isOurs = (side: string) => {
    const end = identity(value(side));
    return end?.kind === "address" && addresses.some((one) => sameAddress(one, end.address));
  };
  const [side, ...rest] = SIDES.filter(isOurs);
  if (side === undefined || rest.length) return undefined;
  const other = side === "left" ? "right" : "left";
  const me = identity(value(`${side}id`) || value(side));
  const him = identity(value(`${other}id`) || value(other));
  if (!me || !him) return undefined;
  const parameter = `${side}rsasigkey`;
  const id = keyIdOf(value(parameter));
  const authBy = (value("authby") || "rsasig").split("|").filter((method) => method !== "never");
  return { conn: conn.name, authBy, me, him, ownKey: id === undefined ? undefined : { parameter, id } };
}

function identity(text: string): Identity | undefined {
  const parsed = text ? parseIdentity(text) : undefined;
  return parsed?.ok && CERTAIN.includes(parsed.value.kind) ? parsed.value : undefined;
}

/** Of `0sAQ...`; undefined of %dnsondemand and the like. */
function keyIdOf(text: string): string | undefined {
  const data = parseData(text, 0);
  const key = data.ok ? decodeRsaPublicKey(data.value) : undefined;
  return key?.ok ? rsaKeyId(key.value) : undefined;
}

/** @returns undefined where nothing stands against it */
function whyNot(method: string, { conn, me, him, ownKey }: Need, secrets: SecretTable): string | undefined {
  const isPsk = method === "secret";
  const found = secrets.find(isPsk ? "PSK" : "RSA", me, him)?.entry.key;
  const ends = `${formatIdentity(me)} and ${formatIdentity(him)}`;
  if (!found) return `conn ${conn}: no ${isPsk ? "shared secret" : "RSA key"} for ${ends}`;
  if (found.kind !== "RSA" || !ownKey) return undefined;
  const used = rsaKeyId(found.key.publicKey);
  return used === ownKey.id
    ? undefined
    : `conn ${conn}: ${ownKey.parameter} is ${ownKey.id}, and ipsec.secrets has ${used}`;
}
