/** XAUTH and Mode Config as one table: who speaks first after phase 1, and what may come in which state. */
import { EXCHANGE } from "./constants.ts";
import type { ExchangeTable } from "./exchange_table.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import { beginModeConfig, MODE_CONFIG_OPENINGS, MODE_CONFIG_ROWS } from "./mode_config.ts";
import type { AfterPhase1 } from "./phase2.ts";
import { RESTING, sidesOf } from "./transaction.ts";
import { answerServer } from "./xauth_client.ts";
import { ASK_LOGIN, checkLogin, hearAcknowledgement, TELL_STATUS } from "./xauth_server.ts";

/** XAUTH first: nobody gets an address who has not said the password. */
export function afterPhase1(sa: IsakmpState): AfterPhase1 {
  const { xauthServer, xauthClient } = sidesOf(sa.connection);
  if (xauthServer) return { next: "open", opening: ASK_LOGIN };
  return xauthClient ? { next: "wait", state: "XAUTH_I0" } : beginModeConfig(sa);
}

const COMMON = {
  expects: { HASH: [1, 1], ATTR: [1, 1] },
  begins: ["HASH"],
  encrypted: true,
  encrypts: true,
  timer: "discard",
} as const;

export const TRANSACTION: ExchangeTable<IsakmpState> = {
  type: EXCHANGE.MODE_CFG,
  name: "Transaction Exchange",
  openings: [ASK_LOGIN, TELL_STATUS, ...MODE_CONFIG_OPENINGS],
  rows: [
    { ...COMMON, from: "XAUTH_R0", to: "XAUTH_R1", flow: "<-- HDR*, HASH, ATTR(REPLY)", step: checkLogin },
    { ...COMMON, from: "XAUTH_R1", to: "MAIN_R3", flow: "<-- HDR*, HASH, ATTR(ACK)", step: hearAcknowledgement },
    {
      ...COMMON,
      from: "XAUTH_I0",
      to: "XAUTH_I1",
      flow: "<-- HDR*, HASH, ATTR(REQUEST)  --> HDR*, HASH, ATTR(REPLY)",
      step: answerServer,
    },
    {
      ...COMMON,
      from: "XAUTH_I1",
      to: "XAUTH_I1",
      flow: "<-- HDR*, HASH, ATTR(SET or REQUEST)  --> HDR*, HASH, ATTR(ACK or REPLY)",
      step: answerServer,
    },
    ...MODE_CONFIG_ROWS,
  ],
  answersRepeats: ["XAUTH_I1", "MODE_CFG_I1", ...RESTING],
  giveUp: {
    XAUTH_R0: ".  No answer to our request for user name and password",
    XAUTH_R1: ".  The client has not acknowledged the outcome of XAUTH",
    MODE_CFG_I1: ".  No answer to our ModeCfg request",
    MODE_CFG_R1: ".  The client has not acknowledged what ModeCfg gives it",
  },
};
