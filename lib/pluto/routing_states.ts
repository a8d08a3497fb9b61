/** How far a connection is routed (pluto.md §16), in rising order. */

export const ROUTINGS = [
  "UNROUTED",
  "UNROUTED_HOLD",
  "ROUTED_ECLIPSED",
  "ROUTED_PROSPECTIVE",
  "ROUTED_HOLD",
  "ROUTED_FAILURE",
  "ROUTED_TUNNEL",
  "UNROUTED_KEYED",
] as const;

export type Routing = typeof ROUTINGS[number];

/** As listings have it. FreeS/WAN had no name for the last, and printed `(null)`. */
export const ROUTING_NAMES: Readonly<Record<Routing, string>> = {
  UNROUTED: "unrouted",
  UNROUTED_HOLD: "unrouted HOLD",
  ROUTED_ECLIPSED: "eroute eclipsed",
  ROUTED_PROSPECTIVE: "prospective erouted",
  ROUTED_HOLD: "erouted HOLD",
  ROUTED_FAILURE: "fail erouted",
  ROUTED_TUNNEL: "erouted",
  UNROUTED_KEYED: "keyed, unrouted",
};

export function routingRank(routing: Routing): number {
  return ROUTINGS.indexOf(routing);
}

/** Whether a route of ours leads into ipsecN. A keyed connection without one is outside of the order. */
export function isRouted(routing: Routing): boolean {
  return routing.startsWith("ROUTED");
}

/** Whether an eroute belongs to it. */
export function isErouted(routing: Routing): boolean {
  return routing !== "UNROUTED" && routing !== "UNROUTED_KEYED";
}
