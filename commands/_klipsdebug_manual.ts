import { TOOL_FILES, TOOL_OPTIONS } from "./_klips_tool_manual.ts";

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

${TOOL_OPTIONS}

## FILES

${TOOL_FILES}

## EXIT STATUS

0 on success and after \`--version\`; 1 on any error and after \`--help\`; 2 where \`--optionsfrom\` fails.

## EXAMPLES

    ipsec klipsdebug --set rcv
    ipsec klipsdebug --none

## SEE ALSO

ipsec_eroute(8), ipsec_spi(8), ipsec_look(8)
`;
