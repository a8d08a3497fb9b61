/** Manual page body of `ipsec look`. */
export const LOOK_MANUAL = `## DESCRIPTION

\`ipsec look\` shows the state of IPsec on one page:

1. host name and date;
2. the eroutes, each with the whole chain of SAs that it points at, and its packets in parentheses;
3. the virtual interfaces and what they are attached to;
4. the SAs;
5. the routes over these interfaces, IPv4 and, where there are any, IPv6.

\`ipsec barf\` says more.

## OPTIONS

- \`--verbose\`: adds a line with the version of the engine and what it takes its cryptography from.
- \`--json\`: prints everything as one JSON object.
- \`--help\`, \`--version\`: print a text and end.

## FILES

The daemon's socket lies in the run-time directory: \`$IPSEC_RUNDIR\`, or \`/run/ipsec\`. Listings come from the daemon over
that socket, in the form that \`/proc/net/ipsec_*\` had.

Routes are read from \`/proc/net/route\` and \`/proc/net/ipv6_route\`.

## EXIT STATUS

0 on success, and after \`--help\` and \`--version\`; 1 on an error, for example where KLIPS is not running.

## EXAMPLES

    ipsec look
    west Fri Nov 29 10:12:14 GMT 2002
    10.1.0.0/24        -> 10.2.0.0/24        => tun0x200@192.0.2.2 esp0x200@192.0.2.2  (8)
    ipsec0->eth0 mtu=16260(1443)->1500
    ...

## SEE ALSO

ipsec_eroute(8), ipsec_spi(8), ipsec_spigrp(8), ipsec_tncfg(8)
`;
