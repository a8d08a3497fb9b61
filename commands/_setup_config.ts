/** What `ipsec setup` takes from ipsec.conf, with every complaint about it. */
import { type Complaint, formatComplaint } from "../lib/config/complaint.ts";
import type { FileSystem } from "../lib/config/file_system.ts";
import { loadConfig } from "../lib/config/load.ts";
import { settingOf } from "../lib/config/settings.ts";
import { confDirectory, type Environment } from "../lib/system/paths.ts";
import { readSettings, type SetupConfiguration } from "../lib/system/setup_settings.ts";
import { DEBUG_FLAGS } from "./klipsdebug.ts";

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
  const { settings, complaints: more } = readSettings(setup, DEBUG_FLAGS);
  const manualConns = [...conns.values()]
    .filter((conn) => settingOf(conn.settings, "conn", "auto")?.value === "manual")
    .map(({ name }) => name);
  const isFatal = ({ severity, section }: Complaint) =>
    severity === "error" && (section === undefined || section === "setup");
  const unknown = settings.manualStart.filter((name) => !conns.has(name))
    .map((name): Complaint => ({
      at: complaintPosition(setup.get("manualstart")?.origin, path),
      severity: "warning",
      message: `manualstart: there is no conn ${name}`,
    }));
  const own = more.map(({ message, at }): Complaint => ({
    at: at ?? { file: path, line: 0 },
    severity: "error",
    message,
    section: "setup",
  }));
  const all = [...complaints, ...own, ...unknown];
  return {
    configuration: { file, settings, manualConns },
    remarks: all.filter((one) => !isFatal(one)).map(formatComplaint),
    errors: all.filter(isFatal).map(formatComplaint),
  };
}

type Origin = NonNullable<ReturnType<typeof settingOf>>["origin"];

function complaintPosition(origin: Origin | undefined, file: string): Complaint["at"] {
  return origin && "at" in origin ? origin.at : { file, line: 0 };
}

const NOTHING: FileSystem = { read: () => ({ text: "version 2\n", identity: "" }), list: () => [] };

function exists(path: string): boolean {
  try {
    return Boolean(Deno.statSync(path));
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}
