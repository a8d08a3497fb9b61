/** `ipsec setup`: starts and stops everything (commands.md §3). */
import { parseSyslogPriority } from "../lib/text/syslog_priority.ts";
import { makeLog } from "../lib/system/log.ts";
import { networkFacts } from "../lib/system/network_facts.ts";
import { setupPaths } from "../lib/system/paths.ts";
import { isTaken } from "../lib/system/setup_lock.ts";
import { manualConnsOf, type SetupConfiguration } from "../lib/system/setup_settings.ts";
import { interfaceSteps, klipsSteps, manualWords, type SetupStep, shellOf } from "../lib/system/setup_steps.ts";
import { Syslog } from "../lib/system/syslog.ts";
import { resolveInterfaces } from "../lib/system/virtual_interfaces.ts";
import { planFilters } from "../lib/system/route_filter.ts";
import { readFilters } from "../lib/system/sysctl_files.ts";
import { versionCode } from "../lib/system/version.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { configFiles } from "./_config_files.ts";
import { readSetup, type SetupReading } from "./_setup_config.ts";
import { launch, Launched } from "./_setup_launch.ts";
import { type Lines, TAG, tagged, terminalAndSyslog } from "./_setup_lines.ts";
import { SETUP_MANUAL } from "./_setup_manual.ts";
import { parseSetupOptions, SETUP_USAGE, type SetupOptions } from "./_setup_options.ts";
import { ALREADY_RUNNING, serve } from "./_setup_serve.ts";
import { status } from "./_setup_status.ts";
import { stop, stopCommands } from "./_setup_stop.ts";

/** What systemd and LSB call EXIT_NOTCONFIGURED: a service manager need not try again before somebody has mended it. */
const NOT_CONFIGURED_STATUS = 6;

async function run(args: readonly string[], io: Io): Promise<number> {
  const options = parseSetupOptions(args);
  switch (options.command) {
    case "help":
      io.stdout(SETUP_USAGE);
      return 0;
    case "version":
      io.stdout(`ipsec setup ${versionCode()}\n`);
      return 0;
    case "status":
      if (options.show || options.showOnly) {
        throw new UserError(`ipsec setup status does not support --show${options.showOnly ? "only" : ""}`);
      }
      return await status(options, io);
    case "start":
      return await start(options, io);
    case "serve":
      return await serveInBackground(options, io);
    case "stop":
      return await stopAll(options, io);
    case "restart":
      await stopAll(options, io);
      return await start(options, io);
  }
}

async function start(options: SetupOptions, io: Io): Promise<number> {
  const { configuration } = readOrRefuse(options, io);
  if (options.showOnly) return showStart(configuration, io);
  requireRoot();
  if (options.foreground) return await serveInForeground(configuration, options, io);
  if (await isTaken(setupPaths(io.env).lock)) {
    linesFor(configuration, io.stdout).say(ALREADY_RUNNING);
    return 1;
  }
  return await launch(["setup", ...(options.show ? ["--show"] : []), ...configWords(options), "--_serve"], io);
}

function configWords({ config }: SetupOptions): string[] {
  return config === undefined ? [] : ["--config", config];
}

/** Prints what is wrong with the configuration. Throws where nothing can be started with it. */
function readOrRefuse({ config, command, foreground }: SetupOptions, io: Io): SetupReading {
  const reading = readSetup(config, io.env, configFiles);
  for (const line of reading.remarks) io.stderr(tagged(line));
  if (!reading.errors.length) return reading;
  const lines = [...reading.errors, `1 -- \`${command}' aborted`];
  throw new UserError(lines.map(tagged).join(""), foreground ? NOT_CONFIGURED_STATUS : 1);
}

function requireRoot(): void {
  if (Deno.uid() !== 0) throw new UserError(tagged("permission denied (must be superuser)"));
}

function linesFor({ settings }: SetupConfiguration, print: (text: string) => void): Lines {
  return terminalAndSyslog(print, new Syslog({ priority: settings.syslogPriority, tag: TAG }));
}

/** Everything on standard error: a container's or a service's manager keeps it. */
function serveInForeground(configuration: SetupConfiguration, options: SetupOptions, io: Io): Promise<number> {
  const log = makeLog("info");
  const line = (text: string) => log("notice", `${TAG}: ${text}`);
  return serve(configuration, {
    ...options,
    klipsLog: undefined,
    lines: { say: line, note: line },
    ready: () => {},
    reread: () => readSetup(options.config, io.env, configFiles),
  }, io);
}

/** Messages go to whoever started it as long as that waits, and to syslog and a file of our own always. */
async function serveInBackground(options: SetupOptions, io: Io): Promise<number> {
  Deno.chdir("/");
  const { configuration } = readOrRefuse(options, io);
  const launched = new Launched();
  const log = makeLog("info");
  const { say, note } = linesFor(configuration, (text) => launched.print(text));
  const alsoToFile = (to: (text: string) => void) => (text: string) => {
    to(text);
    log("notice", text);
  };
  const status = await serve(configuration, {
    ...options,
    klipsLog: setupPaths(io.env).klipsLog,
    lines: { say: alsoToFile(say), note: alsoToFile(note) },
    ready: () => launched.tell(0),
    reread: () => readSetup(options.config, io.env, configFiles),
  }, io);
  launched.tell(status);
  return status;
}

async function stopAll(options: SetupOptions, io: Io): Promise<number> {
  if (options.showOnly) {
    for (const command of stopCommands(io)) io.stdout(tagged(`\t ${command}`));
    return 0;
  }
  requireRoot();
  if (options.show) { for (const command of stopCommands(io)) io.stdout(tagged(`\t ${command}`)); }
  return await stop(stopLines(options, io), io);
}

/** What is started can be stopped whatever has become of the configuration. */
function stopLines({ config }: SetupOptions, io: Io): Lines {
  const { configuration, errors } = readSetup(config, io.env, configFiles);
  if (!errors.length) return linesFor(configuration, io.stdout);
  const fallback = parseSyslogPriority("daemon.error");
  const priority = fallback.ok ? fallback.value : 0;
  return terminalAndSyslog(io.stdout, new Syslog({ priority, tag: TAG }));
}

function showStart(configuration: SetupConfiguration, io: Io): number {
  const { settings } = configuration;
  const { interfaces, complaints, advice } = resolveInterfaces(settings.interfaces, networkFacts());
  for (const line of [...complaints, ...advice]) io.stdout(tagged(line));
  if (complaints.length) return 1;
  const { changes } = planFilters(interfaces.map(({ physical }) => physical), settings.routeFilter, readFilters());
  const steps = [
    ...klipsSteps(settings, true),
    ...interfaceSteps([], interfaces, settings.overrideMtu),
    ...changes.map((change) => ({ do: "sysctl" as const, ...change })),
    ...(settings.forwardControl ? [{ do: "sysctl" as const, name: "net/ipv4/ip_forward", value: "1" }] : []),
    ...manualConnsOf(configuration).map((conn): SetupStep => ({
      do: "ipsec",
      words: manualWords(conn, configuration.file),
    })),
  ];
  const keying = settings.pluto ? keyingCommands(configuration) : [];
  for (const command of ["ipsec klips --start", ...steps.map(shellOf), ...keying]) io.stdout(tagged(`\t ${command}`));
  return 0;
}

/** From prepluto= to what `auto=start` brings up. */
function keyingCommands({ settings, autoConns }: SetupConfiguration): string[] {
  const { prePluto, postPluto, plutoWords, plutoWait } = settings;
  const named = (operation: string, ...kinds: string[]) =>
    autoConns.filter(({ auto }) => kinds.includes(auto)).map(({ name }) => `ipsec auto ${operation} ${name}`);
  return [
    ...(prePluto === undefined ? [] : [prePluto]),
    ["ipsec", "pluto", ...plutoWords].join(" "),
    ...named("--add", "add", "route", "start"),
    "ipsec auto --ready",
    ...(postPluto === undefined ? [] : [postPluto]),
    ...named("--route", "route", "start"),
    ...named(plutoWait ? "--up" : "--asynchronous --up", "start"),
  ];
}

export const setup: Command = {
  name: "setup",
  summary: "control IPsec subsystem",
  usage: () => SETUP_USAGE,
  manual: SETUP_MANUAL,
  run,
};
