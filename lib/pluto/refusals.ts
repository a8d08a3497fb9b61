/** ICMP errors about IKE messages, to whoever waits for an answer (pluto.md §5). Anybody may have sent them: they change nothing. */
import type { UdpRefusal } from "../packet/icmp_refusal.ts";
import { formatAddress, sameAddress } from "../text/address.ts";
import { Connection } from "./connection.ts";
import { RC } from "./define.ts";
import type { Parts } from "./parts.ts";

/** By code of "destination unreachable": what the kernel makes of it. */
const REASONS: Readonly<Record<number, readonly [errno: number, text: string]>> = {
  0: [101, "Network is unreachable"],
  1: [113, "No route to host"],
  2: [92, "Protocol not available"],
  3: [111, "Connection refused"],
  9: [101, "Network is unreachable"],
  10: [113, "No route to host"],
  13: [113, "No route to host"],
};

export function tellRefusal({ engine, teller }: Pick<Parts, "engine" | "teller">, refusal: UdpRefusal): void {
  const { code, complainant, from, fromPort, to, toPort } = refusal;
  const reason = REASONS[code];
  if (!reason) return;
  const [errno, text] = reason;
  for (const state of engine.states.values()) {
    const { path, connection } = state;
    const isAbout = path.remotePort === toPort && path.localPort === fromPort && sameAddress(path.remote, to) &&
      sameAddress(path.local, from);
    if (!isAbout || state.unansweredSince === undefined) continue;
    const device = connection instanceof Connection && connection.interface?.physical || "an interface";
    teller.tell(
      state,
      RC.serious,
      `ERROR: asynchronous network error report on ${device} for message to ${formatAddress(to)} port ${toPort}, ` +
        `complainant ${formatAddress(complainant)}: ${text} [errno ${errno}, origin ICMP type 3 code ${code} ` +
        "(not authenticated)]",
    );
    teller.troubles.heard(state, RC.serious, `${text}, says ${formatAddress(complainant)} by ICMP`);
  }
}
