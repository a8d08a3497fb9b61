/** Manual page body of `ipsec pf_key`. */
export const PF_KEY_MANUAL = `## DESCRIPTION

\`ipsec pf_key\` connects to the packet engine, registers for SA types, and prints every PF_KEY message that the engine
sends, until it is interrupted or the engine ends: answers to the requests of all tools and of the key daemon, refusals,
and what the engine says of its own accord, which is ACQUIRE (a packet waits for keys) and EXPIRE (a lifetime ran out).

Keys are never printed. The engine never sends any.

While it is registered for ESP, the engine takes it for a key daemon: packets that meet a %trap eroute are then held
although nobody may be there to negotiate. Use \`--ah\` to watch without that.

For each message there is a blank line, a line with the names of message and SA type, and a line with the fields and
extensions as they were sent. SPIs look reversed there on most machines, 0x12345678 as \`78563412\`; \`--json\` shows them
as the other tools do.

## OPTIONS

- \`--ah\`, \`--esp\`, \`--ipip\`, \`--ipcomp\`: register for the SA types that are named; without any, for all four.
  ACQUIRE and answers to REGISTER go to registered clients only, all else to everybody.
- \`--daemon FILE\`, \`-f FILE\`: registers, then goes to the background and writes its process id to FILE. Output goes on
  where it went. Where FILE cannot be written, that is said, and it goes on without.
- \`--encodefile FILE\`, \`-e FILE\`: prints nothing and records the messages as they arrive into FILE, which is emptied first.
- \`--dumpfile FILE\`, \`-d FILE\`: prints the messages that are recorded in FILE; needs no engine.
- \`--json\`: prints each message as one line of JSON.
- \`--help\`, \`-h\`: prints the usage on standard error.

## FILES

The engine's socket \`pfkey.sock\` lies in the run-time directory: \`$IPSEC_RUNDIR\`, or \`/run/ipsec\`.

## EXIT STATUS

0 when a signal ended it, when the engine ended, or when all of a recording was printed; 1 on any error and after \`--help\`.

## EXAMPLES

    ipsec pf_key
    ipsec pf_key --json | jq 'select(.errno != 0)'
    ipsec pf_key --encodefile /tmp/messages
    ipsec pf_key --dumpfile /tmp/messages

## SEE ALSO

ipsec_klips(8), ipsec_spi(8), ipsec_eroute(8), ipsec_klipsdebug(8)
`;
