/**
 * Quick Mode (RFC 2409 §5.5, RFC 2407; pluto.md §13): three messages, both roles, with and without PFS. The steps of each
 * side are in {@linkcode file://./quick_initiator.ts} and {@linkcode file://./quick_responder.ts}.
 */
import type { ExchangeTable, Expects } from "./exchange_table.ts";
import { type IpsecState, QUICK_MODE as QUICK_MODE_TYPE } from "./ipsec_sa.ts";
import { establishInitiator, proposeSa } from "./quick_initiator.ts";
import { acceptSa, establishResponder } from "./quick_responder.ts";

/** KE and ID may stand too often here, so that the sentences about that are those of pluto.md §13.4. */
const FIRST: Expects = { HASH: [1, 1], SA: [1, 1], NONCE: [1, 1], KE: [0, 20], ID: [0, 20], "NAT-OA": [0, 2] };

export const QUICK_MODE: ExchangeTable<IpsecState> = {
  type: QUICK_MODE_TYPE,
  name: "Quick Mode",
  openings: [
    {
      to: "QUICK_I1",
      flow: "--> HDR*, HASH(1), SA, Ni, [KE], [IDci, IDcr]",
      encrypts: true,
      timer: "retransmit",
      story: "initiate",
      step: proposeSa,
    },
  ],
  rows: [
    {
      from: "QUICK_R0",
      to: "QUICK_R1",
      flow: "<-- HDR*, HASH(1), SA, Ni, [KE], [IDci, IDcr]  --> HDR*, HASH(2), SA, Nr, [KE], [IDci, IDcr]",
      expects: FIRST,
      begins: ["HASH", "SA"],
      encrypted: true,
      encrypts: true,
      timer: "retransmit",
      step: acceptSa,
    },
    {
      from: "QUICK_I1",
      to: "QUICK_I2",
      flow: "<-- HDR*, HASH(2), SA, Nr, [KE], [IDci, IDcr]  --> HDR*, HASH(3)",
      expects: FIRST,
      begins: ["HASH", "SA"],
      encrypted: true,
      encrypts: true,
      timer: "established",
      step: establishInitiator,
    },
    {
      from: "QUICK_R1",
      to: "QUICK_R2",
      flow: "<-- HDR*, HASH(3)",
      expects: { HASH: [1, 1] },
      begins: ["HASH"],
      encrypted: true,
      encrypts: true,
      timer: "established",
      step: establishResponder,
    },
  ],
  answersRepeats: ["QUICK_R1", "QUICK_I2"],
  giveUp: {
    QUICK_I1: ".  No acceptable response to our first Quick Mode message: perhaps peer likes no proposal",
  },
};
