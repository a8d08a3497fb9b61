/** `config setup` of ipsec.conf as start uses it: defaults filled in, values checked (config.md §11). */
import { settingOf, type Settings } from "../config/settings.ts";
import { parseSyslogPriority } from "../text/syslog_priority.ts";
import { plutoWords } from "./pluto_words.ts";
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
  /** Options of KLIPS. */
  readonly klipsWords: readonly string[];
  /** Options of pluto. */
  readonly plutoWords: readonly string[];
  /** File for its log in place of syslog. */
  readonly plutoStderrLog?: string;
  /** Whether it is started again when it dies. */
  readonly plutoRestarts: boolean;
  /** Whether start waits for each conn that it brings up. */
  readonly plutoWait: boolean;
  /** What ipsec.conf says, for programs that are started: IPSECinterfaces and so on (config.md §1). */
  readonly variables: Readonly<Record<string, string>>;
}

/** What start needs of ipsec.conf. */
export interface SetupConfiguration {
  /** Of --config; undefined for ipsec.conf. */
  readonly file: string | undefined;
  readonly settings: SetupSettings;
  /** Conns with auto=manual. */
  readonly manualConns: readonly string[];
  /** Conns with auto=add, route or start. */
  readonly autoConns: readonly AutoConn[];
}

export interface AutoConn {
  readonly name: string;
  readonly auto: "add" | "route" | "start";
}

/** `manualstart=` first, then auto=manual; each once. */
export function manualConnsOf({ settings, manualConns }: SetupConfiguration): string[] {
  return [...new Set([...settings.manualStart, ...manualConns])];
}

/** @param setup as the reader has checked it: each value has its form */
export function readSettings(setup: Settings): SetupSettings {
  const get = (name: string): string | undefined => settingOf(setup, "setup", name)?.value || undefined;
  const words = (name: string): string[] => get(name)?.split(/[ \t]+/).filter(Boolean) ?? [];
  const syslog = parseSyslogPriority(get("syslog") ?? DEFAULT_SYSLOG);
  const debug = words("klipsdebug").filter((word) => word !== "none");
  const interfaces = words("interfaces");
  const mtu = get("overridemtu");
  const optional = {
    dumpDirectory: get("dumpdir"),
    prePluto: get("prepluto"),
    postPluto: get("postpluto"),
    plutoStderrLog: get("plutostderrlog"),
  };
  return {
    interfaces: interfaces.includes("%none") ? [] : interfaces,
    forwardControl: get("forwardcontrol") === "yes",
    routeFilter: get("rp_filter") as WantedFilter,
    syslogPriority: syslog.ok ? syslog.value : 0,
    klipsDebug: debug.includes("all") ? ["all"] : debug,
    fragIcmp: get("fragicmp") !== "no",
    hideTos: get("hidetos") !== "no",
    manualStart: words("manualstart"),
    pluto: get("pluto") !== "no",
    klipsWords: setup.has("keep_alive") ? ["--keepalive", get("keep_alive")!] : [],
    plutoWords: plutoWords(setup),
    plutoRestarts: !STAYS_DEAD.includes(get("plutorestartoncrash") ?? ""),
    plutoWait: get("plutowait") === "yes",
    variables: Object.fromEntries([...setup].map(([name, { value }]) => [`IPSEC${name}`, value])),
    ...(mtu && { overrideMtu: Number(mtu) }),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/** Words of plutorestartoncrash= by which it is not. */
const STAYS_DEAD = ["false", "n", "N", "no", "die"];
const DEFAULT_SYSLOG = "daemon.error";
