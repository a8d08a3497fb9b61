/** What a run has found, and its tables. */
import { type KeyingCost, TUNNELS } from "./_keying.ts";
import { ALGORITHMS, oneswanName, PASSED } from "./_oneswan.ts";
import { median } from "./_median.ts";
import { CROWD, PAIRS, type SocketRates } from "./_sas.ts";
import type { StartUp } from "./_start_up.ts";
import type { Traffic } from "./_traffic.ts";

/** Everything measured; what was left out or failed is not there. Times and rates as their names say. */
export interface Findings {
  readonly machine: string;
  readonly versions: Record<string, string>;
  readonly seconds: number;
  readonly rounds: number;
  /** Ours, by {@linkcode oneswanName}. Medians of the rounds. */
  readonly ours: Record<string, Traffic>;
  readonly theirs: Record<string, Traffic>;
  /** Nanoseconds, by masks and spread, then by number of eroutes. */
  readonly lookupNs: Record<string, Record<number, number>>;
  readonly saRates: Partial<SocketRates> & { service?: number };
  /** By algorithm. */
  readonly bytesPerPair: Record<string, number>;
  /** By the candidate's name. */
  readonly keying: Record<string, KeyingCost>;
  startUp: StartUp | undefined;
  /** What could not be measured, and the reason. */
  readonly leftOut: Record<string, string>;
  /** What should have been measured and was not. */
  readonly failed: Record<string, string>;
}

export function medianTraffic(rounds: readonly Traffic[]): Traffic {
  const of = (figure: keyof Traffic) => median(rounds.map((round) => round[figure]));
  return { tcp: of("tcp"), small: of("small"), roundTrip: of("roundTrip") };
}

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, i: number) => i === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[i]);
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}

/** Three digits that count. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

const FIGURES: readonly (readonly [figure: keyof Traffic, title: string])[] = [
  ["tcp", "TCP, one stream, Gb/s"],
  ["small", "64-byte UDP payloads received, thousand a second"],
  ["roundTrip", "round trip, us (less is better)"],
];

/** One table per figure: theirs in the second line, below them ours and the ratios ours / theirs. */
function trafficTables({ ours, theirs }: Findings): string[] {
  const peers = Object.keys(theirs);
  const own = [...ALGORITHMS.flatMap((name) => [oneswanName(name, true), oneswanName(name, false)]), PASSED.name]
    .filter((name) => name in ours);
  if (own.length + peers.length === 0) return [];
  return FIGURES.map(([figure, title]) =>
    formatTable([
      [title, "oneswan", ...peers.map((peer) => `/ ${peer}`)],
      ["  theirs", "", ...peers.map((peer) => digits(theirs[peer][figure]))],
      ...own.map((name) => [
        `  ${name}`,
        digits(ours[name][figure]),
        ...peers.map((peer) => `x ${digits(ours[name][figure] / theirs[peer][figure])}`),
      ]),
    ])
  );
}

function lookupTable({ lookupNs }: Findings): string[] {
  const names = Object.keys(lookupNs);
  if (names.length === 0) return [];
  const sizes = Object.keys(lookupNs[names[0]]).map(Number);
  const rows = names.map((name) => {
    const times = sizes.map((size) => lookupNs[name][size]);
    return [`  ${name}`, ...times.map(digits), `x ${digits(times[times.length - 1] / times[0])}`];
  });
  return [
    formatTable([["eroute lookup, ns, by eroutes", ...sizes.map((size) => `${size}`), "last / first"], ...rows]),
  ];
}

function saTables({ saRates: { service, empty, crowded }, bytesPerPair }: Findings): string[] {
  const rates: [string, number | undefined][] = [
    ["  through the socket, one at a time", empty],
    [`  the same with ${CROWD} SA pairs there`, crowded],
    [`  without the socket, ${PAIRS} pairs`, service],
  ];
  const known = rates.filter(([, rate]) => rate !== undefined).map(([name, rate]) => [name, rate!.toFixed(0)]);
  const memory = Object.entries(bytesPerPair).map(([name, bytes]) => [`  ${name}`, (bytes / 1024).toFixed(1)]);
  return [
    ...(known.length ? [formatTable([["PF_KEY requests that add SAs and eroutes, a second", ""], ...known])] : []),
    ...(memory.length ? [formatTable([["memory per SA pair (out and in, tunnel, eroute), KB", ""], ...memory])] : []),
  ];
}

function keyingTable({ keying }: Findings): string[] {
  const names = Object.keys(keying);
  if (names.length === 0) return [];
  return [formatTable([
    [`IKEv1, ${TUNNELS} tunnels`, ...names],
    ["  set-ups per CPU second of one end", ...names.map((name) => digits(1000 / keying[name].cpuMsPerEnd))],
    ["  memory per tunnel, KB", ...names.map((name) => digits(keying[name].bytesPerTunnel / 1024))],
  ])];
}

function startUpTable({ startUp }: Findings): string[] {
  if (!startUp) return [];
  return [formatTable([
    ["start-up, ms", ""],
    ["  ipsec ranbits --quick 8", digits(startUp.ipsecMs)],
    ["  deno run of an empty file", digits(startUp.emptyMs)],
  ])];
}

export function formatFindings(found: Findings): string {
  const { machine, versions, leftOut, failed, rounds, seconds } = found;
  const list = (entries: Record<string, string>, title: string) =>
    Object.keys(entries).length === 0
      ? []
      : [[title, ...Object.entries(entries).map(([name, text]) => `  ${name}: ${text}`)].join("\n")];
  return [
    [machine, `${rounds} rounds, ${seconds} s per figure; medians`].join("\n"),
    ...list(versions, "versions"),
    ...list(leftOut, "left out"),
    ...list(failed, "FAILED"),
    ...trafficTables(found),
    ...lookupTable(found),
    ...saTables(found),
    ...keyingTable(found),
    ...startUpTable(found),
  ].join("\n\n");
}
