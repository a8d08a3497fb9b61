/** What is done when a peer gives no sign of life (pluto.md §22): `dpdaction=` of each connection with it. */
import type { DpdPolicy } from "../ike/connection.ts";
import type { IsakmpSa } from "../ike/state.ts";
import type { Connection } from "./connection.ts";
import { type Connections, sameHostPair } from "./connections.ts";
import { RC } from "./define.ts";
import type { Initiator } from "./initiate.ts";
import type { LifeCycle } from "./life_cycle.ts";

const STORIES: Readonly<Record<DpdPolicy["action"], string | undefined>> = {
  none: undefined,
  hold: "DPD: Putting connection into %trap",
  clear: "DPD: Clearing Connection",
  restart: "DPD: Restarting Connection",
};

export interface DpdActionDeps {
  readonly lifeCycle: LifeCycle;
  readonly initiator: Pick<Initiator, "initiate">;
  tell(about: Connection, code: number, text: string): void;
}

/** Those with the same peer that have SAs are concerned. */
export async function onDeadPeer(
  sa: IsakmpSa,
  its: Connection,
  all: Pick<Connections, "withPeer">,
  deps: DpdActionDeps,
): Promise<void> {
  const { lifeCycle, initiator } = deps;
  const concerned = all.withPeer(its.peers.id)
    .filter((one) => isWithSamePeer(one, its) && lifeCycle.statesOf(one).length > 0);
  if (!concerned.includes(its)) concerned.push(its);
  const actions = concerned.map((one) => ({
    one,
    action: one.settings.dpd?.action ?? its.settings.dpd?.action ?? "hold",
  }));
  for (const { one, action } of actions) {
    const story = STORIES[action];
    if (story) deps.tell(one, RC.log, story);
    // it cannot hear of it
    if (action !== "none") lifeCycle.removeStates(one, false);
  }
  if (actions.every(({ action }) => action === "none")) lifeCycle.removeState(sa, false);
  // before anything is waited for: an instance without negotiation goes
  for (const { one, action } of actions) {
    const isAnswerable = one.connectionKind === "CK_PERMANENT" || one.connectionKind === "CK_INSTANCE";
    if (action === "restart" && isAnswerable) initiator.initiate(one);
  }
  for (const { one, action } of actions) if (action === "clear") await lifeCycle.release(one, false);
}

/** Of those with its identity: behind one NAT several clients of a group have one, and are told apart by their leases. */
function isWithSamePeer(one: Connection, its: Connection): boolean {
  return one.isOriented && sameHostPair(one, its) && one.lease === its.lease;
}
