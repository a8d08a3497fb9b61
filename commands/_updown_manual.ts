export const UPDOWN_MANUAL = `
## DESCRIPTION

\`_updown\` is called by \`pluto\` and by \`ipsec manual\` when a connection is routed, comes up, goes down or is unrouted.
All it needs to know is in its environment. A connection with \`leftupdown=\` has another command called in its place,
with the same variables; such a command can do its own work and leave the rest to \`ipsec _updown\`.

| verb | what is done |
|---|---|
| \`prepare-host\`, \`prepare-client\` | a route to the peer's client that somebody left is deleted, unless it leads into the same ipsecN: then \`route\` replaces it |
| \`route-host\`, \`route-client\` | a route to the peer's client through the ipsec interface is added |
| \`unroute-host\`, \`unroute-client\` | that route is deleted |
| \`up-host\`, \`up-client\` | with the argument \`ipfwadm\`: the firewall is opened for the connection |
| \`down-host\`, \`down-client\` | with the argument \`ipfwadm\`: what was opened is closed |

A verb may end in \`-v6\`. A peer's client of \`0.0.0.0/0\` gets two routes, to \`0.0.0.0/1\` and \`128.0.0.0/1\`, so that the
default route stays as it is for the encrypted packets.

## THE FIREWALL

\`leftfirewall=yes\` calls \`ipsec _updown ipfwadm\`; \`ipchains\`, \`iptables\` and \`nft\` mean the same. Every chain of the kernel's
nf_tables that packets of the connection pass and that could drop them, for example \`table inet filter chain forward\` with
\`policy drop\` or the \`FORWARD\` of iptables-nft, gets rules in the first place that accept what comes out of or goes into the tunnel between
the two networks. For a connection of the host itself these are the chains at \`input\` and \`output\`. The rules carry a comment,
\`oneswan\` and the connection's name, and are removed when it goes down. If you load your own rules anew meanwhile, take the
connection down and up again.

Rules of iptables-legacy are not changed, nor those of a table that a running program owns; a line says so.

## ENVIRONMENT

\`PLUTO_VERSION\` (1.1), \`PLUTO_VERB\`, \`PLUTO_CONNECTION\`, \`PLUTO_NEXT_HOP\`, \`PLUTO_INTERFACE\`, \`PLUTO_ME\`, \`PLUTO_MY_CLIENT\`,
\`PLUTO_MY_CLIENT_NET\`, \`PLUTO_MY_CLIENT_MASK\`, \`PLUTO_PEER\`, \`PLUTO_PEER_CLIENT\`, \`PLUTO_PEER_CLIENT_NET\`, \`PLUTO_PEER_CLIENT_MASK\`;
with automatic keying also \`PLUTO_MY_ID\`, \`PLUTO_MY_PORT\`, \`PLUTO_MY_PROTOCOL\`, \`PLUTO_PEER_ID\`, \`PLUTO_PEER_PORT\`,
\`PLUTO_PEER_PROTOCOL\` and \`PLUTO_PEER_CA\`. \`PLUTO_MY_SOURCEIP\`, where it is set, is the source address of the route; else
\`DEFAULTSOURCE\` in the file below. If no interface has this address, PLUTO_INTERFACE gets it with \`up-*\`, with the label
\`ipsec0:cfg\`, and loses it with \`down-*\`, unless another route has it as source.

Where the peer has assigned that address (Mode Config), \`PLUTO_CFG_CLIENT\` is 1, \`PLUTO_PEER_DNS_INFO\` has the name servers
that came with it, with blanks between them, and \`PLUTO_PEER_DOMAIN_INFO\` the domain. This command leaves them to others:
no resolver is told, and /etc/resolv.conf stays as it is.

## EXAMPLES

There is no script of ours to copy. A script of one's own does what it has to do, and leaves routes and addresses to this
command; with \`leftupdown=/etc/ipsec.d/updown\`:

\`\`\`
#!/bin/sh
case "$PLUTO_VERB" in
up-client)   change=-I ;;
down-client) change=-D ;;
*)           change= ;;
esac
if [ "$change" ]; then
    iptables $change FORWARD -i "$PLUTO_INTERFACE" -s "$PLUTO_PEER_CLIENT" -d "$PLUTO_MY_CLIENT" -j ACCEPT
    iptables $change FORWARD -o "$PLUTO_INTERFACE" -s "$PLUTO_MY_CLIENT" -d "$PLUTO_PEER_CLIENT" -j ACCEPT
fi
exec ipsec _updown "$@"
\`\`\`

## FILES

\`/etc/sysconfig/defaultsource\`

## EXIT STATUS

0 if all was done; 1 for an unknown verb, a variable that is not set, or a firewall that cannot be changed; 2 for an
unknown version or parameter, or a route that the kernel refuses. What fails leaves the routes and the firewall as they were.
`;
