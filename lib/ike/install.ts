/**
 * SAs go to the packet engine in the midst of a step: the inbound ones before the peer can use them, the outbound ones when
 * it is known that it can (pluto.md §9).
 */
import { NOTIFY } from "./constants.ts";
import { ipsecDeletes } from "./delete_payload.ts";
import type { Effect, Outcome, StepDeps } from "./exchange_table.ts";
import type { IpsecState } from "./ipsec_sa.ts";
import { fail } from "./quick_message.ts";

type Out = Outcome<IpsecState>;
type Negotiated = Pick<IpsecState, "protocols" | "mode" | "lifetimeSeconds" | "encapsulation" | "behindNat">;

/**
 * The state has its SAs before they are installed, and keeps them if a later one fails: whoever removes the state must
 * know what to take out of the packet engine.
 */
export async function installInbound(
  state: IpsecState,
  negotiated: Negotiated,
  { host }: StepDeps,
  then: () => Out | Promise<Out>,
): Promise<Out> {
  Object.assign(state, negotiated);
  return await next(state, await host.installInbound(state), then);
}

export async function installOutbound(state: IpsecState, { host }: StepDeps, then: () => Out): Promise<Out> {
  return await next(state, await host.installOutbound(state), then);
}

export function installBoth(
  state: IpsecState,
  negotiated: Negotiated,
  deps: StepDeps,
  then: () => Out,
): Promise<Out> {
  return installInbound(state, negotiated, deps, () => installOutbound(state, deps, then));
}

function next(state: IpsecState, why: string | undefined, then: () => Out | Promise<Out>): Out | Promise<Out> {
  if (state.isGone) return { kind: "ignore", counter: "answeredTooLate" };
  if (why === undefined) return then();
  // To the peer nothing has been promised so far.
  if (state.name === "QUICK_R0") return fail(NOTIFY.NO_PROPOSAL_CHOSEN, why);
  // It has SAs, or is about to: they would lead nowhere. What is begun anew may have better luck.
  const tellPeer = { effect: "inform", payloads: ipsecDeletes(state) } as const;
  const end: Effect = state.role === "initiator"
    ? { effect: "giveUp", state, detail: `: ${why}` }
    : { effect: "remove", state, tellPeer: false };
  return {
    kind: "advance",
    lines: [{ code: 3, text: why }, { code: 32, text: `STATE_${state.name}: internal error` }],
    to: state.name,
    effects: [tellPeer, end],
  };
}
