/** `--status`: everything that pluto has, in the lines that scripts know (whack.md §9), and as JSON. */
import type { IkeState, IpsecSa } from "../ike/state.ts";
import { STATES } from "../ike/state.ts";
import { formatAddress } from "../text/address.ts";
import { formatPoolRange } from "../text/pool_range.ts";
import { formatSaId, SA_PROTOCOLS } from "../text/sa_id.ts";
import { formatSubnet } from "../text/subnet.ts";
import type { BareShunt } from "./bare_shunts.ts";
import type { Connection, Interface } from "./connection.ts";
import { formatPriority } from "./connection.ts";
import type { Pending } from "./pending.ts";
import { type ListedPools, poolJson, poolLines } from "./pool_status.ts";
import { ROUTING_NAMES } from "./routing_states.ts";
import { algorithmLines, saAlgorithms } from "./sa_algorithms.ts";
import type { StateNotes } from "./state_notes.ts";

export interface StatusFacts {
  /** Newest first. */
  readonly interfaces: readonly Interface[];
  /** As text; `(none)` while unknown. */
  readonly myId: string;
  readonly debug: readonly string[];
  /** In the order of the listing. */
  readonly connections: readonly Connection[];
  readonly states: readonly IkeState[];
  readonly pending: Iterable<Pending>;
  readonly shunts: Iterable<BareShunt>;
  readonly notes: StateNotes;
  readonly addressPools: ListedPools;
  /** Milliseconds of the clock. */
  readonly now: number;
}

/** Between sections. */
const BLANK = " ";

export function statusLines(facts: StatusFacts): string[] {
  const states = new Map([...facts.states].map((state) => [state.number, state]));
  return [
    ...facts.interfaces.map(({ virtual, physical, address }) =>
      `interface ${virtual}/${physical} ${formatAddress(address)}`
    ),
    `%myid = ${facts.myId}`,
    `debug ${facts.debug.join("+") || "none"}`,
    BLANK,
    ...facts.connections.flatMap((connection) => connectionLines(connection, states, facts.addressPools)),
    BLANK,
    ...orderedStates(facts).flatMap((state) => stateLines(state, facts)),
    BLANK,
    ...[...facts.shunts].map(shuntLine),
  ];
}

/** @param states by number: of the newest SAs it is said what they are made with, which FreeS/WAN did not */
export function connectionLines(
  c: Connection,
  states: ReadonlyMap<number, IkeState> = new Map(),
  pools?: ListedPools,
): string[] {
  const name = `"${c.name}"${c.serialText}`;
  const { settings: s, ours, peers } = c;
  const lines = [`${c.topology}; ${ROUTING_NAMES[c.routing]}; eroute owner: #${c.erouteOwner}`];
  if (ours.ca !== undefined || peers.ca !== undefined) {
    lines.push(`  CAs: '${ours.ca ?? "%any"}'...'${peers.ca ?? "%any"}'`);
  }
  lines.push(
    `  ike_life: ${s.ikeLifetimeSeconds}s; ipsec_life: ${s.ipsecLifetimeSeconds}s; rekey_margin: ` +
      `${s.rekeyMarginSeconds}s; rekey_fuzz: ${s.rekeyFuzzPercent}%; keyingtries: ${s.keyingTries}`,
  );
  if (c.policyNext) lines.push(`  policy_next: ${c.policyNext.name}`);
  const keys = (ours.keyOnDemand ? "+lKOD" : "") + (peers.keyOnDemand ? "+rKOD" : "");
  lines.push(
    `  policy: ${c.policyText}${keys}; prio: ${c.priorityText}; interface: ${c.interface?.physical ?? ""}; `,
  );
  // of descendants of FreeS/WAN, where it is used
  if (s.dpd) {
    lines.push(`  dpd: action:${s.dpd.action}; delay:${s.dpd.delaySeconds}; timeout:${s.dpd.timeoutSeconds}; `);
  }
  lines.push(...poolLines(c, pools));
  lines.push(`  newest ISAKMP SA: #${c.newestIsakmp}; newest IPsec SA: #${c.newestIpsec}; `);
  lines.push(...algorithmLines(states.get(c.newestIsakmp), states.get(c.newestIpsec)));
  return lines.map((line) => `${name}: ${line}`);
}

/** By connection, in its order; of one connection the newest first. */
function orderedStates({ states, connections }: StatusFacts): IkeState[] {
  const place = (state: IkeState) => {
    const at = connections.indexOf(state.connection as Connection);
    return at < 0 ? connections.length : at;
  };
  return [...states].toSorted((a, b) => place(a) - place(b) || b.number - a.number);
}

function stateLines(state: IkeState, { notes, now, pending }: StatusFacts): string[] {
  const head = `#${state.number}: ${state.connection.label}`;
  const c = state.connection as Connection;
  const seconds = state.event ? Math.round((state.event.atMs - now) / 1000) : 0;
  const tails = [
    c.newestIsakmp === state.number ? "; newest ISAKMP" : "",
    c.newestIpsec === state.number ? "; newest IPSEC" : "",
    c.erouteOwner === state.number ? "; eroute owner" : "",
  ];
  const story = STATES[state.name].story;
  const event = `${state.event?.name ?? "EVENT_NULL"} in ${seconds}s`;
  const lines = [`${head} STATE_${state.name} (${story}); ${event}${tails.join("")}`];
  if (state.kind === "ipsec" && state.isEstablished) {
    const { usedAt, tunnels } = notes.of(state.number);
    const isOwner = c.erouteOwner === state.number;
    const used = isOwner && usedAt !== undefined ? ` used ${Math.floor((now - usedAt) / 1000)}s ago;` : "";
    lines.push(`${head}${used}${saIds(state, tunnels).map((id) => ` ${id}`).join("")}`);
  }
  if (state.kind === "isakmp") {
    for (const one of pending) {
      if (one.isakmp !== state.number) continue;
      lines.push(`#${state.number}: pending Phase 2 for ${one.connection.label} replacing #${one.replaces}`);
    }
  }
  return lines;
}

/** AH, ESP, IPCOMP, tunnel; of each first what leads out. */
export function saIds(sa: IpsecSa, tunnels: { tunnelOut?: number; tunnelIn?: number }): string[] {
  const { local, remote } = sa.path;
  const ids: string[] = [];
  const pair = (protocol: number, out: number, into: number) =>
    ids.push(
      formatSaId({ protocol, spi: out, destination: remote }),
      formatSaId({ protocol, spi: into, destination: local }),
    );
  for (const protocol of ["ah", "esp", "ipcomp"] as const) {
    const one = sa.protocols.find(({ suite }) => suite.protocol === protocol);
    if (one) pair(protocol === "ipcomp" ? SA_PROTOCOLS.comp : SA_PROTOCOLS[protocol], one.outboundSpi, one.inboundSpi);
  }
  if (tunnels.tunnelOut !== undefined && tunnels.tunnelIn !== undefined) {
    pair(SA_PROTOCOLS.tun, tunnels.tunnelOut, tunnels.tunnelIn);
  }
  return ids;
}

function shuntLine({ flow, kind, priority, reason }: BareShunt): string {
  const ours = `${formatSubnet(flow.ours)}:${flow.ourPort}`, peers = `${formatSubnet(flow.peers)}:${flow.peersPort}`;
  return `${ours} -${flow.protocol}-> ${peers} => %${kind} ${formatPriority(priority)}    ${reason}`;
}

/** The same facts for programs; members only grow. */
export function statusJson(facts: StatusFacts) {
  const { now, notes } = facts;
  return {
    interfaces: facts.interfaces.map(({ virtual, physical, address }) => ({
      virtual,
      physical,
      address: formatAddress(address),
    })),
    myId: facts.myId,
    debug: facts.debug,
    connections: facts.connections.map((c) => ({
      name: c.name,
      kind: c.connectionKind.replace("CK_", "").toLowerCase(),
      instance: c.serial || undefined,
      topology: c.topology,
      peer: c.peers.isAnyHost ? undefined : formatAddress(c.peers.host),
      routing: ROUTING_NAMES[c.routing],
      erouteOwner: c.erouteOwner || undefined,
      policy: c.policyText.split("+"),
      priority: c.priorityText,
      interface: c.interface?.physical,
      policyNext: c.policyNext?.name,
      newestIsakmpSa: c.newestIsakmp || undefined,
      newestIpsecSa: c.newestIpsec || undefined,
      ikeLifetimeSeconds: c.settings.ikeLifetimeSeconds,
      ipsecLifetimeSeconds: c.settings.ipsecLifetimeSeconds,
      rekeyMarginSeconds: c.settings.rekeyMarginSeconds,
      rekeyFuzzPercent: c.settings.rekeyFuzzPercent,
      keyingTries: c.settings.keyingTries,
      dpd: c.settings.dpd,
      addressPool: c.peers.addressPool && formatPoolRange(c.peers.addressPool),
      peersAddress: c.lease && formatAddress(c.lease.address),
    })),
    addressPools: poolJson(facts.addressPools),
    states: orderedStates(facts).map((state) => ({
      number: state.number,
      connection: state.connection.name,
      instance: (state.connection as Connection).serial || undefined,
      kind: state.kind,
      role: state.role,
      state: state.name,
      established: state.isEstablished,
      algorithms: saAlgorithms(state),
      peer: formatAddress(state.path.remote),
      peerPort: state.path.remotePort,
      event: state.event && { name: state.event.name, inSeconds: Math.round((state.event.atMs - now) / 1000) },
      ...(state.kind === "ipsec" && state.isEstablished ? saFacts(state, notes, now) : {}),
      pending: [...facts.pending].filter(({ isakmp }) => isakmp === state.number).map(({ connection }) =>
        connection.name
      ),
    })),
    shunts: [...facts.shunts].map(({ flow, kind, priority, reason }) => ({
      ours: formatSubnet(flow.ours),
      peers: formatSubnet(flow.peers),
      protocol: flow.protocol,
      ourPort: flow.ourPort,
      peersPort: flow.peersPort,
      kind,
      priority: formatPriority(priority),
      reason,
    })),
  };
}

function saFacts(sa: IpsecSa, notes: StateNotes, now: number) {
  const { usedAt, tunnels } = notes.of(sa.number);
  return {
    mode: sa.mode,
    sas: saIds(sa, tunnels),
    ourClient: formatSubnet(sa.ourClient),
    peersClient: formatSubnet(sa.peersClient),
    usedSecondsAgo: usedAt === undefined ? undefined : Math.floor((now - usedAt) / 1000),
  };
}
