/**
 * What each parameter of ipsec.conf means, in a sentence for the manual page (config.md §11, §12; pluto.md §22). Of those
 * with a twin `left` stands for both sides. Tests compare the names with the table of parameters.
 */

export const SETUP_MEANINGS: Readonly<Record<string, string>> = {
  myid: "the identity that `%myid` stands for",
  interfaces:
    "which virtual interface is attached to which physical one; `%defaultroute` is ipsec0 on the interface of the default " +
    "route; `%none` attaches none",
  forwardcontrol: "whether start turns forwarding of IPv4 packets on, and stop off again",
  rp_filter: "what the filter of reverse paths of each physical interface in use is set to; `%unchanged` only warns",
  syslog: "where messages of start and stop go",
  klipsdebug: "what KLIPS logs, in words of ipsec_klipsdebug(8)",
  plutodebug: "what pluto logs beside the ordinary messages",
  plutoopts: "more options for pluto",
  plutostderrlog: "a file for pluto's log in place of syslog",
  plutorestartoncrash: "whether IPsec is started again when pluto dies",
  dumpdir: "where core dumps go; without it there are none",
  manualstart: "connections that start brings up by hand, in addition to those with `auto=manual`",
  pluto: "whether pluto is started at all",
  plutowait: "whether start waits for each connection with `auto=start` to come up",
  prepluto: "a command to run before pluto is started",
  postpluto: "a command to run when pluto is ready",
  fragicmp: "whether ICMP errors tell senders that their packets are too large",
  hidetos: "whether the type of service of tunnelled packets is hidden",
  uniqueids:
    "whether a new connection of an identity replaces its earlier one from another address; users with passwords may have " +
    "several, as long as the pool has addresses",
  overridemtu: "the MTU of all virtual interfaces",
  nocrsend: "whether requests for certificates are left out",
  strictcrlpolicy: "whether certificates without a fresh revocation list are refused",
  crlcheckinterval: "how often revocation lists are fetched; 0 is never",
  nat_traversal: "whether ESP is wrapped in UDP where there is NAT on the way",
  virtual_private: "networks that peers behind NAT may have as `vhost:%priv`; one with `!` is excepted",
  keep_alive: "seconds between the packets that keep a NAT's entry; 0 sends none",
  force_keepalive: "whether they are also sent where only the peer is behind NAT",
  disable_port_floating: "whether IKE stays on port 500 where there is NAT",
  legacy:
    "whether old algorithms (3DES, MD5, SHA-1, small groups) are offered and accepted without being named in a connection",
  dnssec:
    "whether what the DNS says of keys and gateways must be proved by DNSSEC (`require`), is taken as it comes, proved " +
    "or not (`prefer`), or is taken without asking whether it is proved (`ignore`); what is forged is refused in any case",
  resolvers:
    "DNS servers to ask instead of those of /etc/resolv.conf: addresses, udp://ADDRESS:PORT, https://NAME/PATH",
  listen: "the only address on which IKE is listened for",
  plutoload: "which connections start makes known",
  plutostart: "which connections start brings up",
  protostack: "which IPsec of the kernel to use",
  nhelpers: "how many processes do the arithmetic of IKE",
  oe: "`yes` and `on` load packetdefault, too; `no` and `off` take all implicit connections away",
  oewait:
    "for how many seconds opportunism holds traffic that may go in the clear, while the DNS or the peer does not answer; 0 is " +
    "for as long as an attempt lasts",
};

export const CONN_MEANINGS: Readonly<Record<string, string>> = {
  also: "take over the settings of another connection",
  alsoflip: "the same, with left and right exchanged in the names of its parameters",
  type:
    "`tunnel` and `transport` protect packets in these modes; `passthrough`, `drop` and `reject` (with an ICMP error) are " +
    "what else may be done with them",
  left:
    "the address of this end; `%defaultroute` is that of the default route's interface, `%any` a peer of any address, " +
    "`%opportunistic` one found through DNS, `%group` and `%opportunisticgroup` those of a policy group",
  leftsubnet: "the network behind this end; without it, the end itself",
  leftnexthop:
    "the gateway by which this end sends packets to the other; `%direct` is the other end itself; not with " +
    "`left=%defaultroute`",
  leftupdown: "what sets routes and the firewall as the connection comes and goes; not with `leftfirewall`",
  leftfirewall: "whether the firewall of this end is opened for the connection's packets; see ipsec__updown(8)",
  auto:
    "what start does: `add` makes the connection known, `route` also routes its packets to it, `start` also brings it up, " +
    "`manual` brings it up by hand, `ignore` is nothing",
  keyexchange: "how keys are negotiated",
  auth: "whether ESP authenticates its packets itself, or AH does",
  authby: "how the ends authenticate each other: by RSA signatures, by a preshared secret, or not at all",
  leftid:
    "how this end is identified; without it, by its address. A name begins with @; `%myid` is what `myid` says, `%any` any identity of the " +
    "peer, `%fromcert` that of the certificate",
  leftrsasigkey:
    "its public key; `%dnsondemand` and `%dnsonload` look it up in DNS, `%cert` takes it from the certificate, `%none` is " +
    "none",
  leftrsasigkey2: "a second key that is accepted",
  uniqueids: "as in `config setup`, where it belongs: `no` in one connection is for all",
  pfs: "whether each new key has an exchange of its own (perfect forward secrecy)",
  compress: "whether compression of packets is proposed",
  keylife: "how long a key is used",
  ikelifetime: "how long the channel of IKE is used",
  rekey: "whether keys are renewed before they expire",
  rekeymargin: "how long before that the attempt begins",
  rekeyfuzz: "by how much the margin may be longer, at random",
  keyingtries: "how often a negotiation is attempted; `%forever` or 0 does not end",
  disablearrivalcheck: "whether packets may leave the tunnel that are not of the networks at its ends",
  failureshunt: "what happens to packets after a negotiation has failed",
  leftcert: "its certificate: a file, below ipsec.d/certs unless it is absolute. Certificates are not supported yet",
  leftca: "the authority that must have issued it; `%same` is that of the other end",
  leftsubnetwithin: "the peer may have any network inside this one; not with `leftsubnet`",
  leftprotoport: "only packets of this protocol and port",
  spi: "the SPI of all SAs; this or `spibase`",
  spibase: "the first of the SPIs; the last digit is 0",
  esp: "algorithms of ESP; by hand one of ipsec_spi(8), else a list of proposals",
  ah: "algorithms of AH, likewise",
  espenckey: "the key for encryption in ESP",
  espauthkey: "the key for authentication in ESP",
  ahkey: "the key of AH",
  leftespenckey: "the same for packets towards left alone",
  leftespauthkey: "the same for packets towards left alone",
  leftahkey: "the same for packets towards left alone",
  espreplay_window: "how many packets late ESP may be; 0 is no protection against replays",
  ahreplay_window: "how many packets late AH may be",
  leftespspi: "another SPI for ESP towards left",
  leftahspi: "another SPI for AH towards left",
  phase2: "what protects packets; `ah` alone does not encrypt them",
  ike: "algorithms for the channel of IKE, as `aes256-sha2_256;modp2048`; a `!` at the end excludes all others",
  pfsgroup: "the group of `pfs`",
  aggrmode: "whether IKE's aggressive mode is used, which shows identities; not with several proposals in `ike`",
  dpddelay: "how often an idle peer is asked whether it is alive; 0 is never",
  dpdtimeout: "how long it may be silent",
  dpdaction:
    "what follows: `hold` waits for the next packet, `clear` takes the connection down, `restart` negotiates again",
  forceencaps: "whether ESP is wrapped in UDP even without NAT",
  leftsourceip:
    "the address from which this host itself sends into the tunnel; `%config` is one that the peer assigns, " +
    "as with `leftmodecfgclient=yes`. ipsecN has it while the connection is up, if no interface has. Of a client of " +
    "Mode Config the address that it gets; with a range or a network the same as `leftaddresspool`",
  leftaddresspool:
    "addresses for clients of Mode Config, one for each, the same again when it returns; for an end that is `%any`, whose " +
    "client it then is: without `leftsubnet`. Connections may share a pool, if they say it alike. Of a network in IPv4 " +
    "the first and the last address are not given",
  leftsendcert: "whether the certificate is sent",
  leftxauthserver: "whether this end asks for a name and a password (XAUTH)",
  leftxauthclient: "whether this end answers such a request",
  leftxauthusername: "the name that it answers with",
  xauthby: "what passwords are compared with: the file ipsec.d/passwd, or nothing (`alwaysok`)",
  leftmodecfgserver: "whether this end assigns addresses (Mode Config)",
  leftmodecfgclient:
    "whether this end is assigned one, which without `leftsubnet` is what it protects, and its `leftsourceip`",
  modecfgpull: "whether the client asks for its address, as most servers expect; else the server sends it unasked",
  modecfgdns: "name servers for clients",
  modecfgdns1: "one of them; not with `modecfgdns`",
  modecfgdns2: "another one",
  modecfgwins1: "a WINS server for clients",
  modecfgwins2: "another one",
  modecfgdomains: "the domain of clients; of several the first, and only names in these are asked of the name servers",
  modecfgbanner: "what clients show to their users",
  _plutodevel: "something for pluto's developers",
  fragmentation: "whether messages of IKE are sent in fragments",
  sareftrack: "whether packets are marked with their SA",
  overlapip: "whether several peers may have one address",
  "sha2-truncbug": "whether SHA-256 is cut to 96 bits",
  connaddrfamily: "the family of the addresses",
  ikev2: "whether IKE version 2 may be used",
};
