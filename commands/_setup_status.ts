/** `ipsec setup status` (commands.md §3.4). */
import { PfkeyClient } from "../lib/pfkey/client.ts";
import { pfkeySocketPath, setupPaths } from "../lib/system/paths.ts";
import { askSupervisor } from "../lib/system/setup_control.ts";
import { holderOf } from "../lib/system/setup_lock.ts";
import type { Io } from "./_command.ts";
import { findCommand } from "./_registry.ts";

/** What there is to judge by. */
export interface SetupFacts {
  /** Process id of the supervisor; undefined where none holds the lock. */
  readonly supervisor: number | undefined;
  readonly hasInfo: boolean;
  readonly hasSubsystemLock: boolean;
  readonly klips: boolean;
  readonly eroutes: boolean;
  /** Whether this version has a pluto, and its process id where one runs. */
  readonly pluto: { readonly exists: boolean; readonly pid?: number };
  readonly infoPath: string;
  readonly subsystemLockPath: string | undefined;
}

export interface Judgement {
  readonly lines: readonly string[];
  readonly status: number;
}

export function judge(facts: SetupFacts): Judgement {
  return facts.supervisor === undefined ? judgeStopped(facts) : judgeRunning(facts);
}

function judgeRunning({ hasInfo, klips, eroutes, pluto, infoPath }: SetupFacts): Judgement {
  const buts = [
    ...(pluto.exists && pluto.pid === undefined ? ["no Pluto running!"] : []),
    ...(hasInfo ? [] : [`${infoPath} file missing!`]),
    ...(klips ? [] : ["KLIPS is not running!"]),
  ];
  if (!buts.length) {
    return { lines: ["IPsec running", pluto.pid ? `pluto pid ${pluto.pid}` : "no pluto: keying is manual"], status: 0 };
  }
  if (eroutes) buts.push("some eroutes exist");
  return { lines: ["IPsec running", "but...", ...buts], status: 1 };
}

function judgeStopped(
  { hasInfo, hasSubsystemLock, klips, eroutes, infoPath, subsystemLockPath }: SetupFacts,
): Judgement {
  const buts = [
    ...(hasSubsystemLock ? [`has subsystem lock (${subsystemLockPath})!`] : []),
    ...(hasInfo ? [`has ${infoPath} file!`] : []),
    ...(klips ? ["KLIPS is running!"] : []),
    ...(eroutes ? ["some eroutes exist!"] : []),
  ];
  if (!buts.length) return { lines: ["IPsec stopped"], status: 0 };
  return { lines: ["IPsec stopped", "but...", ...buts], status: 1 };
}

export async function status(io: Io): Promise<number> {
  const { lines, status } = judge(await gather(io));
  for (const line of lines) io.stdout(`${line}\n`);
  return status;
}

async function gather(io: Io): Promise<SetupFacts> {
  const at = setupPaths(io.env);
  const supervisor = await holderOf(at.lock);
  const pids = supervisor === undefined ? {} : (await askSupervisor(at.control, { do: "status" }))?.pids ?? {};
  return {
    supervisor,
    hasInfo: exists(at.info),
    hasSubsystemLock: at.subsystemLock !== undefined && exists(at.subsystemLock),
    ...await klipsFacts(io),
    pluto: { exists: findCommand("pluto") !== undefined, ...("pluto" in pids && { pid: pids.pluto }) },
    infoPath: at.info,
    subsystemLockPath: at.subsystemLock,
  };
}

async function klipsFacts(io: Io): Promise<{ klips: boolean; eroutes: boolean }> {
  try {
    const client = await PfkeyClient.connect(pfkeySocketPath(io.env));
    try {
      return { klips: true, eroutes: (await client.readProc("eroute/all")) !== "" };
    } finally {
      client.close();
    }
  } catch {
    return { klips: false, eroutes: false };
  }
}

function exists(path: string): boolean {
  try {
    return Boolean(Deno.statSync(path));
  } catch {
    return false;
  }
}
