import { TOOL_FILES, TOOL_OPTIONS } from "./_klips_tool_manual.ts";

/** Manual page body of `ipsec eroute`. */
export const EROUTE_MANUAL = `## DESCRIPTION

An *eroute* ties a selector (source subnet, destination subnet and, where wanted, transport protocol and ports) to a
Security Association. Every packet that the host routes to an \`ipsecN\` device is looked up in the table of eroutes; the
most specific match says which SA, or chain of SAs, it goes through. A packet that matches none is dropped.

Without options, \`ipsec eroute\` prints the table: packets so far, source, destination, SA, and the protocol where one was
given.

The SA of an outbound eroute is the *first* of its chain, usually the \`tun\` one. Instead of an SA a *magic* one says what
happens to the packet:

| name | what happens |
|---|---|
| \`%pass\` | sent as it is |
| \`%drop\` | thrown away |
| \`%reject\` | thrown away, and the sender is told by ICMP |
| \`%trap\` | held back while the key daemon is asked for SAs between the two hosts |
| \`%trapsubnet\` | the same for the whole eroute |
| \`%hold\` | held back until the eroute is replaced: the first and the last packet are kept |

## OPTIONS

Order matters: \`--eraf\` comes before \`--src\` and \`--dst\`, \`--af\` before \`--edst\`.

- \`--add\`: adds an eroute; an existing one of the same selector is an error.
- \`--replace\`: adds it, or puts it in place of the existing one and sends what that held.
- \`--addin\`: records what an inbound tunnel may carry: the selector becomes the policy of the \`tun\` SA in the chain, and
  packets of that tunnel which do not match it are dropped.
- \`--del\`: deletes the eroute of exactly this selector; the SA need not be named.
- \`--clear\`: deletes all.
- \`--eraf inet|inet6\`: address family of the selector.
- \`--src SUBNET\`, \`--dst SUBNET\`: \`ADDRESS/BITS\` or \`ADDRESS/MASK\`.
- \`--transport-proto P\`: name or number; 0 is any.
- \`--src-port N\`, \`--dst-port N\`: name or number, for TCP and UDP only; 0 is any.
- \`--said SAID\`: the SA, as \`esp0x1a2b@192.0.2.1\`, \`esp.1a2b@192.0.2.1\`, \`esp:1a2b@2001:db8::1\`, or a magic name.
- \`--af inet|inet6\`, \`--edst ADDRESS\`, \`--spi N\`, \`--proto ah|esp|tun|comp\`: the SA in parts.
${TOOL_OPTIONS}

## FILES

${TOOL_FILES}

## EXIT STATUS

0 on success; 1 on any error, and after \`--help\` and \`--version\`; 2 where \`--optionsfrom\` fails.

## EXAMPLES

Send what the local subnet says to the remote one through a tunnel:

    ipsec eroute --add --eraf inet --src 10.1.0.0/24 --dst 10.2.0.0/24 --said tun0x200@192.0.2.2

Let web traffic alone pass in clear:

    ipsec eroute --add --eraf inet --src 10.1.0.0/24 --dst 10.2.0.0/24 \\
        --transport-proto tcp --dst-port http --said %pass

Accept inside the inbound tunnel only what belongs there:

    ipsec eroute --addin --eraf inet --src 10.2.0.0/24 --dst 10.1.0.0/24 --said tun0x201@192.0.2.1

Delete the first one:

    ipsec eroute --del --eraf inet --src 10.1.0.0/24 --dst 10.2.0.0/24

## SEE ALSO

ipsec_spi(8), ipsec_spigrp(8), ipsec_tncfg(8), ipsec_klipsdebug(8), ipsec_look(8)
`;
