/**
 * `interfaces=` of ipsec.conf: which ipsecN goes with which physical device, and with which of its addresses
 * (commands.md §4). Looked up anew whenever links change.
 */
import type { InterfaceAddress, Link, Route } from "../ffi/rtnetlink.ts";
import { SCOPE } from "../packet/rtnetlink.ts";
import { formatAddress } from "../text/address.ts";
import { type DefaultRouteInfo, formatInfo } from "./default_route_info.ts";

/** What the kernel has. */
export interface NetworkFacts {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  /** IPv4 first, the best of each family first. */
  readonly defaultRoutes: readonly Route[];
}

export interface VirtualInterface {
  readonly virtual: string;
  readonly physical: string;
  /** What ipsecN gets, as `192.0.2.1/32`: packets to the networks of the physical device are not its business. */
  readonly addresses: readonly string[];
  readonly info?: DefaultRouteInfo;
  /** In the words that `ifconfig` once had, for the log. */
  readonly story: string;
}

export interface Resolved {
  readonly interfaces: readonly VirtualInterface[];
  readonly complaints: readonly string[];
  /** For who is there to read it: what to say instead in ipsec.conf. */
  readonly advice: readonly string[];
}

export const VIRTUAL_NAMES = ["ipsec0", "ipsec1", "ipsec2", "ipsec3"];
const DEFAULT_ROUTE = "%defaultroute";
const CANNOT_COPE = "%defaultroute cannot cope!!!";
/** IFA_F_ bits of IPv6 addresses that are not to be relied on: temporary (RFC 8981), deprecated, refused as duplicates. */
const UNRELIABLE = 0x01 | 0x20 | 0x08;

/** @param items of `interfaces=`; all complaints are found */
export function resolveInterfaces(items: readonly string[], facts: NetworkFacts): Resolved {
  const interfaces: VirtualInterface[] = [];
  const complaints: string[] = [];
  for (const item of items) {
    const one = resolveItem(item, facts);
    if (typeof one === "string") complaints.push(one);
    else if (interfaces.some(({ virtual }) => virtual === one.virtual)) {
      complaints.push(`invalid interface \`${one.virtual}' in \`${item}': it is attached already`);
    } else interfaces.push(one);
  }
  const isLost = items.includes(DEFAULT_ROUTE) && complaints.some((one) => one.endsWith(CANNOT_COPE));
  return { interfaces, complaints, advice: isLost ? [interfacesAdvice(facts)] : [] };
}

/** What %defaultroute would have to find. */
function interfacesAdvice(facts: NetworkFacts): string {
  const routed = facts.defaultRoutes.map(({ device }) => device);
  const rank = ({ name }: Link) => routed.includes(name) ? 0 : 1;
  const found = facts.links.toSorted((a, b) => rank(a) - rank(b)).flatMap(({ name }) => {
    const [first] = VIRTUAL_NAMES.includes(name) ? [] : usableAddresses(name, facts);
    return first ? [`interfaces="ipsec0=${name}" (${formatAddress(first.address)})`] : [];
  });
  if (!found.length) return "no interface has an address that other hosts could reach: bring one up first";
  return `say in ipsec.conf which interface it is: ${found.join(" or ")}; ` +
    "conns with left=%defaultroute need its address in place of that";
}

/** @returns the complaint where it cannot be */
function resolveItem(item: string, facts: NetworkFacts): VirtualInterface | string {
  if (item !== DEFAULT_ROUTE) {
    const [, virtual, physical] = /^([^=]+)=([^=]+)$/.exec(item) ?? [];
    if (!virtual) return `interface \`${item}' not understood`;
    if (!VIRTUAL_NAMES.includes(virtual)) return `invalid interface \`${virtual}' in \`${item}'`;
    return describe(virtual, physical, facts);
  }
  const [best, second] = facts.defaultRoutes.filter(({ device }) => device && !VIRTUAL_NAMES.includes(device));
  if (!best) return `no default route, ${CANNOT_COPE}`;
  const family = (route: Route) => route.destination.address.family;
  const equal = second && family(second) === family(best) && second.metric === best.metric;
  if (best.paths > 1 || equal) return `multiple default routes, ${CANNOT_COPE}`;
  const one = describe(VIRTUAL_NAMES[0], best.device!, facts);
  if (typeof one === "string") return one;
  const source = facts.addresses.find(({ device, address }) =>
    device === best.device && address.family === family(best) && best.source &&
    formatAddress(address) === formatAddress(best.source)
  );
  const address = source ? formatAddress(source.address) : mainAddress(best.device!, family(best), facts);
  if (!address) return noAddress(best.device!);
  const { virtual, physical } = one;
  const nextHop = best.via && formatAddress(best.via);
  return { ...one, info: { physical, virtual, address, ...(nextHop && { nextHop }) } };
}

function noAddress(physical: string): string {
  return `unable to determine address of \`${physical}'`;
}

/** @param name of a device, or an alias such as eth0:1, whose address alone counts */
function describe(virtual: string, name: string, facts: NetworkFacts): VirtualInterface | string {
  const [physical] = name.split(":");
  const link = facts.links.find((one) => one.name === physical);
  if (!link) return `${noAddress(name)}: there is no such device`;
  const own = usableAddresses(physical, facts);
  const chosen = name === physical
    ? FAMILIES.map((family) => own.find(({ address }) => address.family === family))
    : [own.find(({ label }) => label === name)];
  const found = chosen.filter((one) => one !== undefined);
  if (!found.length) return noAddress(name);
  const [{ address, bits, broadcast, peer }] = found;
  const type = broadcast ? `broadcast ${formatAddress(broadcast)}` : peer ? `pointopoint ${formatAddress(peer)}` : "";
  return {
    virtual,
    physical,
    addresses: found.map(({ address }) => `${formatAddress(address)}/${address.bytes.length * 8}`),
    story: `KLIPS ${virtual} on ${name} ${formatAddress(address)}/${bits} ${type}`.trimEnd(),
  };
}

const FAMILIES = ["inet", "inet6"] as const;

function usableAddresses(device: string, { addresses }: NetworkFacts): InterfaceAddress[] {
  return addresses.filter((one) =>
    one.device === device && one.scope < SCOPE.LINK && !(one.address.family === "inet6" && one.flags & UNRELIABLE)
  );
}

function mainAddress(device: string, family: "inet" | "inet6", facts: NetworkFacts): string | undefined {
  const found = usableAddresses(device, facts).find(({ address }) => address.family === family);
  return found && formatAddress(found.address);
}

/** What `ipsec.info` says of them. */
export function infoText(interfaces: readonly VirtualInterface[]): string {
  return formatInfo(interfaces.map(({ info }) => info));
}
