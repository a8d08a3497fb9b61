/** The manual page of `ipsec whack`. */
export const WHACK_MANUAL = `## DESCRIPTION

Sends one request to pluto, and prints what pluto answers until there is nothing more to say. People use ipsec_auto(8),
which makes these requests from ipsec.conf; whack is for scripts, and for what is in no file.

A command may ask for several things, which pluto does in this order: debugging, \`--myid\`, \`--delete\`,
\`--deletestate\`, \`--crash\`, the description of a connection, \`--listen\`, \`--unlisten\`, rereading and lists, keys,
\`--route\`, \`--unroute\`, \`--initiate\`, \`--oppohere\`, \`--terminate\`, \`--status\`, \`--shutdown\`. Option names may be cut
short as long as they stay unambiguous.

## CONNECTIONS

Options before \`--to\` are of the left end, those after it of the right end. Pluto finds out which of the two is this host.

\`--host ADDRESS\`
: address or name; \`%any\`, \`%opportunistic\`, \`%group\`, \`%opportunisticgroup\`

\`--nexthop ADDRESS\`
: gateway to the other end; \`%direct\` where there is none

\`--client SUBNET\`, \`--clientwithin SUBNET\`
: network behind the end; any network within. \`vhost:%no,%priv\` is what a peer behind NAT may have

\`--clientprotoport PROTOCOL/PORT\`
: only packets of these

\`--id ID\`, \`--cert FILE\`, \`--ca DN\`, \`--dnskeyondemand\`
: how the end is identified, and where its key comes from

\`--ikeport PORT\`, \`--srcip ADDRESS\`, \`--updown COMMAND\`
: port of IKE; source address of this host within the tunnel; what sets routes

\`--xauthserver\`, \`--xauthclient\`, \`--xauthname NAME\`, \`--modecfgserver\`, \`--modecfgclient\`
: what the end does in XAUTH and Mode Config

\`--addresspool RANGE\`
: addresses for clients of Mode Config that come from this end, as FIRST-LAST or as a network

\`--psk\`, \`--rsasig\`
: how the ends authenticate each other; with neither nothing is negotiated

\`--encrypt\`, \`--authenticate\`, \`--compress\`, \`--tunnel\`, \`--pfs\`, \`--disablearrivalcheck\`
: ESP, AH, IPCOMP, tunnel mode, perfect forward secrecy; no check of what leaves the tunnel

\`--ike LIST\`, \`--esp LIST\`, \`--ah LIST\`, \`--pfsgroup GROUP\`, \`--legacy\`, \`--aggrmode\`
: algorithms, as ipsec.conf(5) has them

\`--ikelifetime S\`, \`--ipseclifetime S\`, \`--rekeymargin S\`, \`--rekeyfuzz PERCENT\`, \`--keyingtries N\`, \`--dontrekey\`
: 3600, 28800, 540, 100 and 3 where they are left out; 0 tries is for ever

\`--initiateontraffic\`, \`--pass\`, \`--drop\`, \`--reject\`
: what becomes of packets while the connection is routed and not up

\`--failnone\`, \`--failpass\`, \`--faildrop\`, \`--failreject\`
: what becomes of them when the negotiation has failed

\`--dpddelay S\`, \`--dpdtimeout S\`, \`--dpdaction ACTION\`, \`--forceencaps\`, \`--nonattraversal\`, \`--nofragmentation\`
: dead peers, and the way through NAT

\`--modecfgpull\`, \`--modecfgdns LIST\`, \`--modecfgwins1 ADDRESS\`, \`--modecfgdomains LIST\`, \`--modecfgbanner TEXT\`
: what clients of Mode Config are told, and whether they ask for it. Lists have commas

\`--ipv4\`, \`--ipv6\`, \`--tunnelipv4\`, \`--tunnelipv6\`
: families of hosts and of clients; they stand before the addresses

\`--delete\` with a description replaces the connection of that name.

## OTHER REQUESTS

\`--initiate\`, \`--terminate\`, \`--route\`, \`--unroute\`, \`--delete\`
: of the connection of \`--name\`. With \`--asynchronous\` whack does not wait for what was begun

\`--xauthname NAME\`, \`--xauthpass PASSWORD\`
: with \`--initiate\`: what a gateway is answered that asks for name and password (XAUTH), in place of
\`leftxauthusername=\` of ipsec.conf(5) and the entry of ipsec.secrets(5). Others see the words of a command: let the
password stand in a file of your own, as \`--xauthpass PASSWORD\`, and name that with \`--optionsfrom\`. What is given
nowhere is asked for

\`--keyid ID [--addkey] [--pubkeyrsa KEY]\`
: the public key of an identity; without a key, look for it in DNS

\`--listen\`, \`--unlisten\`
: (re)read interfaces, secrets and policy groups, and take part in IKE; take part no more

\`--status\`, \`--listpubkeys\` ... \`--listall\`
: what there is. \`--json\` with \`--status\` prints it as JSON, \`--utc\` makes times of lists UTC

\`--rereadsecrets\`, \`--rereadcacerts\`, \`--rereadcrls\`, \`--rereadall\`
: read these files again

\`--deletestate N\`, \`--crash ADDRESS\`
: forget one state; forget all that have to do with a peer

\`--debug-AREA\`, \`--debug-all\`, \`--debug-none\`
: what pluto logs, of the connection of \`--name\` or of all

\`--shutdown\`
: end pluto

\`--ctlbase PATH\`
: the control socket is PATH.ctl; the default is pluto.ctl in the run-time directory

\`--label TEXT\`
: put TEXT into whack's own complaints

\`--optionsfrom FILE\`
: the options that stand in FILE

## EXIT STATUS

0 where all went well; 1 where whack itself failed; else the number at the beginning of the last line that has one, except
000, 002 and 004: 003 is an error that was logged, 010 a retransmission, 020 to 039 refusals, 100 and up the state that a
negotiation has come to, 200 and up the notification by which it was refused.

## SEE ALSO

ipsec_auto(8), ipsec_pluto(8)
`;
