/**
 * Every parameter of ipsec.conf, one row each (config.md §11, §12, §14): those of FreeS/WAN 2 with the X.509 patch, and
 * those of its descendants that administrators have in their files.
 */
import { KLIPS_AREAS, PLUTO_AREAS } from "./debug_areas.ts";
import * as form from "./value_forms.ts";
import type { Form } from "./value_forms.ts";

export interface Parameter {
  readonly section: "setup" | "conn";
  readonly form: Form;
  /** What holds where nothing is said. */
  readonly builtIn?: string;
  /** Which keying looks at it; both where absent. */
  readonly keying?: "auto" | "manual";
  /** `left` in its name stands for `right` as well. */
  readonly sided?: true;
  readonly secret?: true;
  /** A command: the shell that runs it expands what others must not contain. */
  readonly command?: true;
  /** May occur several times. */
  readonly repeatable?: true;
  /** Why a value changes nothing here; the parameter is accepted for the sake of files that have it. */
  readonly idle?: string;
}

const { oneOf, wordsOr, listOf, integer, time, YES_NO, TEXT, DATA, ADDRESS, SUBNET } = form;
const DAY_SECONDS = 86400;
const COMMAS = / *, *| +/;
const HOSTS = ["%defaultroute", "%any", "%opportunistic", "%group", "%opportunisticgroup"];
export const NO_CERTIFICATES = "certificates are not supported yet";
const NO_KERNEL = "KLIPS is the packet engine here";
const NO_KERNEL_POLICY = "leave it out: the kernel's IPsec policies are not used";

const SEARCHED = "auto= of each connection says what start does with it, as with %search";
/** What was a list of connections: files of FreeS/WAN 1 have the word for what is always so now. */
const searched = (instead: string): Form => ({
  says: "%search",
  check: (value) => value === "%search" ? undefined : `is no longer possible: say ${instead} in each connection`,
});

const auto = { section: "conn", keying: "auto" } as const;
const manual = { section: "conn", keying: "manual" } as const;
const both = { section: "conn" } as const;
const setup = { section: "setup" } as const;
const sided = { sided: true } as const;

const SETUP: Readonly<Record<string, Parameter>> = {
  myid: { ...setup, form: form.IDENTITY },
  interfaces: {
    ...setup,
    form: wordsOr(["%none"], listOf(form.INTERFACE)),
    builtIn: "%defaultroute",
  },
  forwardcontrol: { ...setup, form: YES_NO, builtIn: "no" },
  rp_filter: { ...setup, form: oneOf("%unchanged", "0", "1", "2"), builtIn: "0" },
  syslog: { ...setup, form: form.SYSLOG_PRIORITY, builtIn: "daemon.error" },
  klipsdebug: { ...setup, form: listOf(oneOf("none", "all", ...KLIPS_AREAS)), builtIn: "none" },
  plutodebug: { ...setup, form: listOf(oneOf("none", "all", ...PLUTO_AREAS)), builtIn: "none" },
  plutoopts: { ...setup, form: TEXT, command: true },
  plutostderrlog: { ...setup, form: TEXT },
  plutorestartoncrash: {
    ...setup,
    form: oneOf("yes", "no", "true", "false", "y", "Y", "n", "N", "restart", "die"),
    builtIn: "true",
  },
  dumpdir: { ...setup, form: TEXT },
  manualstart: { ...setup, form: listOf(form.SECTION_NAME) },
  pluto: { ...setup, form: YES_NO, builtIn: "yes" },
  plutowait: { ...setup, form: YES_NO, builtIn: "no" },
  prepluto: { ...setup, form: TEXT, command: true },
  postpluto: { ...setup, form: TEXT, command: true },
  fragicmp: { ...setup, form: YES_NO, builtIn: "yes" },
  hidetos: { ...setup, form: YES_NO, builtIn: "yes" },
  uniqueids: { ...setup, form: YES_NO, builtIn: "yes" },
  overridemtu: { ...setup, form: integer(68, 65535) },
  nocrsend: { ...setup, form: YES_NO, builtIn: "no", idle: NO_CERTIFICATES },
  strictcrlpolicy: { ...setup, form: YES_NO, builtIn: "no", idle: NO_CERTIFICATES },
  crlcheckinterval: { ...setup, form: time(), builtIn: "0", idle: NO_CERTIFICATES },
  // of descendants
  nat_traversal: { ...setup, form: YES_NO, builtIn: "yes" },
  virtual_private: { ...setup, form: listOf(form.VIRTUAL_NETWORK, COMMAS) },
  keep_alive: { ...setup, form: integer(0, DAY_SECONDS), builtIn: "20" },
  force_keepalive: { ...setup, form: YES_NO, idle: "the end behind the NAT sends them" },
  disable_port_floating: { ...setup, form: YES_NO, idle: "ESP in UDP needs port 4500, and IKE with it" },
  legacy: { ...setup, form: YES_NO, builtIn: "no" },
  dnssec: { ...setup, form: oneOf("require", "prefer", "ignore"), builtIn: "prefer" },
  resolvers: { ...setup, form: listOf(form.DNS_SERVER, COMMAS) },
  listen: { ...setup, form: ADDRESS },
  plutoload: { ...setup, form: searched("auto=add"), idle: SEARCHED },
  plutostart: { ...setup, form: searched("auto=start"), idle: SEARCHED },
  protostack: { ...setup, form: oneOf("klips", "auto", "netkey", "xfrm", "mast", "none"), idle: NO_KERNEL },
  nhelpers: { ...setup, form: TEXT, idle: "there are no helper processes" },
  oe: { ...setup, form: oneOf("yes", "no", "on", "off") },
  oewait: { ...setup, form: integer(0, DAY_SECONDS), builtIn: "8" },
};

const CONN: Readonly<Record<string, Parameter>> = {
  also: { ...both, form: form.SECTION_NAME, repeatable: true },
  alsoflip: { ...both, form: form.SECTION_NAME, repeatable: true },
  type: { ...both, form: oneOf("tunnel", "transport", "passthrough", "drop", "reject"), builtIn: "tunnel" },
  left: { ...both, ...sided, form: wordsOr(HOSTS, ADDRESS) },
  leftsubnet: { ...both, ...sided, form: form.CLIENT },
  leftnexthop: { ...both, ...sided, form: wordsOr(["%direct", "%defaultroute"], ADDRESS), builtIn: "%direct" },
  leftupdown: { ...both, ...sided, form: TEXT, builtIn: "ipsec _updown", command: true },
  leftfirewall: { ...both, ...sided, form: YES_NO, builtIn: "no" },
  auto: { ...both, form: oneOf("add", "route", "start", "manual", "ignore") },
  uniqueids: { ...auto, form: YES_NO },
  keyexchange: { ...auto, form: oneOf("ike", "ikev1"), builtIn: "ike" },
  auth: { ...auto, form: oneOf("esp", "ah"), builtIn: "esp" },
  authby: {
    ...auto,
    form: oneOf("rsasig", "secret", "secret|rsasig", "rsasig|secret", "never"),
    builtIn: "rsasig",
  },
  leftid: { ...auto, ...sided, form: wordsOr(["%myid", "%any", "%fromcert"], form.IDENTITY) },
  leftrsasigkey: {
    ...auto,
    ...sided,
    form: wordsOr(["%dnsondemand", "%dnsonload", "%dns", "%none", "%cert"], form.RSA_KEY),
    builtIn: "%dnsondemand",
  },
  leftrsasigkey2: {
    ...auto,
    ...sided,
    form: wordsOr(["%dnsondemand", "%dnsonload", "%dns", "%none", "%cert"], form.RSA_KEY),
  },
  pfs: { ...auto, form: YES_NO, builtIn: "yes" },
  compress: { ...auto, form: YES_NO, builtIn: "no" },
  keylife: { ...auto, form: time(DAY_SECONDS), builtIn: "8h" },
  ikelifetime: { ...auto, form: time(DAY_SECONDS), builtIn: "1h" },
  rekey: { ...auto, form: YES_NO, builtIn: "yes" },
  rekeymargin: { ...auto, form: time(), builtIn: "9m" },
  rekeyfuzz: { ...auto, form: form.PERCENT, builtIn: "100%" },
  keyingtries: { ...auto, form: wordsOr(["%forever"], integer(0)), builtIn: "%forever" },
  disablearrivalcheck: { ...auto, form: YES_NO, builtIn: "no" },
  failureshunt: { ...auto, form: oneOf("none", "passthrough", "drop", "reject"), builtIn: "none" },
  leftcert: { ...auto, ...sided, form: TEXT },
  leftca: { ...auto, ...sided, form: TEXT },
  leftsubnetwithin: { ...auto, ...sided, form: SUBNET },
  leftprotoport: { ...auto, ...sided, form: form.PROTO_PORT },
  // keying by hand
  spi: { ...manual, form: form.SPI },
  spibase: { ...manual, form: form.SPI_BASE },
  esp: { ...both, form: form.ALGORITHMS },
  ah: { ...both, form: form.ALGORITHMS },
  espenckey: { ...manual, form: DATA, secret: true },
  espauthkey: { ...manual, form: DATA, secret: true },
  ahkey: { ...manual, form: DATA, secret: true },
  leftespenckey: { ...manual, ...sided, form: DATA, secret: true },
  leftespauthkey: { ...manual, ...sided, form: DATA, secret: true },
  leftahkey: { ...manual, ...sided, form: DATA, secret: true },
  espreplay_window: { ...manual, form: integer(0, 64), builtIn: "0" },
  ahreplay_window: { ...manual, form: integer(0, 64), builtIn: "0" },
  leftespspi: { ...manual, ...sided, form: form.SPI },
  leftahspi: { ...manual, ...sided, form: form.SPI },
  // of descendants
  phase2: { ...auto, form: oneOf("esp", "ah"), builtIn: "esp" },
  ike: { ...auto, form: form.IKE_ALGORITHMS },
  pfsgroup: { ...auto, form: form.GROUP },
  aggrmode: { ...auto, form: YES_NO, builtIn: "no" },
  dpddelay: { ...auto, form: time(), builtIn: "0" },
  dpdtimeout: { ...auto, form: time(), builtIn: "120" },
  dpdaction: { ...auto, form: oneOf("none", "hold", "clear", "restart", "restart_by_peer"), builtIn: "hold" },
  forceencaps: { ...auto, form: YES_NO, builtIn: "no" },
  leftsourceip: { ...auto, ...sided, form: wordsOr(["%config", "%modeconfig"], form.SOURCE_ADDRESS) },
  leftaddresspool: { ...auto, ...sided, form: form.ADDRESS_POOL },
  leftsendcert: {
    ...auto,
    ...sided,
    form: oneOf("always", "yes", "ifasked", "sendifasked", "never", "no", "forced"),
    builtIn: "always",
  },
  leftxauthserver: { ...auto, ...sided, form: YES_NO, builtIn: "no" },
  leftxauthclient: { ...auto, ...sided, form: YES_NO, builtIn: "no" },
  leftxauthusername: { ...auto, ...sided, form: TEXT },
  xauthby: { ...auto, form: oneOf("file", "alwaysok"), builtIn: "file" },
  leftmodecfgserver: { ...auto, ...sided, form: YES_NO, builtIn: "no" },
  leftmodecfgclient: { ...auto, ...sided, form: YES_NO, builtIn: "no" },
  modecfgpull: { ...auto, form: YES_NO, builtIn: "no" },
  modecfgdns: { ...auto, form: listOf(ADDRESS, COMMAS) },
  modecfgdns1: { ...auto, form: ADDRESS },
  modecfgdns2: { ...auto, form: ADDRESS },
  modecfgwins1: { ...auto, form: ADDRESS },
  modecfgwins2: { ...auto, form: ADDRESS },
  modecfgdomains: { ...auto, form: listOf(form.DOMAIN, COMMAS) },
  modecfgbanner: { ...auto, form: TEXT },
  _plutodevel: { ...auto, form: TEXT, idle: "it was for pluto's developers" },
  fragmentation: { ...auto, form: YES_NO, builtIn: "yes" },
  sareftrack: { ...auto, form: oneOf("yes", "no", "conntrack"), idle: NO_KERNEL },
  overlapip: { ...auto, form: oneOf("no"), idle: "it is as with no" },
  "sha2-truncbug": { ...auto, form: oneOf("no"), idle: "SHA-256 is always cut to 128 bits, as in RFC 4868" },
  connaddrfamily: { ...both, form: oneOf("ipv4", "ipv6"), idle: "addresses say themselves what they are" },
  ikev2: {
    ...auto,
    form: oneOf("no", "never", "permit"),
    idle: "keys are negotiated by IKE version 1",
  },
};

/** Other names for the same parameter, from descendants and from version 1, where no meaning is lost. */
export const ALIASES: Readonly<Record<string, string>> = {
  lifetime: "keylife",
  salifetime: "keylife",
  rekeytries: "keyingtries",
  aggressive: "aggrmode",
  modecfgdomain: "modecfgdomains",
  phase2alg: "esp",
  leftusername: "leftxauthusername",
  sha2_truncbug: "sha2-truncbug",
};

interface Instead {
  readonly section: "setup" | "conn";
  readonly instead: string;
}

/** Parameters that are gone: what to write in their place. They are errors, as in FreeS/WAN 2. */
export const OBSOLETE: Readonly<Record<string, Instead>> = {
  plutobackgroundload: { section: "setup", instead: "leave it out" },
  dump: { section: "setup", instead: "use dumpdir" },
  no_eroute_pass: { section: "setup", instead: "use the connection packetdefault" },
  packetdefault: { section: "setup", instead: "use the connection packetdefault" },
  opportunistic: { section: "setup", instead: "use the connection packetdefault" },
  rekeystart: { section: "conn", instead: "use rekeymargin" },
  rekeywindow: { section: "conn", instead: "use rekeymargin" },
};

/** Parameters of later programs whose meaning this one has under another name or not at all: errors that say which. */
export const FOREIGN: Readonly<Record<string, Instead>> = {
  leftsubnets: { section: "conn", instead: "write a connection for each pair of networks" },
  encapsulation: { section: "conn", instead: "use forceencaps=yes for encapsulation=yes, and nothing for auto" },
  leftauth: { section: "conn", instead: "use authby" },
  leftdns: { section: "conn", instead: "use modecfgdns" },
  leftikeport: { section: "conn", instead: "IKE uses ports 500 and 4500" },
  margintime: { section: "conn", instead: "use rekeymargin" },
  reauth: { section: "conn", instead: "leave it out: IKE version 1 always authenticates again" },
  closeaction: { section: "conn", instead: "leave it out; dpdaction is for peers that have gone" },
  mobike: { section: "conn", instead: "leave it out: it is of IKE version 2" },
  narrowing: { section: "conn", instead: "leave it out: it is of IKE version 2" },
  mtu: { section: "conn", instead: "use overridemtu in config setup" },
  metric: { section: "conn", instead: "leave it out: routes of connections have none" },
  priority: { section: "conn", instead: "leave it out: the most specific connection wins" },
  mark: { section: "conn", instead: NO_KERNEL_POLICY },
  reqid: { section: "conn", instead: NO_KERNEL_POLICY },
  "vti-interface": { section: "conn", instead: NO_KERNEL_POLICY },
  "ipsec-interface": { section: "conn", instead: NO_KERNEL_POLICY },
  logfile: { section: "setup", instead: "use plutostderrlog" },
  plutofork: { section: "setup", instead: "leave it out" },
  secretsfile: { section: "setup", instead: "it is ipsec.secrets beside ipsec.conf" },
  nssdir: { section: "setup", instead: "keys are in ipsec.secrets, certificates in ipsec.d" },
  "virtual-private": { section: "setup", instead: "use virtual_private" },
  "crl-strict": { section: "setup", instead: "use strictcrlpolicy" },
  "keep-alive": { section: "setup", instead: "use keep_alive" },
  charondebug: { section: "setup", instead: "use plutodebug" },
};

/** `left` for `right` and the other way round, wherever they stand in a name (config.md §7). */
export function flipName(name: string): string {
  return name.replace(/left|right/g, (side) => side === "left" ? "right" : "left");
}

function withTwins(rows: Readonly<Record<string, Parameter>>): Map<string, Parameter> {
  return new Map(
    Object.entries(rows).flatMap(([name, row]): [string, Parameter][] =>
      row.sided ? [[name, row], [flipName(name), row]] : [[name, row]]
    ),
  );
}

/** By name; `leftX` and `rightX` are the same row. */
export const PARAMETERS: Readonly<Record<"setup" | "conn", ReadonlyMap<string, Parameter>>> = {
  setup: withTwins(SETUP),
  conn: withTwins(CONN),
};

/** @returns the name in the table for a name or another name of it; undefined where there is none */
export function canonicalName(name: string, section: "setup" | "conn"): string | undefined {
  if (PARAMETERS[section].has(name)) return name;
  if (section === "setup") return undefined;
  if (Object.hasOwn(ALIASES, name)) return ALIASES[name];
  const flipped = flipName(name);
  return Object.hasOwn(ALIASES, flipped) ? flipName(ALIASES[flipped]) : undefined;
}
