/** The manual page ipsec.secrets(5). */
import { RSA_BITS } from "../lib/crypto/rsa.ts";
import { RSA_FIELDS } from "../lib/config/secrets_rsa.ts";

export function ipsecSecretsPage(): string {
  return `# ipsec.secrets

## NAME

ipsec.secrets - secrets for IKE authentication

## DESCRIPTION

The file /etc/ipsec.secrets has the secrets with which this host proves who it is when connections are keyed
automatically: strings that two hosts share, RSA private keys of this host, and passwords that gateways ask for. Connections that are keyed by hand take
their keys from ipsec.conf(5). \`ipsec secrets\` says what is wrong with the file and lists what it holds, without a
secret; see ipsec_secrets(8). The first start of IPsec makes the file, with an RSA key, where there is none.

    # two gateways with a string that they share
    10.0.0.1 10.0.0.2 : PSK "jxTR1lnmSjuj33n4W51uW3kTR55luUmSmnlRUuWnkjRj3UuTV4T3USSu23Uk55nWu5TkTUnjT"
    # this gateway and any peer whose address is not known before
    10.0.0.1 %any : PSK 0x0123456789abcdef0123456789abcdef
    # a record goes on over indented lines
    www.example.com @gateway.example.com
        10.6.0.1 10.7.0.1 : PSK "a string that four share"
    # a key in a file of its own
    @east.example.com : RSA east.pem "passphrase of the file"
    # what alice says to a gateway that asks for her password
    @alice : XAUTH "her password"
    include ipsec.*.secrets

Only the owner may be able to read or change the file, and each one that it includes or names: others are refused.
\`chmod 600\` mends that; if others have been on the machine meanwhile, the secrets should be replaced as well.

## RECORDS

A record begins in the first column and goes on over the indented lines that follow. It is words, with blanks between
them: indices, a colon, the kind of the secret, and the secret. A word that begins with \`"\` or \`'\` ends at the same
character, in the same line, and may hold blanks. \`#\` at the start of a word begins a comment. Empty lines and comments do
not end a record. Upper and lower case do not matter in \`PSK\`, \`RSA\`, \`XAUTH\`, \`%prompt\`, \`include\` and the names of numbers.

A record that is wrong is left out, the others count. What is wrong is said with file and line, and never shows a word
that might be a secret.

## INDICES

Before the colon stands for whom the secret is: the host itself, or the host and its peer, in any order.

\`192.0.2.1\`, \`2001:db8::1\`, \`gw.example.com\`
: an address; a name is looked up when the file is loaded

\`%any\`, \`%any6\`
: a peer whose address is not known before

\`@gw.example.com\`
: a name as identity, which is not looked up; trailing dots do not count

\`user@example.com\`
: a mailbox as identity

\`C=CA,O=Example,CN=east\`
: a distinguished name, which has no blanks here, and may begin with \`@\`; a value \`*\` stands for any

\`@#0a1b2c\`
: a key id, as hexadecimal digits; \`@~\` and digits for a distinguished name in DER

\`0.0.0.0\`
: a peer without identity; for any peer it must be \`%any\`

An index that cannot be used is named and left out; an entry all of whose indices are wrong is left out as a whole. An
entry without indices is for everybody.

## WHICH ENTRY IS USED

For a host and its peer, of the entries of the kind that is needed the best one, in this order:

- one that names both
- one whose only index is the host
- for RSA, one that names the host among others
- one without indices

Of several that are equally good the first one counts, and the administrator is warned unless their secrets are the
same. A host that answers with a shared string knows of its peer only the address.

## SHARED STRINGS

\`: PSK "..."\` takes what stands between the quotes, byte by byte, without escapes. Bytes that cannot be typed are
written as data: \`0x\` and hexadecimal digits, \`0s\` and base64, or \`0t\` and text up to the end of the line. The kind may be
left out before a string in quotes: \`10.0.0.1 "..."\`, as early versions had it. ipsec_ranbits(8) makes strings that
nobody guesses.

## PASSWORDS

\`USER : XAUTH "..."\` is the password that this host gives to a gateway that asks for one (XAUTH) where the connection, or
\`--xauthname\` of ipsec_auto(8), says that it is USER. The name may have an \`@\` before it, as other programs want it, and
is compared with upper and lower case. Without a name it is the password of any user that has none here. The password is
written as a shared string is. Where there is none, the user is asked. What a gateway compares passwords with is not here
but in /etc/ipsec.d/passwd.

## RSA KEYS

\`: RSA {\` and eight numbers, each with its name before it, as data, in this order:

${RSA_FIELDS.map((name) => `    ${name}: 0x...`).join("\n")}

A \`}\` ends them, indented. ipsec_newhostkey(8) writes such a record, and ipsec_showhostkey(8) prints the public part
for peers. Keys have ${RSA_BITS.least} to ${RSA_BITS.most} bits. The numbers are checked against each other.

## KEY FILES

\`: RSA FILE\` names a file with an RSA private key; after it may stand its passphrase, or \`%prompt\`, which asks for it
where somebody can be asked. A relative name is of a file in /etc/ipsec.d/private. Names and passphrases with blanks stand
in quotes.

Read are PKCS #8 and PKCS #1, in PEM or DER, encrypted or not: what openssl(1) writes today. A certificate may stand in
the same file, before the key. Not read are OpenPGP's and OpenSSH's own forms, and ciphers that openssl calls legacy; the
complaint says how to convert them.

## INCLUDE

\`include FILE\` reads another file in its place, relative to the directory of this one. \`*\`, \`?\` and \`[...]\` in its name
stand for all files that match, in the order of their names; there may be none. Files may be nested ten deep.

## NOT SUPPORTED

Keys on smart cards (\`PIN\`), and keys that Openswan and libreswan keep in an NSS database (\`CKAIDNSS\`): both are
complained of. So are kinds of other programs, such as \`ECDSA\` and \`EAP\`.

## FILES

/etc/ipsec.secrets, /etc/ipsec.d/private; $IPSEC_CONFS is another directory in place of /etc.

## SEE ALSO

ipsec(8), ipsec.conf(5), ipsec_secrets(8), ipsec_newhostkey(8), ipsec_showhostkey(8), ipsec_rsasigkey(8), ipsec_ranbits(8)
`;
}
