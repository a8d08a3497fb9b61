import { TOOL_FILES } from "./_klips_tool_manual.ts";

/** Manual page body of `ipsec spigrp`. */
export const SPIGRP_MANUAL = `## DESCRIPTION

A packet often needs more than one Security Association: a tunnel and ESP, say. \`ipsec spigrp\` links SAs into a *chain*,
which is named by its first SA; eroutes point at that one. Without words the chains are listed, one a line; an SA alone is
a chain of one.

SAs are given in the order in which they are applied to an outbound packet, innermost first: \`tun\`, \`comp\`, \`esp\`, \`ah\`. A
chain has four at most. One SA alone dissolves the chain that it belongs to. Deleting any member (\`ipsec spi --del\`)
deletes the chain.

Each link is a request of its own: where a later one fails, the earlier ones stay.

## OPTIONS

The places of words are fixed.

- \`--debug\`: the first word, if at all.
- \`--label TEXT\`: the next; puts \`--label TEXT\` into the prefix of messages.
- \`--said SA1 [SA2 [SA3 [SA4]]]\`: SAs as \`tun0x200@192.0.2.2\`.
- \`AF ADDRESS SPI PROTO ...\`: SAs in parts: \`inet\` or \`inet6\`, destination, SPI, and \`ah\`, \`esp\`, \`tun\` or \`comp\`.
- \`--json\`: prints the listing as JSON. The only word then.
- \`--help\`, \`--version\`: print a text and end.

## FILES

${TOOL_FILES}

## EXIT STATUS

0 on success; 1 on any error, and after \`--help\` and \`--version\`.

## EXAMPLES

    ipsec spigrp --said tun0x200@192.0.2.2 esp0x200@192.0.2.2
    ipsec spigrp inet 192.0.2.2 0x200 tun inet 192.0.2.2 0x200 esp

Dissolve it:

    ipsec spigrp --said tun0x200@192.0.2.2

## SEE ALSO

ipsec_spi(8), ipsec_eroute(8)
`;
