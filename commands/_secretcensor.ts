/** `ipsec _secretcensor`: ipsec.secrets without its secrets (commands.md §12). */
import { SecretCensor } from "../lib/config/secret_censor.ts";
import type { Command } from "./_command.ts";
import { type Filter, filterUsage, runFilter } from "./_filter.ts";

const FILTER: Filter = {
  name: "_secretcensor",
  start: () => {
    const censor = new SecretCensor();
    return (line) => censor.line(line);
  },
};

export const secretcensor: Command = {
  name: FILTER.name,
  summary: "print ipsec.secrets without its secrets",
  usage: () => filterUsage(FILTER),
  manual: `## DESCRIPTION

\`ipsec _secretcensor\` prints the files, or standard input, without what is secret in them. Of strings and other
preshared keys the first four digits of the MD5 sum are shown, of public keys the key id, and of the numbers of an RSA key
nothing:

    10.0.0.1 10.0.0.2 : PSK "[sums to 1890...]"
    #pubkey=[keyid AQOF8tZ2N]
    PrivateExponent: [...]

Whatever stands behind the colon of a record and is no keyword or file name is hidden, in files with errors as well;
comments may hold old secrets and are treated alike. The files themselves may be readable to others or not: nothing is
checked here, see \`ipsec secrets\`.

The sum of a word that can be guessed tells whether the guess may be right. Keys of \`ipsec ranbits\` cannot be guessed.

## EXIT STATUS

0 success; 1 where a file cannot be read; the others are printed; 2 wrong options.

## EXAMPLES

    ipsec _secretcensor /etc/ipsec.secrets

## SEE ALSO

ipsec__keycensor(8), ipsec_secrets(8)
`,
  run: (args, io) => runFilter(FILTER, args, io),
};
