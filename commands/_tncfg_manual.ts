/** Manual page body of `ipsec tncfg`. */
export const TNCFG_MANUAL = `## DESCRIPTION

Packets for IPsec are those that the host routes to a virtual interface \`ipsec0\` to \`ipsec3\`. \`ipsec tncfg\` attaches a
virtual interface to a physical one: what comes out of the engine leaves there, and ESP and AH that arrive there are taken
in. Without options the virtual interfaces are listed with their MTU, the effective MTU in parentheses, and the MTU of the
physical interface.

Attaching makes the virtual interface where it does not exist yet. Its address and its routes are set afterwards.

## OPTIONS

One dash serves as well as two.

- \`--attach --virtual ipsecN --physical DEVICE\`: attaches; the virtual interface must be free.
- \`--detach --virtual ipsecN\`: detaches.
- \`--clear\`: detaches all.
- \`--label TEXT\`: puts \`--label TEXT\` into the prefix of every message after it, so that a script can tell its commands apart.
- \`--debug\`: prints progress lines on standard output; what is done stays the same.
- \`--optionsfrom FILE\`: reads more options from FILE, as if they stood in its place. Blank lines and lines that start with
  \`#\` are skipped; a line that starts with \`-\` is split at blanks; any other line is one word.
- \`--json\`: prints the listing as JSON. Goes with no other option.
- \`--help\`, \`--version\`: print a text and end.

## FILES

The daemon's socket lies in the run-time directory: \`$IPSEC_RUNDIR\`, or \`/run/ipsec\`. Listings come from the daemon over
that socket, in the form that \`/proc/net/ipsec_*\` had.

## EXIT STATUS

0 on success; 1 on any error, and after \`--help\` and \`--version\`; 2 where \`--optionsfrom\` fails.

## EXAMPLES

    ipsec tncfg --attach --virtual ipsec0 --physical eth0
    ipsec tncfg
    ipsec0 -> eth0 mtu=16260(1500) -> 1500

## SEE ALSO

ipsec_eroute(8), ipsec_spi(8), ipsec_look(8)
`;
