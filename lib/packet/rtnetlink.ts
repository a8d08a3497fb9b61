/**
 * Messages of rtnetlink(7): routes, addresses, links, rules. Devices are their index here; a message of a family or
 * address length that is none of ours decodes to undefined.
 */
import { type Address, anyAddress, type Family } from "../text/address.ts";
import { makeSubnet, type Subnet } from "../text/subnet.ts";
import {
  type Attributes,
  decodeAttributes,
  headOf,
  NetlinkMalformed,
  type NetlinkMessage,
  NetlinkWriter,
  textOf,
  u32Of,
  viewOf,
} from "./netlink.ts";

export const RTM = {
  NEWLINK: 16,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  GETNEIGH: 30,
  NEWRULE: 32,
  GETRULE: 34,
} as const;

const AF_NUMBER: Record<Family, number> = { inet: 2, inet6: 10 };
const ADDRESS_BYTES: Record<Family, number> = { inet: 4, inet6: 16 };

/** RTN_ numbers. */
const ROUTE_TYPES = {
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
} as const;
export type RouteType = keyof typeof ROUTE_TYPES;
const TYPE_NAMES = Object.keys(ROUTE_TYPES) as RouteType[];

/** Who made a route. */
export const ROUTE_PROTOCOL = { KERNEL: 2, BOOT: 3 } as const;
export const TABLE = { MAIN: 254, LOCAL: 255 } as const;
/** How far a destination is. */
export const SCOPE = { UNIVERSE: 0, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

const ONLINK = 0x4;

export interface NextHop {
  /** Index of a device; 0 where there is none. */
  readonly device: number;
  readonly gateway?: Address;
  /** The gateway is taken to be reachable by the device, whatever its addresses. */
  readonly onlink?: boolean;
}

export interface RouteMessage {
  readonly destination: Subnet;
  readonly type: RouteType;
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  /** Address that packets from this host get. */
  readonly source?: Address;
  /** 0 is IPv4's own choice; IPv6 makes 1024 of it. */
  readonly metric: number;
  readonly mtu?: number;
  /** One, several of a multipath route, or none. */
  readonly nextHops: readonly NextHop[];
}

const RTA = {
  DST: 1,
  SRC: 2,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  PREFSRC: 7,
  METRICS: 8,
  MULTIPATH: 9,
  TABLE: 15,
  VIA: 18,
};
const RTAX_MTU = 2;

export function encodeRoute(route: RouteMessage): Uint8Array<ArrayBuffer> {
  const { destination, table, protocol, scope, type, source, metric, mtu, nextHops: [hop] } = route;
  const { family, bytes } = destination.address;
  // the table's octet holds small numbers only; the attribute holds all
  return new NetlinkWriter()
    .fixed(AF_NUMBER[family], destination.bits, 0, 0, table < 256 ? table : 0, protocol, scope, ROUTE_TYPES[type])
    .fixed32(hop?.onlink ? ONLINK : 0)
    .bytes(RTA.DST, destination.bits ? bytes : undefined)
    .bytes(RTA.PREFSRC, source?.bytes)
    .u32(RTA.PRIORITY, metric || undefined)
    .u32(RTA.TABLE, table)
    .u32(RTA.OIF, hop?.device || undefined)
    .bytes(RTA.GATEWAY, hop?.gateway?.family === family ? hop.gateway.bytes : undefined)
    .bytes(RTA.VIA, hop?.gateway && hop.gateway.family !== family ? encodeVia(hop.gateway) : undefined)
    .bytes(RTA.METRICS, mtu === undefined ? undefined : new NetlinkWriter().u32(RTAX_MTU, mtu).done())
    .done();
}

export function decodeRoute({ body }: NetlinkMessage): RouteMessage | undefined {
  const head = headOf(body, 12);
  const family = familyOf(head.getUint8(0));
  const type = TYPE_NAMES[head.getUint8(7)];
  const flags = head.getUint32(8, true);
  if (!family || !type) return undefined;
  const attributes = decodeAttributes(body, 12);
  const source = attributes.get(RTA.PREFSRC);
  const metrics = attributes.get(RTA.METRICS);
  const mtu = metrics && u32Of(decodeAttributes(metrics).get(RTAX_MTU));
  return {
    destination: subnetOf(attributes.get(RTA.DST), head.getUint8(1), family),
    type,
    table: u32Of(attributes.get(RTA.TABLE)) || head.getUint8(4),
    protocol: head.getUint8(5),
    scope: head.getUint8(6),
    ...(source && { source: addressOf(source, family) }),
    metric: u32Of(attributes.get(RTA.PRIORITY)),
    ...(mtu && { mtu }),
    nextHops: decodeNextHops(attributes, flags, family),
  };
}

function decodeNextHops(attributes: Attributes, flags: number, family: Family): NextHop[] {
  const several = attributes.get(RTA.MULTIPATH);
  if (several) return decodeMultipath(several, family);
  const device = u32Of(attributes.get(RTA.OIF));
  return device ? [nextHop(device, attributes, flags, family)] : [];
}

/** struct rtnexthop: length, flags, weight, device; attributes. */
function decodeMultipath(bytes: Uint8Array, family: Family): NextHop[] {
  const HEAD_BYTES = 8;
  const view = viewOf(bytes);
  const hops: NextHop[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = at + HEAD_BYTES <= bytes.length ? view.getUint16(at, true) : 0;
    if (length < HEAD_BYTES || at + length > bytes.length) throw new NetlinkMalformed("a next hop cut short", at);
    const attributes = decodeAttributes(bytes.subarray(at, at + length), HEAD_BYTES);
    hops.push(nextHop(view.getUint32(at + 4, true), attributes, view.getUint8(at + 2), family));
    at += length + 3 & ~3;
  }
  return hops;
}

function nextHop(device: number, attributes: Attributes, flags: number, family: Family): NextHop {
  const gateway = attributes.get(RTA.GATEWAY), via = attributes.get(RTA.VIA);
  return {
    device,
    ...(gateway && { gateway: addressOf(gateway, family) }),
    ...(via && { gateway: decodeVia(via) }),
    ...(flags & ONLINK && { onlink: true }),
  };
}

/** struct rtvia: a gateway of the other family. */
function encodeVia({ family, bytes }: Address): Uint8Array {
  return new NetlinkWriter().fixed(AF_NUMBER[family], 0).raw(bytes).done();
}

function decodeVia(value: Uint8Array): Address {
  const family = familyOf(headOf(value, 2).getUint16(0, true));
  if (!family) throw new NetlinkMalformed("a gateway of no known family", 0);
  return addressOf(value.subarray(2), family);
}

/** RTM_F_FIB_MATCH, since Linux 4.13: the answer is the route of the table, and not what a packet gets of it. */
export const FIB_MATCH = 0x2000;

/** Asks which route a packet to `address` would take. @param flags none, or {@linkcode FIB_MATCH} */
export function encodeRouteQuestion(
  address: Address,
  { source, device, flags = 0 }: { source?: Address; device?: number; flags?: number } = {},
): Uint8Array<ArrayBuffer> {
  const bits = address.bytes.length * 8;
  return new NetlinkWriter()
    .fixed(AF_NUMBER[address.family], bits, source ? bits : 0, 0, 0, 0, 0, 0)
    .fixed32(flags)
    .bytes(RTA.DST, address.bytes)
    .bytes(RTA.SRC, source?.bytes)
    .u32(RTA.OIF, device)
    .done();
}

/** What a listing of routes or rules starts with; no family is all. */
export function encodeDumpQuestion(family?: Family): Uint8Array<ArrayBuffer> {
  return new NetlinkWriter().fixed(family ? AF_NUMBER[family] : 0, 0, 0, 0, 0, 0, 0, 0).fixed32(0).done();
}

export interface AddressMessage {
  readonly device: number;
  readonly address: Address;
  readonly bits: number;
  /** The other end of a point-to-point link. */
  readonly peer?: Address;
  readonly broadcast?: Address;
  readonly scope: number;
  /** IFA_F_ bits: {@linkcode ADDRESS_FLAG}. */
  readonly flags: number;
  /** As eth0:1, IPv4 only. */
  readonly label?: string;
}

export const ADDRESS_FLAG = { NODAD: 0x2, TENTATIVE: 0x40, PERMANENT: 0x80, NOPREFIXROUTE: 0x200 } as const;

const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, BROADCAST: 4, FLAGS: 8 };

export function encodeAddress({ device, address, bits, peer, broadcast, scope, flags, label }: AddressMessage) {
  const writer = new NetlinkWriter()
    .fixed(AF_NUMBER[address.family], bits, flags & 0xff, scope)
    .fixed32(device)
    .bytes(IFA.LOCAL, address.bytes)
    .bytes(IFA.ADDRESS, (peer ?? address).bytes)
    .bytes(IFA.BROADCAST, broadcast?.bytes)
    .u32(IFA.FLAGS, flags);
  return (label === undefined ? writer : writer.text(IFA.LABEL, label)).done();
}

export function decodeAddress({ body }: NetlinkMessage): AddressMessage | undefined {
  const head = headOf(body, 8);
  const family = familyOf(head.getUint8(0));
  const attributes = decodeAttributes(body, 8);
  const local = attributes.get(IFA.LOCAL), other = attributes.get(IFA.ADDRESS);
  const bytes = local ?? other; // IPv6 gives only the second where there is no peer
  if (!family || !bytes) return undefined;
  const broadcast = attributes.get(IFA.BROADCAST), label = attributes.get(IFA.LABEL);
  const address = addressOf(bytes, family);
  const peer = other && addressOf(other, family);
  return {
    device: head.getUint32(4, true),
    address,
    bits: head.getUint8(1),
    ...(peer && peer.bytes.some((byte, i) => byte !== address.bytes[i]) && { peer }),
    ...(broadcast && { broadcast: addressOf(broadcast, family) }),
    scope: head.getUint8(3),
    flags: u32Of(attributes.get(IFA.FLAGS)) || head.getUint8(2),
    ...(label && { label: textOf(label) }),
  };
}

export interface LinkMessage {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  /** IFF_ bits: {@linkcode LINK_FLAG}. */
  readonly flags: number;
}

export const LINK_FLAG = { UP: 0x1, LOOPBACK: 0x8, POINTOPOINT: 0x10, RUNNING: 0x40 } as const;

const IFLA = { NAME: 3, MTU: 4 };

/** A change of a link; undefined leaves what is. */
export interface LinkChange {
  readonly up?: boolean;
  readonly mtu?: number;
}

export function encodeLinkChange(index: number, { up, mtu }: LinkChange): Uint8Array<ArrayBuffer> {
  return new NetlinkWriter()
    .fixed(0, 0, 0, 0)
    .fixed32(index)
    .fixed32(up ? LINK_FLAG.UP : 0)
    .fixed32(up === undefined ? 0 : LINK_FLAG.UP)
    .u32(IFLA.MTU, mtu)
    .done();
}

export function encodeLinkQuestion(): Uint8Array<ArrayBuffer> {
  return new NetlinkWriter().fixed(0, 0, 0, 0).fixed32(0).fixed32(0).fixed32(0).done();
}

export function decodeLink({ body }: NetlinkMessage): LinkMessage | undefined {
  const head = headOf(body, 16);
  const attributes = decodeAttributes(body, 16);
  const name = attributes.get(IFLA.NAME);
  if (!name) return undefined;
  return {
    index: head.getUint32(4, true),
    name: textOf(name),
    mtu: u32Of(attributes.get(IFLA.MTU)),
    flags: head.getUint32(8, true),
  };
}

/** Who is at the other end of a link. */
export interface NeighbourMessage {
  /** NUD_ bits: what the kernel thinks of it. */
  readonly state: number;
  readonly linkAddress?: Uint8Array;
}

/** NUD_VALID: states in which the kernel itself sends to that link address. */
export const NEIGHBOUR_VALID = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80;

const NDA = { DST: 1, LLADDR: 2 };

/** Asks for the neighbour with that address on the device of that index. */
export function encodeNeighbourQuestion({ family, bytes }: Address, device: number): Uint8Array<ArrayBuffer> {
  return new NetlinkWriter().fixed(AF_NUMBER[family], 0, 0, 0).fixed32(device).fixed32(0).bytes(NDA.DST, bytes).done();
}

/** struct ndmsg: family, device, state, flags, type; attributes. */
export function decodeNeighbour({ body }: NetlinkMessage): NeighbourMessage {
  const head = headOf(body, 12);
  const linkAddress = decodeAttributes(body, 12).get(NDA.LLADDR);
  return { state: head.getUint16(8, true), ...(linkAddress && { linkAddress: linkAddress.slice() }) };
}

/** What a device is. */
export interface LinkKind {
  readonly index: number;
  /** ARPHRD_ number: {@linkcode HARDWARE}. */
  readonly hardware: number;
  /** Of a device made by software, as ip-link(8) calls it: "vlan", "veth". */
  readonly kind?: string;
}

export const HARDWARE = { ETHER: 1 } as const;

export function decodeLinkKind({ body }: NetlinkMessage): LinkKind {
  const LINKINFO = 18, KIND = 1;
  const head = headOf(body, 16);
  const info = decodeAttributes(body, 16).get(LINKINFO);
  const kind = info && decodeAttributes(info).get(KIND);
  return { index: head.getUint32(4, true), hardware: head.getUint16(2, true), ...(kind && { kind: textOf(kind) }) };
}

/** Which table is asked for which packets (ip-rule(8)). */
export interface RuleMessage {
  readonly family: Family;
  readonly priority: number;
  /** FR_ACT_ number: 1 asks a table. */
  readonly action: number;
  readonly table: number;
  readonly source: Subnet;
  readonly destination: Subnet;
  readonly mark: number;
}

const FRA = { DST: 1, SRC: 2, PRIORITY: 6, FWMARK: 10, TABLE: 15 };

export function decodeRule({ body }: NetlinkMessage): RuleMessage | undefined {
  const head = headOf(body, 12);
  const family = familyOf(head.getUint8(0));
  if (!family) return undefined;
  const attributes = decodeAttributes(body, 12);
  return {
    family,
    priority: u32Of(attributes.get(FRA.PRIORITY)),
    action: head.getUint8(7),
    table: u32Of(attributes.get(FRA.TABLE)) || head.getUint8(4),
    source: subnetOf(attributes.get(FRA.SRC), head.getUint8(2), family),
    destination: subnetOf(attributes.get(FRA.DST), head.getUint8(1), family),
    mark: u32Of(attributes.get(FRA.FWMARK)),
  };
}

function familyOf(number: number): Family | undefined {
  return number === AF_NUMBER.inet ? "inet" : number === AF_NUMBER.inet6 ? "inet6" : undefined;
}

function addressOf(value: Uint8Array, family: Family): Address {
  if (value.length !== ADDRESS_BYTES[family]) {
    throw new NetlinkMalformed(`an address of ${value.length} bytes`, 0);
  }
  return { family, bytes: value.slice() };
}

function subnetOf(value: Uint8Array | undefined, bits: number, family: Family): Subnet {
  const subnet = makeSubnet(value ? addressOf(value, family) : anyAddress(family), bits, "0");
  if (!subnet.ok) throw new NetlinkMalformed(subnet.error, 0);
  return subnet.value;
}
