/**
 * The SA payload of phase 2 as we write it: an offer, or the answer to a peer's (RFC 2407 §4.4, §4.5, RFC 2409 §5.5;
 * pluto.md §13.2). {@linkcode file://./phase2_choice.ts} reads those of peers.
 */
import { type SaPayload, saPayload } from "./choice.ts";
import type { Proposal, Transform } from "./payload.ts";
import { OUTERMOST_FIRST, type ProtocolName, protocolOf, PROTOCOLS, WORDS } from "./phase2_bundle.ts";
import { encodeSuite, IPCOMP, type OfferedSuite, type Terms } from "./phase2_transform.ts";
import type { IpsecSuite } from "./suite.ts";

/** Ours, by which packets will come in; for IPCOMP the CPI. Those of protocols in use must be there. */
export type Spis = Readonly<Partial<Record<ProtocolName, number>>>;

export interface Phase2Offer extends Terms {
  /** Best first. ESP and AH in one list: both protect each packet. */
  readonly suites: readonly IpsecSuite[];
  /** With compression, and without it where the peer has none. */
  readonly compress: boolean;
  readonly spis: Spis;
}

export function offerPhase2(offer: Phase2Offer): SaPayload {
  const wanted = OUTERMOST_FIRST.filter((protocol) => offer.suites.some((suite) => suite.protocol === protocol));
  const bundles: ProtocolName[][] = offer.compress ? [[...wanted, "ipcomp"], wanted] : [wanted];
  const filled = bundles.filter((bundle) => bundle.length > 0);
  return saPayload(
    filled.flatMap((bundle, number) => bundle.map((protocol) => offerProtocol(protocol, number, offer))),
  );
}

function offerProtocol(protocol: ProtocolName, number: number, offer: Phase2Offer): Proposal {
  const suites: readonly OfferedSuite[] = protocol === "ipcomp"
    ? [IPCOMP]
    : offer.suites.filter((suite) => suite.protocol === protocol);
  const transforms: Transform[] = [];
  for (const suite of suites) {
    const transform = encodeSuite(suite, transforms.length, offer);
    if (transform) transforms.push(transform);
  }
  return { number, protocol: PROTOCOLS[protocol], spi: encodeSpi(protocol, offer.spis), transforms };
}

function encodeSpi(protocol: ProtocolName, spis: Spis): Uint8Array {
  const spi = spis[protocol];
  if (spi === undefined) throw new RangeError(`Cannot encode a proposal of ${WORDS[protocol]}: it has no SPI`);
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, spi);
  return protocol === "ipcomp" ? bytes.slice(2) : bytes;
}

/** For the responder to send: the proposals of a choice, as the peer wrote them, with our SPIs. */
export function answerPhase2(proposals: readonly Proposal[], spis: Spis): SaPayload {
  return saPayload(proposals.map((proposal) => ({ ...proposal, spi: encodeSpi(protocolOf(proposal)!, spis) })));
}
