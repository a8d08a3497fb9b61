import { TOOL_FILES, TOOL_OPTIONS } from "./_klips_tool_manual.ts";

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
${TOOL_OPTIONS}

## FILES

${TOOL_FILES}

## EXIT STATUS

0 on success; 1 on any error, and after \`--help\` and \`--version\`; 2 where \`--optionsfrom\` fails.

## EXAMPLES

    ipsec tncfg --attach --virtual ipsec0 --physical eth0
    ipsec tncfg
    ipsec0 -> eth0 mtu=16260(1500) -> 1500

## SEE ALSO

ipsec_eroute(8), ipsec_spi(8), ipsec_look(8)
`;
