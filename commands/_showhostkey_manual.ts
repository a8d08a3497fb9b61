/** Manual page body of `ipsec showhostkey`. */
export const SHOWHOSTKEY_MANUAL = `## DESCRIPTION

\`ipsec showhostkey\` prints the public part of an RSA key in \`ipsec.secrets\`, for the peers' \`ipsec.conf\` or for a zone
file. Nothing that it prints is secret. The key is the one of the record that names no identity, unless \`--id\` says
otherwise. Files that ipsec.secrets includes are looked through as well. A file that others than its owner may read is
refused, with the command that mends it.

A comment says first when and where the key was made, where the file says so.

## OPTIONS

Options may be shortened as long as they stay unambiguous. The last one that names a format counts.

- \`--left\`, \`--right\`: a line for a connection in ipsec.conf, \`leftrsasigkey=\` or \`rightrsasigkey=\`.
- \`--txt GATEWAY\`: a TXT record for opportunistic encryption; its owner name is left for you to write. *GATEWAY* is
  \`@\` and a name, or an address.
- \`--key\`: a KEY record.
- \`--ipseckey\`: an IPSECKEY record (RFC 4025).
- \`--gateway GATEWAY\`: gateway in the IPSECKEY record, a name or an address; none unless given.
- \`--precedence N\`: precedence in the IPSECKEY record, 0 to 255, 10 unless given; the lowest is tried first.
- \`--dhclient\`: lines for dhclient.conf.
- \`--pem\`: the key in PEM (SubjectPublicKeyInfo), as strongSwan and openssl(1) read it.
- \`--json\`: key ID, bits, host, origin, identities, public key, file and line, for programs.
- \`--id ID\`: the key of the record that names this identity, as it stands there: \`@west.example.com\`, \`192.0.2.1\`.
- \`--file FILE\`: another file than \`/etc/ipsec.secrets\` (\`$IPSEC_CONFS/ipsec.secrets\` where that is set).
- \`--from FILE\`: not this host's key but a peer's, which is in *FILE* in PEM, as a public key or in a certificate (of
  which nothing else is looked at: whoever gave it must be trusted). For \`--left\`, \`--right\`, \`--pem\` and \`--json\`,
  and without \`--file\` and \`--id\`.
- \`--help\`, \`--version\`: print a text and end.

## EXIT STATUS

0 on success, and after \`--help\` and \`--version\`; 1 where there is no such key, or more than one, or the file cannot be
read; 2 for a wrong command line.

## EXAMPLES

What a peer that calls this host its right side writes:

    ipsec showhostkey --right

What this host writes of a peer whose key came as a file:

    ipsec showhostkey --right --from east.pem

For the reverse zone, where peers look for this host's gateway:

    ipsec showhostkey --txt 192.0.2.1
    ipsec showhostkey --ipseckey --gateway 192.0.2.1

## SEE ALSO

ipsec_newhostkey(8), ipsec_rsasigkey(8)
`;
