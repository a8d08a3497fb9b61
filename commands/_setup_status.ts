/** `ipsec setup status` (commands.md §3.4). */
import { interfaceIndex } from "../lib/ffi/tun.ts";
import { PfkeyClient } from "../lib/pfkey/client.ts";
import { pfkeySocketPath, setupPaths } from "../lib/system/paths.ts";
import { PLUTO } from "../lib/system/pluto_process.ts";
import { askSupervisor } from "../lib/system/setup_control.ts";
import { holderOf } from "../lib/system/setup_lock.ts";
import { type InterfaceRecord, SetupRecord, type SetupState } from "../lib/system/setup_state.ts";
import { type Io, UserError } from "./_command.ts";

/** What there is to judge by. */
export interface SetupFacts {
  /** Process id of the supervisor; undefined where none holds the lock. */
  readonly supervisor: number | undefined;
  readonly hasInfo: boolean;
  readonly hasSubsystemLock: boolean;
  readonly klips: boolean;
  /** How many there are. */
  readonly eroutes: number;
  /** Process ids of daemons; 0 where one has ended and is about to be started again, undefined where none was started. */
  readonly pids: Readonly<Record<string, number | undefined>>;
  readonly interfaces: readonly InterfaceRecord[];
  /** Connections that start has keyed by hand. */
  readonly manual: readonly string[];
  /** ipsecN that start has made and that are gone. */
  readonly lost: readonly string[];
  readonly infoPath: string;
  readonly subsystemLockPath: string | undefined;
}

export interface Judgement {
  readonly lines: readonly string[];
  /** What is not as it should be. */
  readonly buts: readonly string[];
  readonly status: number;
}

export function judge(facts: SetupFacts): Judgement {
  return facts.supervisor === undefined ? judgeStopped(facts) : judgeRunning(facts);
}

function judgeRunning({ hasInfo, klips, eroutes, pids, lost, infoPath }: SetupFacts): Judgement {
  const pluto = pids[PLUTO];
  const buts = [
    ...(pluto === 0 ? ["no Pluto running!"] : []),
    ...(hasInfo ? [] : [`${infoPath} file missing!`]),
    ...(klips ? [] : ["KLIPS is not running!"]),
    ...lost.map((virtual) => `${virtual} is gone: \`ipsec setup restart' makes it again!`),
  ];
  if (!buts.length) {
    return { lines: ["IPsec running", pluto ? `pluto pid ${pluto}` : "no pluto: keying is manual"], buts, status: 0 };
  }
  return {
    lines: ["IPsec running", "but...", ...buts, ...(eroutes > 0 ? ["some eroutes exist"] : [])],
    buts,
    status: 1,
  };
}

function judgeStopped(
  { hasInfo, hasSubsystemLock, klips, eroutes, infoPath, subsystemLockPath }: SetupFacts,
): Judgement {
  const buts = [
    ...(hasSubsystemLock ? [`has subsystem lock (${subsystemLockPath})!`] : []),
    ...(hasInfo ? [`has ${infoPath} file!`] : []),
    ...(klips ? ["KLIPS is running!"] : []),
    ...(eroutes > 0 ? ["some eroutes exist!"] : []),
  ];
  if (!buts.length) return { lines: ["IPsec stopped"], buts, status: 0 };
  return { lines: ["IPsec stopped", "but...", ...buts], buts, status: 1 };
}

/** The same for programs; members only grow. */
export function statusJson(facts: SetupFacts) {
  const { supervisor, klips, eroutes, interfaces, manual, lost, pids } = facts;
  const daemons = Object.entries(pids).map(([title, pid]) => [title.toLowerCase(), pid || null]);
  return {
    state: supervisor === undefined ? "stopped" : "running",
    problems: judge(facts).buts,
    pids: { supervisor: supervisor ?? null, ...Object.fromEntries(daemons) },
    klips,
    eroutes,
    interfaces: interfaces.map(({ virtual, physical }) => ({ virtual, physical, isThere: !lost.includes(virtual) })),
    manual,
  };
}

export async function status(options: { readonly json: boolean }, io: Io): Promise<number> {
  let facts: SetupFacts;
  try {
    facts = await gather(io);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new UserError(
      `ipsec setup: permission denied (must be superuser to look into ${setupPaths(io.env).directory})`,
    );
  }
  const { lines, status } = judge(facts);
  if (options.json) io.stdout(`${JSON.stringify(statusJson(facts), undefined, 2)}\n`);
  else for (const line of lines) io.stdout(`${line}\n`);
  return status;
}

async function gather(io: Io): Promise<SetupFacts> {
  const at = setupPaths(io.env);
  const supervisor = await holderOf(at.lock);
  const pids: Readonly<Record<string, number>> = supervisor === undefined
    ? {}
    : (await askSupervisor(at.control, { do: "status" }))?.pids ?? {};
  const { state } = SetupRecord.open(at.state);
  return {
    supervisor,
    hasInfo: exists(at.info),
    hasSubsystemLock: at.subsystemLock !== undefined && exists(at.subsystemLock),
    ...await klipsFacts(io),
    pids,
    interfaces: state.interfaces,
    manual: state.manual.map(({ name }) => name),
    lost: lostInterfaces(state),
    infoPath: at.info,
    subsystemLockPath: at.subsystemLock,
  };
}

function lostInterfaces({ interfaces }: SetupState): string[] {
  return interfaces.map(({ virtual }) => virtual).filter((virtual) => interfaceIndex(virtual) === 0);
}

async function klipsFacts(io: Io): Promise<Pick<SetupFacts, "klips" | "eroutes">> {
  try {
    const client = await PfkeyClient.connect(pfkeySocketPath(io.env));
    try {
      const listing = await client.readProc("eroute/all");
      return { klips: true, eroutes: listing.split("\n").filter(Boolean).length };
    } finally {
      client.close();
    }
  } catch {
    return { klips: false, eroutes: 0 };
  }
}

function exists(path: string): boolean {
  try {
    return Boolean(Deno.statSync(path));
  } catch {
    return false;
  }
}
