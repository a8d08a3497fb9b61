/** `ipsec _confread`: ipsec.conf for scripts, in the output of FreeS/WAN (commands.md §9). */
import { confread, type ConfreadAnswer, type ConfreadRequest, formatFields } from "../lib/config/confread.ts";
import { confDirectory } from "../lib/system/paths.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { configFiles } from "./_config_files.ts";

const PROG = "ipsec _confread";

const USAGE = `Usage: ipsec _confread [--config FILE] [--noinclude] [--type conn|config] [--varprefix PREFIX]
                       [--export] [--optional] [--search PARAM] NAME_OR_VALUE...
`;

interface Request extends Omit<ConfreadRequest, "file"> {
  readonly file?: string;
  readonly varprefix?: string;
}

/** Options come first; the first word that is none ends them, as does `--`. */
function parse(args: readonly string[]): Request {
  const rest = [...args];
  const value = (option: string) => {
    const word = rest.shift();
    if (word === undefined) throw new UserError(`${PROG}: ${option} needs a value\n${USAGE.trimEnd()}`, 2);
    return word;
  };
  const found: { -readonly [K in keyof Request]: Request[K] } = {
    type: "conn",
    include: true,
    optional: false,
    names: [],
  };
  const options: Readonly<Record<string, (option: string) => void>> = {
    "--config": (option) => found.file = value(option),
    "--noinclude": () => found.include = false,
    "--type": (option) => found.type = sectionType(value(option)),
    "--varprefix": (option) => found.varprefix = value(option),
    "--export": () => {}, // variables are exported in any case, as they were
    "--optional": () => found.optional = true,
    "--search": (option) => found.search = value(option),
  };
  while (rest[0]?.startsWith("-")) {
    const option = rest.shift()!;
    if (option === "--") break;
    if (!Object.hasOwn(options, option)) throw new UserError(`${PROG}: unknown option \`${option}'`, 2);
    options[option](option);
  }
  return { ...found, names: rest };
}

function sectionType(word: string): "conn" | "config" {
  if (word === "conn" || word === "config") return word;
  throw new UserError(`${PROG}: --type must be conn or config: it is "${word}"`, 2);
}

/** Plain text between double quotes of sh(1): what the shell makes of it is the value itself. */
function quote(text: string): string {
  return `"${text.replace(/[$`\\"]/g, "\\$&")}"`;
}

function variables({ records, status }: ConfreadAnswer, prefix: string, search: boolean): string {
  const names = records.filter(({ kind }) => kind === "section").map(({ name }) => name).join(" ");
  const rows: [name: string, value: string][] = search
    ? [["_confreadnames", names]]
    : records.map((record) =>
      record.kind === "section" ? ["_confreadsection", record.name] : [record.name, record.value]
    );
  return [...rows, ["_confreadstatus", status]]
    .map(([name, value]) => `${prefix}${name}=${quote(value)}\nexport ${prefix}${name}\n`).join("");
}

function run(args: readonly string[], io: Io): number {
  if (args[0] === "--help") {
    io.stdout(USAGE);
    return 0;
  }
  const { file: named, varprefix, ...request } = parse(args);
  const file = named ?? `${confDirectory(io.env)}/ipsec.conf`;
  const absent = named === undefined && typeof configFiles.read(file) === "string";
  const nothing = { read: () => ({ text: "", identity: file }), list: () => [] };
  const answer = confread({ ...request, file }, absent ? nothing : configFiles);
  io.stdout(
    varprefix === undefined ? formatFields(answer) : variables(answer, varprefix, request.search !== undefined),
  );
  return answer.exit;
}

export const confreadCommand: Command = {
  name: "_confread",
  summary: "read ipsec.conf for a script",
  usage: () => USAGE,
  manual: `## DESCRIPTION

\`ipsec _confread\` prints the parameters of the sections NAME of ipsec.conf, with what they take over by \`also\` and from
\`conn %default\`. With \`--search\` it prints the names of the sections whose parameter PARAM has one of the VALUEs. It is there
for scripts written for FreeS/WAN; \`ipsec conf show\` says more.

Each line has three fields with a tab between them: \`=\` and a section's name; \`:\`, a parameter's name and its value; \`!\` and
the status, which is empty for success, else the first thing that is wrong. The last line is the status.

## OPTIONS

\`--config FILE\`
: another file than /etc/ipsec.conf, which must exist

\`--noinclude\`
: do not follow \`include\`

\`--type conn\`, \`--type config\`
: the type of the sections; \`conn\` without this option

\`--varprefix PREFIX\`
: print assignments to exported variables of sh(1): PREFIX and the parameter's name

\`--export\`
: accepted; variables are always exported

\`--optional\`
: a section that is not there is no error

\`--search PARAM\`
: search for sections by the value of a parameter, as a rule \`auto\`

## EXIT STATUS

0 success, and errors that were found at the end of the file; 1 an error found while reading; 2 wrong options.

## EXAMPLES

    ipsec _confread --search auto add route start
    eval "$(ipsec _confread --type config --varprefix IPSEC --optional setup)"
`,
  run,
};
