/** Delete: what tells a peer that an SA is gone, and which SA of ours a peer means by its own (pluto.md §14). */
import { sameAddress } from "../text/address.ts";
import { sameIdentity } from "../text/identity.ts";
import { COOKIE_BYTES, DOI, PROTOCOL, protocolName } from "./constants.ts";
import type { IsakmpState } from "./isakmp_sa.ts";
import type { Payload } from "./payload.ts";
import type { IkeState, IpsecSa, IsakmpSa } from "./state.ts";
import { sidesOf } from "./transaction.ts";

type Delete = Extract<Payload, { type: "D" }>;

/** In the order in which they are sent. Of IPCOMP nothing is said: it goes with the SAs around it. */
const PROTOCOL_NUMBERS = [["esp", PROTOCOL.IPSEC_ESP], ["ah", PROTOCOL.IPSEC_AH]] as const;

/** Whether the peer may have an SA: it is established, or the last message of the peer's, by which it is, is on its way. */
export function isPeers(state: IkeState): boolean {
  return state.isEstablished || state.name === "QUICK_R1";
}

/** What tells the peer that an SA of ours is gone; empty where it has none. */
export function deletePayloads(state: IkeState): Delete[] {
  if (!isPeers(state)) return [];
  return state.kind === "isakmp" ? [isakmpDelete(state)] : ipsecDeletes(state);
}

/** Of an SA that is agreed upon, if not established. */
export function ipsecDeletes(state: Pick<IpsecSa, "protocols">): Delete[] {
  return PROTOCOL_NUMBERS.flatMap(([name, protocol]) => {
    const spis = state.protocols.filter(({ suite }) => suite.protocol === name).map((one) => spiBytes(one.inboundSpi));
    return spis.length ? [{ type: "D", doi: DOI.IPSEC, protocol, spis } as const] : [];
  });
}

export function isakmpDelete(sa: IsakmpSa): Delete {
  return { type: "D", doi: DOI.IPSEC, protocol: PROTOCOL.ISAKMP, spis: [cookies(sa)] };
}

/** The SPI of an ISAKMP SA (RFC 2408 §3.15). Every ISAKMP SA of the engine has them. */
export function cookies(sa: IsakmpSa): Uint8Array<ArrayBuffer> {
  const { initiatorCookie, responderCookie } = sa as IsakmpState;
  return Uint8Array.from([...initiatorCookie, ...responderCookie]);
}

export function spiBytes(spi: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, spi);
  return bytes;
}

export function spiNumber(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0);
}

/** `0x%08lx`, as log lines write SPIs. */
export function spiText(spi: number): string {
  return `0x${spi.toString(16).padStart(8, "0")}`;
}

export type Judgement =
  | { readonly state: IkeState }
  | { readonly ignored: string };

const IGNORING = "ignoring Delete SA payload: ";

/** Among which the meant ones are found. */
export interface KnownStates {
  readonly states: ReadonlyMap<number, IkeState>;
  findByCookies(initiatorCookie: Uint8Array, responderCookie: Uint8Array): IsakmpSa | undefined;
}

/** What each SPI of a Delete means, which came under the protection of `sa`. */
export function judgeDelete(sa: IsakmpSa, payload: Delete, known: KnownStates): Judgement[] {
  const { protocol, spis } = payload;
  if (spis.length === 0) return [{ ignored: `${IGNORING}no SPI` }];
  if (protocol === PROTOCOL.IPCOMP) return [];
  const wanted = { [PROTOCOL.ISAKMP]: 16, [PROTOCOL.IPSEC_ESP]: 4, [PROTOCOL.IPSEC_AH]: 4 }[protocol];
  if (wanted === undefined) return [{ ignored: `${IGNORING}unknown Protocol ID (${protocolName(protocol)})` }];
  const [{ length }] = spis;
  if (length !== wanted) {
    return [{ ignored: `${IGNORING}bad SPI size (${length}) for ${protocolName(protocol)}` }];
  }
  return protocol === PROTOCOL.ISAKMP
    ? spis.map((spi) => judgeIsakmp(sa, spi, known))
    : judgeIpsec(sa, protocol, spis.map(spiNumber), known.states);
}

function judgeIsakmp(sa: IsakmpSa, spi: Uint8Array, { findByCookies }: KnownStates): Judgement {
  const state = findByCookies(spi.subarray(0, COOKIE_BYTES), spi.subarray(COOKIE_BYTES));
  if (!state) return { ignored: `${IGNORING}ISAKMP SA not found (maybe expired)` };
  if (isSamePeer(sa, state)) return { state };
  return { ignored: `${IGNORING}ISAKMP SA used to convey Delete has different IDs from ISAKMP SA it deletes` };
}

/** One look at all states, however many SPIs there are. */
function judgeIpsec(
  sa: IsakmpSa,
  protocol: number,
  spis: readonly number[],
  states: ReadonlyMap<number, IkeState>,
): Judgement[] {
  const wanted = new Set(spis);
  const found = { inboundSpi: new Set<number>(), outboundSpi: new Map<number, IpsecSa>() };
  for (const state of states.values()) {
    if (state.kind !== "ipsec") continue;
    for (const { suite, inboundSpi, outboundSpi } of state.protocols) {
      if (!wanted.has(inboundSpi) && !wanted.has(outboundSpi)) continue;
      if (numberOf(suite.protocol) !== protocol || !isOfPeer(sa, state, states)) continue;
      found.inboundSpi.add(inboundSpi);
      if (!found.outboundSpi.has(outboundSpi)) found.outboundSpi.set(outboundSpi, state);
    }
  }
  return spis.map((spi) => {
    const state = found.outboundSpi.get(spi);
    if (state) return { state };
    const bogus = found.inboundSpi.has(spi) ? " (our SPI - bogus implementation)" : " (maybe expired)";
    return { ignored: `${IGNORING}${protocolName(protocol)} SA(${spiText(spi)}) not found${bogus}` };
  });
}

function numberOf(protocol: "esp" | "ah" | "ipcomp"): number {
  return { esp: PROTOCOL.IPSEC_ESP, ah: PROTOCOL.IPSEC_AH, ipcomp: PROTOCOL.IPCOMP }[protocol];
}

/** Only who has negotiated an SA may delete it: any ISAKMP SA between the same two will do, as they are replaced. */
function isOfPeer(sa: IsakmpSa, ipsec: IpsecSa, states: ReadonlyMap<number, IkeState>): boolean {
  if (ipsec.isakmp === sa.number) return true;
  const made = states.get(ipsec.isakmp);
  return made?.kind === "isakmp" ? isSamePeer(sa, made) : isSamePeerAs(sa, ipsec);
}

export function isSamePeer(a: IsakmpSa, b: IsakmpSa): boolean {
  if (a === b) return true;
  if (!sameAddress(a.path.local, b.path.local) || !sameAddress(a.path.remote, b.path.remote)) return false;
  // Clients of one group behind one NAT differ in nothing but the connections with the addresses that they have from us.
  if (sidesOf(a.connection).modecfgServer && a.connection !== b.connection) return false;
  return a.peerId !== undefined && b.peerId !== undefined && sameIdentity(a.peerId, b.peerId);
}

/** The ISAKMP SA that made it has gone: what its connection says of the peer counts. */
function isSamePeerAs(sa: IsakmpSa, { connection, path }: IpsecSa): boolean {
  if (!sameAddress(sa.path.local, path.local) || !sameAddress(sa.path.remote, path.remote)) return false;
  return sa.peerId !== undefined && sameIdentity(sa.peerId, connection.peers.id);
}
