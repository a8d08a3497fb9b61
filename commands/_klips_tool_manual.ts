/** What the manual pages of KLIPS's tools have in common. */

export const TOOL_OPTIONS =
  `- \`--label TEXT\`: puts \`--label TEXT\` into the prefix of every message after it, so that a script can tell its commands apart.
- \`--debug\`: prints progress lines on standard output; what is done stays the same.
- \`--optionsfrom FILE\`: reads more options from FILE, as if they stood in its place. Blank lines and lines that start with
  \`#\` are skipped; a line that starts with \`-\` is split at blanks; any other line is one word.
- \`--json\`: prints the listing as JSON. Goes with no other option.
- \`--help\`, \`--version\`: print a text and end.`;

export const TOOL_FILES =
  `The daemon's socket lies in the run-time directory: \`$IPSEC_RUNDIR\`, or \`/run/ipsec\`. Listings come from the daemon over
that socket, in the form that \`/proc/net/ipsec_*\` had.`;
