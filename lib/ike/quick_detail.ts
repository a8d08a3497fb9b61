/** What log and progress lines say of an IPsec SA: `{ESP=>0x4a8f1c20 <0x9b03d711}` (whack.md §11, pluto.md §22). */
import { formatAddress } from "../text/address.ts";
import { spiText } from "./delete_payload.ts";
import type { IpsecSa, NegotiatedSa } from "./state.ts";

const ORDER = ["esp", "ah", "ipcomp"] as const;

/**
 * As FreeS/WAN had it; behind NAT with where the peer is, as its successors had that. `--status` has the algorithms.
 */
export function saDetail({ protocols, encapsulation, path }: IpsecSa): string {
  const words = ORDER.flatMap((name) => protocols.filter(({ suite }) => suite.protocol === name)).map((one) => {
    const nat = encapsulation && one.suite.protocol === "esp" ? "/NAT" : "";
    return `${one.suite.protocol.toUpperCase()}${nat}=>${spiText(one.outboundSpi)} <${spiText(one.inboundSpi)}`;
  });
  if (encapsulation) words.push(`NATD=${formatAddress(path.remote)}:${encapsulation.remotePort}`);
  return ` {${words.join(" ")}}`;
}

/** SPIs of ours, as a peer's notification may name them. */
export function inboundSpis(protocols: readonly NegotiatedSa[]): number[] {
  return protocols.map(({ inboundSpi }) => inboundSpi);
}
