/**
 * The frame of an SA payload of phase 2: bundles of proposals, their protocols and SPIs, and what makes the whole payload
 * unusable whatever our policy is (RFC 2408 §4.2, RFC 2407 §4.4, RFC 3173 §3.3; pluto.md §13.3).
 */
import type { GroupName } from "../crypto/dh_groups.ts";
import { areIncreasing, badSyntax, refuseFrame, type SaPayload } from "./choice.ts";
import { NOTIFY, PROTOCOL, protocolName, TRANSFORM_IPCOMP } from "./constants.ts";
import type { Refusal } from "./host.ts";
import type { Proposal } from "./payload.ts";
import { readTransform } from "./phase2_transform.ts";

const LOWEST_SPI = 0x100;
/** CPIs that are negotiated; below are numbers of algorithms, above is private use. */
const CPI = { lowest: 256, highest: 61439 } as const;

export type ProtocolName = "esp" | "ah" | "ipcomp";
export const PROTOCOLS: Readonly<Record<ProtocolName, number>> = {
  ah: PROTOCOL.IPSEC_AH,
  esp: PROTOCOL.IPSEC_ESP,
  ipcomp: PROTOCOL.IPCOMP,
};
/** As packets have them, from the outside; a bundle of ours has them in this order too. */
export const OUTERMOST_FIRST = Object.keys(PROTOCOLS) as ProtocolName[];
export const WORDS: Readonly<Record<ProtocolName, string>> = { ah: "AH", esp: "ESP", ipcomp: "IPCOMP" };

export function protocolOf({ protocol }: Proposal): ProtocolName | undefined {
  return OUTERMOST_FIRST.find((name) => PROTOCOLS[name] === protocol);
}

/** Proposals of one number belong together (RFC 2408 §4.2). */
export function* bundlesOf(proposals: readonly Proposal[]): Generator<readonly Proposal[]> {
  for (let from = 0; from < proposals.length;) {
    let to = from + 1;
    while (to < proposals.length && proposals[to].number === proposals[from].number) to++;
    yield proposals.slice(from, to);
    from = to;
  }
}

/** The groups that the transforms name: there is one KE payload for all of them. */
export function groupsIn(proposals: readonly Proposal[]): ReadonlySet<GroupName> {
  const groups = new Set<GroupName>();
  for (const { protocol, transforms } of proposals) {
    for (const transform of transforms) {
      const read = readTransform(protocol, transform);
      if (typeof read !== "string" && "suite" in read && read.pfsGroup) groups.add(read.pfsGroup);
    }
  }
  return groups;
}

/** @returns why nothing can be chosen, whatever the bundles are */
export function refusePayload(sa: SaPayload): Refusal | undefined {
  const wrong = refuseFrame(sa);
  if (wrong) return wrong;
  const { proposals } = sa;
  const unknown = proposals.find((proposal) => !protocolOf(proposal));
  if (unknown) {
    const refused = `unexpected Protocol ID (${protocolName(unknown.protocol)}) in IPsec Proposal`;
    return { refused, notify: NOTIFY.INVALID_PROTOCOL_ID };
  }
  if (groupsIn(proposals).size > 1) {
    return badSyntax("GROUP_DESCRIPTION inconsistent with that of a previous Transform in IPsec SA");
  }
  return undefined;
}

export function refuseBundle(bundle: readonly Proposal[]): Refusal | undefined {
  const names = bundle.map((proposal) => protocolOf(proposal)!);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) return badSyntax(`IPsec SA contains two simultaneous ${WORDS[twice]} Proposals`);
  for (const proposal of bundle) {
    if (!proposal.transforms.length) return badSyntax("IPsec Proposal contains no Transforms");
    if (!areIncreasing(proposal.transforms)) {
      return badSyntax("Transform Numbers in Proposal are not monotonically increasing");
    }
    const wrong = proposal.protocol === PROTOCOL.IPCOMP ? refuseCpi(proposal, bundle) : refuseSpi(proposal);
    if (wrong) return wrong;
  }
  return undefined;
}

function refuseSpi({ spi }: Proposal): Refusal | undefined {
  const invalid = (refused: string) => ({ refused, notify: NOTIFY.INVALID_SPI });
  if (spi.length !== 4) return invalid(`IPsec Proposal with improper SPI size (${spi.length})`);
  const value = readSpi(spi);
  return value < LOWEST_SPI ? invalid(`IPsec Proposal contains invalid SPI (0x${value.toString(16)})`) : undefined;
}

function refuseCpi({ spi, transforms }: Proposal, bundle: readonly Proposal[]): Refusal | undefined {
  const invalid = (refused: string) => ({ refused, notify: NOTIFY.INVALID_SPI });
  if (spi.length !== 2 && !(spi.length === 4 && spi[0] === 0 && spi[1] === 0)) {
    return invalid(`IPsec Proposal with improper CPI size (${spi.length})`);
  }
  const cpi = readSpi(spi);
  if (cpi >= CPI.lowest && cpi <= CPI.highest) return undefined;
  if (cpi !== TRANSFORM_IPCOMP.IPCOMP_DEFLAT) {
    return invalid(`IPsec Proposal contains CPI from non-negotiated range (0x${cpi.toString(16)})`);
  }
  if (bundle.length === 1) return badSyntax("illegal proposal: bare IPCOMP used with well-known CPI");
  return transforms.every(({ id }) => id === cpi)
    ? undefined
    : badSyntax("illegal proposal: IPCOMP well-known CPI disagrees with transform");
}

export function readSpi(spi: Uint8Array): number {
  return spi.reduce((sum, byte) => sum * 256 + byte, 0);
}
