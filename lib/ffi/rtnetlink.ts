/**
 * Routes, addresses, links and rules of this network namespace, by rtnetlink(7). Devices are named here; what is asked
 * for is done or refused with a {@linkcode SystemError} that says what and why.
 */
import type { NetlinkEnd, NetlinkMessage } from "../packet/netlink.ts";
import { NLM } from "../packet/netlink.ts";
import {
  ADDRESS_FLAG,
  type AddressMessage,
  decodeAddress,
  decodeLink,
  decodeLinkKind,
  decodeNeighbour,
  decodeRoute,
  decodeRule,
  encodeAddress,
  encodeDumpQuestion,
  encodeLinkChange,
  encodeLinkQuestion,
  encodeNeighbourQuestion,
  encodeRoute,
  encodeRouteQuestion,
  FIB_MATCH,
  type LinkChange,
  type LinkKind,
  type LinkMessage,
  NEIGHBOUR_VALID,
  ROUTE_PROTOCOL,
  type RouteMessage,
  type RouteType,
  RTM,
  type RuleMessage,
  SCOPE,
  TABLE,
} from "../packet/rtnetlink.ts";
import { type Address, type Family, formatAddress } from "../text/address.ts";
import { formatSubnet, isHostSubnet, type Subnet } from "../text/subnet.ts";
import { cString, ERRNO, libc, SystemError } from "./libc.ts";
import { decodedOr, NETLINK_ROUTE, NetlinkSocket, type Subject } from "./netlink_socket.ts";

/** One route of the kernel; of a multipath route `device` and `via` are those of its first next hop. */
export interface Route {
  readonly destination: Subnet;
  readonly type: RouteType;
  readonly table: number;
  /** {@linkcode ROUTE_PROTOCOL} */
  readonly protocol: number;
  readonly scope: number;
  readonly device?: string;
  readonly via?: Address;
  readonly onlink?: boolean;
  readonly source?: Address;
  readonly metric: number;
  readonly mtu?: number;
  /** Number of next hops. */
  readonly paths: number;
}

/** A route to make or remove; what is left out is the kernel's choice, or for removal any. */
export interface RouteSpec {
  readonly destination: Subnet;
  /** Default unicast. */
  readonly type?: RouteType;
  /** Default main. */
  readonly table?: number;
  readonly device?: string;
  readonly via?: Address;
  readonly onlink?: boolean;
  readonly source?: Address;
  readonly metric?: number;
  readonly mtu?: number;
}

export type Link = LinkMessage;

export interface InterfaceAddress extends Omit<AddressMessage, "device"> {
  readonly device: string;
}

/** An address to add to a device. */
export interface AddressSpec {
  readonly device: string;
  readonly address: Address;
  /** Of the network; default all, one host. */
  readonly bits?: number;
  readonly peer?: Address;
  readonly broadcast?: Address;
  /** No route to its network is made. */
  readonly noPrefixRoute?: boolean;
  /** No duplicate address detection (IPv6). */
  readonly noDad?: boolean;
  readonly label?: string;
}

export class Rtnetlink implements Disposable {
  readonly #socket = new NetlinkSocket(NETLINK_ROUTE);

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  links(): Link[] {
    return this.#list(RTM.GETLINK, RTM.NEWLINK, encodeLinkQuestion(), "list network devices", decodeLink);
  }

  findLink(name: string): Link | undefined {
    return this.links().find((link) => link.name === name);
  }

  /** What the device of that index is; undefined where there is none. */
  kindOf(index: number): LinkKind | undefined {
    return this.#list(RTM.GETLINK, RTM.NEWLINK, encodeLinkQuestion(), "list network devices", decodeLinkKind)
      .find((link) => link.index === index);
  }

  setLink(name: string, change: LinkChange): void {
    const subject = `change ${name}`;
    const body = encodeLinkChange(this.#index(name, subject), change);
    this.#socket.ask({ type: RTM.NEWLINK, flags: 0, body }, subject);
  }

  addresses(): InterfaceAddress[] {
    const names = this.#names();
    return this.#list(RTM.GETADDR, RTM.NEWADDR, encodeDumpQuestion(), "list addresses", decodeAddress)
      .map((one) => ({ ...one, device: nameOf(one.device, names) }));
  }

  addAddress(spec: AddressSpec): void {
    this.#changeAddress(RTM.NEWADDR, NLM.CREATE | NLM.EXCLUSIVE, spec, "add");
  }

  deleteAddress(spec: AddressSpec): void {
    this.#changeAddress(RTM.DELADDR, 0, spec, "delete");
  }

  /** @param family both where it is left out */
  routes(family?: Family): Route[] {
    const names = this.#names();
    return this.#list(RTM.GETROUTE, RTM.NEWROUTE, encodeDumpQuestion(family), "list routes", decodeRoute)
      .map((route) => named(route, names));
  }

  /** Default routes of the main table that packets can take, the best first. */
  defaultRoutes(family: Family): Route[] {
    return this.routes(family)
      .filter(({ destination, table, type }) => destination.bits === 0 && table === TABLE.MAIN && type === "unicast")
      .sort((a, b) => a.metric - b.metric);
  }

  /** The way of a packet to `address`; undefined where there is none. */
  routeTo(address: Address, from: { source?: Address; device?: string } = {}): Route | undefined {
    const subject = `find the route to ${formatAddress(address)}`;
    const device = from.device === undefined ? undefined : this.#index(from.device, subject);
    const body = encodeRouteQuestion(address, { source: from.source, device });
    try {
      const [answer] = this.#socket.ask({ type: RTM.GETROUTE, flags: 0, body }, subject);
      const route = answer && decodedOr(() => decodeRoute(answer), subject);
      return route && route.type !== "unreachable" ? named(route, this.#names()) : undefined;
    } catch (error) {
      if (error instanceof SystemError && NO_WAY.includes(error.errno)) return undefined;
      throw error;
    }
  }

  /**
   * Whether the main table has no route to exactly this network: one question, however many routes there are. False is no
   * answer: a smaller network, another table or an older kernel has been in the way, and the listing tells.
   */
  lacksRouteTo({ address, bits }: Subnet): boolean {
    const body = encodeRouteQuestion(address, { flags: FIB_MATCH });
    const subject = `find the route to ${formatAddress(address)}`;
    try {
      const [answer] = this.#socket.ask({ type: RTM.GETROUTE, flags: 0, body }, subject);
      const route = answer && decodedOr(() => decodeRoute(answer), subject);
      return route !== undefined && route.table === TABLE.MAIN && route.destination.bits < bits;
    } catch (error) {
      if (error instanceof SystemError) return error.errno === ERRNO.ENETUNREACH;
      throw error;
    }
  }

  /**
   * The link address that packets to `address` get where they leave by the device of that index; undefined where the kernel
   * does not know it now, or would not send them.
   */
  linkAddressTo(address: Address, device: number): Uint8Array | undefined {
    const subject = `find the neighbour on the way to ${formatAddress(address)}`;
    try {
      const [way] = this.#socket.ask(
        { type: RTM.GETROUTE, flags: 0, body: encodeRouteQuestion(address, { device }) },
        subject,
      );
      const route = way && decodedOr(() => decodeRoute(way), subject);
      if (route?.type !== "unicast" || route.nextHops.length !== 1) return undefined;
      const [{ device: by, gateway }] = route.nextHops;
      if (by !== device) return undefined;
      const body = encodeNeighbourQuestion(gateway ?? address, device);
      const [answer] = this.#socket.ask({ type: RTM.GETNEIGH, flags: 0, body }, subject);
      const neighbour = answer && decodedOr(() => decodeNeighbour(answer), subject);
      return neighbour && neighbour.state & NEIGHBOUR_VALID ? neighbour.linkAddress : undefined;
    } catch (error) {
      if (error instanceof SystemError) return undefined; // no way, no neighbour, or a kernel before Linux 5.0
      throw error;
    }
  }

  /** Refused where there is one to the same network with the same metric. */
  addRoute(spec: RouteSpec): void {
    this.#changeRoute(RTM.NEWROUTE, NLM.CREATE | NLM.EXCLUSIVE, spec, "add");
  }

  /** Takes the place of one to the same network with the same metric. */
  replaceRoute(spec: RouteSpec): void {
    this.#changeRoute(RTM.NEWROUTE, NLM.CREATE | NLM.REPLACE, spec, "replace");
  }

  deleteRoute(spec: RouteSpec): void {
    this.#changeRoute(RTM.DELROUTE, 0, spec, "delete");
  }

  rules(family?: Family): RuleMessage[] {
    return this.#list(RTM.GETRULE, RTM.NEWRULE, encodeDumpQuestion(family), "list routing rules", decodeRule);
  }

  #changeRoute(type: number, flags: number, spec: RouteSpec, verb: string): void {
    const subject = `${verb} route ${formatRoute(spec)}`;
    const removal = type === RTM.DELROUTE;
    const device = spec.device === undefined ? 0 : this.#index(spec.device, subject);
    const { destination, via, onlink, source, metric = 0, mtu } = spec;
    const body = encodeRoute({
      destination,
      type: spec.type ?? (removal ? "unspec" : "unicast"),
      table: spec.table ?? TABLE.MAIN,
      protocol: removal ? 0 : ROUTE_PROTOCOL.BOOT,
      scope: removal ? SCOPE.NOWHERE : device && !via ? SCOPE.LINK : SCOPE.UNIVERSE,
      ...(source && { source }),
      metric,
      ...(mtu !== undefined && { mtu }),
      nextHops: device || via ? [{ device, ...(via && { gateway: via }), ...(onlink && { onlink }) }] : [],
    });
    this.#socket.ask({ type, flags, body }, subject, hintOf);
  }

  #changeAddress(type: number, flags: number, spec: AddressSpec, verb: string): void {
    const { device, address, peer, broadcast, label } = spec;
    const bits = spec.bits ?? address.bytes.length * 8;
    const subject = `${verb} address ${formatAddress(address)}/${bits} of ${device}`;
    const body = encodeAddress({
      device: this.#index(device, subject),
      address,
      bits,
      ...(peer && { peer }),
      ...(broadcast && { broadcast }),
      ...(label !== undefined && { label }),
      scope: SCOPE.UNIVERSE,
      flags: (spec.noPrefixRoute ? ADDRESS_FLAG.NOPREFIXROUTE : 0) | (spec.noDad ? ADDRESS_FLAG.NODAD : 0),
    });
    this.#socket.ask({ type, flags, body }, subject, hintOf);
  }

  #list<T>(
    question: number,
    answer: number,
    body: Uint8Array,
    subject: Subject,
    decode: (message: NetlinkMessage) => T | undefined,
  ): T[] {
    return this.#socket.list({ type: question, flags: 0, body }, subject)
      .filter(({ type }) => type === answer)
      .map((message) => decodedOr(() => decode(message), subject))
      .filter((value) => value !== undefined);
  }

  #names(): Map<number, string> {
    return new Map(this.links().map(({ index, name }) => [index, name]));
  }

  #index(name: string, subject: Subject): number {
    const index = libc().if_nametoindex(cString(name));
    if (!index) throw new SystemError("netlink", ERRNO.ENODEV, subject, `there is no ${name}`);
    return index;
  }
}

/** Answers to the question for a way that say there is none. */
const NO_WAY: readonly number[] = [ERRNO.ENETUNREACH, ERRNO.EHOSTUNREACH, ERRNO.EACCES, ERRNO.EINVAL];

function hintOf({ errno, text }: NetlinkEnd): string {
  return errno === ERRNO.EPERM ? "run as root or grant CAP_NET_ADMIN" : text;
}

function named({ nextHops, ...route }: RouteMessage, names: Map<number, string>): Route {
  const [hop] = nextHops;
  return {
    ...route,
    ...(hop?.device && { device: nameOf(hop.device, names) }),
    ...(hop?.gateway && { via: hop.gateway }),
    ...(hop?.onlink && { onlink: true }),
    paths: nextHops.length,
  };
}

/** A device that came after the links were listed has its number for a name. */
function nameOf(index: number, names: Map<number, string>): string {
  return names.get(index) ?? `if${index}`;
}

/** In the words of ip-route(8), which is what administrators know and can type again. */
export function formatRoute(route: RouteSpec): string {
  const { destination, type, via, device, source, metric, table } = route;
  const words: string[] = type && type !== "unicast" && type !== "unspec" ? [type] : [];
  words.push(formatDestination(destination));
  if (via) words.push(via.family === destination.address.family ? "via" : `via ${via.family}`, formatAddress(via));
  if (device !== undefined) words.push("dev", device);
  if (source) words.push("src", formatAddress(source));
  if (metric) words.push("metric", String(metric));
  if (route.onlink) words.push("onlink");
  if (table !== undefined && table !== TABLE.MAIN) words.push("table", String(table));
  return words.join(" ");
}

function formatDestination(destination: Subnet): string {
  if (destination.bits === 0) return "default";
  return isHostSubnet(destination) ? formatAddress(destination.address) : formatSubnet(destination);
}
