/**
 * What the engine would do with a packet, from its listings (klips.md §15): the eroute, then the chain of SAs, and once
 * more for the result, which may go through another tunnel. The table of eroutes is the engine's own, so that there is
 * one rule for which one wins.
 */
import { CIPHERS } from "../crypto/algorithms.ts";
import { PacketMemory } from "../packet/memory.ts";
import { type Address, isAnyAddress, parseNumericAddress, sameAddress } from "../text/address.ts";
import { MAGIC_SPIS, parseSaId, SA_PROTOCOLS, type SaId } from "../text/sa_id.ts";
import { parseSubnet, type Subnet } from "../text/subnet.ts";
import { Eroute } from "./eroute.ts";
import { ErouteTable } from "./eroute_table.ts";
import type { erouteJson, saJson } from "./listing.ts";

/** Ports are 0 where the protocol has none. */
export interface PolicyPacket {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export type ListedEroute = ReturnType<typeof erouteJson>;
/** What counts of an SA. */
export type ListedSa = Pick<
  ReturnType<typeof saJson>,
  "said" | "transform" | "source" | "state" | "cipher" | "authenticator" | "udp"
>;

/** "eroute/all.json", "spigrp/all.json" and "spi/all.json". */
export interface PolicyListings {
  readonly eroutes: readonly ListedEroute[];
  readonly groups: readonly (readonly string[])[];
  readonly sas: readonly ListedSa[];
}

export interface PolicyPass {
  readonly eroute: ListedEroute;
  /** Innermost first; empty for a shunt. */
  readonly sas: readonly ListedSa[];
}

export interface PolicyAnswer {
  readonly verdict: "protected" | "passed" | "dropped" | "rejected" | "held" | "trapped";
  /** One, or more where tunnels are nested. */
  readonly passes: readonly PolicyPass[];
  /** Where the passes do not say it. */
  readonly why?: string;
}

const NESTING = 4;
const UDP = 17, ISAKMP_PORT = 500;
const SHUNTS: Readonly<Record<number, PolicyAnswer["verdict"]>> = {
  [MAGIC_SPIS.pass]: "passed",
  [MAGIC_SPIS.reject]: "rejected",
  [MAGIC_SPIS.hold]: "held",
  [MAGIC_SPIS.trap]: "trapped",
  [MAGIC_SPIS.trapsubnet]: "trapped",
};

/** @param isLocal whether an address is this host's: its own IKE goes past the eroutes */
export function queryPolicy(
  packet: PolicyPacket,
  listings: PolicyListings,
  isLocal: (address: Address) => boolean,
): PolicyAnswer {
  const find = finder(listings.eroutes);
  const passes: PolicyPass[] = [];
  let at = packet;
  let last: SaId | undefined;
  for (;;) {
    const found = find(at);
    if (!last && isLocalIke(packet, found?.saId, isLocal)) {
      return { verdict: "passed", passes, why: "this host's own IKE goes past the eroutes" };
    }
    if (!found) {
      return last ? { verdict: "protected", passes } : { verdict: "dropped", passes, why: "no eroute fits it" };
    }
    const { saId } = found;
    if (last && (found.shunt || sameAddress(saId.destination, last.destination) || isAnyAddress(saId.destination))) {
      return { verdict: "protected", passes };
    }
    const eroute = found.listed;
    if (found.shunt) return { verdict: SHUNTS[found.shunt] ?? "dropped", passes: [...passes, { eroute, sas: [] }] };
    if (passes.length > NESTING) return { verdict: "dropped", passes, why: "tunnels are nested too deep" };
    const sas = chainFrom(eroute.sa, listings);
    passes.push({ eroute, sas });
    const unfit = sas.find(({ state }) => state !== "mature" && state !== "dying");
    if (unfit) return { verdict: "dropped", passes, why: `${unfit.said} is ${unfit.state}` };
    const outermost = sas.at(-1);
    if (!outermost) return { verdict: "dropped", passes, why: `there is no SA ${eroute.sa}` };
    last = idOf(outermost);
    at = resultOf(at, sas);
  }
}

/** An eroute of the listing, in the engine's own table. */
interface Found {
  readonly listed: ListedEroute;
  readonly saId: SaId;
  readonly shunt: number;
}

function finder(listed: readonly ListedEroute[]): (packet: PolicyPacket) => Found | undefined {
  const table = new ErouteTable();
  const rows = new Map<Eroute, ListedEroute>();
  for (const row of listed) {
    const id = parseSaId(row.sa);
    if (!id.ok) continue; // of a newer KLIPS
    const selector = {
      source: networkOf(row.source, row.sourcePort),
      destination: networkOf(row.destination, row.destinationPort),
      protocol: row.protocol,
    };
    const eroute = new Eroute(selector, id.value, 0);
    if (table.add(eroute)) rows.set(eroute, row);
  }
  const memory = new PacketMemory(32);
  return ({ source, destination, protocol, sourcePort, destinationPort }) => {
    const bytes = source.bytes.length as 4 | 16;
    memory.bytes.set(source.bytes, 0);
    memory.bytes.set(destination.bytes, bytes);
    const found = table.lookup(memory, 0, bytes, bytes, protocol, sourcePort, destinationPort);
    return found && { listed: rows.get(found)!, saId: found.saId, shunt: found.shunt };
  };
}

function networkOf(text: string, port: number): Subnet {
  const parsed = parseSubnet(text, text.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(`KLIPS lists the network ${text}: ${parsed.error}`);
  return { ...parsed.value, port };
}

function addressOf(text: string): Address {
  const parsed = parseNumericAddress(text, 0);
  if (!parsed.ok) throw new Error(`KLIPS lists the address ${text}: ${parsed.error}`);
  return parsed.value;
}

function idOf({ said }: ListedSa): SaId {
  const id = parseSaId(said);
  if (!id.ok) throw new Error(`KLIPS lists the SA ${said}: ${id.error}`);
  return id.value;
}

/** The SA that an eroute names, and what comes around it. */
function chainFrom(said: string, { groups, sas }: PolicyListings): ListedSa[] {
  const group = groups.find((members) => members.includes(said)) ?? [said];
  return group.slice(group.indexOf(said)).flatMap((member) => sas.find((sa) => sa.said === member) ?? []);
}

/** What the packet is after the whole chain. */
function resultOf(packet: PolicyPacket, sas: readonly ListedSa[]): PolicyPacket {
  const tunnel = sas.findLast((sa) => idOf(sa).protocol === SA_PROTOCOLS.tun);
  const ends = tunnel ? { source: addressOf(tunnel.source), destination: idOf(tunnel).destination } : packet;
  const { protocol } = idOf(sas.at(-1)!);
  const { udp } = sas.at(-1)!;
  return {
    source: ends.source,
    destination: udp?.peer ? addressOf(udp.peer) : ends.destination,
    protocol: udp ? UDP : protocol,
    sourcePort: udp?.sport ?? 0,
    destinationPort: udp?.dport ?? 0,
  };
}

function isLocalIke(
  { source, destination, protocol, sourcePort }: PolicyPacket,
  said: SaId | undefined,
  isLocal: (address: Address) => boolean,
): boolean {
  if (protocol !== UDP || sourcePort !== ISAKMP_PORT || !isLocal(source)) return false;
  return !said || isAnyAddress(said.destination) || sameAddress(said.destination, destination);
}

/** The scale of FreeS/WAN: 0 none, 4 integrity only, 32 private, 64 strong. */
export const STRENGTH = { none: 0, integrity: 4, private: 32, strong: 64 } as const;
/** Keys of fewer bits resist less long; those of 3DES are worth 112 (RFC 8221 §5). */
const STRONG_BITS = 128;

/** Of the best of nested tunnels. */
export function strengthOf({ verdict, passes }: PolicyAnswer): number {
  if (verdict !== "protected") return STRENGTH.none;
  return Math.max(STRENGTH.none, ...passes.flatMap(({ sas }) => sas.map(saStrength)));
}

function saStrength({ cipher, authenticator }: ListedSa): number {
  if (cipher) {
    const { keyBits, saltBytes } = CIPHERS[cipher];
    const worth = cipher === "3des" ? 112 : keyBits - 8 * saltBytes;
    return worth >= STRONG_BITS ? STRENGTH.strong : STRENGTH.private;
  }
  return authenticator ? STRENGTH.integrity : STRENGTH.none;
}
