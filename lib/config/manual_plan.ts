/**
 * What `ipsec manual` does for a conn, as a list of operations in the order of klips.md §9: for the packet engine, and
 * for the updown command. They are carried out by commands/_manual_run.ts, or printed as a script.
 */
import type { SaId } from "../text/sa_id.ts";
import type { Subnet } from "../text/subnet.ts";
import { type ManualConn, networkOf, shuntOf } from "./manual_conn.ts";
import type { ManualSa } from "./manual_sas.ts";

export const MANUAL_ACTIONS = ["up", "down", "route", "unroute"] as const;
export type ManualAction = typeof MANUAL_ACTIONS[number];

/** Packets that an eroute or a policy is for. */
export interface ManualFlow {
  readonly source: Subnet;
  readonly destination: Subnet;
}

export type ManualStep =
  | { readonly kind: "addSa"; readonly sa: ManualSa }
  | { readonly kind: "group"; readonly ids: readonly SaId[] }
  | { readonly kind: "policy" | "replaceEroute" | "deleteEroute"; readonly flow: ManualFlow; readonly id: SaId }
  | { readonly kind: "deleteSa"; readonly id: SaId; readonly direction: "outbound" | "inbound" }
  | { readonly kind: "updown"; readonly verb: "prepare" | "route" | "unroute" | "up" | "down" };

export function manualPlan(action: ManualAction, conn: ManualConn): ManualStep[] {
  return PLANS[action](conn);
}

const PLANS: Readonly<Record<ManualAction, (conn: ManualConn) => ManualStep[]>> = {
  up: (conn) => [
    ...chainSteps(conn.outbound),
    ...chainSteps(conn.inbound),
    ...policyStep(conn),
    erouteStep("replaceEroute", conn),
    ...updownSteps("prepare", "route", "up"),
  ],
  // The route stays: packets meet ipsecN without an eroute and are dropped, instead of leaving in the clear.
  down: (conn) => [
    ...updownSteps("down"),
    erouteStep("deleteEroute", conn),
    ...deletionSteps(conn.outbound, "outbound"),
    ...deletionSteps(conn.inbound, "inbound"),
  ],
  route: () => updownSteps("prepare", "route"),
  unroute: () => updownSteps("unroute"),
};

function chainSteps(chain: readonly ManualSa[]): ManualStep[] {
  const made = chain.map((sa): ManualStep => ({ kind: "addSa", sa }));
  return chain.length > 1 ? [...made, { kind: "group", ids: chain.map(({ id }) => id) }] : made;
}

/** What may come out of the inbound tunnel. */
function policyStep({ me, peer, inbound, checksArrivals }: ManualConn): ManualStep[] {
  if (!checksArrivals || inbound.length === 0) return [];
  return [{ kind: "policy", flow: { source: networkOf(peer), destination: networkOf(me) }, id: inbound[0].id }];
}

function erouteStep(kind: "replaceEroute" | "deleteEroute", conn: ManualConn): ManualStep {
  const id = shuntOf(conn) ?? conn.outbound[0].id;
  return { kind, flow: { source: networkOf(conn.me), destination: networkOf(conn.peer) }, id };
}

/** Deleting one SA takes its whole chain with it; overridden SPIs make no difference. */
function deletionSteps(chain: readonly ManualSa[], direction: "outbound" | "inbound"): ManualStep[] {
  return chain.slice(0, 1).map(({ id }) => ({ kind: "deleteSa", id, direction }));
}

function updownSteps(...verbs: readonly Extract<ManualStep, { kind: "updown" }>["verb"][]): ManualStep[] {
  return verbs.map((verb) => ({ kind: "updown", verb }));
}
