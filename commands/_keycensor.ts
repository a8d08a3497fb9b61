/** `ipsec _keycensor`: ipsec.conf without its keys (commands.md §12). */
import { censorKey } from "../lib/config/key_censor.ts";
import type { Command } from "./_command.ts";
import { type Filter, filterUsage, runFilter } from "./_filter.ts";

const FILTER: Filter = { name: "_keycensor", start: () => (line) => censorKey(line) };

export const keycensor: Command = {
  name: FILTER.name,
  summary: "print ipsec.conf without its keys",
  usage: () => filterUsage(FILTER),
  manual: `## DESCRIPTION

\`ipsec _keycensor\` prints the files, or standard input, with the values of \`leftrsasigkey=\`, \`espenckey=\`,
\`espauthkey=\`, \`ahkey=\` and their like replaced, comments with such parameters included. Of a public key in base64 its
key id is shown, of any other value the first four digits of its MD5 sum: two hosts that ought to have the same key can
still be compared. Values that begin with \`%\` are no keys and stay.

    leftrsasigkey=[keyid AQNzGEFs1]
    espenckey=[sums to 2fb7...]

The sum of a word that can be guessed tells whether the guess may be right. Keys of \`ipsec ranbits\` cannot be guessed.

## EXIT STATUS

0 success; 1 where a file cannot be read; the others are printed; 2 wrong options.

## EXAMPLES

    ipsec _include /etc/ipsec.conf | ipsec _keycensor

## SEE ALSO

ipsec__secretcensor(8), ipsec__include(8)
`,
  run: (args, io) => runFilter(FILTER, args, io),
};
