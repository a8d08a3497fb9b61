/** The manual page of `ipsec setup`. */
export const SETUP_MANUAL = `## DESCRIPTION

Starts and stops IPsec as \`config setup\` of ipsec.conf says: KLIPS with its interfaces, the settings of the kernel that
it needs, and the connections that are keyed by hand (\`manualstart=\` and \`auto=manual\`). Without a file, everything is as
with an empty one: ipsec0 goes with the interface of the default route.

Start leaves a supervisor behind. It watches over KLIPS: one that is killed is started again, with its interfaces and
manual connections; until then what is routed into ipsecN is dropped, not sent in the clear. Stop undoes all that start
has done, also where every process was killed: what was changed is written down before it is changed. A setting of the
kernel that somebody else has changed meanwhile stays as it is.

## COMMANDS

Each also with two dashes before it.

\`start\`
: start; where IPsec runs already, say so and change nothing

\`stop\`
: end the supervisor, which undoes everything; where none runs, remove what one has left

\`restart\`, \`force-reload\`
: stop, then start; the status is that of start

\`status\`
: whether IPsec runs, and what is not as it should be

## OPTIONS

\`--json\`
: with status: the same as JSON, with the process ids of all daemons, the interfaces, how many eroutes there are, and
  the connections that start has keyed by hand. \`ipsec auto --status --json\` has those of pluto

\`--foreground\`
: with start: stay in the foreground, with messages and the log of KLIPS on standard error; for containers and systemd

\`--config FILE\`
: read FILE instead of ipsec.conf

\`--show\`
: show each command before it is executed

\`--showonly\`
: show the commands that start or stop comes to, and execute none

## CONFIGURATION

With an error in \`config setup\`, or one that concerns the file as a whole, nothing is started; all are reported. Errors
of a connection are reported and concern that connection alone.

| parameter | default | effect |
|---|---|---|
| \`interfaces=\` | %defaultroute | pairs such as \`ipsec0=eth0\`; \`%defaultroute\` is ipsec0 on the interface of the default route; \`%none\`. ipsecN gets the first IPv4 and the first IPv6 address of the interface, with \`eth0:1\` that of the alias |
| \`rp_filter=\` | 0 | reverse path filter of each interface in use; where that of \`all\` is larger, it is moved to all other interfaces. \`%unchanged\` only warns |
| \`forwardcontrol=\` | no | \`yes\` turns IPv4 forwarding on at start, and off again at stop |
| \`hidetos=\` | yes | the outer type of service is 0, not that of the packet inside |
| \`fragicmp=\` | yes | senders of packets that are too large are told |
| \`overridemtu=\` | | MTU of every ipsecN |
| \`klipsdebug=\` | none | as for \`ipsec klipsdebug --set\`, several words, or \`all\` |
| \`manualstart=\` | | connections for \`ipsec manual --up\`, before those with auto=manual |
| \`pluto=\` | yes | \`no\`: manual keying only; prepluto and postpluto are not run |
| \`plutodebug=\`, \`uniqueids=\`, \`plutoopts=\` and others | | options of pluto, see ipsec_pluto(8) |
| \`plutostderrlog=\` | | a file for pluto's log in place of syslog; each start begins it anew. Without it, and without a syslog daemon, /run/ipsec/pluto.log has the log |
| \`plutorestartoncrash=\` | yes | whether pluto is started again when it dies. One that ends in order, as by \`ipsec whack --shutdown\`, is not |
| \`plutowait=\` | no | whether start waits for each connection with \`auto=start\` to come up |
| \`prepluto=\`, \`postpluto=\` | | a program with its arguments, before pluto is started, and when it listens and knows the connections; no shell; \`IPSECinterfaces\` and so on are set |
| \`dumpdir=\` | | where cores go; without it there are none |
| \`syslog=\` | daemon.error | where messages go |

## SIGNALS

To the supervisor, whose process id is in ipsec_setup.pid:

\`SIGTERM\`, \`SIGINT\`
: stop in order

\`SIGHUP\`
: read the configuration again. Taken over: interfaces, rp_filter, overridemtu, hidetos, fragicmp, klipsdebug,
  forwardcontrol (on), manual connections that are new or gone, and connections with \`auto=add\`, \`route\` or \`start\`
  that are new, gone or changed. With errors in it everything stays as it is. The rest needs a restart

## FILES

In /run/ipsec, or $IPSEC_RUNDIR: \`ipsec_setup.pid\`, the lock; \`ipsec.info\`, the default route as assignments for the
shell; \`setup.state\`, what start has changed; \`setup.sock\`, the supervisor's socket; \`setup.log\`, \`klips.log\` and \`pluto.log\`, what they
have to say, each start anew for the first.

## EXIT STATUS

0 success; 1 not started, or stop where nothing ran, or a status that is not as it should be; 2 wrong words; 6 for
\`start --foreground\` with errors in ipsec.conf, so that systemd does not try again by itself.

## EXAMPLES

    ipsec setup start
    ipsec setup status
    docker run ... ipsec setup start --foreground
`;
