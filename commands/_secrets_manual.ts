/** Manual page body of `ipsec secrets`. */
export const SECRETS_MANUAL = `## DESCRIPTION

\`ipsec secrets\` reads \`ipsec.secrets\` and all files that it includes, and says what is in them: for each secret its
file and line, its kind, and for whom it is. No secret is shown, of an RSA key its size and the key id, which is the start
of the public key in base64.

Keys in files of their own are loaded as well, from ipsec.d/private unless their names are absolute; of one that asks for
its passphrase only the name is told. The form of the file is described in ipsec.secrets(5).

Without options a pluto that runs then reads its secrets again, as by \`ipsec auto --rereadsecrets\`, and asks for passphrases.

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

## EXIT STATUS

0 all entries can be used; 1 some cannot, or a file cannot be read; 2 wrong options.

## EXAMPLES

    ipsec secrets
    ipsec secrets --json | jq .complaints

## SEE ALSO

ipsec.secrets(5), ipsec_newhostkey(8), ipsec_showhostkey(8), ipsec_ranbits(8), ipsec__secretcensor(8)
`;
