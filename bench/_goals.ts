/** What the project wants to reach on the same machine in the same run, and whether this run did. */
import { PLAIN } from "./_candidate.ts";
import type { Findings } from "./_report.ts";
import { digits, formatTable } from "./_report.ts";
import { OUR_KEYING, THEIR_KEYING } from "./_keying.ts";
import { ALGORITHMS, oneswanName, PASSED } from "./_oneswan.ts";
import { LIBIPSEC } from "./_strongswan.ts";
import { WIREGUARD, WIREGUARD_NEW } from "./_wireguard.ts";
import type { Traffic } from "./_traffic.ts";

export interface Goal {
  readonly name: string;
  readonly relation: "at least" | "at most";
  readonly wanted: number;
  readonly unit: string;
  /** Undefined where this run did not measure it. */
  seen(found: Findings): number | undefined;
}

const UDP = oneswanName(ALGORITHMS[0], true), RAW = oneswanName(ALGORITHMS[0], false);

function ratio(figure: keyof Traffic, own: string, peer: string) {
  return ({ ours, theirs }: Findings) =>
    own in ours && peer in theirs ? ours[own][figure] / theirs[peer][figure] : undefined;
}

function slowdown(name: string) {
  return ({ lookupNs }: Findings) => {
    const times = Object.values(lookupNs[name] ?? {});
    return times.length > 1 ? times[times.length - 1] / times[0] : undefined;
  };
}

const USER_SPACE = [LIBIPSEC.name, WIREGUARD.name, WIREGUARD_NEW.name];

/** One goal for each of the peers, for what is to hold beside each of them. */
const each = (what: string, figure: keyof Traffic, relation: Goal["relation"], wanted: number): Goal[] =>
  USER_SPACE.map((peer) => ({
    name: `${what}, UDP-encapsulated ${ALGORITHMS[0]} / ${peer}`,
    relation,
    wanted,
    unit: "x",
    seen: ratio(figure, UDP, peer),
  }));

/** Names of the lookups come from main.ts. */
export const goals = (lookups: readonly string[]): readonly Goal[] => [
  {
    name: `TCP, ${UDP} / ${LIBIPSEC.name}`,
    relation: "at least",
    wanted: 8,
    unit: "x",
    seen: ratio("tcp", UDP, LIBIPSEC.name),
  },
  {
    name: `TCP, ${UDP} / ${WIREGUARD_NEW.name}`,
    relation: "at least",
    wanted: 1.3,
    unit: "x",
    seen: ratio("tcp", UDP, WIREGUARD_NEW.name),
  },
  {
    name: `TCP, ${RAW} / ${LIBIPSEC.name}`,
    relation: "at least",
    wanted: 2.5,
    unit: "x",
    seen: ratio("tcp", RAW, LIBIPSEC.name),
  },
  {
    name: `TCP, ${PASSED.name} / ${UDP}`,
    relation: "at least",
    wanted: 1,
    unit: "x",
    seen: ({ ours: { [PASSED.name]: passed, [UDP]: sealed } }) => passed && sealed && passed.tcp / sealed.tcp,
  },
  {
    name: `TCP, ${PASSED.name} / ${PLAIN.name}`,
    relation: "at least",
    wanted: 0.5,
    unit: "x",
    seen: ratio("tcp", PASSED.name, PLAIN.name),
  },
  ...each("small packets", "small", "at least", 2),
  ...each("round trip", "roundTrip", "at most", 1),
  ...lookups.map((name): Goal => ({
    name: `lookup, most / fewest eroutes, ${name}`,
    relation: "at most",
    wanted: 2,
    unit: "x",
    seen: slowdown(name),
  })),
  {
    name: "memory per SA pair, the largest",
    relation: "at most",
    wanted: 8,
    unit: "KB",
    seen: ({ bytesPerPair }) => {
      const all = Object.values(bytesPerPair);
      return all.length ? Math.max(...all) / 1024 : undefined;
    },
  },
  {
    name: `IKEv1 set-ups per CPU second / ${THEIR_KEYING.name}`,
    relation: "at least",
    wanted: 1,
    unit: "x",
    seen: ({ keying: { [OUR_KEYING.name]: ours, [THEIR_KEYING.name]: theirs } }) =>
      ours && theirs && theirs.cpuMsPerEnd / ours.cpuMsPerEnd,
  },
  {
    name: "memory per tunnel keyed by IKE",
    relation: "at most",
    wanted: 60,
    unit: "KB",
    seen: ({ keying: { [OUR_KEYING.name]: ours } }) => ours && ours.bytesPerTunnel / 1024,
  },
  {
    name: "start-up above an empty deno run",
    relation: "at most",
    wanted: 60,
    unit: "ms",
    seen: ({ startUp }) => startUp && startUp.ipsecMs - startUp.emptyMs,
  },
];

export interface Verdict {
  readonly name: string;
  readonly wanted: string;
  readonly seen: number | undefined;
  readonly met: boolean | undefined;
}

export function judge(found: Findings): Verdict[] {
  return goals(Object.keys(found.lookupNs)).map(({ name, relation, wanted, unit, seen }) => {
    const value = seen(found);
    const met = value === undefined ? undefined : relation === "at least" ? value >= wanted : value <= wanted;
    return { name, wanted: `${relation} ${wanted} ${unit}`, seen: value, met };
  });
}

export function formatVerdicts(verdicts: readonly Verdict[]): string {
  const word = ({ met }: Verdict) => met === undefined ? "not measured" : met ? "met" : "NOT MET";
  return formatTable([
    ["wanted", "", "this run", ""],
    ...verdicts.map((verdict) => [
      `  ${verdict.name}`,
      verdict.wanted,
      verdict.seen === undefined ? "" : digits(verdict.seen),
      word(verdict),
    ]),
  ]);
}
