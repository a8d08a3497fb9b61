/**
 * `deno task bench`: our figures beside those of each peer that is installed, measured in the same run, and the ratios.
 *
 *     --only TEXT     measures what has TEXT in its name; the names are in the report
 *     --seconds N     for each figure of traffic (default 3)
 *     --rounds N      that take the candidates in turn; medians are printed (default 3)
 *     --json          prints the findings as JSON
 *
 * Traffic and the daemon need root. Status 1 where measuring failed, not where a goal is missed.
 */
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ipsecCommand, run } from "../tools/_net.ts";
import { netRights } from "../tools/_user_namespace.ts";
import { type Candidate, INSTALL, isInstalled, PLAIN, versionOf } from "./_candidate.ts";
import { formatVerdicts, judge } from "./_goals.ts";
import { type KeyingCost, measureKeying, medianKeying, OUR_KEYING, THEIR_KEYING } from "./_keying.ts";
import { measureLookup, SIZES, SPREADS, TABLES } from "./_lookup.ts";
import { ALGORITHMS, OURS, PASSED } from "./_oneswan.ts";
import { type Findings, formatFindings, medianTraffic } from "./_report.ts";
import { measureMemory, serviceRate, socketRates } from "./_sas.ts";
import { measureStartUp } from "./_start_up.ts";
import { LIBIPSEC } from "./_strongswan.ts";
import { measureTraffic, type Traffic } from "./_traffic.ts";
import { WIREGUARD, WIREGUARD_NEW } from "./_wireguard.ts";

const PEERS: readonly Candidate[] = [LIBIPSEC, WIREGUARD_NEW, WIREGUARD, PLAIN];
const TRAFFIC_PROGRAMS = ["ip", "iperf3", "ping", "unshare"];

const USAGE = "Usage: deno task bench [--only TEXT] [--seconds N] [--rounds N] [--json]";

function parse(): { only: string; seconds: string; rounds: string; json: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", default: "" },
        seconds: { type: "string", default: "3" },
        rounds: { type: "string", default: "3" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (!values.help) return values;
    console.log(USAGE);
    Deno.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    Deno.exit(2);
  }
}

const options = parse();

function count(name: "seconds" | "rounds"): number {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name} ${options[name]}: a number from 1 on is needed`);
  Deno.exit(2);
}

const found: Findings = {
  machine: `${cpus().length} cores, ${cpus()[0]?.model.trim()}, ${Deno.build.target}`,
  versions: {},
  seconds: count("seconds"),
  rounds: count("rounds"),
  ours: {},
  theirs: {},
  lookupNs: {},
  saRates: {},
  bytesPerPair: {},
  keying: {},
  startUp: undefined,
  leftOut: {},
  failed: {},
};

/** On a terminal alone: a line that the next one replaces. */
function progress(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

/** Measures one thing, where it is wanted; a failure is kept and the others go on. */
async function measure(name: string, work: () => unknown): Promise<void> {
  if (!name.includes(options.only)) return;
  progress(name);
  try {
    await work();
  } catch (error) {
    found.failed[name] = error instanceof Error ? error.message.trim() : String(error);
  }
}

/** The candidates that are wanted and can run. */
async function present(candidates: readonly Candidate[]): Promise<Candidate[]> {
  const there: Candidate[] = [];
  for (const candidate of candidates) {
    if (!candidate.name.includes(options.only)) continue;
    const why = await candidate.missing();
    if (why) found.leftOut[candidate.name] = why;
    else there.push(candidate);
  }
  return there;
}

/** Why no nets can be made here, or undefined. */
async function whyNoNets(): Promise<string | undefined> {
  for (const program of TRAFFIC_PROGRAMS) {
    if (!await isInstalled(program)) return `${program} is not installed: ${INSTALL}`;
  }
  const rights = await netRights();
  if ("lacks" in rights) return rights.lacks;
  return rights.words.length ? "it needs root: sudo deno task bench" : undefined;
}

async function traffic(): Promise<void> {
  const candidates = [...await present([...OURS, PASSED]), ...await present(PEERS)];
  const figures = new Map<Candidate, Traffic[]>(candidates.map((candidate) => [candidate, []]));
  for (let round = 1; round <= found.rounds; round++) {
    for (const candidate of candidates) {
      progress(`${candidate.name}, round ${round} of ${found.rounds}`);
      try {
        figures.get(candidate)!.push(await measureTraffic(candidate, found.seconds));
      } catch (error) {
        found.failed[candidate.name] = `round ${round}: ${(error as Error).message.trim()}`;
      }
    }
  }
  for (const [candidate, rounds] of figures) {
    if (rounds.length === 0) continue;
    (candidate === PASSED || OURS.includes(candidate) ? found.ours : found.theirs)[candidate.name] = medianTraffic(
      rounds,
    );
    if (PEERS.includes(candidate)) found.versions[candidate.name] = await candidate.version();
  }
}

/** In turns, as the machine's speed changes from minute to minute. */
async function keying(): Promise<void> {
  const missing = await LIBIPSEC.missing();
  if (missing) found.leftOut[THEIR_KEYING.name] = missing;
  const costs = new Map((missing ? [OUR_KEYING] : [OUR_KEYING, THEIR_KEYING]).map((one) => [one, [] as KeyingCost[]]));
  for (let round = 1; round <= found.rounds; round++) {
    for (const [candidate, rounds] of costs) {
      const title = `IKEv1, ${candidate.name}, round ${round} of ${found.rounds}`;
      await measure(title, async () => rounds.push(await measureKeying(candidate)));
    }
  }
  for (const [{ name }, rounds] of costs) if (rounds.length) found.keying[name] = medianKeying(rounds);
}

async function ownVersion(): Promise<string> {
  const lines = (await run([...ipsecCommand(), "--version"])).split("\n");
  return lines.filter((line) => /^(oneswan|crypto)/.test(line)).join("; ");
}

/** Makes dist/ipsec where IPSEC_BIN names no other file. */
async function useBuiltIpsec(): Promise<void> {
  if (Deno.env.get("IPSEC_BIN")) return;
  progress("building dist/ipsec");
  await run([Deno.execPath(), "run", "-A", fileURLToPath(new URL("../tools/build.ts", import.meta.url))]);
  Deno.env.set("IPSEC_BIN", fileURLToPath(new URL("../dist/ipsec", import.meta.url)));
}

await useBuiltIpsec();
found.versions.oneswan = await ownVersion();
const noNets = await whyNoNets();
if (noNets) found.leftOut["traffic, PF_KEY socket"] = noNets;
else {
  found.versions.iperf3 = await versionOf(["iperf3", "--version"]);
  await traffic();
  await keying();
  await measure("PF_KEY socket", async () => Object.assign(found.saRates, await socketRates()));
}
for (const [masks, rows] of Object.entries(TABLES)) {
  for (const [spread, busy] of Object.entries(SPREADS)) {
    const name = `${masks}, ${spread}`;
    await measure(`eroute lookup, ${name}`, () => {
      found.lookupNs[name] = Object.fromEntries(SIZES.map((size) => [size, measureLookup(size, rows, busy)]));
    });
  }
}
await measure("PF_KEY service", () => found.saRates.service = serviceRate());
for (const algorithm of ALGORITHMS) {
  await measure(`memory, ${algorithm}`, async () => {
    found.bytesPerPair[algorithm] = (await measureMemory(algorithm)).bytes;
  });
}
await measure("start-up", async () => found.startUp = await measureStartUp());
progress("");

const verdicts = judge(found);
console.log(
  options.json
    ? JSON.stringify({ ...found, wanted: verdicts }, null, 2)
    : `${formatFindings(found)}\n\n${formatVerdicts(verdicts)}`,
);
if (Object.keys(found.failed).length > 0) Deno.exit(1);
