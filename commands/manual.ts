/** `ipsec manual`: brings connections with manual keying up and down (klips.md §9). */
import { formatPosition } from "../lib/config/complaint.ts";
import type { FileSystem } from "../lib/config/file_system.ts";
import { loadConfig } from "../lib/config/load.ts";
import { type ManualConn, type ManualHost, readManualConn } from "../lib/config/manual_conn.ts";
import { type ManualComplaint, ManualRefusal } from "../lib/config/manual_reader.ts";
import { manualScript } from "../lib/config/manual_script.ts";
import { type NamedConn, namedConns } from "../lib/config/manual_union.ts";
import { Rtnetlink } from "../lib/ffi/rtnetlink.ts";
import { PfkeyClient, PfkeyError } from "../lib/pfkey/client.ts";
import { parseInfo } from "../lib/system/default_route_info.ts";
import { confDirectory, pfkeySocketPath, runDirectory } from "../lib/system/paths.ts";
import { runUpdown } from "../lib/system/updown.ts";
import { versionCode } from "../lib/system/version.ts";
import { type Address, parseNumericAddress } from "../lib/text/address.ts";
import { sameSubnet, type Subnet, subnetOf } from "../lib/text/subnet.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { configFiles, withoutIncludes } from "./_config_files.ts";
import { openReason } from "./_klips_errors.ts";
import { MANUAL_MANUAL } from "./_manual_manual.ts";
import { type ManualOptions, readManualOptions } from "./_manual_options.ts";
import { ManualFailure, type ManualWorld, runManual, variablesOf } from "./_manual_run.ts";

const PROG = "ipsec manual";
const USAGE_STATUS = 2;
const USAGE = `Usage:
  ipsec manual [--showonly] --{up|down|route|unroute} name
  ipsec manual [--showonly] --{up|down|route|unroute} --union partname ... 

  other options: [--config ipsecconfigfile] [--other] [--show]
			[--iam ipaddress@interface]
`;

async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readManualOptions(args);
  if (options === "help" || options === "version") {
    io.stdout(options === "help" ? USAGE : `${PROG} ${versionCode()}\n`);
    return 0;
  }
  if (options === "usage") throw new UserError(USAGE, USAGE_STATUS);
  if ("unknown" in options) throw new UserError(`${PROG}: unknown option \`${options.unknown}'`, USAGE_STATUS);
  if (options.obsolete) io.stderr(`${PROG}: warning: obsolete command syntax used\n`);
  let status = 0;
  const conns = readConns(options, io);
  for (const conn of conns) if (!conn || !await perform(conn, options, io)) status = 1;
  return status;
}

/** @returns undefined in place of a conn that cannot be used; the user has been told why */
function readConns(options: ManualOptions, io: Io): (ManualConn | undefined)[] {
  const file = options.config ?? `${confDirectory(io.env)}/ipsec.conf`;
  const absent = options.config === undefined && configFiles.read(file) === "no such file";
  const files = absent ? NOTHING : options.include ? configFiles : withoutIncludes(configFiles);
  const host = readHost(options, io);
  const keyFiles = new Set<string>();
  const conns = namedConns(loadConfig(file, files), options.names, options.union);
  const read = conns.map((named) => {
    const tell = (what: string, { text, at }: ManualComplaint) =>
      io.stderr(`${PROG}: ${what} in "${named.name}": ${text}${at ? ` (${formatPosition(at)})` : ""}\n`);
    for (const warning of named.warnings) tell("warning", warning);
    try {
      const { conn, warnings } = readOne(named, host);
      for (const warning of warnings) tell("warning", warning);
      for (const one of keyFilesOf(named)) keyFiles.add(one);
      return conn;
    } catch (error) {
      if (!(error instanceof ManualRefusal)) throw error;
      for (const complaint of error.complaints) tell("fatal error", complaint);
      return undefined;
    }
  });
  for (const one of keyFiles) warnOfReaders(one, io);
  return read;
}

const NOTHING: FileSystem = { read: () => ({ text: "", identity: "" }), list: () => [] };

/** What the reader could not read is not there, so that more complaints would only be about that. */
function readOne(named: NamedConn, host: ManualHost | string) {
  if (named.complaints.length) throw new ManualRefusal(named.complaints);
  if (typeof host === "string") throw new ManualRefusal([{ text: host }]);
  return readManualConn(named.name, named.parameters, host);
}

/** @returns why not, where `--iam` cannot be understood */
function readHost({ iam, other }: ManualOptions, io: Io): ManualHost | string {
  const info = parseInfo(readText(`${runDirectory(io.env)}/ipsec.info`));
  const address = info && numeric(info.address), nextHop = info?.nextHop && numeric(info.nextHop);
  const common = { other, ...(address && { defaultRoute: { address, ...(nextHop && { nextHop }) } }) };
  if (iam === undefined) return { ...common, interfaces: virtualAddresses() };
  const [text, device, ...more] = iam.split("@");
  if (!text || !device || more.length) return `internal error on ${iam}`;
  const own = numeric(text);
  return own ? { ...common, interfaces: [{ device, address: own }] } : `bad address in --iam ${iam}`;
}

function virtualAddresses(): ManualHost["interfaces"] {
  return Deno.networkInterfaces().flatMap(({ name, address: text }) => {
    const address = /^ipsec\d+$/.test(name) ? numeric(text.split("%")[0]) : undefined;
    return address ? [{ device: name, address }] : [];
  });
}

function numeric(text: string): Address | undefined {
  const parsed = parseNumericAddress(text, 0);
  return parsed.ok ? parsed.value : undefined;
}

/** @returns "" where there is no such file */
function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

const KEYS = ["espenckey", "espauthkey", "ahkey"].flatMap((name) => [name, `left${name}`, `right${name}`]);

function keyFilesOf({ parameters }: NamedConn): string[] {
  return KEYS.flatMap((name) => parameters(name)?.at?.file ?? []);
}

const READABLE_BY_OTHERS = 0o004;

function warnOfReaders(file: string, io: Io): void {
  const mode = Deno.statSync(file).mode ?? 0;
  if (!(mode & READABLE_BY_OTHERS)) return;
  io.stderr(
    `${PROG}: warning: ${file} has keys in it and everyone can read it; ` +
      `move them to a file of mode 0600 and include it, or \`chmod 600 ${file}'\n`,
  );
}

const VERBS = { up: "bring up", down: "take down", route: "route", unroute: "unroute" } as const;

/** @returns whether it was done; the user has been told why not */
async function perform(conn: ManualConn, options: ManualOptions, io: Io): Promise<boolean> {
  const { action } = options;
  if (options.showOnly) {
    io.stdout(manualScript(action, conn, variablesOf(conn)));
    return true;
  }
  const say = (line: string) => io.stderr(`${line}\n`);
  let klips: PfkeyClient | undefined;
  using signals = new Signals();
  try {
    if (action === "up" || action === "down") klips = await connect(io);
    const trace = options.show ? (command: string) => say(`+ ${command.replaceAll("\\\n\t", "")}`) : undefined;
    const world: ManualWorld = {
      klips,
      updown: runUpdown,
      isRouted,
      interruption: () => signals.taken,
      say,
      warn: (text) => say(`${PROG}: warning: ${text}`),
      trace,
    };
    await runManual(action, conn, world);
    return true;
  } catch (error) {
    if (!(error instanceof ManualFailure)) throw error;
    say(`${PROG}: cannot ${VERBS[action]} "${conn.name}": ${error.message}`);
    return false;
  } finally {
    klips?.close();
  }
}

/** Signals are noted, not obeyed at once: half a connection must not stay. */
class Signals implements Disposable {
  taken: Deno.Signal | undefined;
  readonly #listeners = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => ({
    signal,
    note: () => void (this.taken ??= signal),
  }));

  constructor() {
    for (const { signal, note } of this.#listeners) Deno.addSignalListener(signal, note);
  }

  [Symbol.dispose](): void {
    for (const { signal, note } of this.#listeners) Deno.removeSignalListener(signal, note);
  }
}

async function connect(io: Io): Promise<PfkeyClient> {
  const path = pfkeySocketPath(io.env);
  try {
    return await PfkeyClient.connect(path);
  } catch (error) {
    if (!(error instanceof PfkeyError)) throw error;
    throw new ManualFailure(openReason(error.errno, path));
  }
}

/** All there is has two routes, one of each half. */
function isRouted(network: Subnet, device: string): boolean {
  const wanted = network.bits === 0 ? subnetOf(network.address, 1) : network;
  using routes = new Rtnetlink();
  return routes.routes(network.address.family).some((route) =>
    route.device === device && sameSubnet(route.destination, wanted)
  );
}

export const manual: Command = {
  name: "manual",
  summary: "take manually-keyed IPsec connections up and down",
  usage: () => USAGE,
  manual: MANUAL_MANUAL,
  run,
};
