/**
 * After a change of connections: what opportunism has made for two hosts stands in front of the policies of networks, and
 * must go where another policy is theirs now.
 */
import { acquireOf, policyFor } from "./acquire.ts";
import type { BareShunts } from "./bare_shunts.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import type { LifeCycle } from "./life_cycle.ts";
import { isUnknownNet } from "./nets.ts";
import type { Router } from "./router.ts";
import type { TaskQueue } from "./task_queue.ts";

export interface ReconsiderDeps {
  readonly connections: Connections;
  readonly shunts: BareShunts;
  readonly router: Pick<Router, "forgetFailure">;
  readonly lifeCycle: Pick<LifeCycle, "delete">;
  readonly tasks: TaskQueue;
}

/** The traffic meets the trap or the shunt that is its own; nothing passes in between. */
export async function reconsider({ connections, shunts, router, lifeCycle, tasks }: ReconsiderDeps): Promise<void> {
  const standing = [...connections].filter((one) => !isInstance(one));
  await tasks.run(async () => {
    for (const shunt of shunts) {
      if (shunt.owner && policyFor(acquireOf(shunt.flow), standing) !== shunt.owner) await router.forgetFailure(shunt);
    }
  });
  for (const one of [...connections]) {
    if (!isInstance(one) || !one.policy.opportunistic || isUnknownNet(one.peers.net)) continue;
    const policy = policyFor(acquireOf(one.flow), standing);
    // a template that is not routed may answer all the same
    if (policy && policy !== one.template && policy.priority >= one.priority) await lifeCycle.delete(one);
  }
}

function isInstance({ connectionKind, template }: Connection): boolean {
  return connectionKind === "CK_INSTANCE" && template !== undefined;
}
