/** Manual page body of `ipsec rsasigkey`. */
export const RSASIGKEY_MANUAL = `## DESCRIPTION

\`ipsec rsasigkey\` makes a new RSA key for signatures and prints it, public and private parts, on standard output, in
the form that stands between the braces of a record in \`ipsec.secrets\`. \`ipsec newhostkey\` does that and writes the
braces and the file as well; it is what most administrators want.

*nbits* is the length of the modulus: a multiple of 16 from 512 to 8192. Fewer than 2048 bits protect nothing today.
FreeS/WAN, Openswan and old libreswan read up to 4096 bits. The public exponent is 3. The modulus has exactly *nbits*
bits.

With \`--oldkey\` the primes are taken from earlier output and everything else is computed anew.

The output is secret, apart from what stands above the line that says so: keep it in files with mode 600.

## OPTIONS

Options may be shortened as long as they stay unambiguous, and may follow *nbits*.

- \`--verbose\`: tells on standard error what is done. Without it a terminal shows how many numbers were looked at.
- \`--random DEVICE\`: where the searches for the two primes start: *nbits*/16 bytes for each are read there. Without it
  they come from the kernel's random number generator by way of the run time's cryptographic one.
- \`--rounds N\`: rounds of the test for primes, 30 unless given, and 1000 at most.
- \`--hostname HOST\`: name in the comment on top, which \`ipsec showhostkey\` uses; this host's name unless given.
- \`--noopt\`: computes the private exponent modulo (p-1)(q-1) instead of their least common multiple.
- \`--oldkey FILE\`: earlier output; \`-\` is standard input.
- \`--help\`, \`--version\`: print a text and end.

## EXIT STATUS

0 on success, and after \`--help\` and \`--version\`; 1 where the key cannot be made; 2 for a wrong command line.

## EXAMPLES

A key of 3072 bits:

    umask 077
    ipsec rsasigkey --hostname west.example.com 3072 >west.key

## SEE ALSO

ipsec_newhostkey(8), ipsec_showhostkey(8)
`;
