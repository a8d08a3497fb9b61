/** One round of all fuzzers, repeated by its seed. */
import type { Provider } from "../../lib/crypto/provider.ts";
import { DROPS } from "../../lib/klips/counters.ts";
import { Chance } from "./_chance.ts";
import { InboundFuzzer } from "./_inbound_fuzzer.ts";
import { IsakmpFuzzer } from "./_isakmp_fuzzer.ts";
import { OutboundFuzzer } from "./_outbound_fuzzer.ts";
import { PfkeyFuzzer } from "./_pfkey_fuzzer.ts";

/** Of 16 packets, so many go each way; of the rest, one is a PF_KEY message and one is IKE's. */
const INBOUND = 10, OUTBOUND = 4, PFKEY = 1, OF = 16;
const PROGRESS_EVERY = 1 << 13;

export interface Report {
  readonly inbound: number;
  readonly delivered: number;
  readonly outbound: number;
  readonly sent: number;
  readonly messages: number;
  readonly decoded: number;
  readonly ikeMessages: number;
  readonly ikeDecoded: number;
  readonly ikeChosen: number;
  /** By reason, both ways together. */
  readonly drops: Readonly<Record<string, number>>;
}

export type Result =
  | { readonly ok: true; readonly report: Report }
  /** `packet` counts from 1. */
  | { readonly ok: false; readonly packet: number; readonly where: string; readonly error: unknown };

/** @param progress told the number of packets done, now and then */
export function fuzz(packets: number, seed: number, provider: Provider, progress: (done: number) => void): Result {
  const chance = new Chance(seed);
  const inbound = new InboundFuzzer(chance, provider);
  const outbound = new OutboundFuzzer(chance, provider);
  const pfkey = new PfkeyFuzzer(chance);
  const isakmp = new IsakmpFuzzer(chance);
  let done = 0, where = "inbound";
  try {
    while (done < packets) {
      const turn = chance.below(OF);
      const [name, fuzzer] = turn < INBOUND
        ? ["inbound", inbound] as const
        : turn < INBOUND + OUTBOUND
        ? ["outbound", outbound] as const
        : turn < INBOUND + OUTBOUND + PFKEY
        ? ["PF_KEY", pfkey] as const
        : ["IKE", isakmp] as const;
      where = name;
      fuzzer.step();
      if (++done % PROGRESS_EVERY === 0) progress(done);
    }
    for (const fuzzer of [inbound, outbound, pfkey, isakmp]) fuzzer.finish();
  } catch (error) {
    return { ok: false, packet: done + 1, where, error };
  }
  const drops = DROPS.flatMap(({ name }, i) => {
    const count = inbound.drops[i] + outbound.drops[i];
    return count ? [[name, count] as const] : [];
  });
  return {
    ok: true,
    report: {
      inbound: inbound.packets,
      delivered: inbound.delivered,
      outbound: outbound.packets,
      sent: outbound.sent,
      messages: pfkey.packets,
      decoded: pfkey.decoded,
      ikeMessages: isakmp.packets,
      ikeDecoded: isakmp.decoded,
      ikeChosen: isakmp.chosen,
      drops: Object.fromEntries(drops),
    },
  };
}
