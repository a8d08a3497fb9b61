/** Manual page of `ipsec verify`. */
export const VERIFY_MANUAL = `## DESCRIPTION

Looks whether IPsec is installed and running on this host, and whether the DNS has what opportunistic encryption needs.
Each check is a line with its verdict; under a check that did not go well stands what was seen, and what to do. Without
\`--host\` and \`--ip\` it must be run by root.

Of this host: the command on PATH, KLIPS, the TUN device, capabilities, the RSA key in ipsec.secrets, what connections need of it, pluto and its ports,
IP forwarding, reverse path filtering, rules that translate addresses, a firewall that drops what comes in, the MTU, the
clock, the resolver and whether it validates DNSSEC. Then TXT and IPSECKEY records in the forward map, under the name of
this host, and in the reverse map, under each of its addresses that is not private; a record with another key than that of
ipsec.secrets is a failure.

What no connection of ipsec.conf needs is not asked for: an RSA key where all have \`authby=secret\`, forwarding where none
has a network behind it, the DNS where no peer and no key is found in it. While there are no connections, all is looked at.

## OPTIONS

- \`--host NAME\`: only what is published for NAME, and for the address that it has
- \`--ip ADDRESS\`: only what is published in the reverse map for ADDRESS
- \`--colour\`, \`--nocolour\`: whether verdicts have colours; without either they do on a terminal
- \`--json\`: the same as JSON: chapters with findings, each with text, verdict, details and advice

## VERDICTS

- \`OK\`: as it should be
- \`FAILED\`, \`MISSING\`, \`BLOCKED\`: something to mend
- \`WARNING\`: works, with a shortcoming that is said
- \`DEPRECATED\`: works with old peers only
- \`N/A\`: could not be looked at, or does not apply

## EXIT STATUS

0 nothing to mend; 1 something failed, is missing or blocked; 2 wrong options.

## FILES

\`ipsec.conf\`, \`ipsec.d/policies\` and \`ipsec.secrets\` in /etc, or in \`$IPSEC_CONFS\`; /etc/resolv.conf.

## EXAMPLES

    ipsec verify
    ipsec verify --host xy.example.com
    ipsec verify --json | jq '.chapters[].findings[] | select(.verdict != "OK")'

## SEE ALSO

ipsec_showhostkey(8), ipsec_dns(8), ipsec_setup(8), ipsec.conf(5)
`;
