/**
 * What we take of the SA payload of a peer in phase 2, and whether its answer is one of those that we offered (RFC 2409 §5.5;
 * pluto.md §13.3). Pure: the log is written by who asks.
 */
import type { GroupName } from "../crypto/dh_groups.ts";
import { type NoChoice, noChoice, type SaPayload } from "./choice.ts";
import { NOTIFY, PROTOCOL } from "./constants.ts";
import type { Refusal } from "./host.ts";
import type { Proposal } from "./payload.ts";
import {
  bundlesOf,
  groupsIn,
  OUTERMOST_FIRST,
  type ProtocolName,
  protocolOf,
  readSpi,
  refuseBundle,
  refusePayload,
  WORDS,
} from "./phase2_bundle.ts";
import type { Phase2Offer } from "./phase2_proposal.ts";
import {
  type Encapsulation,
  type OfferedSuite,
  type ReadTransform,
  readTransform,
  type Terms,
} from "./phase2_transform.ts";
import type { IpsecSuite, Mode } from "./suite.ts";

const LONGEST_LIFE_SECONDS = 86400;
/** Where the peer says nothing (RFC 2407 §4.5). */
const DEFAULT_LIFE_SECONDS = 28800;

export interface Phase2Policy {
  /** As in {@linkcode Phase2Offer}. */
  readonly suites: readonly IpsecSuite[];
  readonly canCompress: boolean;
  /** Where absent, whichever the peer wants. */
  readonly mode?: Mode;
  /** ESP must go in UDP, since there is NAT; else it must not. */
  readonly encapsulated: boolean;
  readonly pfs: boolean;
  /** For PFS, wanted by us or by the peer. */
  readonly pfsGroups: readonly GroupName[];
}

export interface ChosenProtocol {
  readonly protocol: ProtocolName;
  readonly suite: OfferedSuite;
  /** Our outbound one; for IPCOMP the CPI. */
  readonly peerSpi: number;
}

export interface Phase2Choice {
  readonly ok: true;
  /** Outermost first. */
  readonly protocols: readonly ChosenProtocol[];
  readonly mode: Mode;
  readonly encapsulation: Encapsulation;
  readonly pfsGroup?: GroupName;
  readonly lifetimeSeconds: number;
  /** The peer's, in its order, with the one transform of each that was chosen. */
  readonly proposals: readonly Proposal[];
  /** Why those before it were not taken. */
  readonly rejected: readonly string[];
}

/** Mode that the peer would like best; undefined where its offer does not say. */
export function modeOffered({ proposals }: SaPayload): Mode | undefined {
  for (const { protocol, transforms } of proposals) {
    for (const transform of transforms) {
      const read = readTransform(protocol, transform);
      if (typeof read !== "string" && "suite" in read && read.mode) return read.mode;
    }
  }
  return undefined;
}

/** As responder: the peer's first bundle of proposals in which each has a transform that the policy has. */
export function choosePhase2(sa: SaPayload, policy: Phase2Policy): Phase2Choice | NoChoice {
  const rejected: string[] = [];
  const wrong = refusePayload(sa);
  if (wrong) return { ok: false, ...wrong, rejected };
  for (const bundle of bundlesOf(sa.proposals)) {
    const broken = refuseBundle(bundle);
    if (broken) return { ok: false, ...broken, rejected };
    const chosen = chooseBundle(bundle, policy, rejected);
    if (chosen && "refused" in chosen) return { ok: false, ...chosen, rejected };
    if (chosen) return { ok: true, ...chosen, rejected };
  }
  const refused = policy.pfs && groupsIn(sa.proposals).size === 0
    ? "we require PFS but Quick I1 SA specifies no GROUP_DESCRIPTION"
    : "no acceptable Proposal in IPsec SA";
  return noChoice(refused, NOTIFY.NO_PROPOSAL_CHOSEN, rejected);
}

/** As initiator: whether the answer is one bundle of those that we offered, with one transform for each protocol. */
export function checkPhase2Answer(sa: SaPayload, offer: Phase2Offer): Phase2Choice | NoChoice {
  const bundles = [...bundlesOf(sa.proposals)];
  const several = sa.proposals.find(({ transforms }) => transforms.length !== 1);
  if (bundles.length > 1) {
    return noChoice("more than one Proposal in the answer's IPsec SA", NOTIFY.BAD_PROPOSAL_SYNTAX);
  }
  if (several) {
    const found = several.transforms.length;
    return noChoice(
      `a single Transform is required in the answer's IPsec SA; found ${found}`,
      NOTIFY.BAD_PROPOSAL_SYNTAX,
    );
  }
  const choice = choosePhase2(sa, {
    suites: offer.suites,
    canCompress: offer.compress,
    mode: offer.mode,
    encapsulated: offer.encapsulation !== "none",
    pfs: offer.pfsGroup !== undefined,
    pfsGroups: offer.pfsGroup ? [offer.pfsGroup] : [],
  });
  if (!choice.ok) return choice;
  return { ...choice, lifetimeSeconds: Math.min(choice.lifetimeSeconds, offer.lifetimeSeconds) };
}

interface Candidate extends ChosenProtocol {
  readonly read: ReadTransform;
  readonly proposal: Proposal;
}

/** @returns undefined where it is not acceptable: `rejected` then has the reasons */
function chooseBundle(
  bundle: readonly Proposal[],
  policy: Phase2Policy,
  rejected: string[],
): Omit<Phase2Choice, "ok" | "rejected"> | Refusal | undefined {
  const missing = OUTERMOST_FIRST.find((name) =>
    policy.suites.some(({ protocol }) => protocol === name) && !bundle.some((one) => protocolOf(one) === name)
  );
  if (missing) {
    return void rejected.push(`Proposal ${bundle[0].number} has no ${WORDS[missing]}, which policy requires`);
  }
  if (!policy.canCompress && bundle.some(({ protocol }) => protocol === PROTOCOL.IPCOMP)) {
    return void rejected.push(`Proposal ${bundle[0].number} asks for compression, which is not available`);
  }
  const candidates: Candidate[] = [];
  for (const proposal of bundle) {
    const candidate = chooseTransform(proposal, policy, rejected);
    if (!candidate || "refused" in candidate) return candidate;
    candidates.push(candidate);
  }
  const ordered = OUTERMOST_FIRST.flatMap((name) => candidates.filter(({ protocol }) => protocol === name));
  const terms = agree(candidates.map(({ read }) => read), policy);
  if (typeof terms === "string") return void rejected.push(`Proposal ${bundle[0].number}: ${terms}`);
  return {
    protocols: ordered.map(({ protocol, suite, peerSpi }) => ({ protocol, suite, peerSpi })),
    ...terms,
    proposals: candidates.map(({ proposal }) => proposal),
  };
}

function chooseTransform(
  proposal: Proposal,
  policy: Phase2Policy,
  rejected: string[],
): Candidate | Refusal | undefined {
  const protocol = protocolOf(proposal)!;
  for (const transform of proposal.transforms) {
    const read = readTransform(proposal.protocol, transform);
    if (typeof read !== "string" && "refused" in read) return read;
    const why = typeof read === "string" ? read : whyNot(read, policy);
    if (typeof read !== "string" && why === undefined) {
      const taken = { ...proposal, transforms: [transform] };
      return { protocol, suite: read.suite, peerSpi: readSpi(proposal.spi), read, proposal: taken };
    }
    rejected.push(`Proposal ${proposal.number}, ${WORDS[protocol]} Transform ${transform.number}: ${why}`);
  }
  return undefined;
}

function whyNot({ suite, pfsGroup, mode, encapsulation }: ReadTransform, policy: Phase2Policy): string | undefined {
  if (suite.protocol === "ipcomp") return undefined;
  if (!policy.suites.some((one) => sameSuite(one, suite))) {
    return `policy does not have ${[suite.cipher, suite.auth].filter(Boolean).join("-")}`;
  }
  if (policy.pfs && !pfsGroup) return "policy requires PFS";
  if (pfsGroup && !policy.pfsGroups.includes(pfsGroup)) return `policy does not have ${pfsGroup} for PFS`;
  if (policy.mode && mode !== policy.mode) return `policy requires ${policy.mode} mode`;
  if ((encapsulation !== "none") !== policy.encapsulated) {
    return policy.encapsulated
      ? "encapsulation in UDP is needed, since there is NAT"
      : "encapsulation in UDP is for NAT, and there is none";
  }
  return undefined;
}

function sameSuite(a: IpsecSuite, b: IpsecSuite): boolean {
  return a.protocol === b.protocol && a.cipher === b.cipher && a.auth === b.auth;
}

/** What holds for the bundle as a whole: tunnel where any is, the shortest life, one group. */
function agree(reads: readonly ReadTransform[], policy: Phase2Policy): Terms | string {
  const groups = reads.filter(({ suite }) => suite.protocol !== "ipcomp").map(({ pfsGroup }) => pfsGroup);
  if (new Set(groups).size > 1) return "its protocols do not have the same group";
  const lives = reads.map(({ lifeSeconds }) => lifeSeconds ?? DEFAULT_LIFE_SECONDS);
  const isTunnel = reads.some(({ mode }) => mode === "tunnel");
  const encapsulation = reads.find((read) => read.encapsulation && read.encapsulation !== "none")?.encapsulation;
  return {
    mode: isTunnel ? "tunnel" : "transport",
    encapsulation: policy.encapsulated ? encapsulation ?? "none" : "none",
    pfsGroup: groups[0],
    lifetimeSeconds: Math.min(LONGEST_LIFE_SECONDS, ...lives),
  };
}
