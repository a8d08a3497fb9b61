/** Identities as ipsec.secrets and leftid= write them (config.md §19.3, §21), and when two are the same. */
import { type Address, formatAddress, isAnyAddress, parseAddress, sameAddress } from "./address.ts";
import { parseData } from "./data.ts";
import { ok, refuse, type Result } from "./result.ts";

export type Identity =
  | { readonly kind: "address"; readonly address: Address }
  /** The wildcard for road warriors, `%any` and `%any6`. */
  | { readonly kind: "any"; readonly family: Address["family"] }
  /** A host name that stands for its address, not looked up yet. */
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "fqdn"; readonly name: string }
  | { readonly kind: "user"; readonly name: string }
  | { readonly kind: "keyid"; readonly bytes: Uint8Array }
  | { readonly kind: "dn"; readonly parts: readonly DnPart[]; readonly text: string }
  /** A distinguished name in DER. */
  | { readonly kind: "der"; readonly bytes: Uint8Array }
  /** `0.0.0.0`: only a peer without an identity has it. */
  | { readonly kind: "none" };

export interface DnPart {
  readonly attribute: string;
  readonly value: string;
}

/** Attribute names in lower case; synonyms have one spelling. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["ND", "UID", "DC", "CN", "S", "SN", "C", "L", "ST", "O", "OU", "T", "D", "N", "G", "I", "ID", "E", "TCGID"]
      .map((name) => [name.toLowerCase(), name]),
  ),
  serialnumber: "SN",
  email: "E",
  emailaddress: "E",
};

export function parseIdentity(text: string): Result<Identity> {
  if (text === "%any" || text === "0.0.0.0") {
    return ok(text === "%any" ? { kind: "any", family: "inet" } : { kind: "none" });
  }
  if (text === "%any6") return ok({ kind: "any", family: "inet6" });
  if (text.startsWith("@#") || text.startsWith("@~")) {
    const data = parseData(text.slice(2), 16);
    return data.ok ? ok({ kind: text[1] === "#" ? "keyid" : "der", bytes: data.value }) : data;
  }
  if (text.includes("=")) return parseDn(text.replace(/^@/, ""));
  if (text.startsWith("@")) {
    return text === "@" ? refuse("empty name after @") : ok({ kind: "fqdn", name: text.slice(1) });
  }
  if (text.includes("@")) return ok({ kind: "user", name: text });
  const address = parseAddress(text, text.includes(":") ? "inet6" : "inet");
  if (address.ok) {
    return ok(isAnyAddress(address.value) ? { kind: "none" } : { kind: "address", address: address.value });
  }
  return "name" in address ? ok({ kind: "name", name: address.name }) : address;
}

function parseDn(text: string): Result<Identity> {
  const parts: DnPart[] = [];
  for (const part of text.split(/[,/]/).map((one) => one.trim())) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    if (!Object.hasOwn(ATTRIBUTES, name)) return refuse("unknown OID in ID_DER_ASN1_DN");
    parts.push({ attribute: ATTRIBUTES[name], value: part.slice(equals + 1).trim() });
  }
  return parts.length ? ok({ kind: "dn", parts, text }) : refuse("empty distinguished name");
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  switch (a.kind) {
    case "address":
      return b.kind === "address" && sameAddress(a.address, b.address);
    case "any":
      return b.kind === "any" && a.family === b.family;
    case "name":
    case "fqdn":
    case "user":
      return b.kind === a.kind && sameName(a.name, b.name);
    case "keyid":
    case "der":
      return b.kind === a.kind && a.bytes.length === b.bytes.length && a.bytes.every((byte, i) => byte === b.bytes[i]);
    case "dn":
      return b.kind === "dn" && a.parts.length === b.parts.length &&
        a.parts.every((part, i) => samePart(part, b.parts[i]));
    case "none":
      return b.kind === "none";
  }
}

/** For tables: what {@linkcode sameIdentity} finds the same has the same key. Distinguished names share one, having wildcards. */
export function identityKey(id: Identity): string {
  switch (id.kind) {
    case "address":
      return `address ${id.address.bytes.toHex()}`;
    case "any":
      return `any ${id.family}`;
    case "name":
    case "fqdn":
    case "user":
      return `${id.kind} ${plainName(id.name)}`;
    case "keyid":
    case "der":
      return `${id.kind} ${id.bytes.toHex()}`;
    case "dn":
    case "none":
      return id.kind;
  }
}

/** Of hosts. */
export function sameName(a: string, b: string): boolean {
  return a === b || plainName(a) === plainName(b);
}

/** Case and trailing dots do not count. */
function plainName(name: string): string {
  return (name.endsWith(".") ? name.replace(/\.+$/, "") : name).toLowerCase();
}

function samePart(a: DnPart, b: DnPart): boolean {
  if (a.attribute !== b.attribute) return false;
  return a.value === "*" || b.value === "*" || a.value.toLowerCase() === b.value.toLowerCase();
}

export function formatIdentity(id: Identity): string {
  switch (id.kind) {
    case "address":
      return formatAddress(id.address);
    case "any":
      return id.family === "inet" ? "%any" : "%any6";
    case "fqdn":
      return `@${id.name}`;
    case "name":
    case "user":
      return id.name;
    case "keyid":
      return `@#${id.bytes.toHex()}`;
    case "der":
      return `@~${id.bytes.toHex()}`;
    case "dn":
      return id.text;
    case "none":
      return "0.0.0.0";
  }
}
