/** The command line of pluto (pluto.md §1.1). */
import { confDirectory, type Environment, plutoPaths } from "../lib/system/paths.ts";
import { PLUTO_AREAS } from "../lib/config/debug_areas.ts";
import type { DnssecMode } from "../lib/system/pluto_dns.ts";
import { UserError } from "./_command.ts";
import { Getopt } from "./_getopt.ts";
import { OptionFiles } from "./_options_from.ts";
import { DEBUG_ALL, IMPAIRMENTS } from "./_whack_options.ts";

export interface PlutoOptions {
  readonly fork: boolean;
  readonly stderrLog: boolean;
  readonly klips: boolean;
  readonly uniqueIds: boolean;
  readonly sendCertificateRequests: boolean;
  readonly strictCrlPolicy: boolean;
  readonly crlCheckSeconds: number;
  /** Real interfaces to be used; none: all. */
  readonly interfaces: readonly string[];
  readonly ikePort: number;
  readonly ctlBase: string;
  readonly secretsFile: string;
  readonly policyGroupsDirectory: string;
  readonly perPeerLog: boolean;
  readonly perPeerLogBase: string;
  readonly debug: readonly string[];
  // of descendants
  /** The only address to listen on. */
  readonly listen: string | undefined;
  readonly virtualPrivate: string;
  readonly keepAliveSeconds: number;
  readonly resolvers: readonly string[];
  readonly dnssec: DnssecMode;
  readonly oeWaitSeconds: number;
}

const MOST_INTERFACES = 10;
const DEFAULT_PEER_LOG_BASE = "/var/log/pluto/peer";
const DNSSEC: readonly DnssecMode[] = ["require", "prefer", "ignore"];
/** Of sun_path, with the NUL that ends it. */
const LONGEST_PATH = 107;

const FLAGS = {
  nofork: { fork: false },
  stderrlog: { stderrLog: true },
  noklips: { klips: false },
  uniqueids: { uniqueIds: true },
  nocrsend: { sendCertificateRequests: false },
  strictcrlpolicy: { strictCrlPolicy: true },
  perpeerlog: { perPeerLog: true },
} as const satisfies Record<string, Partial<PlutoOptions>>;

const DEBUG = ["none", "all", ...PLUTO_AREAS].map((area) => `debug-${area}`);
const VALUES = [
  "optionsfrom",
  "crlcheckinterval",
  "interface",
  "ikeport",
  "ctlbase",
  "secretsfile",
  "policygroupsdir",
  "foodgroupsdir",
  "perpeerlogbase",
  "adns",
  "lwdnsq",
];
const NEW_VALUES = ["listen", "virtual_private", "keep_alive", "resolvers", "dnssec", "oewait"];

const TABLE: Readonly<Record<string, boolean>> = {
  help: false,
  version: false,
  ...Object.fromEntries(Object.keys(FLAGS).map((name) => [name, false])),
  ...Object.fromEntries([...VALUES, ...NEW_VALUES].map((name) => [name, true])),
  ...Object.fromEntries([...DEBUG, ...IMPAIRMENTS.split(" ")].map((name) => [name, false])),
};
const EXTENSIONS = new Set(NEW_VALUES);

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Throws what is wrong, with the usage text. */
export function readPlutoOptions(args: readonly string[], env: Environment): PlutoOptions | "help" | "version" {
  const getopt = new Getopt(args, TABLE, { prog: "pluto", extensions: EXTENSIONS });
  const files = new OptionFiles("pluto");
  const debug = new Set<string>();
  const interfaces: string[] = [];
  const options: Writable<PlutoOptions> = {
    fork: true,
    stderrLog: false,
    klips: true,
    uniqueIds: false,
    sendCertificateRequests: true,
    strictCrlPolicy: false,
    crlCheckSeconds: 0,
    interfaces,
    ikePort: 500,
    ctlBase: plutoPaths(env).base,
    secretsFile: `${confDirectory(env)}/ipsec.secrets`,
    policyGroupsDirectory: `${confDirectory(env)}/ipsec.d/policies`,
    perPeerLog: false,
    perPeerLogBase: DEFAULT_PEER_LOG_BASE,
    debug: [],
    listen: undefined,
    virtualPrivate: "",
    keepAliveSeconds: 20,
    resolvers: [],
    dnssec: "prefer",
    oeWaitSeconds: 8,
  };
  for (let one = getopt.next(); one; one = getopt.next()) {
    if (one.kind === "error") misuse(one.message);
    if (one.kind === "word") misuse("unexpected argument");
    const { name, value } = one;
    if (name === "help" || name === "version") return name;
    if (Object.hasOwn(FLAGS, name)) Object.assign(options, FLAGS[name as keyof typeof FLAGS]);
    else if (name === "optionsfrom") getopt.splice(files.read(value));
    else if (/^(debug|impair)-/.test(name)) addDebug(debug, name.replace(/^debug-/, ""));
    else if (name === "interface") {
      if (interfaces.length === MOST_INTERFACES) misuse("too many --interface specifications");
      interfaces.push(value);
    } else Object.assign(options, read(name, value));
  }
  for (const end of ["ctl", "updown"]) {
    if (new TextEncoder().encode(`${options.ctlBase}.${end}`).length > LONGEST_PATH) {
      misuse(`<path>.${end} too long for sun_path`);
    }
  }
  return { ...options, debug: [...debug] };
}

function addDebug(debug: Set<string>, flag: string): void {
  if (flag === "none") debug.clear();
  else for (const one of flag === "all" ? DEBUG_ALL : [flag]) debug.add(one);
}

function read(name: string, value: string): Partial<PlutoOptions> {
  switch (name) {
    case "crlcheckinterval":
      if (value === "") misuse("missing interval time");
      return { crlCheckSeconds: count(value) ?? misuse("<interval-time> must be a positive number or zero") };
    case "ikeport": {
      if (value === "") misuse("missing port number");
      const port = count(value) ?? 0;
      if (port < 1 || port > 65535) misuse("<port-number> must be a number between 1 and 65535");
      return { ikePort: port };
    }
    case "ctlbase":
      return { ctlBase: value };
    case "secretsfile":
      return { secretsFile: value };
    case "policygroupsdir":
    case "foodgroupsdir":
      return { policyGroupsDirectory: value };
    case "perpeerlogbase":
      return { perPeerLogBase: value };
    case "listen":
      return { listen: value };
    case "virtual_private":
      return { virtualPrivate: value };
    case "keep_alive":
      return { keepAliveSeconds: count(value) ?? misuse("--keep_alive must be a number of seconds") };
    case "resolvers":
      return { resolvers: value.split(/ *, *| +/).filter(Boolean) };
    case "dnssec":
      return {
        dnssec: DNSSEC.find((one) => one === value) ?? misuse("--dnssec must be require, prefer or ignore"),
      };
    case "oewait":
      return { oeWaitSeconds: count(value) ?? misuse("--oewait must be a number of seconds") };
    default:
      return {}; // a program for lookups in DNS, of which there is none any more
  }
}

function count(value: string): number | undefined {
  return /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

function misuse(message: string): never {
  throw new UserError(`${message}\n${PLUTO_USAGE}`);
}

export const PLUTO_USAGE = `Usage: pluto [--help] [--version] [--optionsfrom <filename>]
 [--nofork] [--stderrlog] [--noklips] [--uniqueids]
 [--nocrsend] [--strictcrlpolicy] [--crlcheckinterval <seconds>]
 [--interface <ifname>] [--ikeport <port-number>] [--listen <address>]
 [--ctlbase <path>] [--secretsfile <secrets-file>]
 [--policygroupsdir <policygroups-dir>]
 [--perpeerlog] [--perpeerlogbase <path>]
 [--virtual_private <networks>] [--keep_alive <seconds>]
 [--resolvers <servers>] [--dnssec (require|prefer|ignore)]
 [--oewait <seconds>]
 [--debug-none] [--debug-all]
${[...PLUTO_AREAS].map((area) => ` [--debug-${area}]`).join("\n")}
${IMPAIRMENTS.split(" ").map((name) => ` [--${name}]`).join("\n")}
`;
