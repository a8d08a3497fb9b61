/** All that runs under an ISAKMP SA, as the engine asks for it: {@linkcode Phase2}. */
import { DeadPeerDetection } from "./dead_peer_detection.ts";
import { deletePayloads } from "./delete_payload.ts";
import { informationalStep } from "./informational.ts";
import type { IsakmpSa } from "./state.ts";
import type { EngineServices, Phase2 } from "./phase2.ts";
import { QUICK_MODE } from "./quick_mode.ts";
import { afterPhase1, TRANSACTION } from "./xauth.ts";

export function makePhase2(services: EngineServices): Phase2 {
  const dpd = new DeadPeerDetection(services);
  return {
    quick: QUICK_MODE,
    prepareQuick(state, { like }) {
      const { connection, isakmp } = state;
      if (connection.ipsecSuites.length === 0 && !connection.compress) {
        return "cannot initiate Quick Mode for an ISAKMP-only connection";
      }
      const { suite } = services.states.get(isakmp) as IsakmpSa;
      state.pfsGroup = connection.pfs ? connection.pfsGroup ?? like?.pfsGroup ?? suite?.group : like?.pfsGroup;
      if (like?.mode === "tunnel") state.mode = "tunnel";
      return undefined;
    },
    transaction: TRANSACTION,
    informational: informationalStep(services, dpd),
    afterPhase1,
    deletes: deletePayloads,
    ready: (sa) => dpd.start(sa),
    alive: (sa) => dpd.alive(sa),
    gone(state) {
      if (state.kind === "isakmp") dpd.stop(state);
    },
  };
}
