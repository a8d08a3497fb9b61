/**
 * Attributes of the Transaction exchange: Configuration Method (draft-ietf-ipsec-isakmp-mode-cfg-05 §3.4), XAUTH
 * (draft-beaulieu-ike-xauth-02 §4), and Cisco's, which every client of that time understands.
 */
import type { Address, Family } from "../text/address.ts";
import { maskBits } from "../text/mask.ts";
import { makeSubnet, maskOf, type Subnet } from "../text/subnet.ts";
import { CFG_ATTRIBUTE } from "./constants.ts";
import type { Attribute } from "./payload.ts";

export type AttributeName = keyof typeof CFG_ATTRIBUTE;

const NAMES = new Map<number, string>(Object.entries(CFG_ATTRIBUTE).map(([name, number]) => [number, name]));

/** What a server tells a client. */
export interface Settings {
  readonly address?: Address;
  readonly dns: readonly Address[];
  readonly wins: readonly Address[];
  /** Networks behind the server; none: all. */
  readonly subnets: readonly Subnet[];
  readonly domain?: string;
  /** Only names in these are asked of the name servers above; none: all. */
  readonly splitDns?: readonly string[];
  readonly banner?: string;
}

export const NO_SETTINGS: Settings = { dns: [], wins: [], subnets: [] };

/** A peer's list may be long; what nobody has so many of is not kept. */
const MOST = { dns: 8, wins: 8, subnets: 256 } as const;

type Reader = (settings: Settings, value: Uint8Array) => Settings;

const READERS: Readonly<Partial<Record<AttributeName, Reader>>> = {
  INTERNAL_IP4_ADDRESS: (to, value) => withAddress(to, readAddress(value, "inet")),
  // RFC 5996 §3.15.1 has a prefix length behind the address; some send it with version 1, too.
  INTERNAL_IP6_ADDRESS: (to, value) => withAddress(to, readAddress(value.subarray(0, 16), "inet6")),
  INTERNAL_IP4_DNS: (to, value) => ({ ...to, dns: more(to.dns, MOST.dns, readAddress(value, "inet")) }),
  INTERNAL_IP6_DNS: (to, value) => ({ ...to, dns: more(to.dns, MOST.dns, readAddress(value, "inet6")) }),
  INTERNAL_IP4_NBNS: (to, value) => ({ ...to, wins: more(to.wins, MOST.wins, readAddress(value, "inet")) }),
  INTERNAL_IP6_NBNS: (to, value) => ({ ...to, wins: more(to.wins, MOST.wins, readAddress(value, "inet6")) }),
  INTERNAL_IP4_SUBNET: (to, value) => ({ ...to, subnets: more(to.subnets, MOST.subnets, readNetwork(value)) }),
  UNITY_SPLIT_INCLUDE(to, value) {
    const count = Math.min(Math.floor(value.length / SPLIT_BYTES), MOST.subnets);
    const networks = Array.from(
      { length: count },
      (_, i) => readNetwork(value.subarray(i * SPLIT_BYTES).subarray(0, 8)),
    );
    return { ...to, subnets: more(to.subnets, MOST.subnets, ...networks) };
  },
  UNITY_DEF_DOMAIN: (to, value) => ({ ...to, domain: readText(value) }),
  UNITY_BANNER: (to, value) => ({ ...to, banner: readText(value) }),
};

/** Address, mask, and six bytes of protocol and ports, which are 0 in practice. */
const SPLIT_BYTES = 14;

/** Whatever is empty, unknown or malformed is passed over: it was not given. */
export function readSettings(attributes: readonly Attribute[]): Settings {
  let settings = NO_SETTINGS;
  for (const { type, value } of attributes) {
    const reader = READERS[NAMES.get(type) as AttributeName];
    if (reader && value instanceof Uint8Array && value.length > 0) settings = reader(settings, value);
  }
  return settings;
}

function readAddress(value: Uint8Array, family: Address["family"]): Address | undefined {
  const address = { family, bytes: value.slice() };
  return value.length === (family === "inet" ? 4 : 16) && value.some((byte) => byte !== 0) ? address : undefined;
}

function withAddress(settings: Settings, address: Address | undefined): Settings {
  return address && !settings.address ? { ...settings, address } : settings;
}

/** IPv4 network and mask, four bytes each. */
function readNetwork(value: Uint8Array): Subnet | undefined {
  const bits = maskBits(value.subarray(4));
  if (value.length !== 8 || bits < 0) return undefined;
  const subnet = makeSubnet({ family: "inet", bytes: value.slice(0, 4) }, bits, "0");
  return subnet.ok ? subnet.value : undefined;
}

function more<T>(list: readonly T[], most: number, ...items: readonly (T | undefined)[]): readonly T[] {
  return [...list, ...items.filter((item) => item !== undefined)].slice(0, most);
}

export function readText(value: Uint8Array): string {
  // Some end their texts like C.
  return new TextDecoder().decode(value).replace(/\0+$/, "");
}

/** What a client would like to know, an address first. */
export const WANTED: Readonly<Record<Family, readonly AttributeName[]>> = {
  inet: [
    "INTERNAL_IP4_ADDRESS",
    "INTERNAL_IP4_NETMASK",
    "INTERNAL_IP4_DNS",
    "INTERNAL_IP4_NBNS",
    "UNITY_BANNER",
    "UNITY_DEF_DOMAIN",
    "UNITY_SPLIT_INCLUDE",
  ],
  inet6: ["INTERNAL_IP6_ADDRESS", "INTERNAL_IP6_DNS", "UNITY_BANNER", "UNITY_DEF_DOMAIN"],
};

export function emptyAttributes(names: readonly AttributeName[]): Attribute[] {
  return names.map((name) => ({ type: CFG_ATTRIBUTE[name], value: new Uint8Array(0) }));
}

/** @param before the address that a client had so far, or hopes for: it may be given again (§3.4) */
export function wantedAttributes(family: Family, before: Address | undefined): Attribute[] {
  const [address, ...others] = emptyAttributes(WANTED[family]);
  return [before?.family === family ? { ...address, value: before.bytes } : address, ...others];
}

/** @param wanted types that the client asked for; undefined where the server speaks first: all that there is */
export function settingsAttributes(settings: Settings, wanted: ReadonlySet<number> | undefined): Attribute[] {
  const { address, dns, wins, subnets, domain, splitDns = [], banner } = settings;
  const found: [AttributeName, Uint8Array][] = [];
  if (address) found.push([address.family === "inet" ? "INTERNAL_IP4_ADDRESS" : "INTERNAL_IP6_ADDRESS", address.bytes]);
  // The client is one host inside.
  if (address?.family === "inet") found.push(["INTERNAL_IP4_NETMASK", new Uint8Array(4).fill(0xff)]);
  for (const { family, bytes } of dns) found.push([family === "inet" ? "INTERNAL_IP4_DNS" : "INTERNAL_IP6_DNS", bytes]);
  for (const { family, bytes } of wins) {
    found.push([family === "inet" ? "INTERNAL_IP4_NBNS" : "INTERNAL_IP6_NBNS", bytes]);
  }
  const split = subnets.filter(({ address: { family } }) => family === "inet").flatMap((subnet) => [
    ...subnet.address.bytes,
    ...maskOf(subnet).bytes,
    ...new Uint8Array(SPLIT_BYTES - 8),
  ]);
  if (split.length > 0) found.push(["UNITY_SPLIT_INCLUDE", Uint8Array.from(split)]);
  const text = (name: AttributeName, value: string | undefined) => {
    if (value) found.push([name, new TextEncoder().encode(value)]);
  };
  text("UNITY_DEF_DOMAIN", domain);
  text("UNITY_SPLIT_DNS", splitDns.join(","));
  text("UNITY_BANNER", banner);
  return found.filter(([name]) => wanted === undefined || wanted.has(CFG_ATTRIBUTE[name]))
    .map(([name, value]) => ({ type: CFG_ATTRIBUTE[name], value }));
}
