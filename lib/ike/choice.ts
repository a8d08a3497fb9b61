/** What choosing in phase 1 and in phase 2 have in common: the frame of an SA payload, and how a refusal is told. */
import { DOI, doiName, NOTIFY, SITUATION } from "./constants.ts";
import type { Refusal } from "./host.ts";
import type { Payload, Transform } from "./payload.ts";

export type SaPayload = Extract<Payload, { type: "SA" }>;

/** Nothing was chosen. */
export interface NoChoice extends Refusal {
  readonly ok: false;
  /** Why each transform was not taken, in the order of the peer: for the log. */
  readonly rejected: readonly string[];
}

export function saPayload(proposals: SaPayload["proposals"]): SaPayload {
  return { type: "SA", doi: DOI.IPSEC, situation: SITUATION.IDENTITY_ONLY, proposals };
}

export function noChoice(refused: string, notify: number, rejected: readonly string[] = []): NoChoice {
  return { ok: false, refused, notify, rejected };
}

/** @returns why the payload is not about what we can negotiate at all (RFC 2407 §4.2) */
export function refuseFrame({ doi, situation }: SaPayload): Refusal | undefined {
  if (doi !== DOI.IPSEC) {
    return { refused: `Unknown/unsupported DOI ${doiName(doi)}`, notify: NOTIFY.DOI_NOT_SUPPORTED };
  }
  if (situation !== SITUATION.IDENTITY_ONLY) {
    const refused = `unsupported IPsec DOI situation (0x${situation.toString(16)})`;
    return { refused, notify: NOTIFY.SITUATION_NOT_SUPPORTED };
  }
  return undefined;
}

export function badSyntax(refused: string): Refusal {
  return { refused, notify: NOTIFY.BAD_PROPOSAL_SYNTAX };
}

/** RFC 2408 §4.2: numbers go up. */
export function areIncreasing(transforms: readonly Transform[]): boolean {
  return transforms.every(({ number }, i) => i === 0 || number > transforms[i - 1].number);
}
