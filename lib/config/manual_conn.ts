/**
 * A conn with manual keying, from its parameters (klips.md §9, config.md §12.1, §12.3): which end is this host, what
 * flows, and the SAs of both directions. Nothing of it is in force yet; `manual_plan.ts` says what makes it so.
 */
import { type Address, parseNumericAddress, sameAddress } from "../text/address.ts";
import { MAGIC_SPIS, SA_PROTOCOLS, type SaId } from "../text/sa_id.ts";
import { hostSubnet, parseSubnet, type Subnet } from "../text/subnet.ts";
import { ok } from "../text/result.ts";
import { type ConnParameters, DEFAULT_ROUTE_UNKNOWN, type ManualComplaint, ParameterReader } from "./manual_reader.ts";
import { type ManualSa, readChains } from "./manual_sas.ts";
import { type Side, SIDES } from "./settings.ts";

/** What this host is and knows; from the network of the moment. */
export interface ManualHost {
  /** Addresses of the virtual interfaces. */
  readonly interfaces: readonly { readonly device: string; readonly address: Address }[];
  /** What %defaultroute stands for. */
  readonly defaultRoute?: { readonly address: Address; readonly nextHop?: Address };
  /** Whether to act as the other end. */
  readonly other?: boolean;
}

export interface ManualEnd {
  readonly host: Address;
  /** Undefined for the host itself. */
  readonly client: Subnet | undefined;
}

export interface ManualConn {
  readonly name: string;
  readonly type: ManualType;
  readonly device: string;
  readonly me: ManualEnd;
  readonly peer: ManualEnd;
  readonly nextHop: Address;
  readonly sourceIp: Address | undefined;
  /** The updown command, words for a shell. */
  readonly updown: string;
  /** Chains of SAs, innermost first; empty for a shunt. */
  readonly outbound: readonly ManualSa[];
  readonly inbound: readonly ManualSa[];
  /** Whether what comes out of the inbound tunnel must be from the peer's client, to ours. */
  readonly checksArrivals: boolean;
}

export const MANUAL_TYPES = ["tunnel", "transport", "passthrough", "drop", "reject"] as const;
export type ManualType = typeof MANUAL_TYPES[number];

/** The shunt that a type stands for; undefined where packets are protected. */
export function shuntOf({ type }: Pick<ManualConn, "type">): SaId | undefined {
  const spi = { passthrough: MAGIC_SPIS.pass, drop: MAGIC_SPIS.drop, reject: MAGIC_SPIS.reject };
  if (type === "tunnel" || type === "transport") return undefined;
  return { protocol: SA_PROTOCOLS.int, spi: spi[type], destination: { family: "inet", bytes: new Uint8Array(4) } };
}

/** Network of an end: its client, or the host itself. */
export function networkOf({ host, client }: ManualEnd): Subnet {
  return client ?? hostSubnet(host);
}

const DEFAULT_UPDOWN = "ipsec _updown";

/** @returns the conn, and what may not be meant. Throws {@linkcode ManualRefusal}. */
export function readManualConn(
  name: string,
  parameters: ConnParameters,
  host: ManualHost,
): { conn: ManualConn; warnings: readonly ManualComplaint[] } {
  const read = new ParameterReader(parameters);
  if (host.interfaces.length === 0) {
    read.refuse("no IPsec-enabled interfaces found; `ipsec setup start' makes them, or name one with --iam");
  }
  const type = readType(read);
  const ends = { left: readEnd(read, "left", host), right: readEnd(read, "right", host) };
  checkEnds(read, ends);
  read.settle();
  const left = ends.left as FullEnd, right = ends.right as FullEnd;
  const { mine, device } = orient(read, { left: left.host, right: right.host }, host);
  const updown = readUpdown(read, mine);
  const protects = type === "tunnel" || type === "transport";
  const chains = protects ? readChains(read, { type, left: left.host, right: right.host }) : undefined;
  read.settle();
  const [me, peer] = mine === "left" ? [left, right] : [right, left];
  const outbound = chains?.[mine === "left" ? "rightward" : "leftward"] ?? [];
  const inbound = chains?.[mine === "left" ? "leftward" : "rightward"] ?? [];
  const conn = {
    name,
    type: type!,
    device,
    me: { host: me.host, client: me.client },
    peer: { host: peer.host, client: peer.client },
    nextHop: me.nextHop ?? peer.host,
    sourceIp: readSourceIp(read, mine),
    updown,
    outbound,
    inbound,
    checksArrivals: type === "tunnel" && read.value("disablearrivalcheck") !== "yes",
  };
  if (read.value("compress") === "yes") {
    read.warn("compress=yes has no effect with manual keying: packets are not compressed", "compress");
  }
  read.settle();
  return { conn, warnings: read.warnings };
}

function readType(read: ParameterReader): ManualType | undefined {
  const value = read.value("type") ?? "tunnel";
  const type = MANUAL_TYPES.find((one) => one === value);
  if (!type) {
    return read.refuse(
      `only know how to do types tunnel/transport/passthrough, and drop/reject; type=${value} is none of them`,
      "type",
    );
  }
  const named = ["ah", "esp"].filter((name) => read.value(name));
  if (type === "transport") {
    for (const side of SIDES) {
      if (read.value(`${side}subnet`)) read.refuse(`type=transport incompatible with ${side}subnet`, `${side}subnet`);
    }
  }
  if (type !== "tunnel" && type !== "transport") {
    if (named.length) read.refuse(`${type} connection may not specify AH or ESP`, ...named);
  } else if (!named.length) {
    read.refuse("neither AH nor ESP specified for connection");
  }
  return type;
}

interface FullEnd extends ManualEnd {
  readonly nextHop: Address | undefined;
}
type PartialEnd = { readonly [K in keyof FullEnd]: FullEnd[K] | undefined };

function readEnd(read: ParameterReader, side: Side, { defaultRoute }: ManualHost): PartialEnd {
  const host = readHost(read, side, defaultRoute);
  const client = readClient(read, side);
  const hop = `${side}nexthop`;
  const text = read.value(hop);
  if (read.value(side) === "%defaultroute") {
    if (text && text !== "%defaultroute" && text !== "%direct") {
      read.refuse(`non-default value of ${hop} is being overridden`, hop);
    }
    return { host, client, nextHop: defaultRoute?.nextHop };
  }
  if (!text || text === "%direct" || text === "0.0.0.0") return { host, client, nextHop: undefined };
  if (text !== "%defaultroute") return { host, client, nextHop: readAddress(read, hop, text) };
  if (!defaultRoute) read.refuse(DEFAULT_ROUTE_UNKNOWN, hop);
  else if (!defaultRoute.nextHop) read.refuse(`${hop}=%defaultroute: the default route has no next hop`, hop);
  return { host, client, nextHop: defaultRoute?.nextHop };
}

function readHost(
  read: ParameterReader,
  side: Side,
  defaultRoute: ManualHost["defaultRoute"],
): Address | undefined {
  const text = read.required(side, side === "left" ? "right" : "left");
  if (text !== "%defaultroute") return text && readAddress(read, side, text) || undefined;
  if (!defaultRoute && read.value(side === "left" ? "right" : "left") !== "%defaultroute") {
    read.refuse(DEFAULT_ROUTE_UNKNOWN, side);
  }
  return defaultRoute?.address;
}

function readAddress(read: ParameterReader, name: string, text: string): Address | undefined {
  if (/^%(any|opportunistic|group|opportunisticgroup)$/.test(text)) {
    return read.refuse(`${name}=${text} is for automatic keying: manual keying needs an address`, name);
  }
  const parsed = parseNumericAddress(text, text.includes(":") ? "inet6" : "inet");
  if (parsed.ok) return parsed.value;
  return read.refuse(`bad address in ${name}=${text}: ${parsed.error}`, name);
}

function readClient(read: ParameterReader, side: Side): Subnet | undefined {
  const name = `${side}subnet`;
  const text = read.value(name);
  if (!text) return undefined;
  if (text !== "%default" && !text.includes("/")) {
    return read.refuse(`${name}=${text} has no mask specified`, name);
  }
  const slash = text.indexOf("/");
  const sample = text === "%default" ? read.value(side) ?? "" : text.slice(0, slash);
  const family = sample.includes(":") ? "inet6" : "inet";
  // names are for automatic keying: what is routed and protected must not depend on a name server
  const network = slash < 0 ? ok(undefined) : parseNumericAddress(text.slice(0, slash), family);
  if (!network.ok) return read.refuse(`bad syntax in ${name}=${text}: ${network.error}`, name);
  const parsed = parseSubnet(text, family);
  if (!parsed.ok) return read.refuse(`unknown mask syntax "${text}" in ${name}: ${parsed.error}`, name);
  if (parsed.value.port) {
    return read.refuse(`bad syntax in ${name}=${text}: manual keying knows no ports`, name);
  }
  return parsed.value;
}

function checkEnds(read: ParameterReader, ends: Record<Side, PartialEnd>): void {
  if (SIDES.every((side) => read.value(side) === "%defaultroute")) {
    read.refuse("left and right cannot both be %defaultroute", "right");
    return;
  }
  for (const side of SIDES) {
    const { host, nextHop } = ends[side];
    if (host && nextHop && sameAddress(host, nextHop)) {
      read.refuse(`${side} and ${side}nexthop must not be the same`, `${side}nexthop`);
    }
    if (host && nextHop && host.family !== nextHop.family) {
      read.refuse(`${side} and ${side}nexthop must be of one family, IPv4 or IPv6`, `${side}nexthop`);
    }
  }
  const { left, right } = ends;
  if (!left.host || !right.host) return;
  if (left.host.family !== right.host.family) {
    read.refuse("left and right must be of one family, IPv4 or IPv6", "right", "left");
  } else if (sameAddress(left.host, right.host)) {
    read.refuse("left and right must not be the same", "right", "left");
  } else if (familyOf(left) !== familyOf(right)) {
    read.refuse("what is behind left and right must be of one family, IPv4 or IPv6", "rightsubnet", "leftsubnet");
  }
}

function familyOf({ client, host }: PartialEnd) {
  return client?.address.family ?? host?.family;
}

/** Which end is this host, by the addresses of its virtual interfaces (config.md §15). */
function orient(
  read: ParameterReader,
  hosts: Record<Side, Address>,
  { interfaces, other }: ManualHost,
): { mine: Side; device: string } {
  const found = SIDES.flatMap((side) =>
    interfaces.filter(({ address }) => sameAddress(address, hosts[side])).map(({ device }) => ({ side, device }))
  );
  const [first, second] = found;
  if (!first) read.refuse(`cannot find interface for ${read.value("left")} or ${read.value("right")}`, "left");
  if (second && (second.side !== first.side || second.device !== first.device)) {
    read.refuse(`ambiguous:  could be on "${first.device}" or "${second.device}"`, "left");
  }
  read.settle();
  const mine = (first.side === "left") !== (other ?? false) ? "left" : "right";
  return { mine, device: first.device };
}

function readUpdown(read: ParameterReader, mine: Side): string {
  const firewalls = Object.fromEntries(SIDES.map((side) => [side, read.yes(`${side}firewall`)]));
  const command = read.value(`${mine}updown`);
  if (command && firewalls[mine]) {
    read.refuse("cannot specify both updown and firewall", `${mine}firewall`, `${mine}updown`);
  }
  return command ?? (firewalls[mine] ? `${DEFAULT_UPDOWN} ipfwadm` : DEFAULT_UPDOWN);
}

function readSourceIp(read: ParameterReader, mine: Side): Address | undefined {
  const name = `${mine}sourceip`;
  const text = read.value(name);
  return text && !text.startsWith("%") ? readAddress(read, name, text) : undefined;
}
