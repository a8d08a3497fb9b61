/** Manual page body of `ipsec newhostkey`. */
export const NEWHOSTKEY_MANUAL = `## DESCRIPTION

\`ipsec newhostkey\` makes a new RSA key, with which this host proves who it is, and writes it as a record of
\`ipsec.secrets\`. The record names no identity: it is the key for all connections that have no other.

The file has mode 600. Where it exists already, the record is appended and all else in it stays; a warning says so. The
change is made in a new file, FILE.new, that takes the old one's place when it is complete.

Without \`--output\` the record goes to \`/etc/ipsec.secrets\` (\`$IPSEC_CONFS/ipsec.secrets\` where that is set), but only
where there is no such file: a host has one key of this kind, and a second one would not be used. To change keys, take the
old record out, and tell every peer the new key: \`ipsec showhostkey\` prints what they need.
A warning tells where two keys have no index.

## OPTIONS

Options may be shortened as long as they stay unambiguous.

- \`--output FILE\`: where the record goes; \`-\` is standard output.
- \`--bits N\`: length of the key, 3072 unless given; a multiple of 16 from 512 to 8192. FreeS/WAN, Openswan and old
  libreswan read up to 4096.
- \`--hostname HOST\`: name in the comment on top, which \`ipsec showhostkey\` uses; this host's name unless given.
- \`--quiet\`: shows no progress, and warns of nothing.
- \`--verbose\`: tells on standard error what is done.
- \`--help\`, \`--version\`: print a text and end.

## FILES

- \`/etc/ipsec.secrets\`: keys of this host.

## EXIT STATUS

0 on success, and after \`--help\` and \`--version\`; 1 where the key cannot be made or written; nothing is changed then; 2
for a wrong command line.

## EXAMPLES

The first key of a host, and what its peers write into their ipsec.conf:

    ipsec newhostkey
    ipsec showhostkey --right

Appended to a file that holds other secrets:

    ipsec newhostkey --output /etc/ipsec.secrets

## SEE ALSO

ipsec_rsasigkey(8), ipsec_showhostkey(8)
`;
