/** `--listpubkeys` and its sisters (whack.md §10). */
import { modulusBits, rsaKeyId } from "../crypto/rsa.ts";
import { formatIdentity, type Identity } from "../text/identity.ts";
import type { KnownKey } from "./keys.ts";
import type { ListName } from "./request.ts";

const ID_TYPES: Readonly<Record<Identity["kind"], string>> = {
  address: "ID_IPV4_ADDR",
  any: "ID_NONE",
  none: "ID_NONE",
  name: "ID_FQDN",
  fqdn: "ID_FQDN",
  user: "ID_USER_FQDN",
  keyid: "ID_KEY_ID",
  dn: "ID_DER_ASN1_DN",
  der: "ID_DER_ASN1_DN",
};

/** As log lines name it: `ID_FQDN: '@east'` has the first part from here. */
export function idTypeName(id: Identity): string {
  return id.kind === "address" && id.address.family === "inet6" ? "ID_IPV6_ADDR" : ID_TYPES[id.kind];
}

/** Titles of lists; there are no certificates, so that these are empty. */
const TITLES: Readonly<Record<Exclude<ListName, "pubkeys">, readonly string[]>> = {
  certs: ["List of X.509 End Certificates:"],
  cacerts: ["List of X.509 CA Certificates:"],
  crls: ["List of X.509 CRLs:"],
  cards: [],
};

export interface ListOptions {
  readonly utc: boolean;
  /** Seconds since 1970. */
  readonly now: number;
}

export function publicKeyLines(keys: readonly KnownKey[], options: ListOptions): string[] {
  return [...titled("List of Public Keys:"), ...keys.flatMap((one) => keyLines(one, options))];
}

export function emptyList(name: Exclude<ListName, "pubkeys">): string[] {
  return TITLES[name].flatMap(titled);
}

function titled(title: string): string[] {
  return [" ", title, " "];
}

function keyLines({ id, key, installedAt, until, issuer }: KnownKey, options: ListOptions): string[] {
  const bits = String(modulusBits(key)).padStart(4);
  const expiry = `${formatTime(until, options.utc)} ${expiryRemark(until, options.now)}`;
  return [
    `${formatTime(installedAt, options.utc)}, ${bits} RSA Key ${rsaKeyId(key)}, until ${expiry}`,
    `       ${idTypeName(id)} '${formatIdentity(id)}'`,
    ...(issuer ? [`       Issuer '${issuer}'`] : []),
  ];
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Feb 01 12:00:00 2004`, with `UTC` before the year where it is that. @param seconds since 1970 */
export function formatTime(seconds: number | undefined, utc: boolean): string {
  if (seconds === undefined) return utc ? "--- -- --:--:-- UTC ----" : "--- -- --:--:-- ----";
  const date = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const [month, day, hours, minutes, year] = utc
    ? [date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCFullYear()]
    : [date.getMonth(), date.getDate(), date.getHours(), date.getMinutes(), date.getFullYear()];
  const clock = [hours, minutes, date.getUTCSeconds()].map(two).join(":");
  return `${MONTHS[month]} ${two(day)} ${clock} ${utc ? "UTC " : ""}${year}`;
}

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
/** Nearer than this, the end of a key is worth a warning. */
const WARN_SECONDS = 7 * 86400;

export function expiryRemark(until: number | undefined, now: number): string {
  if (until === undefined) return "ok (expires never)";
  const left = until - now;
  if (left < 0) return "fatal (expired)";
  if (left >= WARN_SECONDS) return "ok";
  const [name, size] = UNITS.find(([, seconds]) => left > seconds) ?? UNITS.at(-1)!;
  const count = Math.floor(left / size);
  return `warning (expires in ${count} ${name}${count === 1 ? "" : "s"})`;
}
