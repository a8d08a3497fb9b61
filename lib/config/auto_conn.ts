/**
 * A conn with automatic keying as the commands of whack that make it known to pluto (commands.md §7.2, config.md §12.1,
 * §12.2): first the public keys, then the description. They are words: to be read as whack reads them, or printed.
 */
import { parseNumericAddress } from "../text/address.ts";
import type { DefaultRoute } from "./auto_end.ts";
import { type AutoEnd, endGroup, readAutoEnd } from "./auto_end.ts";
import { keyCommands } from "./auto_keys.ts";
import type { AutoCommand, Item } from "./auto_script.ts";
import { type ConnParameters, ParameterReader } from "./manual_reader.ts";
import { parseTime } from "./value_forms.ts";
import { SIDES } from "./settings.ts";

/** What a conn takes from elsewhere. */
export interface AutoSurroundings {
  /** What %defaultroute stands for. */
  readonly defaultRoute: DefaultRoute | undefined;
  /** `legacy=yes` of config setup. */
  readonly legacy: boolean;
  /** `nat_traversal=` of config setup. */
  readonly natTraversal: boolean;
}

const TYPES: Readonly<Record<string, Item>> = {
  tunnel: ["--tunnel"],
  transport: [],
  passthrough: ["--pass"],
  drop: ["--drop"],
  reject: ["--reject"],
};
const FAILURES: Readonly<Record<string, Item>> = {
  none: [],
  passthrough: ["--failpass"],
  drop: ["--faildrop"],
  reject: ["--failreject"],
};
const AUTHENTICATION: Readonly<Record<string, Item>> = {
  rsasig: ["--rsasig"],
  secret: ["--psk"],
  "secret|rsasig": ["--rsasig", "--psk"],
  "rsasig|secret": ["--rsasig", "--psk"],
  never: [],
};

/** @param replace a connection of that name may be there. Throws ManualRefusal. */
export function autoCommands(
  name: string,
  parameters: ConnParameters,
  surroundings: AutoSurroundings,
  replace: boolean,
): AutoCommand[] {
  const read = new ParameterReader(parameters);
  const authby = read.value("authby") ?? "rsasig";
  for (const side of SIDES) read.required(side, side === "left" ? "right" : "left");
  read.settle();
  const ends = SIDES.map((side) => readAutoEnd(read, side, authby, surroundings.defaultRoute));
  checkLifetimes(read);
  read.settle();
  const [left, right] = ends;
  return [
    ...keyCommands(name, left, right),
    ...keyCommands(name, right, left),
    [
      [["ipsec", "whack", "--name", name], ...settings(read, authby, ends, surroundings, replace)],
      endGroup(left),
      [["--to"], ...endGroup(right)],
      [quoted("--ipseclifetime", seconds(read, "keylife", "8h")), quoted("--rekeymargin", margin(read))],
      [
        quoted("--keyingtries", tries(read)),
        optional("--rekeyfuzz", read.value("rekeyfuzz")?.replace(/%$/, "")),
        read.value("rekey") === "no" ? ["--dontrekey"] : [],
        [],
      ],
    ],
  ];
}

/** Options without an operand that was not said leave no blank here, other than in the lines that follow. */
function settings(
  read: ParameterReader,
  authby: string,
  ends: readonly AutoEnd[],
  surroundings: AutoSurroundings,
  replace: boolean,
): Item[] {
  const yes = (name: string, builtIn = "no") => (read.value(name) ?? builtIn) === "yes";
  const onlyAh = read.value("phase2") === "ah";
  const authenticates = onlyAh || read.value("auth") === "ah";
  const ikeLife = read.value("ikelifetime");
  const delay = parseTime(read.value("dpddelay") ?? "0") ?? 0;
  const items: Item[] = [
    ...families(ends),
    flag(authby !== "never" && !onlyAh, "--encrypt"),
    TYPES[read.value("type") ?? "tunnel"],
    FAILURES[read.value("failureshunt") ?? "none"],
    flag(authenticates, "--authenticate"),
    flag(yes("pfs", "yes"), "--pfs"),
    flag(yes("compress"), "--compress"),
    flag(replace, "--delete"),
    ikeLife ? quoted("--ikelifetime", seconds(read, "ikelifetime", ikeLife)) : [],
    flag(yes("disablearrivalcheck"), "--disablearrivalcheck"),
    AUTHENTICATION[authby],
    // of descendants
    optional("--ike", read.value("ike")),
    onlyAh ? [] : optional("--esp", read.value("esp")),
    authenticates ? optional("--ah", read.value("ah")) : [],
    optional("--pfsgroup", read.value("pfsgroup")),
    flag(yes("aggrmode"), "--aggrmode"),
    ...(delay > 0
      ? [
        quoted("--dpddelay", String(delay)),
        quoted("--dpdtimeout", seconds(read, "dpdtimeout", "120")),
        optional("--dpdaction", read.value("dpdaction")),
      ]
      : []),
    flag(yes("forceencaps"), "--forceencaps"),
    flag(yes("modecfgpull"), "--modecfgpull"),
    optional("--modecfgdns", list(read, "modecfgdns")),
    ...["modecfgdns1", "modecfgdns2", "modecfgwins1", "modecfgwins2"].map((name) =>
      optional(`--${name}`, read.value(name))
    ),
    optional("--modecfgdomains", list(read, "modecfgdomains")),
    optional("--modecfgbanner", read.value("modecfgbanner")),
    optional("--xauthby", read.value("xauthby")),
    flag(surroundings.legacy, "--legacy"),
    flag(!surroundings.natTraversal, "--nonattraversal"),
    flag(read.value("fragmentation") === "no", "--nofragmentation"),
  ];
  return items.filter((item) => item.length);
}

/** FreeS/WAN's auto knew IPv4 only: nothing is said of it where all is. */
function families(ends: readonly AutoEnd[]): Item[] {
  const hosts = ends.map(({ host }) => familyOf(host)).find(Boolean) ?? "ipv4";
  const firstOf = ({ client, addressPool }: AutoEnd) => (client ?? addressPool)?.split(/[/-]/)[0];
  const clients = ends.map(firstOf).map((one) => one && familyOf(one)).find(Boolean) ?? hosts;
  return [
    hosts === "ipv6" ? ["--ipv6"] : [],
    clients === hosts ? [] : [`--tunnel${clients}`],
  ];
}

/** @returns undefined for names and words, which are of either */
function familyOf(address: string): "ipv4" | "ipv6" | undefined {
  if (address.includes(":")) return /^v(host|net):/.test(address) ? undefined : "ipv6";
  return parseNumericAddress(address, "inet").ok ? "ipv4" : undefined;
}

function flag(condition: boolean, word: string): Item {
  return condition ? [word] : [];
}

function quoted(option: string, value: string): Item {
  return [option, { value }];
}

function optional(option: string, value: string | undefined): Item {
  return value ? quoted(option, value) : [];
}

/** With blanks or commas in ipsec.conf, without blanks for whack. */
function list(read: ParameterReader, name: string): string | undefined {
  return read.value(name)?.split(/[ ,]+/).filter(Boolean).join(",");
}

function seconds(read: ParameterReader, name: string, builtIn: string): string {
  return String(parseTime(read.value(name) ?? builtIn) ?? 0);
}

function margin(read: ParameterReader): string {
  return seconds(read, "rekeymargin", "9m");
}

function tries(read: ParameterReader): string {
  const value = read.value("keyingtries") ?? "%forever";
  return value === "%forever" ? "0" : value;
}

const TIMES = ["keylife", "rekeymargin", "ikelifetime", "dpddelay", "dpdtimeout"];

function checkLifetimes(read: ParameterReader): void {
  for (const name of TIMES) {
    const value = read.value(name);
    if (value && parseTime(value) === undefined) {
      read.refuse(`parameter "${name}" not valid time, must be nnn[smhd]`, name);
    }
  }
}
