/**
 * The supervisor: what stays after `ipsec setup start`. It has started everything, watches over it, follows links and a
 * changed configuration, and undoes everything when it is told to end.
 */
import { PfkeyClient } from "../lib/pfkey/client.ts";
import { allowCoreFiles } from "../lib/ffi/process.ts";
import { errorReason, errorWithPath } from "../lib/system/error_reason.ts";
import { pfkeySocketPath, setupPaths } from "../lib/system/paths.ts";
import { Programs, shellWords } from "../lib/system/programs.ts";
import { selfCommand } from "../lib/system/self.ts";
import { notifyService } from "../lib/system/service_notify.ts";
import { ControlServer } from "../lib/system/setup_control.ts";
import { SetupLock } from "../lib/system/setup_lock.ts";
import { SetupFailed, SetupService } from "../lib/system/setup_service.ts";
import type { SetupConfiguration } from "../lib/system/setup_settings.ts";
import { SetupRecord } from "../lib/system/setup_state.ts";
import { forgetSmallHeap } from "../lib/system/small_heap.ts";
import { StartFailed } from "../lib/system/supervisor.ts";
import { versionCode } from "../lib/system/version.ts";
import { reapOrphans } from "../lib/system/zombies.ts";
import { type Io, UserError } from "./_command.ts";
import { findCommand } from "./_registry.ts";
import { keyingByAuto } from "./_setup_keying.ts";
import type { SetupReading } from "./_setup_config.ts";
import type { Lines } from "./_setup_lines.ts";

export const ALREADY_RUNNING = "FreeS/WAN IPsec apparently already running, start aborted";
const LAST_WORDS = 5;

export interface ServeOptions {
  readonly isRestart: boolean;
  readonly show: boolean;
  /** File for the words of KLIPS; standard error where it is undefined. */
  readonly klipsLog: string | undefined;
  readonly lines: Lines;
  /** Told once everything has been started. */
  ready(): void;
  reread(): SetupReading;
}

/** @returns the exit status, when it has been told to end */
export async function serve(configuration: SetupConfiguration, options: ServeOptions, io: Io): Promise<number> {
  forgetSmallHeap();
  const { lines } = options;
  const at = setupPaths(io.env);
  makeDirectory(at.directory);
  using lock = await takeLock(at.lock);
  if (!lock) {
    lines.say(ALREADY_RUNNING);
    return 1;
  }
  let current = configuration;
  const programs = new Programs(() => current.settings.variables);
  if (Deno.pid === 1) reapOrphans((pid) => programs.isOwn(pid));
  const { promise: told, resolve: end } = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, end);

  lines.say(`${options.isRestart ? "Restarting" : "Starting"} FreeS/WAN IPsec ${versionCode()}...`);
  const directory = coreDirectory(configuration.settings.dumpDirectory, lines);
  const self = selfCommand();
  const service = new SetupService(configuration, {
    ...lines,
    show: (command) => options.show && lines.say(`\t ${command}`),
    ipsec: (words) => programs.run([...self, ...words]),
    script: (commands) => programs.run(shellWords(commands, self)),
    run: (words) => programs.run(words),
    daemon: (...words) => [...self, ...words],
    spawn: (row) => programs.daemon(row, directory, row.output ?? options.klipsLog),
    logsToStderr: options.klipsLog === undefined,
    keying: keyingByAuto(configuration.file, io),
    connect: () => PfkeyClient.connect(pfkeySocketPath(io.env)),
    record: SetupRecord.open(at.state),
    paths: at,
    now: () => performance.now(),
    delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  Deno.addSignalListener("SIGHUP", () => reread(service, options, (configuration) => current = configuration));
  using _control = new ControlServer(at.control, {
    answer: async (request) => {
      if (request.do === "stop") end();
      if (request.do === "links") await service.linksChanged();
      return { status: 0, lines: [], pids: service.pids };
    },
    follow: (reports, ready) => service.connMemory.follow(reports, ready),
  });
  try {
    await service.start();
  } catch (error) {
    for (const line of failure(error, options.klipsLog)) lines.say(line);
    return 1;
  }
  const secrets = makeHostKey(configuration, programs, self, lines, io);
  options.ready();
  notifyService(io.env, "READY=1");
  await told;
  notifyService(io.env, "STOPPING=1");
  await secrets.cancel();
  await service.stop();
  return 0;
}

async function takeLock(path: string): Promise<SetupLock | undefined> {
  try {
    return await SetupLock.take(path);
  } catch (error) {
    throw new UserError(`ipsec setup: Cannot make ${path}: ${errorReason(error)}`);
  }
}

async function reread(
  service: SetupService,
  { lines, reread }: ServeOptions,
  take: (configuration: SetupConfiguration) => void,
): Promise<void> {
  try {
    const { configuration, errors, remarks } = reread();
    for (const line of [...errors, ...remarks]) lines.note(line);
    if (errors.length) {
      lines.note("the configuration has errors: everything stays as it is");
      return;
    }
    take(configuration);
    await service.reread(configuration);
  } catch (error) {
    for (const line of failure(error, undefined)) lines.note(line);
  }
}

/** Sentences for the user; any other error is a defect, whose stack the log may have. */
function failure(error: unknown, klipsLog: string | undefined): string[] {
  if (error instanceof SetupFailed) return [...error.lines];
  if (error instanceof StartFailed) return [error.message, ...lastWords(error.row.output ?? klipsLog)];
  return [errorWithPath(error)];
}

function lastWords(log: string | undefined): string[] {
  if (log === undefined) return [];
  try {
    const words = Deno.readTextFileSync(log).trimEnd().split("\n").slice(-LAST_WORDS);
    return [`its last words, from ${log}:`, ...words];
  } catch {
    return [];
  }
}

/** @returns the directory in which daemons run, and leave their cores where that is wanted */
function coreDirectory(wanted: string | undefined, lines: Lines): string {
  const isThere = wanted !== undefined && isDirectory(wanted);
  if (wanted !== undefined && !isThere) lines.say(`dumpdir \`${wanted}' does not exist, ignored`);
  try {
    allowCoreFiles(isThere);
  } catch (error) {
    lines.say((error as Error).message);
  }
  return isThere ? wanted : "/";
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function makeDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError(`ipsec setup: Cannot create ${path}: ${errorReason(error)}; run as root, or set IPSEC_RUNDIR`);
  }
}

/** A host without secrets gets a key of its own, beside everything else: that takes a while. */
function makeHostKey(
  { settings }: SetupConfiguration,
  programs: Programs,
  self: readonly string[],
  lines: Lines,
  io: Io,
): { cancel(): Promise<void> } {
  const path = `${io.env("IPSEC_CONFS") || "/etc"}/ipsec.secrets`;
  if (!settings.pluto || !findCommand("newhostkey") || isFile(path)) return { cancel: () => Promise.resolve() };
  lines.say(`No file ${path}, generating key.`);
  const abort = new AbortController();
  const done = programs.run([...self, "newhostkey", "--quiet", "--output", path], abort.signal).then(
    async (outcome) => {
      if (abort.signal.aborted) return;
      for (const line of outcome.lines) if (outcome.status !== 0) lines.note(line);
      if (outcome.status === 0) await keyingByAuto(undefined, io).auto("--rereadsecrets");
    },
  );
  return {
    cancel: () => {
      abort.abort();
      return done;
    },
  };
}

function isFile(path: string): boolean {
  try {
    return Boolean(Deno.statSync(path));
  } catch {
    return false;
  }
}
