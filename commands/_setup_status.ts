/** `ipsec setup status` (commands.md §3.4). */
import { interfaceIndex } from "../lib/ffi/tun.ts";
import { PfkeyClient } from "../lib/pfkey/client.ts";
import { pfkeySocketPath, setupPaths } from "../lib/system/paths.ts";
import { askSupervisor } from "../lib/system/setup_control.ts";
import { holderOf } from "../lib/system/setup_lock.ts";
import { SetupRecord, type SetupState } from "../lib/system/setup_state.ts";
import { type Io, UserError } from "./_command.ts";

/** What there is to judge by. */
export interface SetupFacts {
  /** Process id of the supervisor; undefined where none holds the lock. */
  readonly supervisor: number | undefined;
  readonly hasInfo: boolean;
  readonly hasSubsystemLock: boolean;
  readonly klips: boolean;
  readonly eroutes: boolean;
  /** Process id of pluto; 0 where it has ended and is about to be started again, undefined where none was started. */
  readonly pluto: number | undefined;
  /** ipsecN that start has made and that are gone. */
  readonly lost: readonly string[];
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

function judgeRunning({ hasInfo, klips, eroutes, pluto, lost, infoPath }: SetupFacts): Judgement {
  const buts = [
    ...(pluto === 0 ? ["no Pluto running!"] : []),
    ...(hasInfo ? [] : [`${infoPath} file missing!`]),
    ...(klips ? [] : ["KLIPS is not running!"]),
    ...lost.map((virtual) => `${virtual} is gone: \`ipsec setup restart' makes it again!`),
  ];
  if (!buts.length) {
    return { lines: ["IPsec running", pluto ? `pluto pid ${pluto}` : "no pluto: keying is manual"], status: 0 };
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
  for (const line of lines) io.stdout(`${line}\n`);
  return status;
}

async function gather(io: Io): Promise<SetupFacts> {
  const at = setupPaths(io.env);
  const supervisor = await holderOf(at.lock);
  const pids: Readonly<Record<string, number>> = supervisor === undefined
    ? {}
    : (await askSupervisor(at.control, { do: "status" }))?.pids ?? {};
  return {
    supervisor,
    hasInfo: exists(at.info),
    hasSubsystemLock: at.subsystemLock !== undefined && exists(at.subsystemLock),
    ...await klipsFacts(io),
    pluto: pids.pluto,
    lost: lostInterfaces(SetupRecord.open(at.state).state),
    infoPath: at.info,
    subsystemLockPath: at.subsystemLock,
  };
}

function lostInterfaces({ interfaces }: SetupState): string[] {
  return interfaces.map(({ virtual }) => virtual).filter((virtual) => interfaceIndex(virtual) === 0);
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
