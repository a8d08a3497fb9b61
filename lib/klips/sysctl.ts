/** The engine's settings, under the names that they had in /proc/sys/net/ipsec (klips.md §11). */
export class Sysctls {
  /** 1: tell senders of packets that are too large. On by default here: path MTU discovery needs it. */
  icmp = 1;
  inboundPolicyCheck = 1;
  /** 1: outer TOS zero; 0: copied from the inner header. */
  tos = 0;
  debugAh = 0;
  debugEsp = 0;
  debugTunnel = 0;
  debugEroute = 0;
  debugSpi = 0;
  debugRadij = 0;
  debugNetlink = 0;
  debugXform = 0;
  debugRcv = 0;
  debugPfkey = 0;
  debugVerbose = 0;
  debugIpcomp = 0;
}

type SysctlField = { [K in keyof Sysctls]: Sysctls[K] extends number ? K : never }[keyof Sysctls];

/** File name to field. */
export const SYSCTL_FILES: Readonly<Record<string, SysctlField>> = {
  icmp: "icmp",
  inbound_policy_check: "inboundPolicyCheck",
  tos: "tos",
  debug_ah: "debugAh",
  debug_esp: "debugEsp",
  debug_tunnel: "debugTunnel",
  debug_eroute: "debugEroute",
  debug_spi: "debugSpi",
  debug_radij: "debugRadij",
  debug_netlink: "debugNetlink",
  debug_xform: "debugXform",
  debug_rcv: "debugRcv",
  debug_pfkey: "debugPfkey",
  debug_verbose: "debugVerbose",
  debug_ipcomp: "debugIpcomp",
};
