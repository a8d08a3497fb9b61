/** Manual page body of `ipsec ranbits`. */
export const RANBITS_MANUAL = `## DESCRIPTION

\`ipsec ranbits\` prints *nbits* random bits, fit for a key, as one line that \`ipsec spi\` and the key parameters of
\`ipsec.conf\` read as they stand: \`0x\`, then hexadecimal digits in lower case, with an underscore after every eight of
them. A count of bits that does not fill its last byte is rounded up to whole bytes. The most is 20000 bits.

The bits come from the kernel's random number generator, by way of the run time's cryptographic one. Neither gives
anything before the kernel has gathered enough randomness after boot, and neither waits later.

## OPTIONS

Options may be shortened as long as they stay unambiguous, and may follow *nbits*.

- \`--quick\`: accepted for old scripts. It asked for \`/dev/urandom\` in place of \`/dev/random\`, which could wait for
  minutes; what is used now is as good as the one and as fast as the other.
- \`--continuous\`: leaves out the underscores.
- \`--bytes\`: *nbits* is a number of bytes.
- \`--help\`, \`--version\`: print a text and end.

## EXIT STATUS

0 on success, and after \`--help\` and \`--version\`; 1 where *nbits* is no number, not positive, or too large; 2 for an unknown
option, and where there is not exactly one *nbits*.

## EXAMPLES

A key for AES with 128 bits:

    ipsec ranbits 128

Keys for a manual connection, in a file that only its owner can read:

    umask 077
    { echo "--enckey $(ipsec ranbits 256)"; echo "--authkey $(ipsec ranbits 256)"; } >/etc/ipsec.d/west.keys

Ten bytes, without underscores:

    ipsec ranbits --continuous --bytes 10

## SEE ALSO

ipsec_spi(8), random(4)
`;
