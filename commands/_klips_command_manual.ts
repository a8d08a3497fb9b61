export const KLIPS_MANUAL = `## DESCRIPTION

KLIPS is the part of IPsec that handles packets. It runs as a daemon: it makes the virtual interfaces ipsec0 to ipsec3,
holds the SA database and the eroutes, and encrypts, decrypts and checks every packet. Its tools (eroute, spi, spigrp,
tncfg, klipsdebug, look, pf_key) reach it through the PF_KEY socket \`pfkey.sock\` in the run-time directory.

## OPTIONS

\`--start\`
: start the daemon in the background and return when it answers; if it runs already, say so and change nothing

\`--foreground\`
: run in the foreground, with the log on standard error, until SIGTERM or SIGINT; for containers and supervisors

\`--adopt\`
: with --foreground: when they are attached, take over interfaces that a killed daemon has left, with their addresses
  and routes; without it they are removed first. What is routed into them meanwhile is dropped

\`--stop\`
: end the daemon; the virtual interfaces with their addresses and routes go with it, also those that a killed daemon has
  left

\`--status\`
: say whether it runs, and the counters of its interfaces with every reason for which packets were dropped

\`--json\`
: with --status, print JSON

\`--crypto PROVIDER\`
: \`libcrypto\` (OpenSSL, the fastest), \`runtime\` (the one built into Deno) or \`noble\` (pure TypeScript); without it
  the first of these that is there and passes its known-answer tests

\`--keepalive SECONDS\`
: how long an SA in UDP may be idle before a keepalive is sent, so that NATs on the way do not forget it (RFC 3948);
  20 without this option, 0 for never

\`--loglevel LEVEL\`
: \`error\`, \`notice\`, \`info\` (default) or \`debug\`

## FILES

\`/run/ipsec/pfkey.sock\`, \`/run/ipsec/klips.pid\`, \`/run/ipsec/klips.log\`; the directory is $IPSEC_RUNDIR where that
is set, so that several instances can run in several network namespaces.

## EXIT STATUS

0 success; 1 failure; 2 wrong options; 3 for --status when KLIPS is not running.

## EXAMPLES

    ipsec klips --start
    ipsec tncfg --attach --virtual ipsec0 --physical eth0
    ipsec klips --status
`;
