/** Manual page body of `ipsec showpolicy`. */
export const SHOWPOLICY_MANUAL = `## DESCRIPTION

\`ipsec showpolicy\` says what would happen to a packet of this host, or to one that it forwards: which route it takes,
which eroute it meets, and what SAs protect it. Nothing is sent.

With \`--src\` and \`--dst\` it is about a packet between these addresses. Without, it is about the connected socket that is
its standard input, for a server that inetd starts, or with \`--cgi\` about the request that a web server runs it for; it
prints one word then, which a program can show to its user.

A packet that no route leads into an ipsecN interface never comes to KLIPS, whatever eroutes there are; one that does come
and fits no eroute is dropped.

## OPTIONS

- \`--src ADDRESS\`, \`--dst ADDRESS\`: the packet's addresses, IPv4 or IPv6.
- \`--proto P\`, \`--sport N\`, \`--dport N\`: protocol and ports, as numbers or names; with ports, the protocol is TCP where it is
  not given.
- \`--socket\`: standard input (default).
- \`--cgi\`: \`SERVER_ADDR\` and \`REMOTE_ADDR\`, and \`SERVER_PORT\` and \`REMOTE_PORT\` where they are set.
- \`--textual\`: lines instead of a word.
- \`--plaintext X\`: the word where packets are not encrypted; default \`clear\`.
- \`--vpntext X\`: the word where they are; default \`vpn\`.
- \`--privacytext X\`, \`--dnssectext X\`: accepted for old scripts. They were for peers whose identity is known from DNS.
- \`--json\`: prints everything as one JSON object.
- \`--help\`, \`--version\`: print a text on standard error and end.

## OUTPUT

    udp 10.1.0.10:5000 -> 10.2.0.10:53 goes through IPsec
    route:    10.2.0.10 via 192.0.2.2 dev ipsec0
    eroute:   10.1.0.0/24 -> 10.2.0.0/24 => tun0x200@192.0.2.2 (17 packets)
    SA:       tun0x200@192.0.2.2 IPIP from 192.0.2.1
    SA:       esp0x202@192.0.2.2 ESP_AES_GCM_16 from 192.0.2.1
    strength: 64

SAs are listed innermost first; where tunnels are nested, another eroute follows. \`unused:\` names an eroute that would fit
if a route led into ipsecN; \`because:\` says why a packet is dropped.

The strength is 0 for none, 4 for authentication only, 32 for 3DES, 64 for keys of 128 bits and more.

## EXIT STATUS

0 on success; 1 on a wrong command line, or with a terminal for standard input; 2 where KLIPS does not run; 3 where it cannot
be found out, for example where standard input is no socket.

## EXAMPLES

    ipsec showpolicy --src 10.1.0.10 --dst 10.2.0.10
    ipsec showpolicy --src 10.1.0.10 --dst 10.2.0.10 --proto tcp --dport https --json
    bash -c 'ipsec showpolicy <>/dev/tcp/10.2.0.10/80'

## SEE ALSO

ipsec_eroute(8), ipsec_spi(8), ipsec_look(8)
`;
