/**
 * PLUTO_MY_SOURCEIP, the address from which this host itself sends into a tunnel. One that no interface has, as a gateway
 * assigns it to a road warrior, is ipsecN's while a connection is up that uses it.
 *
 * With an address the kernel removes the routes that have it as source, and packets would go in the clear: they are made
 * anew before.
 */
import type { InterfaceAddress, Route, RouteSpec } from "../ffi/rtnetlink.ts";
import { TABLE } from "../packet/rtnetlink.ts";
import { type Address, formatAddress, sameAddress } from "../text/address.ts";
import { sameSubnet } from "../text/subnet.ts";
import { inPlace, leadsInto, sameWay, type UpdownRoutes } from "./updown_routes.ts";

export interface SourceAddress {
  readonly address: Address;
  /** ipsecN */
  readonly device: string;
  /** The peer has given it to us. */
  readonly isAssigned: boolean;
  /** Of the connection; those that stand already get the address as source. */
  readonly wanted: readonly RouteSpec[];
}

/** Of an IPv4 address that was added here: `ipsec0:cfg`. An administrator's has another label. */
const OWN_LABEL = ":cfg";

/** @returns what is to be said */
export function addSourceAddress(
  routes: UpdownRoutes,
  { address, device, isAssigned, wanted }: SourceAddress,
): string[] {
  const all = routes.addresses();
  const there = all.find((one) => sameAddress(one.address, address));
  if (there) {
    if (!isAssigned || isOwn(there, device, all)) return [];
    const text =
      `${formatAddress(address)}, which the peer has assigned, is an address of ${there.device} already: it is ` +
      "used, and stays there";
    return [text];
  }
  routes.addAddress({
    device,
    address,
    ...(address.family === "inet" ? { label: device + OWN_LABEL } : { noDad: true }),
  });
  for (const spec of wanted) {
    const old = inPlace(routes, spec.destination);
    if (!old || !leadsInto(old, device) || sameWay(old, spec)) continue;
    routes.replaceRoute(spec);
    // an earlier pluto that was killed has taken nothing back
    if (old.source) removeSourceAddress(routes, { device, address: old.source, wanted: [] });
  }
  return [];
}

/** Only what was added here, and when no other connection sends from it. */
export function removeSourceAddress(
  routes: UpdownRoutes,
  { address, device, wanted }: Omit<SourceAddress, "isAssigned">,
): void {
  const all = routes.addresses();
  const own = all.find((one) => sameAddress(one.address, address) && isOwn(one, device, all));
  if (!own) return;
  const using = routes.routes(address.family).filter((route) =>
    route.table === TABLE.MAIN && leadsInto(route, device) && route.source && sameAddress(route.source, address)
  );
  const isWanted = ({ destination }: Route) => wanted.some((one) => sameSubnet(one.destination, destination));
  if (!using.every(isWanted)) return;
  for (const { destination, via, onlink, metric } of using) {
    routes.replaceRoute({ destination, via, onlink, metric, device });
  }
  routes.deleteAddress({ device, address });
}

function isOwn(one: InterfaceAddress, device: string, all: readonly InterfaceAddress[]): boolean {
  if (one.device !== device || one.bits !== 8 * one.address.bytes.length) return false;
  if (one.address.family === "inet") return one.label === device + OWN_LABEL;
  // ipsecN shares those of the device below it
  return !all.some((other) => other.device !== device && sameAddress(other.address, one.address));
}
