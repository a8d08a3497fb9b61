/** Manual page body of `ipsec manual`. */
export const MANUAL_MANUAL = `## DESCRIPTION

\`ipsec manual\` takes connections with manual keying from ipsec.conf(5) and brings them up and down: it makes their SAs,
groups them, sets the eroute, and calls the updown command, which sets routes and the firewall.

Manual keying has fixed keys and no key exchange. It serves tests and peers that can do nothing else. Whoever learns a key
reads everything that was ever sent with it; keys should be changed by hand now and then, and each direction should have
keys of its own.

Exactly one of:

- \`--up\`: makes the connection, and routes packets to it. Where a step fails, all that was done is taken back.
- \`--down\`: takes the connection down. The route stays, so that packets for the peer's network are dropped and do not leave
  in the clear; \`--unroute\` removes it.
- \`--route\`: makes the route only.
- \`--unroute\`: removes the route only.

Several NAMES are taken as parts of one connection, in which no parameter may occur twice; where each of them is a whole
connection, with \`left\` and \`right\`, they are handled one after the other.

Which end this host is shows by the addresses of the ipsecN interfaces: one of them must be \`left\` or \`right\`.

## OPTIONS

- \`--union\`: the names are parts of one connection, whatever they are.
- \`--show\`: prints, on standard error, a command for each step before it is done. Keys are not shown.
- \`--showonly\`: does nothing but print a shell script that would do the same. Keys are not shown: \`<secret, 24 bytes>\`
  stands for one.
- \`--other\`: acts as the other end. Of use with \`--showonly\`.
- \`--iam ADDRESS@INTERFACE\`: takes this for the address and the interface of this host.
- \`--config FILE\`: reads this file instead of ipsec.conf.
- \`--noinclude\`: passes over the \`include\` lines of the file.
- \`--help\`, \`--version\`: print a text and end.

\`ipsec manual NAME up\`, without dashes, is the syntax of very old scripts and still works.

## PARAMETERS

Parameters of the conn section that count:

- \`type\`: \`tunnel\` (default), \`transport\`, \`passthrough\`, \`drop\` or \`reject\`. The last three need no keys.
- \`left\`, \`right\`: numeric addresses, IPv4 or IPv6, or \`%defaultroute\` for one of them.
- \`leftsubnet\`, \`leftnexthop\` (default: the other end), \`leftupdown\`, \`leftfirewall\`, \`leftsourceip\`.
- \`spi=0xNNN\`: the SPI of all SAs; or \`spibase=0xNN0\`: SPIs counted from here, even ones for packets to the right, odd ones
  for packets to the left, in the order tunnel, ESP, AH. SPIs below 0x100 are reserved. No two connections between the same
  hosts may share SPIs.
- \`esp\`, \`ah\`: an algorithm as \`ipsec spi\` has it, as \`aes128gcm16\`, \`aes128-sha2_256-128\`, \`3des-md5-96\`.
- \`espenckey\`, \`espauthkey\`, \`ahkey\`: keys; see ipsec_spi(8) for their lengths, ipsec_ranbits(8) for making them.
- \`espreplay_window\`, \`ahreplay_window\`: 1 to 64 packets. 0, the default, is no protection against replays, which suits
  ends that are restarted alone: with it, a peer that begins anew at number 1 is not heard until this end begins anew, too.
- \`leftespspi\`, \`leftahspi\`, \`leftespenckey\`, \`leftespauthkey\`, \`leftahkey\`: for packets that go to the left end.
- \`disablearrivalcheck=yes\`: packets out of the tunnel may have any addresses; otherwise they must be from the peer's network
  and to ours.

## FILES

\`/etc/ipsec.conf\`, or \`ipsec.conf\` in \`$IPSEC_CONFS\`. A file with keys in it should be readable by root alone: keys can be
put into a section of their own, in a file that ipsec.conf includes, and be taken in by \`also=\`.

\`ipsec.info\` in the run-time directory says what \`%defaultroute\` is; \`ipsec setup\` writes it.

## EXIT STATUS

0 on success; 1 where something cannot be done, all of it is said on standard error; 2 on a wrong command line.

## EXAMPLES

    conn office
            left=192.0.2.1
            leftsubnet=10.1.0.0/24
            right=192.0.2.2
            rightsubnet=10.2.0.0/24
            spibase=0x200
            esp=aes128-sha2_256-128
            also=office-keys

    ipsec manual --up office
    ipsec manual --showonly --up office
    ipsec manual --down office

## SEE ALSO

ipsec.conf(5), ipsec_spi(8), ipsec_eroute(8), ipsec_ranbits(8), ipsec_showpolicy(8)
`;
