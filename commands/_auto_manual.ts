/** The manual page of `ipsec auto`. */
export const AUTO_MANUAL = `## DESCRIPTION

Makes connections of ipsec.conf(5) known to pluto, brings them up and takes them down, and shows what pluto knows.
Everything that is not done by \`auto=\` at start is done by it.

## OPERATIONS

\`--add CONN\`
: make the connection known: its public keys and its description

\`--replace CONN\`
: the same in place of one of that name; what it had established goes

\`--delete CONN\`
: forget it, with what it has established

\`--up CONN\`
: negotiate it. What pluto reports appears as it comes, until the connection is up or pluto gives up

\`--down CONN\`
: take it down; it stays known, and its route stays

\`--route CONN\`, \`--unroute CONN\`
: lead its packets to it: the first one brings it up; undo that

\`--ready\`
: read interfaces, ipsec.secrets and policy groups, and take part in IKE

\`--rereadgroups\`
: the same; before it, connections with a policy group that ipsec.conf has gained since start are made known, and routed as
their \`auto=\` says

\`--rereadsecrets\`, \`--rereadcacerts\`, \`--rereadcrls\`, \`--rereadall\`
: read these files again

\`--status\`
: interfaces, connections, and the state of what is or is being negotiated; of address pools how much is in use, and of a
client which address it has

\`--listpubkeys\`, \`--listcerts\`, \`--listcacerts\`, \`--listcrls\`, \`--listcards\`, \`--listall\`
: what pluto has of these

## OPTIONS

\`--asynchronous\`, \`--async\`
: with \`--up\`: do not wait. The status tells how far it came: 104 or 112 is well on its way

\`--xauthname NAME\`
: with \`--up\`: the user that a gateway is told that asks for name and password (XAUTH), in place of
\`leftxauthusername=\`. The password is the one of ipsec.secrets(5); where there is none, it is asked for

\`--verbose\`
: show the lines of the log, 002, as well

\`--json\`
: with \`--status\` and the lists: JSON. Of the lists, public keys are shown

\`--utc\`
: times of lists in UTC

\`--config FILE\`
: read FILE instead of ipsec.conf

\`--noinclude\`
: leave \`include\` lines out

\`--showonly\`
: print the commands of ipsec_whack(8) that this comes to, and do nothing. Secrets are not part of them

\`--show\`
: print each command before it is done

## EXIT STATUS

2 for a wrong command line; 1 where the connection cannot be used or pluto not be asked; else that of ipsec_whack(8), which
is 0 where all went well, and otherwise the number of the last line that has one.

## EXAMPLES

\`\`\`
ipsec auto --add office
ipsec auto --up office
ipsec auto --status
\`\`\`

## SEE ALSO

ipsec.conf(5), ipsec_whack(8), ipsec_pluto(8), ipsec_manual(8)
`;
