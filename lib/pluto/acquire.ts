/** A packet met a trap (pluto.md §19.2): which connection it is for, and what becomes of the kernel's hold. */
import { formatAddress, isAnyAddress } from "../text/address.ts";
import { addressInSubnet, hostSubnet } from "../text/subnet.ts";
import type { BareShunts } from "./bare_shunts.ts";
import type { Connection } from "./connection.ts";
import type { Initiator } from "./initiate.ts";
import { type Acquire, type Flow, type Kernel, KernelError } from "./kernel.ts";
import type { IpsecSa } from "../ike/state.ts";
import type { Opportunism, Unfounded } from "./opportunism.ts";
import type { Router } from "./router.ts";
import { isRouted } from "./routing_states.ts";
import type { TaskQueue } from "./task_queue.ts";
import type { Reply } from "./whacks.ts";

/** Reasons of a bare hold. */
export const HOLD_REASONS = { acquire: "%acquire-pfkey", found: "%hold found-pfkey" } as const;

export interface AcquireDeps {
  readonly connections: Iterable<Connection>;
  readonly shunts: BareShunts;
  readonly router: Pick<Router, "assignHold" | "eclipse" | "dropBare" | "putBare">;
  readonly kernel: Kernel;
  readonly tasks: TaskQueue;
  readonly initiator: Pick<Initiator, "initiateOrJoin">;
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
      this.#tell(acquire, "impossible IP address");
      if (isHeld) await deps.tasks.run(() => deps.router.dropBare(flow));
      return;
    }
    const connection = connectionFor(acquire, deps.connections);
    if (!connection) {
      this.#tell(acquire, "no routed Opportunistic template covers this pair");
      if (isHeld) await deps.tasks.run(() => deps.router.dropBare(flow));
      return;
    }
    if (connection.connectionKind !== "CK_TEMPLATE") {
      if (isHeld) await deps.tasks.run(() => deps.router.assignHold(connection, flow));
      if (isHeld && connection.policy.opportunistic) deps.opportunism?.held(connection);
      // a negotiation that is under way will do, and an SA that came between the packet and us
      if (isHeld && deps.ipsecSa(connection.erouteOwner)) return;
      deps.initiator.initiateOrJoin(connection, reply);
      return;
    }
    if (isHeld) deps.router.eclipse(connection);
    const outcome = deps.opportunism
      ? await deps.opportunism.initiate(connection, acquire, { isHeld, ...(reply && { reply }) })
      : { why: "opportunism is not enabled", isUnanswered: false };
    if (outcome === undefined) return;
    const isAnothers = outcome === "changed" ||
      await deps.tasks.run(() => this.#fail(acquire, connection, outcome, isHeld)) === "changed";
    if (isAnothers) await this.handle(acquire, { isHeld, reason, reply });
  }

  #tell(acquire: Acquire, why: string): void {
    const [from, to] = [formatAddress(acquire.from), formatAddress(acquire.to)];
    this.deps.opportunismFailed(`Can't Opportunistically initiate for ${from} to ${to}: ${why}`);
  }

  /**
   * The hold gives way to what the template has for failures, or to the SA of the policy behind it. Where the traffic has
   * found its way meanwhile, that way stays; where it has become another template's, that one is to be asked.
   */
  async #fail(
    acquire: Acquire,
    template: Connection,
    { why, isUnanswered }: Unfounded,
    isHeld: boolean,
  ): Promise<"changed" | undefined> {
    const { deps } = this;
    const flow = flowOf(acquire);
    const isStillHeld = isHeld && deps.shunts.find(flow)?.kind === "hold";
    if (isStillHeld && connectionFor(acquire, deps.connections) !== template) return "changed";
    this.#tell(acquire, why);
    if (!isStillHeld) return undefined;
    const next = template.policyNext;
    const sa = next && deps.ipsecSa(next.newestIpsec);
    const { failure } = template.policy;
    if (sa) {
      await this.#kernel((kernel) => kernel.addEroute(flow, sa, true));
      deps.shunts.remove(flow);
    } else if (failure === "none") {
      await deps.router.dropBare(flow);
    } else {
      await deps.router.putBare(flow, template, { kind: failure, reason: why, now: deps.now(), isUnanswered });
    }
    return undefined;
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

/** What the kernel would have asked for a hold. */
export function acquireOf({ ours, peers, protocol, ourPort, peersPort }: Flow): Acquire {
  return { from: ours.address, to: peers.address, protocol, fromPort: ourPort, toPort: peersPort };
}

/** The routed connection that fits best; none where that never negotiates. */
export function connectionFor(acquire: Acquire, all: Iterable<Connection>): Connection | undefined {
  const best = policyFor(acquire, all);
  return best?.neverNegotiates ? undefined : best;
}

/** The routed connection that fits best, whether or not it negotiates. */
export function policyFor(acquire: Acquire, all: Iterable<Connection>): Connection | undefined {
  let best: Connection | undefined, highest = -1;
  for (const one of all) {
    if (one.connectionKind === "CK_GROUP" || one.connectionKind === "CK_GOING_AWAY" || !fits(one, acquire)) continue;
    const { protocol, ourPort, peersPort } = one.flow;
    const rank = 8 * (one.priority + (one.connectionKind === "CK_INSTANCE" ? 1 : 0)) +
      (ourPort === acquire.fromPort ? 2 : 0) + (peersPort === acquire.toPort ? 2 : 0) +
      (protocol === acquire.protocol ? 1 : 0);
    if (rank > highest) [best, highest] = [one, rank];
  }
  return best;
}

function fits(one: Connection, { from, to, protocol, fromPort, toPort }: Acquire): boolean {
  const isUsable = isRouted(one.routing) ||
    one.connectionKind === "CK_INSTANCE" && isRouted(one.template?.routing ?? "UNROUTED");
  // most are of other networks
  if (!isUsable || !addressInSubnet(to, one.peers.net) || !addressInSubnet(from, one.ours.net)) return false;
  const { flow } = one;
  return (!flow.protocol || flow.protocol === protocol) && (!flow.ourPort || flow.ourPort === fromPort) &&
    (!flow.peersPort || flow.peersPort === toPort);
}
