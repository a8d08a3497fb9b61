/** `config setup` of ipsec.conf as start uses it: defaults filled in, values checked (config.md §11). */
import type { Position } from "../config/complaint.ts";
import { settingOf, type Settings } from "../config/settings.ts";
import { parseSyslogPriority } from "../text/syslog_priority.ts";
import { suggest } from "../text/suggest.ts";
import type { WantedFilter } from "./route_filter.ts";

export interface SetupSettings {
  /** Items of `interfaces=`; none for %none. */
  readonly interfaces: readonly string[];
  readonly forwardControl: boolean;
  readonly routeFilter: WantedFilter;
  /** FACILITY.PRIORITY as a number. */
  readonly syslogPriority: number;
  /** `all`, or areas; none for none. */
  readonly klipsDebug: readonly string[];
  readonly fragIcmp: boolean;
  readonly hideTos: boolean;
  readonly overrideMtu?: number;
  readonly dumpDirectory?: string;
  readonly manualStart: readonly string[];
  readonly pluto: boolean;
  readonly prePluto?: string;
  readonly postPluto?: string;
}

/** What start needs of ipsec.conf. */
export interface SetupConfiguration {
  /** Of --config; undefined for ipsec.conf. */
  readonly file: string | undefined;
  readonly settings: SetupSettings;
  /** Conns with auto=manual. */
  readonly manualConns: readonly string[];
}

/** `manualstart=` first, then auto=manual; each once. */
export function manualConnsOf({ settings, manualConns }: SetupConfiguration): string[] {
  return [...new Set([...settings.manualStart, ...manualConns])];
}

export interface SettingComplaint {
  readonly name: string;
  readonly message: string;
  /** Undefined for a built-in value. */
  readonly at?: Position;
}

/**
 * @param setup as the reader has checked it: each value has its form
 * @param debugAreas what klipsdebug= may name
 * @returns what the form does not show to be wrong, beside the settings
 */
export function readSettings(
  setup: Settings,
  debugAreas: readonly string[],
): { settings: SetupSettings; complaints: readonly SettingComplaint[] } {
  const complaints: SettingComplaint[] = [];
  const get = (name: string): string | undefined => settingOf(setup, "setup", name)?.value || undefined;
  const words = (name: string): string[] => get(name)?.split(/[ \t]+/).filter(Boolean) ?? [];
  const complain = (name: string, message: string) => {
    const origin = setup.get(name)?.origin;
    complaints.push({ name, message, ...(origin && "at" in origin && { at: origin.at }) });
  };
  const syslog = parseSyslogPriority(get("syslog") ?? DEFAULT_SYSLOG);
  if (!syslog.ok) complain("syslog", `syslog=${get("syslog")} ${syslog.error}`);
  const debug = words("klipsdebug").filter((word) => word !== "none");
  for (const word of debug.filter((word) => word !== "all" && !debugAreas.includes(word))) {
    const near = suggest(word, debugAreas);
    complain("klipsdebug", `klipsdebug: KLIPS has no "${word}" to debug${near ? `; did you mean "${near}"?` : ""}`);
  }
  const interfaces = words("interfaces");
  const mtu = get("overridemtu");
  const optional = { dumpDirectory: get("dumpdir"), prePluto: get("prepluto"), postPluto: get("postpluto") };
  const settings = {
    interfaces: interfaces.includes("%none") ? [] : interfaces,
    forwardControl: get("forwardcontrol") === "yes",
    routeFilter: get("rp_filter") as WantedFilter,
    syslogPriority: syslog.ok ? syslog.value : 0,
    klipsDebug: debug.includes("all") ? ["all"] : debug,
    fragIcmp: get("fragicmp") !== "no",
    hideTos: get("hidetos") !== "no",
    manualStart: words("manualstart"),
    pluto: get("pluto") !== "no",
    ...(mtu && { overrideMtu: Number(mtu) }),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
  return { settings, complaints };
}

const DEFAULT_SYSLOG = "daemon.error";
