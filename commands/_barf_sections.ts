/**
 * What `ipsec barf` puts on its page, in order (commands.md §13): headings are those that people grep for; where a program
 * of then has gone, its successor's listing stands under a heading of its own.
 */

export type Source =
  /** Another subcommand. */
  | { readonly kind: "ipsec"; readonly words: readonly string[] }
  /** Files and what they include, through a censor. */
  | { readonly kind: "censored"; readonly file: string; readonly by: "_keycensor" | "_secretcensor" }
  /** A listing of KLIPS's. */
  | { readonly kind: "klips"; readonly path: string; readonly isSorted?: true }
  /** Several of KLIPS's, each line with its name before it. */
  | { readonly kind: "klips folder"; readonly folder: string; readonly names: readonly string[] }
  | { readonly kind: "file"; readonly path: string }
  /** Files that a pattern names, each line with the name before it. */
  | { readonly kind: "files"; readonly paths: readonly string[]; readonly pattern: string }
  /** A program of the system, which may be missing. */
  | { readonly kind: "program"; readonly words: readonly string[] }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "processes"; readonly wanted: RegExp };

export interface Section {
  readonly heading: string;
  readonly source: Source;
}

export interface Places {
  readonly conf: string;
  readonly secrets: string;
  readonly policies: string;
  readonly groups: readonly string[];
  readonly logs: string;
  readonly interfaces: readonly string[];
}

const PF_KEY_LISTINGS = ["pf_key_registered", "pf_key_supported"];
const SYSCTLS = [
  "debug_ah",
  "debug_eroute",
  "debug_esp",
  "debug_ipcomp",
  "debug_netlink",
  "debug_pfkey",
  "debug_radij",
  "debug_rcv",
  "debug_spi",
  "debug_tunnel",
  "debug_verbose",
  "debug_xform",
  "icmp",
  "inbound_policy_check",
  "tos",
];

export function barfSections({ conf, secrets, policies, groups, logs, interfaces }: Places): Section[] {
  const section = (heading: string, source: Source): Section => ({ heading, source });
  const filters = interfaces.map((name) => `/proc/sys/net/ipv4/conf/${name}/rp_filter`);
  return [
    section("version", { kind: "ipsec", words: ["--version"] }),
    section("proc/version", { kind: "file", path: "/proc/version" }),
    section("proc/net/ipsec_eroute", { kind: "klips", path: "eroute/all", isSorted: true }),
    section("netstat-rn", { kind: "program", words: ["ip", "-4", "route", "show", "table", "all"] }),
    section("ip-route6", { kind: "program", words: ["ip", "-6", "route", "show", "table", "all"] }),
    section("ip-rule", { kind: "program", words: ["ip", "rule", "show"] }),
    section("proc/net/ipsec_spi", { kind: "klips", path: "spi/all" }),
    section("proc/net/ipsec_spigrp", { kind: "klips", path: "spigrp/all" }),
    section("proc/net/ipsec_tncfg", { kind: "klips", path: "tncfg" }),
    section("proc/net/pf_key", { kind: "klips", path: "pf_key" }),
    section("proc/net/pf_key-star", { kind: "klips folder", folder: "", names: PF_KEY_LISTINGS }),
    section("proc/sys/net/ipsec-star", { kind: "klips folder", folder: "sys/net/ipsec/", names: SYSCTLS }),
    section("klips/status", { kind: "ipsec", words: ["klips", "--status"] }),
    section("ipsec/setup", { kind: "ipsec", words: ["setup", "--status"] }),
    section("ipsec/status", { kind: "ipsec", words: ["auto", "--status"] }),
    section("ifconfig-a", { kind: "program", words: ["ip", "-s", "address", "show"] }),
    section("ipsec_verify", { kind: "ipsec", words: ["verify", "--nocolour"] }),
    section("ipsec/directory", { kind: "ipsec", words: ["--directory"] }),
    section("hostname/fqdn", { kind: "program", words: ["hostname", "--fqdn"] }),
    section("hostname/ipaddress", { kind: "program", words: ["hostname", "--ip-address"] }),
    section("uptime", { kind: "file", path: "/proc/uptime" }),
    section("ps", { kind: "processes", wanted: /pluto|ipsec|klips/ }),
    section("ipsec/showdefaults", { kind: "ipsec", words: ["showdefaults"] }),
    section("ipsec/conf", { kind: "censored", file: conf, by: "_keycensor" }),
    section("ipsec/conf-check", { kind: "ipsec", words: ["conf", "check", conf] }),
    section("ipsec/secrets", { kind: "censored", file: secrets, by: "_secretcensor" }),
    ...groups.map((name) => section(`ipsec/policies/${name}`, { kind: "file", path: `${policies}/${name}` })),
    section("proc/net/dev", { kind: "file", path: "/proc/net/dev" }),
    section("proc/net/route", { kind: "file", path: "/proc/net/route" }),
    section("proc/sys/net/ipv4/ip_forward", { kind: "file", path: "/proc/sys/net/ipv4/ip_forward" }),
    section("proc/sys/net/ipv4/conf/star-rp_filter", {
      kind: "files",
      paths: filters,
      pattern: "/proc/sys/net/ipv4/conf/*/rp_filter",
    }),
    section("uname-a", { kind: "program", words: ["uname", "-a"] }),
    section("os-release", { kind: "file", path: "/etc/os-release" }),
    section("proc/net/ipsec_version", { kind: "klips", path: "version" }),
    section("nft/ruleset", { kind: "program", words: ["nft", "list", "ruleset"] }),
    section("iptables/list", { kind: "program", words: ["iptables", "-L", "-v", "-n"] }),
    section("iptables/nat", { kind: "program", words: ["iptables", "-t", "nat", "-L", "-v", "-n"] }),
    section("iptables/mangle", { kind: "program", words: ["iptables", "-t", "mangle", "-L", "-v", "-n"] }),
    section("proc/modules", { kind: "file", path: "/proc/modules" }),
    section("proc/meminfo", { kind: "file", path: "/proc/meminfo" }),
    section("dev/net-ls", { kind: "folder", path: "/dev/net" }),
    section("etc/resolv.conf", { kind: "file", path: "/etc/resolv.conf" }),
    section("kern.debug", { kind: "file", path: `${logs}/kern.debug` }),
  ];
}
