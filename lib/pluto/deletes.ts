/** What a Delete from the peer does (pluto.md §14). */
import type { IkeEngine } from "../ike/host.ts";
import type { IkeState, IpsecSa } from "../ike/state.ts";
import type { Connection } from "./connection.ts";
import { RC } from "./define.ts";
import { DELETE_DELAY_SECONDS, type Lifetimes } from "./lifetimes.ts";

export interface DeletesDeps {
  readonly engine: Pick<IkeEngine, "remove">;
  readonly lifetimes: Pick<Lifetimes, "replaceSoon">;
  /** Milliseconds. */
  now(): number;
  connectionOf(state: IkeState): Connection;
  tell(about: IkeState, code: number, text: string): void;
}

/** The SA that is to be kept up is replaced, which helps where the peer has been restarted; any other goes. */
export function onPeerDeleted(state: IkeState, deps: DeletesDeps): void {
  const say = (text: string) => deps.tell(state, RC.serious, text);
  if (state.kind === "isakmp") {
    say(`received Delete SA payload: deleting ISAKMP State #${state.number}`);
    deps.engine.remove(state, true);
    return;
  }
  const connection = deps.connectionOf(state);
  if (!connection.policy.up || connection.newestIpsec !== state.number) {
    say(`received Delete SA(${formatSpi(state)}) payload: deleting IPSEC State #${state.number}`);
    deps.engine.remove(state, false);
    return;
  }
  const left = state.event?.name === "EVENT_SA_REPLACE" ? (state.event.atMs - deps.now()) / 1000 : Infinity;
  if (left <= DELETE_DELAY_SECONDS) {
    const seconds = Math.max(0, Math.round(left));
    say(`received Delete SA payload: already replacing IPSEC State #${state.number} in ${seconds} seconds`);
    return;
  }
  say(`received Delete SA payload: replace IPSEC State #${state.number} in ${DELETE_DELAY_SECONDS} seconds`);
  deps.lifetimes.replaceSoon(state);
}

/** By which the peer names the SA: ours to send by. */
function formatSpi({ protocols }: IpsecSa): string {
  return `0x${(protocols[0]?.outboundSpi ?? 0).toString(16).padStart(8, "0")}`;
}
