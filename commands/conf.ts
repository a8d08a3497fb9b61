/** `ipsec conf`: what is wrong with ipsec.conf, and what it says. */
import { parseArgs } from "node:util";
import { checkFiles } from "../lib/config/check_files.ts";
import { checkManual } from "../lib/config/check_manual.ts";
import { type Complaint, formatComplaint, sortComplaints } from "../lib/config/complaint.ts";
import { complaintsAbout, type Configuration, loadConfig } from "../lib/config/load.ts";
import { checkGroups } from "../lib/config/policy_group.ts";
import { formatSection, visibleValue } from "../lib/config/print_section.ts";
import { effectiveSettings, type Origin, type Setting } from "../lib/config/settings.ts";
import { confDirectory } from "../lib/system/paths.ts";
import { suggest } from "../lib/text/suggest.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { CONF_MANUAL } from "./_conf_manual.ts";
import { configFiles, pathKind } from "./_config_files.ts";

const PROG = "ipsec conf";

const USAGE = `Usage: ipsec conf check [--json] [FILE]
       ipsec conf show [--config FILE] [--secrets] [--json] CONN
       ipsec conf show [--config FILE] [--json] --setup
       ipsec conf --help
`;

function usageError(message: string): UserError {
  return new UserError(`${PROG}: ${message}\n${USAGE.trimEnd()}`, 2);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: "string" },
        setup: { type: "boolean" },
        secrets: { type: "boolean" },
        json: { type: "boolean" },
      },
    });
  } catch (error) {
    throw usageError((error as Error).message);
  }
}

type Options = ReturnType<typeof parse>["values"];

interface Loaded {
  readonly file: string;
  readonly isAbsent: boolean;
  readonly configuration: Configuration;
}

/** A file that nobody named may be missing: then nothing is configured. */
function load(named: string | undefined, io: Io): Loaded {
  const file = named ?? `${confDirectory(io.env)}/ipsec.conf`;
  const isAbsent = named === undefined && configFiles.read(file) === "no such file";
  const nothing = { read: () => ({ text: "", identity: file }), list: () => [] };
  return { file, isAbsent, configuration: loadConfig(file, isAbsent ? nothing : configFiles) };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function plainComplaint({ at, severity, section, message }: Complaint) {
  return { file: at.file, line: at.line, severity, section: section ?? null, message };
}

function check(operands: readonly string[], { json, config, setup, secrets }: Options, io: Io): number {
  if (setup || secrets) throw usageError("check knows neither --setup nor --secrets");
  if (operands.length + (config === undefined ? 0 : 1) > 1) throw usageError("check reads one file");
  const { file, isAbsent, configuration } = load(operands[0] ?? config, io);
  const { conns, files } = configuration;
  const complaints = [
    ...sortComplaints([
      ...configuration.complaints,
      ...checkManual(configuration),
      ...checkFiles(configuration, file, pathKind),
    ], files),
    ...checkGroups(configuration, file, configFiles),
  ];
  const errors = complaints.filter(({ severity }) => severity === "error").length;
  const own = [...conns.values()].filter(({ at }) => at).map(({ name }) => name);
  if (json) {
    const facts = { file, files, connections: own, errors, complaints: complaints.map(plainComplaint) };
    io.stdout(`${JSON.stringify(facts)}\n`);
  } else {
    const warnings = complaints.length - errors;
    io.stdout(complaints.map((complaint) => `${formatComplaint(complaint)}\n`).join(""));
    io.stdout(
      `${file}: ${isAbsent ? "there is no such file: " : ""}${count(own.length, "connection")}, ` +
        `${count(errors, "error")}, ${count(warnings, "warning")}\n`,
    );
  }
  return errors ? 1 : 0;
}

function plainOrigin(origin: Origin) {
  switch (origin.kind) {
    case "file":
      return { from: "file", ...origin.at, ...(origin.through ? { conn: origin.through } : {}) };
    case "default":
      return { from: "%default", ...origin.at };
    case "implicit":
      return { from: "implicit", conn: origin.conn };
    case "built in":
      return { from: "built in" };
  }
}

function findConn({ file, configuration: { conns } }: Loaded, name: string) {
  const conn = conns.get(name);
  if (conn) return conn;
  const near = suggest(name, conns.keys());
  throw new UserError(`${PROG}: there is no conn ${name} in ${file}${near ? `; did you mean ${near}?` : ""}`);
}

function show(operands: readonly string[], options: Options, io: Io): number {
  const { config, setup = false, json, secrets = false } = options;
  if (operands.length !== (setup ? 0 : 1)) throw usageError("show needs the name of one connection, or --setup");
  const loaded = load(config, io);
  const name = setup ? "setup" : operands[0];
  const settings: ReadonlyMap<string, Setting> = setup
    ? effectiveSettings(loaded.configuration.setup, "setup")
    : effectiveSettings(findConn(loaded, name).settings, "conn");
  if (json) {
    const rows = [...settings].map(([key, { value, origin }]) =>
      [key, { value: visibleValue(key, value, { secrets }), ...plainOrigin(origin) }] as const
    );
    io.stdout(`${JSON.stringify({ name, settings: Object.fromEntries(rows) })}\n`);
  } else {
    io.stdout(formatSection(setup ? "config setup" : `conn ${name}`, settings, { secrets }));
  }
  const complaints = complaintsAbout(loaded.configuration, name);
  io.stderr(complaints.map((complaint) => `${formatComplaint(complaint)}\n`).join(""));
  return complaints.some(({ severity }) => severity === "error") ? 1 : 0;
}

const ACTIONS: Readonly<Record<string, typeof show>> = { check, show };

export const conf: Command = {
  name: "conf",
  summary: "check ipsec.conf, and show what it says",
  usage: () => USAGE,
  manual: CONF_MANUAL,
  run(args, io) {
    if (args.includes("--help")) {
      io.stdout(USAGE);
      return 0;
    }
    const { values, positionals: [action, ...operands] } = parse(args);
    if (action === undefined) throw usageError("check or show is needed");
    if (!Object.hasOwn(ACTIONS, action)) throw usageError(`unknown action "${action}"`);
    return ACTIONS[action](operands, values, io);
  },
};
