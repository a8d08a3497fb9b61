/** What SAs are made with, as `--status` says it in the words of FreeS/WAN's successors. */
import { AUTHENTICATORS, CIPHERS } from "../crypto/algorithms.ts";
import type { IkeState } from "../ike/state.ts";
import type { IkeSuite, IpsecSuite } from "../ike/suite.ts";

/** Lines about a connection's newest SAs, without its name. */
export function algorithmLines(isakmp: IkeState | undefined, ipsec: IkeState | undefined): string[] {
  const ike = isakmp && saAlgorithms(isakmp);
  const lines = ike ? [`  IKE algorithm newest: ${ike}`] : [];
  if (ipsec?.kind !== "ipsec") return lines;
  const group = ipsec.pfsGroup?.toUpperCase() ?? "<N/A>";
  for (const suite of suitesOf(ipsec)) {
    lines.push(`  ${suite.protocol.toUpperCase()} algorithm newest: ${transformName(suite)}; pfsgroup=${group}`);
  }
  return lines;
}

/** `AES_CBC_128-SHA2_256-MODP2048` of phase 1, `AES_128-HMAC_SHA1` of phase 2; undefined before they are agreed. */
export function saAlgorithms(state: IkeState): string | undefined {
  if (state.kind === "isakmp") return state.suite && ikeName(state.suite);
  return suitesOf(state).map(transformName).join("+") || undefined;
}

function suitesOf({ protocols }: Extract<IkeState, { kind: "ipsec" }>): IpsecSuite[] {
  return protocols.flatMap(({ suite }) => suite.protocol !== "ipcomp" && (suite.cipher || suite.auth) ? [suite] : []);
}

function ikeName({ cipher, keyBits, hash, group }: IkeSuite): string {
  return `${cipher.toUpperCase()}_CBC_${keyBits}-${hash.toUpperCase()}-${group.toUpperCase()}`;
}

/** An AEAD stands for itself; 3DES has no length to be told. */
function transformName({ cipher, auth }: IpsecSuite): string {
  const authName = auth ? AUTHENTICATORS[auth].listing : "NONE";
  if (!cipher) return authName;
  const { keyBits, saltBytes, listing } = CIPHERS[cipher];
  return `${listing}_${cipher === "3des" ? 0 : keyBits - 8 * saltBytes}-${authName}`;
}
