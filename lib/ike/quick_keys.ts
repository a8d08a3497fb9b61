/** The SAs that a Quick Mode has agreed upon, with their keys: each direction's come from the SPI of its receiver. */
import type { DhKey } from "../crypto/dh.ts";
import type { Secret } from "../crypto/secret.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import { type Phase2Values, saKeys } from "./keys.ts";
import type { ProtocolName } from "./phase2_bundle.ts";
import type { ChosenProtocol } from "./phase2_choice.ts";
import type { Spis } from "./phase2_proposal.ts";
import type { NegotiatedSa } from "./state.ts";

export function negotiatedSas(
  { suite, keys }: IsakmpState,
  chosen: readonly ChosenProtocol[],
  spis: Spis,
  values: Phase2Values,
): NegotiatedSa[] {
  if (!suite || !keys) throw new RangeError("Cannot make keys of phase 2 before phase 1 is through");
  return chosen.map(({ protocol, suite: negotiated, peerSpi }) => {
    const inboundSpi = spis[protocol]!;
    if (negotiated.protocol === "ipcomp") {
      return { suite: negotiated, inboundSpi, outboundSpi: peerSpi, inboundKeys: {}, outboundKeys: {} };
    }
    const keysFor = (spi: number) => saKeys(suite.hash, keys.skeyidD, values, negotiated, spi);
    return {
      suite: negotiated,
      inboundSpi,
      outboundSpi: peerSpi,
      inboundKeys: keysFor(inboundSpi),
      outboundKeys: keysFor(peerSpi),
    };
  });
}

/** @returns undefined where the peer's value is of no use */
export function agreePfs(dh: DhKey, peerPublic: Uint8Array): Secret | undefined {
  const gqmxy = dh.agree(peerPublic);
  dh.wipe();
  return gqmxy;
}

/**
 * SPIs of ours, other than the peer's, which would be confusing in logs.
 *
 * @param allocate of the host
 */
export function drawSpis(
  protocols: readonly ProtocolName[],
  allocate: (protocol: ProtocolName) => number,
  peers: readonly ChosenProtocol[] = [],
): Spis {
  const spis: Partial<Record<ProtocolName, number>> = {};
  for (const protocol of protocols) {
    const taken = peers.find((one) => one.protocol === protocol)?.peerSpi;
    spis[protocol] = allocate(protocol);
    while (spis[protocol] === taken) spis[protocol] = allocate(protocol);
  }
  return spis;
}
