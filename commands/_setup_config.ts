/** What `ipsec setup` takes from ipsec.conf, with every complaint about it. */
import { type Complaint, formatComplaint } from "../lib/config/complaint.ts";
import type { FileSystem } from "../lib/config/file_system.ts";
import { loadConfig } from "../lib/config/load.ts";
import { isOn } from "../lib/config/implicit_conns.ts";
import { type Conn, settingOf, type Settings, STARTING } from "../lib/config/settings.ts";
import { confDirectory, type Environment } from "../lib/system/paths.ts";
import { type AutoConn, readSettings, type SetupConfiguration } from "../lib/system/setup_settings.ts";

export interface SetupReading {
  readonly configuration: SetupConfiguration;
  /** For the user, errors of conns and warnings: they hinder nothing else. */
  readonly remarks: readonly string[];
  /** With any of these nothing is started. */
  readonly errors: readonly string[];
}

/** @param file that of --config; without it ipsec.conf, which need not be there */
export function readSetup(file: string | undefined, env: Environment, files: FileSystem): SetupReading {
  const path = file ?? `${confDirectory(env)}/ipsec.conf`;
  const isEmpty = file === undefined && !exists(path);
  const { setup, conns, complaints } = loadConfig(path, isEmpty ? NOTHING : files);
  const settings = readSettings(withWishes(setup, conns.values()));
  const manualConns = [...conns.values()]
    .filter((conn) => settingOf(conn.settings, "conn", "auto")?.value === "manual")
    .map(({ name }) => name);
  const autoConns = [...conns.values()].flatMap((conn) => autoConnOf(conn, setup) ?? []);
  const isFatal = ({ severity, section }: Complaint) =>
    severity === "error" && (section === undefined || section === "setup");
  return {
    configuration: { file, settings, manualConns, autoConns },
    remarks: [
      ...isEmpty ? [`there is no ${path}: built-in settings alone count`] : [],
      ...complaints.filter((one) => !isFatal(one)).map(formatComplaint),
    ],
    errors: complaints.filter(isFatal).map(formatComplaint),
  };
}

/** pluto has `uniqueids` for all connections alone; the FAQ has `uniqueids=no` in one, and means that peers share an identity. */
function withWishes(setup: Settings, conns: Iterable<Conn>): Settings {
  const wish = [...conns].map(({ settings }) => settings.get("uniqueids")).find((one) => one?.value === "no");
  return wish ? new Map([...setup, ["uniqueids", wish]]) : setup;
}

/**
 * The implicit conns need the default route. Those of the groups do nothing until their files name networks; packetdefault
 * would hold the traffic of everybody, so that it is loaded only where `oe=yes` asks for it.
 */
function autoConnOf({ name, at, settings }: Conn, setup: Settings): AutoConn | undefined {
  const auto = STARTING.find((one) => one === settings.get("auto")?.value);
  if (!auto) return undefined;
  if (at !== undefined) return { name, auto };
  const hasDefaultRoute = settingOf(setup, "setup", "interfaces")?.value.includes("%defaultroute");
  const isForEverybody = settings.get("right")?.value === "%opportunistic";
  return hasDefaultRoute && (!isForEverybody || isOn(setup.get("oe")?.value)) ? { name, auto } : undefined;
}

const NOTHING: FileSystem = { read: () => ({ text: "version 2\n", identity: "" }), list: () => [] };

function exists(path: string): boolean {
  try {
    return Boolean(Deno.statSync(path));
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}
