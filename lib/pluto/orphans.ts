/**
 * What an earlier pluto has left in KLIPS, when it has ended without a word and another one was started: SAs and eroutes go
 * on until somebody negotiates their like. What was keyed by hand has lower numbers, and is not touched.
 */
import { parseSaId, SA_PROTOCOLS, type SaId } from "../text/sa_id.ts";
import { formatSubnet } from "../text/subnet.ts";
import type { Flow } from "./kernel.ts";

/** SPIs that pluto gives; FreeS/WAN's manual keying stays below (klips.md §9). */
export const LOWEST_SPI = 0x1000;

/** A row of the listing of SAs. */
export interface ListedSa {
  readonly said: string;
  /** Of inbound IPIP SAs: what may come out of them. */
  readonly policy?: { readonly source: string; readonly destination: string };
  /** Of ESP in UDP: where the peer has been seen. */
  readonly udp?: { readonly dport: number; readonly peer?: string };
}

/** A row of the listing of eroutes. */
export interface ListedEroute {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly protocol: number;
  readonly sa: string;
}

/** SAs that carry nothing any more, each with its group. */
export interface Released {
  readonly outbound: readonly SaId[];
  /** The peer may still send by these for a moment. */
  readonly inbound: readonly SaId[];
}

const NOTHING: Released = { outbound: [], inbound: [] };

/** An eroute that leads into SAs. */
export interface Orphan {
  readonly eroute: ListedEroute;
  readonly target: SaId;
  /** Of the SAs behind `target`. */
  readonly udp?: ListedSa["udp"];
  /** Of SAs that let in what comes back. */
  readonly inbound: readonly SaId[];
}

export class Orphans {
  /** Where eroutes lead; undefined for shunts. */
  readonly #flows = new Map<string, { readonly eroute: ListedEroute; readonly target: SaId } | undefined>();
  /** By the networks that they let in. */
  readonly #inbound = new Map<string, SaId[]>();
  /** By the SAID that a group begins with. */
  readonly #udp = new Map<string, ListedSa["udp"]>();
  /** Of IPIP; undefined where there is none. */
  readonly highestTunnel: number | undefined;

  /** @param groups SAIDs of SAs that are one after the other */
  constructor(sas: readonly ListedSa[], eroutes: readonly ListedEroute[], groups: readonly (readonly string[])[] = []) {
    const bySaid = new Map(sas.map((sa) => [sa.said, sa]));
    for (const group of groups) {
      const udp = group.map((said) => bySaid.get(said)?.udp).find(Boolean);
      if (udp) this.#udp.set(group[0], udp);
    }
    let highest: number | undefined;
    for (const { said, policy } of sas) {
      const id = ofPluto(said);
      if (!id || id.protocol !== SA_PROTOCOLS.tun) continue;
      highest = Math.max(highest ?? 0, id.spi);
      if (!policy) continue;
      const networks = `${policy.destination} ${policy.source}`;
      this.#inbound.set(networks, [...this.#inbound.get(networks) ?? [], id]);
    }
    this.highestTunnel = highest;
    for (const eroute of eroutes) {
      const { source, sourcePort, destination, destinationPort, protocol, sa } = eroute;
      const key = keyOf(source, sourcePort, destination, destinationPort, protocol);
      if (sa.startsWith("%")) this.#flows.set(key, undefined);
      const target = ofPluto(sa);
      if (target) this.#flows.set(key, { eroute, target });
    }
  }

  /** Whether an eroute of the flow is there, and nobody's. */
  has(flow: Flow): boolean {
    return this.#flows.has(keyOfFlow(flow));
  }

  /** Whether it leads into SAs. */
  carries(flow: Flow): boolean {
    return this.#flows.get(keyOfFlow(flow)) !== undefined;
  }

  *[Symbol.iterator](): Iterator<Orphan> {
    for (const one of this.#flows.values()) {
      if (one) yield { ...one, udp: this.#udp.get(one.eroute.sa), inbound: this.#inboundOf(one.eroute) };
    }
  }

  #inboundOf({ source, destination }: Pick<ListedEroute, "source" | "destination">): readonly SaId[] {
    return this.#inbound.get(`${source} ${destination}`) ?? [];
  }

  /** The flow has an owner now, or is gone. */
  release(flow: Flow): Released {
    const key = keyOfFlow(flow);
    if (!this.#flows.has(key)) return NOTHING;
    const found = this.#flows.get(key);
    this.#flows.delete(key);
    if (!found) return NOTHING;
    const networks = { source: formatSubnet(flow.ours), destination: formatSubnet(flow.peers) };
    const inbound = this.#inboundOf(networks);
    this.#inbound.delete(`${networks.source} ${networks.destination}`);
    return { outbound: [found.target], inbound };
  }
}

function ofPluto(said: string): SaId | undefined {
  const id = parseSaId(said);
  return id.ok && id.value.spi >= LOWEST_SPI ? id.value : undefined;
}

function keyOfFlow({ ours, peers, protocol, ourPort, peersPort }: Flow): string {
  return keyOf(formatSubnet(ours), ourPort, formatSubnet(peers), peersPort, protocol);
}

function keyOf(source: string, sourcePort: number, destination: string, destinationPort: number, protocol: number) {
  return `${source}:${sourcePort} ${destination}:${destinationPort} ${protocol}`;
}
