/** The one KLIPS of a run-time directory: where its files lie, whether it runs, who may become it. */
import { PfkeyClient, PfkeyError } from "../lib/pfkey/client.ts";
import { ERRNO } from "../lib/pfkey/errno.ts";
import { errorReason } from "../lib/system/error_reason.ts";
import { type Environment, ikeSocketPath, pfkeySocketPath, pidFilePath, runDirectory } from "../lib/system/paths.ts";
import { UserError } from "./_command.ts";
import { PROG } from "./_klips_options.ts";

/** How long `--start` and `--stop` wait for the daemon. */
const PATIENCE_MS = 10_000;
const POLL_MS = 20;

export interface KlipsPaths {
  readonly directory: string;
  readonly socket: string;
  readonly ikeSocket: string;
  readonly pid: string;
  readonly log: string;
}

export function klipsPaths(env: Environment): KlipsPaths {
  const directory = runDirectory(env);
  return {
    directory,
    socket: pfkeySocketPath(env),
    ikeSocket: ikeSocketPath(env),
    pid: pidFilePath(env),
    log: `${directory}/klips.log`,
  };
}

/**
 * @returns the running daemon's process id; undefined where none answers on the socket
 * @throws UserError where we may not ask: it may well run
 */
export async function runningPid(at: KlipsPaths): Promise<number | undefined> {
  let client: PfkeyClient;
  try {
    client = await PfkeyClient.connect(at.socket);
  } catch (error) {
    if (error instanceof PfkeyError && error.errno === ERRNO.EACCES) {
      throw new UserError(`${PROG}: ${error.message}: you must be root, or be allowed to write to it`);
    }
    return undefined;
  }
  client.close();
  try {
    return Number(Deno.readTextFileSync(at.pid).trim()) || 0;
  } catch {
    return 0;
  }
}

/** Holds the run-time directory for one daemon, however long that takes to listen; undefined where another has it. */
export async function claim({ directory }: KlipsPaths): Promise<Deno.FsFile | undefined> {
  const held = await Deno.open(directory);
  if (await held.tryLock(true)) return held;
  held.close();
  return undefined;
}

export async function isFree(at: KlipsPaths): Promise<boolean> {
  using held = await claim(at);
  return held !== undefined;
}

export function makeDirectory({ directory }: KlipsPaths): void {
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError(`${PROG}: Cannot create ${directory}: ${errorReason(error)}; run as root, or set IPSEC_RUNDIR`);
  }
}

/** @returns whether it came true in time */
export async function until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return false;
}
