/** What log and progress lines say of an IPsec SA: `{ESP=>0x4a8f1c20 <0x9b03d711}` (whack.md §11, pluto.md §22). */
import { AUTHENTICATORS, CIPHERS } from "../crypto/algorithms.ts";
import { formatAddress } from "../text/address.ts";
import { spiText } from "./delete_payload.ts";
import type { IpsecSa, IsakmpSa, NegotiatedSa } from "./state.ts";
import type { IpsecSuite } from "./suite.ts";

const ORDER = ["esp", "ah", "ipcomp"] as const;

/**
 * As FreeS/WAN had it where only what FreeS/WAN knew is in use; else with the transform, NAT and DPD, in the form of its
 * successors.
 */
export function saDetail(sa: IsakmpSa, ipsec: IpsecSa): string {
  const { protocols, encapsulation } = ipsec;
  const words = ORDER.flatMap((name) => protocols.filter(({ suite }) => suite.protocol === name)).map((one) => {
    const nat = encapsulation && one.suite.protocol === "esp" ? "/NAT" : "";
    return `${one.suite.protocol.toUpperCase()}${nat}=>${spiText(one.outboundSpi)} <${spiText(one.inboundSpi)}`;
  });
  const suites = protocols.map(({ suite }) => suite).filter((suite) => suite.protocol !== "ipcomp");
  const watched = ipsec.connection.dpd !== undefined && sa.peerSpeaksDpd;
  if (encapsulation || watched || !suites.every(isOld)) {
    const { remote } = ipsec.path;
    words.push(
      `xfrm=${suites.map(transformName).join("+") || "NONE"}`,
      "NATOA=none",
      `NATD=${encapsulation ? `${formatAddress(remote)}:${encapsulation.remotePort}` : "none"}`,
      `DPD=${watched ? "enabled" : "none"}`,
    );
  }
  return ` {${words.join(" ")}}`;
}

function isOld({ cipher, auth }: IpsecSuite): boolean {
  return (cipher === undefined || cipher === "3des") && (auth === undefined || auth === "md5-96" || auth === "sha1-96");
}

/** `AES_128-HMAC_SHA1`, `AES_GCM_16_256-NONE`; 3DES has no length to be told. */
function transformName({ cipher, auth }: IpsecSuite): string {
  const authName = auth ? AUTHENTICATORS[auth].listing : "NONE";
  if (!cipher) return authName;
  const { keyBits, saltBytes, listing } = CIPHERS[cipher];
  return `${listing}_${cipher === "3des" ? 0 : keyBits - 8 * saltBytes}-${authName}`;
}

/** SPIs of ours, as a peer's notification may name them. */
export function inboundSpis(protocols: readonly NegotiatedSa[]): number[] {
  return protocols.map(({ inboundSpi }) => inboundSpi);
}
