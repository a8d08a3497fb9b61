/** Manual page body of `ipsec secrets`. */
export const SECRETS_MANUAL = `## DESCRIPTION

\`ipsec secrets\` reads \`ipsec.secrets\` and all files that it includes, and says what is in them: for each secret its
file and line, its kind, and for whom it is. No secret is shown, of an RSA key its size and the key id, which is the start
of the public key in base64.

What is wrong goes to standard error, with file and line, everything in one run. An entry with an error cannot be used;
all others can. Warned of are entries for the same hosts with different secrets, since the first one only is used.

Files that others than their owner can read or change are refused. \`chmod 600\` mends that; if others have been on the
machine meanwhile, the secrets should be replaced as well.

Connections with manual keying take their keys from \`ipsec.conf\`. The secrets are for automatic keying.

## OPTIONS

- \`--file FILE\`: another file, or a pattern that several match; \`/etc/ipsec.secrets\` unless given
  (\`$IPSEC_CONFS/ipsec.secrets\` where that is set).
- \`--json\`: everything as one JSON object, complaints too, on standard output.
- \`--help\`, \`--version\`: print a text and end.

## FORM OF IPSEC.SECRETS

A record begins in column 1 and goes on over indented lines. Before a colon stand the indices, for whom it is: addresses,
host names, \`@name\`, \`user@name\`, distinguished names, \`%any\` for a peer whose address is not known. Without any, it is
for everybody. After the colon and a blank stands the secret:

    # comment
    10.0.0.1 10.0.0.2 : PSK "the same string on both hosts"
    10.0.0.1 %any : PSK 0x0123456789abcdef0123456789abcdef
    @west.example.com : RSA {
        ... as \`ipsec newhostkey\` writes it
        }
    : RSA west.pem "passphrase of the file"
    include ipsec.*.secrets

Of the entries that fit two hosts the one that names both is taken, else one that names this host alone, else one for
everybody; for RSA one that names this host among others comes before the last.

## EXIT STATUS

0 all entries can be used; 1 some cannot, or a file cannot be read; 2 wrong options.

## EXAMPLES

    ipsec secrets
    ipsec secrets --json | jq .complaints

## SEE ALSO

ipsec_newhostkey(8), ipsec_showhostkey(8), ipsec_ranbits(8), ipsec__secretcensor(8)
`;
