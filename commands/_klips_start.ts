/** `ipsec klips --start`: the daemon in the background. Deno cannot fork: the program is started again. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { errorReason } from "../lib/system/error_reason.ts";
import { selfCommand } from "../lib/system/self.ts";
import { type Io, UserError } from "./_command.ts";
import { isFree, type KlipsPaths, makeDirectory, runningPid, until } from "./_klips_instance.ts";
import { type KlipsOptions, PROG } from "./_klips_options.ts";

export async function start(options: KlipsOptions, at: KlipsPaths, io: Io): Promise<number> {
  const running = await runningPid(at);
  if (running !== undefined) return alreadyRunning(running, io);
  const log = openLog(at);
  const [program, ...rest] = selfCommand();
  const args = [...rest, "klips", "--foreground", "--loglevel", options.level];
  if (options.crypto) args.push("--crypto", options.crypto);
  args.push("--keepalive", String(options.keepaliveSeconds));
  const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  let ended: number | undefined;
  child.on("exit", (code) => ended = code ?? 1);
  child.on("error", () => ended = 1);
  child.unref();
  const up = await until(async () => ended !== undefined || await runningPid(at) === child.pid);
  if (up && ended === undefined) return 0;
  // Somebody else may have started it at the same time, and not listen yet.
  await until(async () => await runningPid(at) !== undefined || await isFree(at));
  const other = await runningPid(at);
  if (other !== undefined && other !== child.pid) return alreadyRunning(other, io);
  const words = Deno.readTextFileSync(at.log).trimEnd().split("\n").slice(-5).join("\n");
  io.stderr(`${PROG}: KLIPS did not start; its last words, from ${at.log}:\n${words}\n`);
  return 1;
}

function alreadyRunning(pid: number, io: Io): number {
  io.stderr(`${PROG}: KLIPS is already running${pid ? ` (process ${pid})` : ""}; nothing done\n`);
  return 0;
}

function openLog(at: KlipsPaths): number {
  makeDirectory(at);
  try {
    return openSync(at.log, "a", 0o600);
  } catch (error) {
    throw new UserError(`${PROG}: Cannot write ${at.log}: ${errorReason(error)}; run as root, or set IPSEC_RUNDIR`);
  }
}
