/** What self-install puts beside the program, so that IPsec starts with the system and follows pppd. */
import { SMALL_HEAP } from "../lib/system/small_heap.ts";

/** A word for sh, whatever it contains. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Quoted for systemd.service(5): its own escapes, specifiers and variables mean themselves. */
function systemdQuoted(word: string): string {
  return `"${word.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

/** systemd.service(5). KLIPS is not told to end before its interfaces have been: the supervisor does that. */
export function systemdUnit(ipsec: string): string {
  return `[Unit]
Description=IPsec: KLIPS with its interfaces and connections
Documentation=man:ipsec_setup(8)
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
${Object.entries(SMALL_HEAP).map(([name, value]) => `Environment=${name}=${value}`).join("\n")}
ExecStart=${systemdQuoted(ipsec)} setup start --foreground
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
TimeoutStopSec=150
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=6

[Install]
WantedBy=multi-user.target
`;
}

/** For init systems that read LSB headers, or chkconfig's line. */
export function initScript(ipsec: string): string {
  return `#!/bin/sh
# chkconfig: 2345 47 76
# description: IPsec: KLIPS with its interfaces and connections
### BEGIN INIT INFO
# Provides:          ipsec
# Required-Start:    $remote_fs $network
# Required-Stop:     $remote_fs $network
# Should-Start:      $syslog
# Should-Stop:       $syslog
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: IPsec: KLIPS with its interfaces and connections
### END INIT INFO

case "$1" in
  start | stop | restart | force-reload | status)
    exec ${quoted(ipsec)} setup "$1"
    ;;
  *)
    echo "Usage: $0 {start|stop|restart|force-reload|status}" >&2
    exit 2
    ;;
esac
`;
}

/** Where pppd(8) looks for what it runs: as IPCP, and then IPV6CP, is done with a link or gives it up. */
export const PPP_HOOKS = [
  { folder: "ip-up.d", event: "up" },
  { folder: "ip-down.d", event: "down" },
  { folder: "ipv6-up.d", event: "up" },
  { folder: "ipv6-down.d", event: "down" },
] as const;

/** pppd(8) gives interface, device, speed, local address, remote address and ipparam. */
export function pppHook(ipsec: string, event: "up" | "down"): string {
  return `#!/bin/sh
# IPsec follows pppd's links: see ipsec__ppp(8).
[ -x ${quoted(ipsec)} ] || exit 0
exec ${quoted(ipsec)} _ppp ${event} "$@"
`;
}

export const EXAMPLE_CONF = `# IPsec as ipsec_setup(8) starts it. \`ipsec conf check' says what is wrong with this file.

version 2

config setup
	# ipsec0 goes with the interface of the default route; or name interfaces:
	# interfaces="ipsec0=eth0 ipsec1=ppp0"
	# klipsdebug=all

# Two networks, keyed by hand; the same on both gateways. Keep the file with the keys to root, mode 0600.
# conn office-branch
#	left=192.0.2.1
#	leftsubnet=10.1.0.0/24
#	right=192.0.2.2
#	rightsubnet=10.2.0.0/24
#	spibase=0x200
#	esp=aes128-sha1-96
#	also=office-branch-keys
#	auto=manual
#
# include ipsec.*.keys
`;

const GROUPS: Readonly<Record<string, string>> = {
  block: "traffic with these networks is refused",
  clear: "traffic with these networks is never encrypted",
  "clear-or-private": "traffic with these networks is in the clear, unless the other side asks for encryption",
  private: "traffic with these networks is encrypted, or does not flow",
  "private-or-clear": "traffic with these networks is encrypted where that is possible",
};

/** What a host begins with that publishes its key. */
const DEFAULT_GROUP = "private-or-clear";

/** Files of /etc that belong to the administrator once they are there, by their path below it. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  "ipsec.conf": EXAMPLE_CONF,
  ...Object.fromEntries(
    Object.entries(GROUPS).map(([name, meaning]) => [
      `ipsec.d/policies/${name}`,
      `# Policy group ${name}: ${meaning}.\n` +
      "# One network, address or name on each line, for example 192.0.2.0/24; the narrowest entry of all groups decides.\n" +
      "# After a change: ipsec auto --rereadgroups\n" +
      (name === DEFAULT_GROUP
        ? "# To encrypt with everybody who can, take the # away from the next line.\n# 0.0.0.0/0\n"
        : ""),
    ]),
  ),
};

/** Folders of /etc for keys and certificates, by their path below it. Private keys are for root alone. */
export const KEY_FOLDERS = [
  { path: "ipsec.d/certs", mode: 0o755 },
  { path: "ipsec.d/private", mode: 0o700 },
] as const;
