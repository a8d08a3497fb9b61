/** What becomes of a connection's routing, its eroute and its route (pluto.md §16.2), one row for each case. */
import type { UpdownVerb } from "../text/updown_variables.ts";
import type { FailureName } from "./policy.ts";
import type { Routing } from "./routing_states.ts";

export type RoutingEvent =
  /** `--route`, and the routing of a group's members. */
  | "route"
  /** A packet was trapped, and its hold is given to the connection. */
  | "hold"
  /** The DNS is consulted for a template of the very two hosts. */
  | "eclipse"
  | "established"
  /** The SA that owns the eroute is deleted or has expired. */
  | "ownerGone"
  /** The last attempt at keying has failed. */
  | "gaveUp"
  /** `--unroute`, or the end of the connection. */
  | "unroute";

export type ErouteStep = "prospective" | "failure" | "hold" | "sa" | "delete" | "leave";

export interface Transition {
  readonly event: RoutingEvent;
  /** Empty: any. */
  readonly from: readonly Routing[];
  /** Of the connection; absent: whatever it is. */
  readonly when?: "failure shunt" | "not rekeyed";
  /** Absent: it stays as it is. */
  readonly to?: Routing;
  readonly eroute: ErouteStep;
  /** Before the eroute changes. */
  readonly before?: readonly UpdownVerb[];
  /** After it has changed; the router leaves out what others have done, or still need. */
  readonly after?: readonly UpdownVerb[];
}

/** The first row that fits counts. */
export const TRANSITIONS: readonly Transition[] = [
  { event: "route", from: ["ROUTED_TUNNEL", "UNROUTED_KEYED"], eroute: "leave" },
  { event: "route", from: [], to: "ROUTED_PROSPECTIVE", eroute: "prospective", after: ["prepare", "route"] },

  { event: "hold", from: ["UNROUTED"], to: "UNROUTED_HOLD", eroute: "hold" },
  { event: "hold", from: ["ROUTED_PROSPECTIVE"], to: "ROUTED_HOLD", eroute: "hold" },
  { event: "hold", from: [], eroute: "leave" },

  { event: "eclipse", from: ["ROUTED_PROSPECTIVE"], to: "ROUTED_ECLIPSED", eroute: "leave" },
  { event: "eclipse", from: [], eroute: "leave" },

  { event: "established", from: ["UNROUTED_KEYED"], eroute: "leave" },
  { event: "established", from: [], to: "ROUTED_TUNNEL", eroute: "sa", after: ["up", "prepare", "route"] },

  {
    event: "ownerGone",
    from: ["ROUTED_TUNNEL"],
    when: "not rekeyed",
    to: "UNROUTED",
    eroute: "delete",
    before: ["down"],
    after: ["unroute"],
  },
  {
    event: "ownerGone",
    from: ["ROUTED_TUNNEL"],
    when: "failure shunt",
    to: "ROUTED_FAILURE",
    eroute: "failure",
    before: ["down"],
  },
  { event: "ownerGone", from: ["ROUTED_TUNNEL"], to: "ROUTED_PROSPECTIVE", eroute: "prospective", before: ["down"] },
  { event: "ownerGone", from: [], eroute: "leave" },

  { event: "gaveUp", from: ["ROUTED_HOLD"], when: "failure shunt", to: "ROUTED_FAILURE", eroute: "failure" },
  { event: "gaveUp", from: ["ROUTED_HOLD"], to: "ROUTED_PROSPECTIVE", eroute: "prospective" },
  { event: "gaveUp", from: ["UNROUTED_HOLD"], to: "UNROUTED", eroute: "delete" },
  { event: "gaveUp", from: [], eroute: "leave" },

  { event: "unroute", from: ["UNROUTED", "UNROUTED_KEYED"], to: "UNROUTED", eroute: "leave" },
  { event: "unroute", from: [], to: "UNROUTED", eroute: "delete", after: ["unroute"] },
];

export interface Circumstances {
  readonly routing: Routing;
  readonly failure: FailureName;
  /** An instance that is made anew when it is needed, `--dontrekey`. */
  readonly isUnrekeyedInstance: boolean;
}

export function findTransition(
  event: RoutingEvent,
  { routing, failure, isUnrekeyedInstance }: Circumstances,
): Transition {
  const holds = { "failure shunt": failure !== "none", "not rekeyed": isUnrekeyedInstance };
  return TRANSITIONS.find((row) =>
    row.event === event && (row.from.length === 0 || row.from.includes(routing)) && (!row.when || holds[row.when])
  )!;
}
