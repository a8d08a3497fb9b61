/** A packet met a trap (pluto.md §19.2): which connection it is for, and what becomes of the kernel's hold. */
import { formatAddress, isAnyAddress } from "../text/address.ts";
import { addressInSubnet, hostSubnet } from "../text/subnet.ts";
import type { BareShunts } from "./bare_shunts.ts";
import type { Connection } from "./connection.ts";
import type { Initiator } from "./initiate.ts";
import { type Acquire, type Flow, type Kernel, KernelError, type ShuntKind } from "./kernel.ts";
import type { IpsecSa } from "../ike/state.ts";
import type { Opportunism } from "./opportunism.ts";
import { isRouted } from "./routing_states.ts";
import type { Router } from "./router.ts";
import type { TaskQueue } from "./task_queue.ts";
import type { Reply } from "./whacks.ts";

/** Reasons of a bare hold. */
export const HOLD_REASONS = { acquire: "%acquire-pfkey", found: "%hold found-pfkey" } as const;

export interface AcquireDeps {
  readonly connections: Iterable<Connection>;
  readonly shunts: BareShunts;
  readonly router: Pick<Router, "assignHold" | "eclipse">;
  readonly kernel: Kernel;
  readonly tasks: TaskQueue;
  readonly initiator: Pick<Initiator, "initiate" | "isUnderWay">;
  readonly opportunism: Opportunism | undefined;
  ipsecSa(state: number): IpsecSa | undefined;
  now(): number;
  /** To whack where one asked, else for debugging. */
  opportunismFailed(text: string): void;
  warn(text: string): void;
}

export interface AcquireOptions {
  /** The kernel holds the packet; false where whack asks. */
  readonly isHeld: boolean;
  readonly reason?: string;
  readonly reply?: Reply;
}

export class Acquires {
  constructor(readonly deps: AcquireDeps) {}

  async handle(acquire: Acquire, { isHeld, reason, reply }: AcquireOptions): Promise<void> {
    const { deps } = this;
    const flow = flowOf(acquire);
    if (isHeld) {
      deps.shunts.add({
        flow,
        kind: "hold",
        priority: 0,
        reason: reason ?? HOLD_REASONS.acquire,
        packets: 0,
        activeAt: deps.now(),
      });
    }
    if (isAnyAddress(acquire.from) || isAnyAddress(acquire.to)) {
      return await this.#fail(acquire, undefined, "impossible IP address", isHeld);
    }
    const connection = connectionFor(acquire, deps.connections);
    if (!connection) {
      return await this.#fail(acquire, undefined, "no routed Opportunistic template covers this pair", isHeld);
    }
    if (connection.connectionKind !== "CK_TEMPLATE") {
      if (isHeld) await deps.tasks.run(() => deps.router.assignHold(connection, flow));
      // a negotiation that is under way will do
      if (!deps.initiator.isUnderWay(connection)) deps.initiator.initiate(connection, { reply });
      return;
    }
    if (isHeld) deps.router.eclipse(connection);
    const why = deps.opportunism
      ? await deps.opportunism.initiate(connection, acquire, { isHeld, ...(reply && { reply }) })
      : "opportunism is not enabled";
    if (why !== undefined) await this.#fail(acquire, connection, why, isHeld);
  }

  /** The hold gives way to what the template has for failures, or to the SA of the policy behind it. */
  async #fail(acquire: Acquire, template: Connection | undefined, why: string, isHeld: boolean): Promise<void> {
    const { deps } = this;
    const [from, to] = [formatAddress(acquire.from), formatAddress(acquire.to)];
    deps.opportunismFailed(`Can't Opportunistically initiate for ${from} to ${to}: ${why}`);
    if (!isHeld) return;
    const flow = flowOf(acquire);
    const next = template?.policyNext;
    const sa = next && deps.ipsecSa(next.newestIpsec);
    const failure: ShuntKind | undefined = template && template.policy.failure !== "none"
      ? template.policy.failure
      : undefined;
    await deps.tasks.run(() =>
      this.#kernel(async (kernel) => {
        if (sa) return await kernel.addEroute(flow, sa, true);
        if (failure) return await kernel.addShunt(flow, failure, true);
        return await kernel.deleteEroute(flow);
      })
    );
    deps.shunts.remove(flow);
    if (sa || !failure) return;
    deps.shunts.add({
      flow,
      kind: failure,
      priority: template!.priority,
      reason: why,
      packets: 0,
      activeAt: deps.now(),
    });
  }

  async #kernel(act: (kernel: Kernel) => Promise<void>): Promise<void> {
    try {
      await act(this.deps.kernel);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.deps.warn(error.message);
    }
  }
}

/** What the kernel's hold is for. */
export function flowOf({ from, to, protocol, fromPort, toPort }: Acquire): Flow {
  return { ours: hostSubnet(from), peers: hostSubnet(to), protocol, ourPort: fromPort, peersPort: toPort };
}

/** The routed connection that fits best; none where that never negotiates. */
export function connectionFor(acquire: Acquire, all: Iterable<Connection>): Connection | undefined {
  let best: Connection | undefined, highest = -1;
  for (const one of all) {
    if (one.connectionKind === "CK_GROUP" || one.connectionKind === "CK_GOING_AWAY" || !fits(one, acquire)) continue;
    const { protocol, ourPort, peersPort } = one.flow;
    const rank = 8 * (one.priority + (one.connectionKind === "CK_INSTANCE" ? 1 : 0)) +
      (ourPort === acquire.fromPort ? 2 : 0) + (peersPort === acquire.toPort ? 2 : 0) +
      (protocol === acquire.protocol ? 1 : 0);
    if (rank > highest) [best, highest] = [one, rank];
  }
  return best?.neverNegotiates ? undefined : best;
}

function fits(one: Connection, { from, to, protocol, fromPort, toPort }: Acquire): boolean {
  const isUsable = isRouted(one.routing) ||
    one.connectionKind === "CK_INSTANCE" && isRouted(one.template?.routing ?? "UNROUTED");
  const { flow } = one;
  return isUsable && addressInSubnet(from, flow.ours) && addressInSubnet(to, flow.peers) &&
    (!flow.protocol || flow.protocol === protocol) && (!flow.ourPort || flow.ourPort === fromPort) &&
    (!flow.peersPort || flow.peersPort === toPort);
}
