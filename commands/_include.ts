/** `ipsec _include`: files with what they include in place, for scripts (commands.md §10). */
import { formatIncluded } from "../lib/config/include_text.ts";
import { readLines } from "../lib/config/lines.ts";
import { confDirectory } from "../lib/system/paths.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { configFiles } from "./_config_files.ts";
import { toolVersion } from "./_tool_version.ts";

const PROG = "ipsec _include";
const USAGE = `Usage: ${PROG} file ...\n`;
const NO_SECRETS_YET = "Your secrets file will be created when you start FreeS/WAN for the first time.";

function run(args: readonly string[], io: Io): number {
  const words = [...args];
  while (words[0]?.startsWith("-")) {
    const option = words.shift();
    if (option === "--") break;
    if (option === "--help") io.stdout(USAGE);
    else if (option === "--version") io.stdout(toolVersion("_include"));
    else if (option === "--inband") continue; // the only way there is
    else throw new UserError(`${PROG}: unknown option \`${option}'`, 2);
    return 0;
  }
  if (words.length === 0) throw new UserError(USAGE.trimEnd(), 2);
  const unreadable = words.find((file) => typeof configFiles.read(file) === "string");
  if (unreadable !== undefined) {
    io.stdout(explain(unreadable, confDirectory(io.env)));
    return 1;
  }
  const lines = words.flatMap((file) => readLines(file, configFiles).lines);
  io.stdout(formatIncluded(lines));
  return lines.some(({ kind }) => kind === "fault") ? 1 : 0;
}

/** Without ipsec.conf nothing is configured, which is no error to speak of. */
function explain(file: string, directory: string): string {
  if (file === `${directory}/ipsec.conf`) return "";
  const error = `#:cannot open configuration file \\'${file}\\'\n`;
  return file === `${directory}/ipsec.secrets` ? `${error}#:${NO_SECRETS_YET}\n` : error;
}

export const includeCommand: Command = {
  name: "_include",
  summary: "print configuration files with what they include",
  usage: () => USAGE,
  manual: `## DESCRIPTION

\`ipsec _include\` prints each file, and in place of its \`include\` lines the files that these name. It is there for scripts
written for FreeS/WAN. Marks, which are comments of ipsec.conf, say where the lines are from: \`#< FILE 1\` where a file
begins, \`#> FILE LINE\` where one goes on after an include, and \`#:TEXT\` for an error. An empty line stands before each of
the first two, so that an include ends a section.

Lines of a file that begin with \`#<\`, \`#>\` or \`#:\` are left out.

## OPTIONS

\`--inband\`
: accepted; marks and errors are always part of the output

\`--help\`, \`--version\`
: what they say

## EXIT STATUS

0 success; 1 where a file cannot be read, or an error is part of the output; 2 wrong options.

## EXAMPLES

    ipsec _include /etc/ipsec.conf | grep -v '^#'
`,
  run,
};
