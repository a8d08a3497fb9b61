import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { parseArgs } from "node:util";
import { PfkeyClient } from "../lib/pfkey/client.ts";
import { SystemError } from "../lib/ffi/libc.ts";
import { interfaceIndex } from "../lib/ffi/tun.ts";
import { KlipsDaemon } from "../lib/system/klips_daemon.ts";
import { type LogLevel, makeLog } from "../lib/system/log.ts";
import { pfkeySocketPath, pidFilePath, runDirectory } from "../lib/system/paths.ts";
import { wasStartedWith } from "../lib/system/process_words.ts";
import { KEEPALIVE_SECONDS } from "../lib/system/sa_upkeep.ts";
import { selfCommand } from "../lib/system/self.ts";
import { removeStaleDevice } from "../lib/system/virtual_device.ts";
import { VIRTUAL_NAMES } from "../lib/system/virtual_interfaces.ts";
import { type Command, type Io, UserError } from "./_command.ts";

const PROG = "ipsec klips";
const CRYPTO = ["libcrypto", "runtime", "noble"] as const;
const LEVELS = ["error", "notice", "info", "debug"] as const;
const ACTIONS = ["start", "stop", "status", "foreground"] as const;
/** How long `--start` and `--stop` wait for the daemon. */
const PATIENCE_MS = 10_000;

const USAGE = `Usage: ipsec klips --start [--crypto libcrypto|runtime|noble] [--loglevel error|notice|info|debug]
                         [--keepalive SECONDS]
       ipsec klips --foreground [--adopt] [--crypto PROVIDER] [--loglevel LEVEL] [--keepalive SECONDS]
       ipsec klips --stop
       ipsec klips --status [--json]
       ipsec klips --help
`;

interface Options {
  readonly action: typeof ACTIONS[number];
  readonly crypto: typeof CRYPTO[number] | undefined;
  readonly level: LogLevel;
  readonly keepaliveSeconds: number;
  readonly adopt: boolean;
  readonly json: boolean;
}

function parse(args: readonly string[]): Options {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        start: { type: "boolean" },
        stop: { type: "boolean" },
        status: { type: "boolean" },
        foreground: { type: "boolean" },
        adopt: { type: "boolean" },
        json: { type: "boolean" },
        crypto: { type: "string" },
        loglevel: { type: "string" },
        keepalive: { type: "string" },
      },
    }));
  } catch (error) {
    throw new UserError(`${PROG}: ${(error as Error).message}\n${USAGE.trimEnd()}`, 2);
  }
  const actions = ACTIONS.filter((name) => values[name]);
  if (actions.length !== 1) {
    throw new UserError(
      `${PROG}: exactly one of --start, --stop, --status or --foreground is needed\n${USAGE.trimEnd()}`,
      2,
    );
  }
  return {
    action: actions[0],
    crypto: values.crypto === undefined ? undefined : choice("--crypto", values.crypto, CRYPTO),
    level: values.loglevel === undefined ? "info" : choice("--loglevel", values.loglevel, LEVELS),
    keepaliveSeconds: values.keepalive === undefined ? KEEPALIVE_SECONDS : seconds("--keepalive", values.keepalive),
    adopt: values.adopt ?? false,
    json: values.json ?? false,
  };
}

function choice<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (!found) throw new UserError(`${PROG}: ${option} must be one of ${allowed.join(", ")}: it is "${value}"`, 2);
  return found;
}

const LONGEST_SECONDS = 86400;

function seconds(option: string, value: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : Infinity;
  if (number <= LONGEST_SECONDS) return number;
  throw new UserError(`${PROG}: ${option} must be 0 to ${LONGEST_SECONDS} seconds: it is "${value}"`, 2);
}

interface Paths {
  readonly directory: string;
  readonly socket: string;
  readonly pid: string;
  readonly log: string;
}

function paths(io: Io): Paths {
  const directory = runDirectory(io.env);
  return { directory, socket: pfkeySocketPath(io.env), pid: pidFilePath(io.env), log: `${directory}/klips.log` };
}

/** @returns the running daemon's process id; undefined where none answers on the socket */
async function runningPid(at: Paths): Promise<number | undefined> {
  let client: PfkeyClient;
  try {
    client = await PfkeyClient.connect(at.socket);
  } catch {
    return undefined;
  }
  client.close();
  try {
    return Number(Deno.readTextFileSync(at.pid).trim()) || 0;
  } catch {
    return 0;
  }
}

/** A zombie has ended: its parent, often a container's first process, may take its time to notice. */
function alive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat[stat.lastIndexOf(")") + 2] !== "Z"; // proc(5): the name in parentheses may hold any character
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  try {
    return Boolean(Deno.lstatSync(path));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/** What a system call says, without the runtime's additions. */
function reason(error: unknown): string {
  return (error as Error).message.replace(/^E[A-Z]+: /, "").replace(/ \(os error \d+\)/, "").replace(
    /, \w+ '.*'$|: \w+ '.*'$/,
    "",
  );
}

function makeDirectory({ directory }: Paths): void {
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError(`${PROG}: Cannot create ${directory}: ${reason(error)}; run as root, or set IPSEC_RUNDIR`);
  }
}

function openLog(at: Paths): number {
  makeDirectory(at);
  try {
    return openSync(at.log, "a", 0o600);
  } catch (error) {
    throw new UserError(`${PROG}: Cannot write ${at.log}: ${reason(error)}; run as root, or set IPSEC_RUNDIR`);
  }
}

async function start(options: Options, at: Paths, io: Io): Promise<number> {
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

/** Holds the run-time directory for one daemon, however long that takes to listen; undefined where another has it. */
async function claim({ directory }: Paths): Promise<Deno.FsFile | undefined> {
  const held = await Deno.open(directory);
  if (await held.tryLock(true)) return held;
  held.close();
  return undefined;
}

async function isFree(at: Paths): Promise<boolean> {
  using held = await claim(at);
  return held !== undefined;
}

async function stop(at: Paths, io: Io): Promise<number> {
  const pid = await runningPid(at);
  if (!pid) {
    io.stderr(`${PROG}: KLIPS is not running\n`);
    await removeLeft(at, io);
    return 0;
  }
  if (!wasStartedWith(pid, "klips")) {
    io.stderr(`${PROG}: process ${pid} is another one here: KLIPS runs in another pid namespace; stop it there\n`);
    return 1;
  }
  Deno.kill(pid, "SIGTERM");
  if (await until(() => !alive(pid))) return 0;
  io.stderr(`${PROG}: process ${pid} does not end\n`);
  return 1;
}

/** What a killed daemon has left, where none is starting just now. */
async function removeLeft(at: Paths, io: Io): Promise<void> {
  const left = VIRTUAL_NAMES.filter((name) => interfaceIndex(name) !== 0);
  const files = [at.pid, at.socket].filter(exists);
  if (!left.length && !files.length) return;
  makeDirectory(at);
  using held = await claim(at);
  if (!held) return;
  for (const name of left) {
    try {
      removeStaleDevice(name);
    } catch (error) {
      if (error instanceof SystemError) continue; // another program has it
      throw error;
    }
    io.stderr(`${PROG}: ${name}, left by a daemon that did not end properly, removed with its routes\n`);
  }
  for (const path of files) Deno.removeSync(path);
}

async function status(options: Options, at: Paths, io: Io): Promise<number> {
  const pid = await runningPid(at);
  if (pid === undefined) {
    if (options.json) io.stdout(`${JSON.stringify({ running: false })}\n`);
    else io.stdout("KLIPS is not running\n");
    return 3; // as LSB says of a service that is not running
  }
  const client = await PfkeyClient.connect(at.socket);
  try {
    const read = async (path: string) => JSON.parse(await client.readProc(path));
    const interfaces = await read("stats/interfaces.json");
    const version = (await client.readProc("version")).trim();
    const count = async (path: string) => (await read(path)).length as number;
    const facts = {
      running: true,
      pid,
      version,
      eroutes: await count("eroute/all.json"),
      sas: await count("spi/all.json"),
      interfaces,
    };
    if (options.json) io.stdout(`${JSON.stringify(facts)}\n`);
    else {
      io.stdout(`KLIPS is running (process ${pid})\n${version}\n${facts.eroutes} eroutes, ${facts.sas} SAs\n`);
      io.stdout(await client.readProc("stats/interfaces"));
    }
    return 0;
  } finally {
    client.close();
  }
}

async function foreground(options: Options, at: Paths): Promise<number> {
  if (await runningPid(at) !== undefined) throw new UserError(`${PROG}: KLIPS is already running`);
  makeDirectory(at);
  using held = await claim(at);
  if (!held) throw new UserError(`${PROG}: KLIPS is already running: another process holds ${at.directory}`);
  const log = makeLog(options.level);
  // The path of a packet is one call tree, which V8 cuts at its default: 7 % of the engine's time (bench/engine_bench.ts).
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=4000");
  try {
    const { crypto, keepaliveSeconds, adopt } = options;
    const daemon = new KlipsDaemon({ crypto, keepaliveSeconds, adopt, socketPath: at.socket, log });
    const stopNow = () => daemon.stop();
    Deno.addSignalListener("SIGTERM", stopNow);
    Deno.addSignalListener("SIGINT", stopNow);
    Deno.writeTextFileSync(at.pid, `${Deno.pid}\n`, { mode: 0o600 });
    await daemon.run();
  } catch (error) {
    throw error instanceof SystemError ? new UserError(`${PROG}: ${error.message}`) : error;
  } finally {
    try {
      Deno.removeSync(at.pid);
    } catch {
      // somebody has removed it already
    }
  }
  return 0;
}

export const klips: Command = {
  name: "klips",
  summary: "start, stop and examine KLIPS, the packet engine",
  usage: () => USAGE,
  manual: `## DESCRIPTION

KLIPS is the part of IPsec that handles packets. It runs as a daemon: it makes the virtual interfaces ipsec0 to ipsec3,
holds the SA database and the eroutes, and encrypts, decrypts and checks every packet. Its tools (eroute, spi, spigrp,
tncfg, klipsdebug, look, pf_key) reach it through the PF_KEY socket \`pfkey.sock\` in the run-time directory.

## OPTIONS

\`--start\`
: start the daemon in the background and return when it answers; if it runs already, say so and change nothing

\`--foreground\`
: run in the foreground, with the log on standard error, until SIGTERM or SIGINT; for containers and supervisors

\`--adopt\`
: with --foreground: when they are attached, take over interfaces that a killed daemon has left, with their addresses
  and routes; without it they are removed first. What is routed into them meanwhile is dropped

\`--stop\`
: end the daemon; the virtual interfaces with their addresses and routes go with it, also those that a killed daemon has
  left

\`--status\`
: say whether it runs, and the counters of its interfaces with every reason for which packets were dropped

\`--json\`
: with --status, print JSON

\`--crypto PROVIDER\`
: \`libcrypto\` (OpenSSL, the fastest), \`runtime\` (the one built into Deno) or \`noble\` (pure TypeScript); without it
  the first of these that is there and passes its known-answer tests

\`--keepalive SECONDS\`
: how long an SA in UDP may be idle before a keepalive is sent, so that NATs on the way do not forget it (RFC 3948);
  20 without this option, 0 for never

\`--loglevel LEVEL\`
: \`error\`, \`notice\`, \`info\` (default) or \`debug\`

## FILES

\`/run/ipsec/pfkey.sock\`, \`/run/ipsec/klips.pid\`, \`/run/ipsec/klips.log\`; the directory is $IPSEC_RUNDIR where that
is set, so that several instances can run in several network namespaces.

## EXIT STATUS

0 success; 1 failure; 2 wrong options; 3 for --status when KLIPS is not running.

## EXAMPLES

    ipsec klips --start
    ipsec tncfg --attach --virtual ipsec0 --physical eth0
    ipsec klips --status
`,
  run(args, io) {
    if (args.includes("--help")) {
      io.stdout(USAGE);
      return 0;
    }
    const options = parse(args);
    const at = paths(io);
    switch (options.action) {
      case "start":
        return start(options, at, io);
      case "stop":
        return stop(at, io);
      case "status":
        return status(options, at, io);
      case "foreground":
        return foreground(options, at);
    }
  },
};
