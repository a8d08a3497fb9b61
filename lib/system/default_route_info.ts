/**
 * `ipsec.info`: what start found out about the default route, as assignments for the shell (commands.md §4). Connections
 * with `left=%defaultroute` are made from it.
 */
export interface DefaultRouteInfo {
  readonly physical: string;
  readonly virtual: string;
  readonly address: string;
  /** Not there where the default route names no gateway: on a point-to-point link. */
  readonly nextHop?: string;
}

const NAMES = {
  physical: "defaultroutephys",
  virtual: "defaultroutevirt",
  address: "defaultrouteaddr",
  nextHop: "defaultroutenexthop",
} as const satisfies Record<keyof DefaultRouteInfo, string>;
const KEYS = Object.keys(NAMES) as (keyof DefaultRouteInfo)[];

/** @param interfaces the facts of each interface in use; undefined for one that is not that of the default route */
export function formatInfo(interfaces: readonly (DefaultRouteInfo | undefined)[]): string {
  return interfaces.map((info) =>
    info
      ? KEYS.filter((key) => info[key]).map((key) => `${NAMES[key]}=${info[key]}\n`).join("")
      : "#dr: no default route\n"
  ).join("");
}

/** @returns undefined where no default route is known */
export function parseInfo(text: string): DefaultRouteInfo | undefined {
  const found: Partial<Record<keyof DefaultRouteInfo, string>> = {};
  for (const line of text.split("\n")) {
    for (const key of KEYS) if (line.startsWith(`${NAMES[key]}=`)) found[key] = line.slice(NAMES[key].length + 1);
  }
  const { physical, virtual, address, nextHop } = found;
  if (!physical || !virtual || !address) return undefined;
  return { physical, virtual, address, ...(nextHop && { nextHop }) };
}

/** In the short form of `ipsec showdefaults` (commands.md §18). */
export function shortInfo(text: string): string {
  const lines = text.split("\n");
  return [
    ...lines.filter((line) => line.startsWith("defaultroute")).map((line) => line.slice("default".length)),
    ...lines.filter((line) => line.startsWith("#dr:")).map((line) => line.replace("#dr:", "#")),
  ].map((line) => `${line}\n`).join("");
}
