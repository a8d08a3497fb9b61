/** `ipsec pluto`: the IKE keying daemon (pluto.md §1). */
import { spawn } from "node:child_process";
import { parseInfo } from "../lib/system/default_route_info.ts";
import { errorReason } from "../lib/system/error_reason.ts";
import { confDirectory, ikeSocketPath, pfkeySocketPath, privateKeyDirectory, setupPaths } from "../lib/system/paths.ts";
import { PlutoDaemon, type PlutoDaemonOptions, PlutoFailed } from "../lib/system/pluto_daemon.ts";
import { PlutoHelper } from "../lib/system/pluto_helper_client.ts";
import { dropPlutoLock, takePlutoLock } from "../lib/system/pluto_lock.ts";
import { PlutoLog } from "../lib/system/pluto_log.ts";
import { selfCommand } from "../lib/system/self.ts";
import { SupervisorLink } from "../lib/system/supervisor_link.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { configFiles } from "./_config_files.ts";
import { PLUTO_MANUAL } from "./_pluto_manual.ts";
import { PLUTO_USAGE, type PlutoOptions, readPlutoOptions } from "./_pluto_options.ts";
import { writeLogLine } from "./_process_io.ts";
import { toolVersion } from "./_tool_version.ts";

const LOCK_EXISTS = 10;
/** What start scripts wait for. */
const INITIALIZED = "Pluto initialized\n";

async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readPlutoOptions(args, io.env);
  if (options === "help") {
    io.stderr(PLUTO_USAGE);
    return 0;
  }
  if (options === "version") {
    io.stdout(toolVersion("pluto"));
    return 0;
  }
  return options.fork ? await inBackground(args, options, io) : await inForeground(options, io);
}

/** Deno cannot fork: the program is started again as the leader of a session of its own. */
async function inBackground(args: readonly string[], { stderrLog }: PlutoOptions, io: Io): Promise<number> {
  const [program, ...rest] = selfCommand();
  const child = spawn(program, [...rest, "pluto", "--nofork", ...args], {
    detached: true,
    stdio: ["ignore", "pipe", stderrLog ? "inherit" : "pipe"],
  });
  child.stderr?.on("data", (text) => io.stderr(String(text)));
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  child.on("error", () => resolve(1));
  child.on("exit", (code, signal) => {
    if (signal) io.stderr(`pluto: killed by ${signal}\n`);
    resolve(code ?? 1);
  });
  const initialized = (async () => {
    let text = "";
    for await (const piece of child.stdout!) {
      text += piece;
      if (text.includes(INITIALIZED)) return 0;
    }
    return await ended;
  })();
  const status = await Promise.race([initialized, ended]);
  child.unref();
  child.stdout!.destroy();
  child.stderr?.destroy();
  return status;
}

async function inForeground(options: PlutoOptions, io: Io): Promise<number> {
  const { ctlBase } = options;
  takeLock(`${ctlBase}.pid`);
  const helper = await startHelper(options);
  try {
    return await serve(options, helper, io);
  } catch (error) {
    throw error instanceof PlutoFailed ? new UserError(error.message) : error;
  } finally {
    await helper.close(); // it removes the lock as well
  }
}

async function startHelper({ ctlBase, perPeerLogBase }: PlutoOptions): Promise<PlutoHelper> {
  const words = ["--ctlbase", ctlBase, "--pid", String(Deno.pid), "--perpeerlogbase", perPeerLogBase];
  try {
    return await PlutoHelper.start([...selfCommand(), "_pluto_helper", ...words]);
  } catch (error) {
    dropPlutoLock(`${ctlBase}.pid`);
    throw new UserError(`pluto: ${(error as Error).message}`);
  }
}

async function serve(options: PlutoOptions, helper: PlutoHelper, io: Io): Promise<number> {
  const log = new PlutoLog({
    stderr: options.stderrLog ? writeLogLine : undefined,
    syslog: (severity, text) => helper.syslog(severity, text),
    peerLog: options.perPeerLog ? (peer, text) => helper.peerLog(peer, text) : undefined,
    closePeerLogs: () => helper.closePeerLogs(),
  });
  const supervisor = await SupervisorLink.connect(setupPaths(io.env).control);
  const daemon = await PlutoDaemon.start(daemonOptions(options, io), {
    log,
    helper,
    files: configFiles,
    ...(supervisor && { supervisor }),
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => void daemon.shutDown());
  }
  Deno.addSignalListener("SIGHUP", () => {
    log.write("notice", 'Pluto ignores SIGHUP -- perhaps you want "whack --listen"');
  });
  io.stdout(INITIALIZED);
  const status = await daemon.ended;
  await daemon.close();
  return status;
}

function daemonOptions(options: PlutoOptions, { env }: Io): PlutoDaemonOptions {
  return {
    ...options,
    keyFolder: privateKeyDirectory(env),
    passwordFile: `${confDirectory(env)}/ipsec.d/passwd`,
    myId: env("IPSECmyid"),
    defaultRouteAddress: env("defaultrouteaddr") ?? parseInfo(readText(setupPaths(env).info))?.address,
    pfkeySocket: pfkeySocketPath(env),
    ikeSocket: ikeSocketPath(env),
  };
}

function takeLock(path: string): void {
  let taken: boolean;
  try {
    taken = takePlutoLock(path);
  } catch (error) {
    throw new UserError(`pluto: unable to create lock file "${path}" (${errorReason(error)})`);
  }
  if (!taken) throw new UserError(`pluto: lock file "${path}" already exists`, LOCK_EXISTS);
}

/** @returns "" where there is no such file */
function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

export const pluto: Command = {
  name: "pluto",
  summary: "negotiate keys by IKE: the keying daemon",
  usage: () => PLUTO_USAGE,
  manual: PLUTO_MANUAL,
  run,
};
