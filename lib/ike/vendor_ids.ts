/**
 * Vendor IDs (RFC 2408 §3.16): what a peer can do, and what program it is. Most are MD5 sums of a text, which tests/ike
 * computes anew.
 */
import { sanitizeText } from "../text/sanitize.ts";

/** What follows from an ID, for us. */
export type Ability = "natt" | "dpd" | "xauth" | "fragmentation" | "unity";

export interface VendorId {
  readonly name: string;
  readonly hex: string;
  /** More may follow, e.g. a version. */
  readonly isPrefix?: boolean;
  readonly ability?: Ability;
}

/** Ways through NAT that we know. All begin on port 500 and float to 4500. */
export type NattMethod = "rfc3947" | "draft03" | "draft02n" | "draft02";

/** Best first (RFC 3947 §3.1). The drafts have payload types and modes of their own (pluto.md §22). */
export const NATT_METHODS: Readonly<Record<NattMethod, { readonly hex: string; readonly says: string }>> = {
  rfc3947: { hex: "4a131c81070358455c5728f20e95452f", says: "RFC 3947 (NAT-Traversal)" },
  draft03: { hex: "7d9419a65310ca6f2c179d9215529d56", says: "draft-ietf-ipsec-nat-t-ike-02/03" },
  draft02n: { hex: "90cb80913ebb696e086381b5ec427b1f", says: "draft-ietf-ipsec-nat-t-ike-02/03" },
  draft02: { hex: "cd60464335df21f87cfdb2fc68b6a448", says: "draft-ietf-ipsec-nat-t-ike-02/03" },
};

export const VENDOR_IDS = {
  dpd: { name: "Dead Peer Detection", hex: "afcad71368a1f1c96b8696fc77570100", ability: "dpd" },
  xauth: { name: "XAUTH", hex: "09002689dfd6b712", ability: "xauth" },
  fragmentation: {
    name: "FRAGMENTATION",
    hex: "4048b7d56ebce88525e7de7f00d6c2d3",
    isPrefix: true,
    ability: "fragmentation",
  },
  /** The last two bytes are a version. */
  unity: { name: "Cisco-Unity", hex: "12f5f28c457168a9702d9fe274cc", isPrefix: true, ability: "unity" },
  rfc3947: { name: "RFC 3947", hex: NATT_METHODS.rfc3947.hex, ability: "natt" },
  draft03: { name: "draft-ietf-ipsec-nat-t-ike-03", hex: NATT_METHODS.draft03.hex, ability: "natt" },
  draft02n: { name: "draft-ietf-ipsec-nat-t-ike-02_n", hex: NATT_METHODS.draft02n.hex, ability: "natt" },
  draft02: { name: "draft-ietf-ipsec-nat-t-ike-02", hex: NATT_METHODS.draft02.hex, ability: "natt" },
  // Ways through NAT that nobody needs today: ESP on port 500, or numbers that other protocols have got since.
  draft: { name: "draft-ietf-ipsec-nat-t-ike", hex: "4df37928e9fc4fd1b3262170d515c662" },
  draft00: { name: "draft-ietf-ipsec-nat-t-ike-00", hex: "4485152d18b6bbcd0be8a8469579ddcc" },
  draft01: { name: "draft-ietf-ipsec-nat-t-ike-01", hex: "16f6ca16e4a4066d83821a0f0aeaa862" },
  draft04: { name: "draft-ietf-ipsec-nat-t-ike-04", hex: "9909b64eed937c6573de52ace952fa6b" },
  draft05: { name: "draft-ietf-ipsec-nat-t-ike-05", hex: "80d0bb3def54565ee84645d4c85ce3ee" },
  draft06: { name: "draft-ietf-ipsec-nat-t-ike-06", hex: "4d1e0e136deafa34c4f3ea9f02ec7285" },
  draft07: { name: "draft-ietf-ipsec-nat-t-ike-07", hex: "439b59f8ba676c4c7737ae22eab8f582" },
  draft08: { name: "draft-ietf-ipsec-nat-t-ike-08", hex: "8f8d83826d246b6fc7a8a6a428c11de8" },
  // Programs.
  strongSwan: { name: "strongSwan", hex: "882fe56d6fd20dbc2251613b2ebe5beb" },
  libreswan: { name: "Libreswan", hex: "4f452d4c696272657377616e2d", isPrefix: true },
  openPgp: { name: "OpenPGP", hex: "4f70656e5047503130313731" },
  racoon: { name: "KAME/racoon", hex: "7003cbc1097dbe9c2600ba6983bc8b35" },
  windows: { name: "MS NT5 ISAKMPOAKLEY", hex: "1e2b516905991c7d7c96fcbfb587e461", isPrefix: true },
  ciscoVpn: { name: "Cisco VPN 3000 Series", hex: "1f07f70eaa6514d3b0fa96542a50", isPrefix: true },
  ciscoIos: { name: "Cisco IOS Device", hex: "3e984048", isPrefix: true },
  checkpoint: { name: "Check Point", hex: "f4ed19e0c114eb516faaac0ee37daf2807b4381f", isPrefix: true },
  netScreen: { name: "NetScreen Technologies", hex: "699369228741c6d4ca094c93e242c9de19e7b7c6", isPrefix: true },
  fortigate: { name: "FortiGate", hex: "1d6e178f6c2c0be284985465450fe9d4" },
  heartBeat: { name: "HeartBeat Notify", hex: "4865617274426561745f4e6f74696679", isPrefix: true },
  /** FreeS/WAN, Openswan and their kin: 12 bytes that begin with OE. */
  openswan: { name: "FreeS/WAN or Openswan", hex: "4f45", isPrefix: true },
} as const satisfies Readonly<Record<string, VendorId>>;

export type VendorName = keyof typeof VENDOR_IDS;

/** FRAGMENTATION with capabilities: fragments of Main and Aggressive Mode. */
const CAPABILITIES = { bytes: 4, phase1: 0x80 } as const;
const OPENSWAN_BYTES = 12;

const KNOWN = (Object.entries(VENDOR_IDS) as [VendorName, VendorId][])
  .map(([key, row]) => ({ key, row, bytes: Uint8Array.fromHex(row.hex) }));

/** @returns the key of a row of {@linkcode VENDOR_IDS} */
export function findVendorId(data: Uint8Array): VendorName | undefined {
  return KNOWN.find(({ key, row, bytes }) =>
    (row.isPrefix ? data.length >= bytes.length : data.length === bytes.length) &&
    bytes.every((byte, i) => byte === data[i]) &&
    (key !== "fragmentation" || announcesFragments(data.subarray(bytes.length))) &&
    (key !== "openswan" || data.length === OPENSWAN_BYTES)
  )?.key;
}

/** Windows and libreswan add nothing; where there is a word of capabilities it must have the right one. */
function announcesFragments(capabilities: Uint8Array): boolean {
  if (!capabilities.length) return true;
  return capabilities.length === CAPABILITIES.bytes && (capabilities[0] & CAPABILITIES.phase1) !== 0;
}

export function encodeVendorId(name: VendorName): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(VENDOR_IDS[name].hex);
}

/** The best way through NAT among what a peer has announced. */
export function bestNattMethod(announced: ReadonlySet<VendorName>): NattMethod | undefined {
  return (Object.keys(NATT_METHODS) as NattMethod[]).find((method) => announced.has(method));
}

const SHOWN_BYTES = 47;

/** `ASCII hash` of pluto.md §8.1, step 10: the first bytes with their high bits cleared, fit for a log. */
export function vendorIdText(data: Uint8Array): string {
  return sanitizeText(data.subarray(0, SHOWN_BYTES).map((byte) => byte & 0x7f));
}
