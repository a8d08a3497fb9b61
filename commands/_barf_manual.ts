/** Manual page of `ipsec barf`. */
export const BARF_MANUAL = `## DESCRIPTION

Prints everything that helps another person to find what is wrong: versions, what KLIPS and pluto have, interfaces, routes,
the packet filter, the configuration, the verdicts of ipsec_verify(8), and the logs since the last start. Each section begins
with a line of underscores and its heading, then the command that gives the same.

Keys and secrets are not in it: of public keys the key id is shown, of other keys and of preshared secrets the first digits of
a sum, so that two hosts can be compared. Addresses and names are in it; look through it before you make it public.

## OPTIONS

- \`--short\`: at most 500 lines of each log
- \`--help\`, \`--version\`: print a text and end

## ENVIRONMENT

\`IPSEC_CONFS\` (/etc): where ipsec.conf and ipsec.secrets are. \`LOGS\` (/var/log): where syslog keeps its files.

## FILES

/run/ipsec/setup.log, klips.log, pluto.log, or in \`$IPSEC_RUNDIR\`. Of syslog's files the first one that mentions IPsec:
\`messages\` or \`syslog\`, and \`secure\`, \`auth.log\` or \`debug\`.

## EXIT STATUS

0 in any case but wrong options, which are 2: what could not be had says so in its section.

## EXAMPLES

    ipsec barf > barf.west
    ipsec barf --short | less

## SEE ALSO

ipsec_look(8), ipsec_verify(8), ipsec__keycensor(8), ipsec__secretcensor(8)
`;
