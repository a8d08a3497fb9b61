/** INITIAL-CONTACT (RFC 2407 §4.6.3.3): after a loss of memory, the peer may forget what it had with us. */
import { DOI, NOTIFY, PROTOCOL } from "./constants.ts";
import type { Effect, Message, StepDeps } from "./exchange_table.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";

/** For an encrypted message of the initiator, where nothing else stands with this peer. */
export function initialContact(
  state: IsakmpState,
  { initiatorCookie, responderCookie }: Pick<IsakmpState, "initiatorCookie" | "responderCookie">,
  { isFirstContact }: StepDeps,
): Payload[] {
  if (!isFirstContact(state)) return [];
  const spi = Uint8Array.from([...initiatorCookie, ...responderCookie]);
  const nothing = new Uint8Array(0);
  return [{
    type: "N",
    doi: DOI.IPSEC,
    protocol: PROTOCOL.ISAKMP,
    spi,
    notify: NOTIFY.IPSEC_INITIAL_CONTACT,
    data: nothing,
  }];
}

/** Obeyed only in an encrypted message by which the peer has proved who it is. */
export function contactEffects({ payloads, encrypted }: Message): Effect[] {
  const says = payloads.some((payload) => payload.type === "N" && payload.notify === NOTIFY.IPSEC_INITIAL_CONTACT);
  return says && encrypted ? [{ effect: "initial contact" }] : [];
}
