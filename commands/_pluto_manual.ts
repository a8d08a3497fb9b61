/** The manual page of `ipsec pluto`. */
export const PLUTO_MANUAL = `## DESCRIPTION

The daemon that negotiates keys by IKE and tells KLIPS what to do with packets. \`ipsec setup start\` starts it with the
options that \`config setup\` of ipsec.conf(5) gives; by hand it is started for tests. It does nothing on the network
before ipsec_whack(8) \`--listen\`, which \`ipsec auto --ready\` is too.

Pluto reads what strangers send. When it has started it gives up the right to load libraries, to start programs, to write
files, to open sockets of the file system and to see its environment. A second process, which it has started before, runs
updown commands and writes the log for it; that one runs the built-in command, and others only where ipsec_whack(8) or
ipsec_auto(8) has said, over a socket of root's, that a connection has them.

To clients that ask for an address (Mode Config) it gives one out of the pool of their connection, \`rightaddresspool=\` of
ipsec.conf(5), for as long as they have SAs, and the same again when they return. Who has which is in
\`ipsec auto --status\`. After a crash no address is given to anybody else while SAs in KLIPS lead there.

When KLIPS ends, its SAs are gone; pluto ends as well, and \`ipsec setup\` starts both again.

## OPTIONS

Names may be cut short as long as they stay unambiguous.

\`--nofork\`
: stay in the foreground

\`--stderrlog\`
: log to standard error instead of syslog

\`--noklips\`
: do nothing with packets, and run no updown commands: for tests

\`--uniqueids\`
: a new connection of an identity replaces its earlier one from another address; of users of XAUTH only where a pool of
addresses has no other

\`--interface NAME\`
: use only this interface of the host; up to ten times

\`--listen ADDRESS\`
: use only this address

\`--ikeport N\`
: UDP port of IKE; 500

\`--ctlbase PATH\`
: PATH.ctl is the control socket, PATH.pid the lock, PATH.updown the socket for updown commands; pluto in the run-time
directory

\`--secretsfile FILE\`, \`--policygroupsdir DIR\`
: instead of ipsec.secrets and ipsec.d/policies

\`--perpeerlog\`, \`--perpeerlogbase DIR\`
: a log for each peer as well; /var/log/pluto/peer

\`--virtual_private LIST\`, \`--keep_alive S\`, \`--resolvers LIST\`, \`--dnssec MODE\`, \`--oewait S\`
: as the parameters of ipsec.conf(5)

\`--nocrsend\`, \`--strictcrlpolicy\`, \`--crlcheckinterval S\`
: about certificates, which are not supported yet: without effect

\`--debug-AREA\`, \`--debug-all\`, \`--debug-none\`, \`--impair-NAME\`
: what is logged beside the ordinary lines; faults on demand

\`--adns PATH\`, \`--lwdnsq PATH\`
: accepted: there is no such program any more

\`--optionsfrom FILE\`
: the options that stand in FILE

## SIGNALS

TERM and INT end it in good order: peers are told, routes and eroutes are taken back. HUP does nothing.

## EXIT STATUS

0 after an orderly end, 1 after trouble, 10 where a pluto runs already.

## FILES

/run/ipsec/pluto.ctl, /run/ipsec/pluto.pid, /run/ipsec/pluto.updown, /etc/ipsec.secrets, /etc/ipsec.d/policies

## SEE ALSO

ipsec_setup(8), ipsec_auto(8), ipsec_whack(8), ipsec.conf(5), ipsec.secrets(5)
`;
