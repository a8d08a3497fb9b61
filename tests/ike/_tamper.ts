/** A peer that does Quick Mode in its own way: one of its messages has other payloads, under a HASH that fits them. */
import type { Message, Outcome, Reply } from "../../lib/ike/exchange_table.ts";
import type { IpsecState } from "../../lib/ike/ipsec_sa.ts";
import type { Payload } from "../../lib/ike/payload.ts";
import type { EngineServices, Phase2 } from "../../lib/ike/phase2.ts";
import { makePhase2 } from "../../lib/ike/under_isakmp.ts";

export type Which = "QI1" | "QR1" | "QI2";

export interface Tampering {
  readonly which: Which;
  readonly payloads?: (payloads: readonly Payload[]) => readonly Payload[];
  /** Another HASH than the right one. */
  readonly hash?: (hash: Uint8Array) => Uint8Array;
}

/** In state `from`, where there is one; QI1 is the opening. */
const SENT_FROM: Readonly<Record<Which, string | undefined>> = { QI1: undefined, QR1: "QUICK_R0", QI2: "QUICK_I1" };

export function tampered({ which, payloads, hash }: Tampering): (services: EngineServices) => Phase2 {
  const change = (reply: Reply): Reply => ({
    payloads: payloads ? payloads(reply.payloads) : reply.payloads,
    hash: reply.hash && ((rest) => hash ? hash(reply.hash!(rest)) : reply.hash!(rest)),
  });
  const changed = (outcome: Outcome<IpsecState>): Outcome<IpsecState> =>
    outcome.kind === "advance" && outcome.reply ? { ...outcome, reply: change(outcome.reply) } : outcome;
  return (services) => {
    const phase2 = makePhase2(services);
    const { quick } = phase2;
    const openings = quick.openings.map((opening) =>
      which !== "QI1" ? opening : {
        ...opening,
        step: async (...args: Parameters<typeof opening.step>) => changed(await opening.step(...args)),
      }
    );
    const rows = quick.rows.map((row) =>
      row.from !== SENT_FROM[which] ? row : {
        ...row,
        step: async (state: IpsecState, message: Message, deps: Parameters<typeof row.step>[2]) =>
          changed(await row.step(state, message, deps)),
      }
    );
    return { ...phase2, quick: { ...quick, openings, rows } };
  };
}

export function without(...types: string[]): (payloads: readonly Payload[]) => readonly Payload[] {
  return (payloads) => payloads.filter(({ type }) => !types.includes(type));
}

export function mapped<T extends Payload["type"]>(
  type: T,
  change: (payload: Extract<Payload, { type: T }>, index: number) => Payload,
): (payloads: readonly Payload[]) => readonly Payload[] {
  return (payloads) => {
    let index = 0;
    return payloads.map((one) => one.type === type ? change(one as Extract<Payload, { type: T }>, index++) : one);
  };
}
