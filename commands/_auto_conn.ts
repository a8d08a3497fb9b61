/** The commands of whack for a conn of ipsec.conf, and why there are none (commands.md §7.2). */
import { autoCommands } from "../lib/config/auto_conn.ts";
import type { AutoCommand } from "../lib/config/auto_script.ts";
import type { FileSystem } from "../lib/config/file_system.ts";
import { complaintsAbout, loadConfig } from "../lib/config/load.ts";
import { formatPosition } from "../lib/config/complaint.ts";
import { type ManualComplaint, ManualRefusal } from "../lib/config/manual_reader.ts";
import { settingOf, type Settings } from "../lib/config/settings.ts";
import { parseInfo } from "../lib/system/default_route_info.ts";
import { confDirectory, setupPaths } from "../lib/system/paths.ts";
import { suggest } from "../lib/text/suggest.ts";
import type { Io } from "./_command.ts";
import { configFiles, withoutIncludes } from "./_config_files.ts";

export interface ConnCommands {
  /** Undefined where the conn cannot be used. */
  readonly commands: readonly AutoCommand[] | undefined;
  /** For people: what stands against using it, or may not be meant. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

export interface ConnSource {
  /** Of --config; undefined for ipsec.conf. */
  readonly config: string | undefined;
  readonly include: boolean;
}

/** The file, and how what it includes is read. */
export function sourceOf(
  { config, include }: ConnSource,
  io: Io,
): { readonly file: string; readonly files: FileSystem } {
  return {
    file: config ?? `${confDirectory(io.env)}/ipsec.conf`,
    files: include ? configFiles : withoutIncludes(configFiles),
  };
}

/** Reads the configuration once; then for each conn, whether to replace one of that name. */
export function connReader(source: ConnSource, io: Io): (name: string, replace: boolean) => ConnCommands {
  const { file, files } = sourceOf(source, io);
  const read = loadConfig(file, files);
  const surroundings = {
    defaultRoute: parseInfo(readText(setupPaths(io.env).info)),
    legacy: setupValue(read.setup, "legacy") === "yes",
    natTraversal: setupValue(read.setup, "nat_traversal") !== "no",
  };
  return (name, replace) => {
    const about = complaintsAbout(read, name);
    const of = (severity: "error" | "warning") =>
      about.filter((one) => one.severity === severity).map(({ message, at }) => formatComplaint({ text: message, at }));
    const warnings = of("warning");
    const refuse = (errors: readonly string[]) => ({ commands: undefined, errors, warnings });
    const errors = of("error");
    if (errors.length) return refuse(errors);
    const conn = read.conns.get(name);
    if (!conn) {
      const near = suggest(name, read.conns.keys());
      return refuse([`did not find conn section(s) "${name}"${near ? `; did you mean "${near}"?` : ""}`]);
    }
    const parameters = (name: string) => {
      const setting = conn.settings.get(name);
      return setting && { value: setting.value, ...("at" in setting.origin && { at: setting.origin.at }) };
    };
    try {
      return { commands: autoCommands(name, parameters, surroundings, replace), errors: [], warnings };
    } catch (error) {
      if (!(error instanceof ManualRefusal)) throw error;
      return refuse(error.complaints.map(formatComplaint));
    }
  };
}

function formatComplaint({ text, at }: ManualComplaint): string {
  return `${text}${at ? ` (${formatPosition(at)})` : ""}`.replace(/\p{Cc}/gu, "?");
}

function setupValue(setup: Settings, name: string): string | undefined {
  return settingOf(setup, "setup", name)?.value;
}

/** @returns "" where there is no such file */
function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
