/**
 * The built-in `_updown` (commands.md §11): routes to the peer's client through ipsecN, and with an argument such as
 * `ipfwadm` a firewall that lets the connection's packets pass. What fails leaves everything as it was.
 *
 * Routes name the next hop, as they always did; the TUN device has no use for it, and no network of its own that it
 * could lie in, so it is `onlink`. IPv6 takes no next hop that another device reaches, onlink or not, and gets none.
 */
import { ERRNO, SystemError } from "../ffi/libc.ts";
import { formatRoute, type Route, type RouteSpec, Rtnetlink } from "../ffi/rtnetlink.ts";
import { ROUTE_PROTOCOL } from "../packet/rtnetlink.ts";
import { type Address, formatAddress } from "../text/address.ts";
import { type Subnet, subnetOf } from "../text/subnet.ts";
import { closeFirewall, type FirewallReport, openFirewall, type Passage } from "./firewall.ts";
import {
  addressVariable,
  passageEnd,
  readUpdownRequest,
  requiredVariable,
  subnetVariable,
  UpdownRefusal,
  type UpdownRequest,
  type Variables,
} from "./updown_request.ts";
import type { UpdownVerb } from "../text/updown_variables.ts";
import { addSourceAddress, removeSourceAddress, type SourceAddress } from "./source_address.ts";
import { inPlace, leadsInto, sameWay, type UpdownRoutes } from "./updown_routes.ts";

export interface UpdownResult {
  readonly status: number;
  /** What is said, each a line. */
  readonly lines: readonly string[];
}

/** What it needs of the system. */
export interface BuiltinUpdownDeps {
  openRoutes(): UpdownRoutes;
  openFirewall(passage: Passage): FirewallReport;
  closeFirewall(passage: Passage): number;
  /** Text of a file; "" where there is none. */
  read(path: string): string;
}

const SYSTEM: BuiltinUpdownDeps = {
  openRoutes: () => new Rtnetlink(),
  openFirewall: (passage) => openFirewall(passage),
  closeFirewall: (passage) => closeFirewall(passage),
  read: (path) => {
    try {
      return Deno.readTextFileSync(path);
    } catch {
      return "";
    }
  },
};

const PROGRAM = "ipsec _updown";
/** That of ip(8) where the kernel refuses. */
const REFUSED_STATUS = 2;
const FAILED_STATUS = 1;
const DEFAULT_SOURCE_FILE = "/etc/sysconfig/defaultsource";

/**
 * @param args of the command: none, a word such as `ipfwadm`, or `custom` and more
 * @param variables the environment
 */
export function builtinUpdown(
  args: readonly string[],
  variables: Variables,
  deps: BuiltinUpdownDeps = SYSTEM,
): UpdownResult {
  try {
    const request = readUpdownRequest(args, variables);
    return { status: 0, lines: ACTIONS[request.verb](request, variables, deps).map(said) };
  } catch (error) {
    if (error instanceof UpdownRefusal) return { status: error.status, lines: error.lines.map(said) };
    if (error instanceof SystemError) return { status: FAILED_STATUS, lines: [said(error.message)] };
    throw error;
  }
}

function said(line: string): string {
  return `${PROGRAM}: ${line}`;
}

/** @returns warnings */
type Action = (request: UpdownRequest, variables: Variables, deps: BuiltinUpdownDeps) => readonly string[];

const ACTIONS: Readonly<Record<UpdownVerb, Action>> = {
  prepare: (_, variables, deps) =>
    withRoutes(deps, (routes) => deleteStale(routes, destinations(variables), variables("PLUTO_INTERFACE"))),
  route: (_, variables, deps) => withRoutes(deps, (routes) => addAll(routes, wantedRoutes(variables, deps))),
  unroute: (_, variables, deps) => withRoutes(deps, (routes) => deleteAll(routes, wantedRoutes(variables, deps))),
  up: (request, variables, deps) => {
    const opened = request.opensFirewall ? deps.openFirewall(passage(request, variables)).warnings : [];
    const source = sourceAddress(variables, deps);
    return [...opened, ...source ? withRoutes(deps, (routes) => addSourceAddress(routes, source)) : []];
  },
  down: (request, variables, deps) => {
    if (request.opensFirewall) deps.closeFirewall(passage(request, variables));
    const source = sourceAddress(variables, deps);
    return source ? withRoutes(deps, (routes) => removeSourceAddress(routes, source)) : [];
  },
};

function withRoutes(deps: BuiltinUpdownDeps, run: (routes: UpdownRoutes) => readonly string[] | void) {
  using routes = deps.openRoutes();
  return run(routes) ?? [];
}

function passage({ of }: UpdownRequest, variables: Variables): Passage {
  return {
    connection: requiredVariable(variables, "PLUTO_CONNECTION"),
    of: of === "host" ? "host" : "forward",
    device: requiredVariable(variables, "PLUTO_INTERFACE"),
    mine: passageEnd(variables, "MY"),
    peer: passageEnd(variables, "PEER"),
  };
}

/** All there is in two halves, so that the default route stays, for the packets of the tunnel itself. */
function destinations(variables: Variables): Subnet[] {
  const client = subnetVariable(variables, "PLUTO_PEER_CLIENT");
  if (client.bits > 0) return [client];
  return [0, 0x80].map((first) => half(client.address, first));
}

function half({ family, bytes }: Address, first: number): Subnet {
  const start = bytes.slice();
  start[0] = first;
  return subnetOf({ family, bytes: start }, 1);
}

function wantedRoutes(variables: Variables, deps: BuiltinUpdownDeps): RouteSpec[] {
  const device = requiredVariable(variables, "PLUTO_INTERFACE");
  const nextHop = addressVariable(variables, "PLUTO_NEXT_HOP");
  const source = addressVariable(variables, "PLUTO_MY_SOURCEIP") ?? defaultSource(deps);
  return destinations(variables).map((destination) => {
    const { family } = destination.address;
    return {
      destination,
      ...(family === "inet" && nextHop?.family === family && { via: nextHop, onlink: true }),
      device,
      ...(source?.family === family && { source }),
    };
  });
}

function sourceAddress(variables: Variables, deps: BuiltinUpdownDeps): SourceAddress | undefined {
  const address = addressVariable(variables, "PLUTO_MY_SOURCEIP");
  return address && {
    address,
    device: requiredVariable(variables, "PLUTO_INTERFACE"),
    isAssigned: variables("PLUTO_CFG_CLIENT") === "1",
    wanted: wantedRoutes(variables, deps),
  };
}

/** The file is one for the shell: DEFAULTSOURCE=192.0.2.1 */
function defaultSource(deps: BuiltinUpdownDeps): Address | undefined {
  const text = /^[ \t]*(?:export[ \t]+)?DEFAULTSOURCE=(["']?)([^"'\s#]*)\1/m.exec(deps.read(DEFAULT_SOURCE_FILE))?.[2];
  return addressVariable(() => text, "DEFAULTSOURCE");
}

/**
 * Those of the kernel's own, which reach the neighbours of an interface, stay: without them there would be no peer. So
 * does one that leads into ipsecN already, as after a crash: without it packets would go in the clear until `route`.
 */
function deleteStale(routes: UpdownRoutes, destinations: readonly Subnet[], virtual: string | undefined): void {
  for (const destination of destinations) {
    const found = routes.lacksRouteTo(destination) ? undefined : inPlace(routes, destination);
    if (!found || found.protocol === ROUTE_PROTOCOL.KERNEL || leadsInto(found, virtual)) continue;
    const { device, via, type } = found;
    // a multipath route is deleted as a whole, so none of its hops is named
    const spec: RouteSpec = found.paths > 1 ? { destination } : { destination, type, device, via };
    try {
      routes.deleteRoute({ ...spec, metric: found.metric });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.errno === ERRNO.ESRCH) continue; // somebody else was faster
      throw new UpdownRefusal([`\`${command("del", spec)}' failed (${reason(error)})`], REFUSED_STATUS);
    }
  }
}

/** All of them or none. One that is there already, as it is wanted, is as good as made. */
function addAll(routes: UpdownRoutes, wanted: readonly RouteSpec[]): void {
  const added: RouteSpec[] = [];
  try {
    for (const spec of wanted) if (addOne(routes, spec)) added.push(spec);
  } catch (error) {
    for (const spec of added) routes.deleteRoute(spec);
    throw error;
  }
}

/** @returns whether it was not there before */
function addOne(routes: UpdownRoutes, spec: RouteSpec): boolean {
  try {
    routes.addRoute(spec);
    return true;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const there = error.errno === ERRNO.EEXIST ? inPlace(routes, spec.destination) : undefined;
    if (there && sameWay(there, spec)) return false;
    if (there && leadsInto(there, spec.device)) {
      routes.replaceRoute(spec); // at once: there is no moment without
      return false;
    }
    throw refusedRoute("add", spec, error, there);
  }
}

/** All are tried, so that nothing is left that could go. The kernel may have been faster: a route goes with its address. */
function deleteAll(routes: UpdownRoutes, wanted: readonly RouteSpec[]): void {
  const refusals: UpdownRefusal[] = [];
  for (const { destination, via, device } of wanted) {
    const spec = { destination, via, device };
    try {
      routes.deleteRoute(spec);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      const there = inPlace(routes, destination);
      if (there || error.errno !== ERRNO.ESRCH) refusals.push(refusedRoute("del", spec, error, there));
    }
  }
  if (refusals.length) throw new UpdownRefusal(refusals.flatMap(({ lines }) => lines), REFUSED_STATUS);
}

function refusedRoute(verb: "add" | "del", spec: RouteSpec, error: SystemError, there?: Route): UpdownRefusal {
  const lines = [`\`${command(verb, spec)}' failed (${reason(error)})`];
  if (there) lines.push(`\tthere is \`${formatRoute(there)}'${advice(verb, there)}`);
  else if (NEXT_HOP_ERRORS.includes(error.errno) && verb === "add") lines.push(nextHopAdvice(spec));
  return new UpdownRefusal(lines, REFUSED_STATUS);
}

function advice(verb: "add" | "del", { protocol }: Route): string {
  if (verb === "del") return ", which is not this connection's and stays";
  return protocol === ROUTE_PROTOCOL.KERNEL
    ? ", the network of an interface: it cannot be behind the peer as well"
    : ", which `ip route del' removes";
}

/** What the kernel says where it cannot send by the next hop, or from the source. */
const NEXT_HOP_ERRORS: readonly number[] = [ERRNO.ENETUNREACH, ERRNO.EHOSTUNREACH, ERRNO.EINVAL];

function nextHopAdvice({ source }: RouteSpec): string {
  if (!source) return "(incorrect or missing nexthop setting??)";
  return `(incorrect or missing nexthop setting, or ${formatAddress(source)} is no address of this host??)`;
}

function command(verb: "add" | "del", spec: RouteSpec): string {
  const dashed = spec.destination.address.family === "inet6" ? "ip -6" : "ip";
  return `${dashed} route ${verb} ${formatRoute(spec)}`;
}

/** What the kernel says, without the sentence around it. */
function reason(error: SystemError): string {
  return error.message.replace(/^Cannot (?:add|delete) route .*?: /, "");
}
