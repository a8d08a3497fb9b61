/** Manual page body of `ipsec klipsdebug`. */
export const KLIPSDEBUG_MANUAL = `## DESCRIPTION

\`ipsec klipsdebug\` says what the packet engine logs. Without options the debug variables are listed, as bits.

Debugging slows the engine down, and the log then tells who talks to whom. Keys are never logged.

## OPTIONS

Exactly one of:

- \`--set FLAG\`: switches FLAG on, and leaves the others.
- \`--clear FLAG\`: switches FLAG off, and leaves the others.
- \`--all\`: switches everything on, apart from \`verbose\`, which stays as it is.
- \`--none\`: switches everything off.

FLAG is one of:

| flag | what is logged |
|---|---|
| \`tunnel\` | the way of outbound packets |
| \`tunnel-xmit\` | outbound packets themselves |
| \`xform\` | choice and set-up of algorithms |
| \`eroute\` | changes of eroutes |
| \`spi\` | changes of SAs |
| \`radij\` | eroute lookups |
| \`esp\`, \`ah\`, \`comp\` | the work of these protocols; \`ipcomp\` is the same as \`comp\` |
| \`rcv\` | the way of inbound packets |
| \`pfkey\` | messages between the engine and its clients |
| \`verbose\` | with \`tunnel\` and \`rcv\`: packets in hexadecimal, as they are on the wire, which is encrypted |
| \`netlink\` | nothing any more |

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

0 on success and after \`--version\`; 1 on any error and after \`--help\`; 2 where \`--optionsfrom\` fails.

## EXAMPLES

    ipsec klipsdebug --set rcv
    ipsec klipsdebug --none

## SEE ALSO

ipsec_eroute(8), ipsec_spi(8), ipsec_look(8)
`;
