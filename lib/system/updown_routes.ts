/** What the built-in `_updown` asks of this host's routes and addresses. */
import type { Route, RouteSpec, Rtnetlink } from "../ffi/rtnetlink.ts";
import { TABLE } from "../packet/rtnetlink.ts";
import { type Address, sameAddress } from "../text/address.ts";
import { sameSubnet, type Subnet } from "../text/subnet.ts";

/** The part of rtnetlink that matters here. */
export type UpdownRoutes =
  & Pick<
    Rtnetlink,
    | "routes"
    | "lacksRouteTo"
    | "addRoute"
    | "replaceRoute"
    | "deleteRoute"
    | "addresses"
    | "addAddress"
    | "deleteAddress"
  >
  & Disposable;

/** What IPv6 makes of a metric that is not given. */
const IPV6_METRIC = 1024;

/** Whether a route stands where one to `destination` without a metric would. */
function isInPlace(route: Route, destination: Subnet): boolean {
  const metric = destination.address.family === "inet6" ? IPV6_METRIC : 0;
  return route.table === TABLE.MAIN && route.metric === metric && sameSubnet(route.destination, destination) &&
    route.destination.address.family === destination.address.family;
}

export function inPlace(routes: UpdownRoutes, destination: Subnet): Route | undefined {
  return routes.routes(destination.address.family).find((route) => isInPlace(route, destination));
}

export function leadsInto({ device, paths, type }: Route, virtual: string | undefined): boolean {
  return device !== undefined && device === virtual && paths === 1 && type === "unicast";
}

export function sameWay(there: Route, { device, via, source }: RouteSpec): boolean {
  return there.device === device && there.paths === 1 && sameOrNone(there.via, via) &&
    (!source || sameOrNone(there.source, source));
}

function sameOrNone(a: Address | undefined, b: Address | undefined): boolean {
  return a && b ? sameAddress(a, b) : a === b;
}
