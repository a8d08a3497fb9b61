/** Nothing under an ISAKMP SA: for tests that are about phase 1 alone. */
import { EXCHANGE } from "../../lib/ike/constants.ts";
import type { Phase2 } from "../../lib/ike/phase2.ts";

export function noPhase2(): Phase2 {
  const nothing = { openings: [], rows: [], answersRepeats: [], giveUp: {} };
  return {
    quick: { type: EXCHANGE.QUICK, name: "Quick Mode", ...nothing },
    transaction: { type: EXCHANGE.MODE_CFG, name: "Mode Config", ...nothing },
    prepareQuick: () => "there is no Quick Mode here",
    informational: (_sa, { payloads }) => ({
      kind: "ignore",
      counter: "informational",
      text: `informational: ${payloads.map((one) => one.type === "N" ? `N${one.notify}` : one.type).join(" ")}`,
    }),
    afterPhase1: () => ({ next: "ready" }),
    deletes: () => [],
    ready: () => {},
    alive: () => {},
    gone: () => {},
  };
}
