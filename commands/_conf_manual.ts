/** Body of the manual page of `ipsec conf`. */
export const CONF_MANUAL = `## DESCRIPTION

\`ipsec conf check\` reads ipsec.conf, and the files that it includes, and prints everything that is wrong with them: file and
line, what is wrong, and for a mistyped name the one that was probably meant. It looks at all connections, used or not, and
changes nothing. Connections that are keyed by hand (\`auto=manual\`, \`manualstart\`) must also be what \`ipsec manual --up\`
takes, and the policy groups in ipsec.d/policies beside the file are read as well. Warnings are about what works and may
not be meant, and about certificates, directories and programs that are named and not there.

\`ipsec conf show\` prints the settings that hold for one connection, or with \`--setup\` those of \`config setup\`, and where
each comes from: a line of a file, the line of another connection that is taken over by \`also\`, \`conn %default\`, or what is
built in. What it prints is a section of ipsec.conf. Keys of connections keyed by hand are not shown. Complaints about that
connection go to standard error.

## OPTIONS

\`FILE\`, \`--config FILE\`
: the file to read in place of /etc/ipsec.conf; it may be a pipe

\`--setup\`
: with show, the settings of \`config setup\`

\`--secrets\`
: with show, print keys, too

\`--json\`
: print JSON

## FILES

/etc/ipsec.conf, or ipsec.conf in the directory $IPSEC_CONFS. Where there is none, only the implicit connections exist.

## EXIT STATUS

0 success; 1 where something is wrong with the file, for show with what is shown; 2 wrong options.

## EXAMPLES

    ipsec conf check
    ipsec conf check /tmp/new.conf && install -m 600 /tmp/new.conf /etc/ipsec.conf
    generate-configuration | ipsec conf check /dev/stdin
    ipsec conf show office
    ipsec conf show --setup --json

## SEE ALSO

ipsec.conf(5), ipsec_manual(8), ipsec_setup(8)
`;
