/** The manual page ipsec.conf(5): what can be said of parameters comes from their table. */
import { IMPLICIT_CONNS } from "../lib/config/implicit_conns.ts";
import { CONN_MEANINGS, SETUP_MEANINGS } from "../lib/config/meanings.ts";
import { ALIASES, FOREIGN, OBSOLETE, type Parameter, PARAMETERS } from "../lib/config/parameters.ts";

/** @param wanted of those that have an effect */
function parameters(section: "setup" | "conn", wanted: (row: Parameter) => boolean): string {
  const meanings = section === "setup" ? SETUP_MEANINGS : CONN_MEANINGS;
  return [...PARAMETERS[section]].filter(([name, row]) => !row.idle && Object.hasOwn(meanings, name) && wanted(row))
    .map(([name, { builtIn, form }]) => {
      const value = builtIn === undefined ? "" : ` (\`${builtIn}\`)`;
      return `\`${name}\`${value}\n: ${meanings[name]}. Value: ${form.says}.\n`;
    }).join("\n");
}

function idle(): string {
  return (["setup", "conn"] as const).flatMap((section) =>
    [...PARAMETERS[section]].flatMap(([name, { idle }]) => idle ? [`\`${name}\`\n: ${idle}\n`] : [])
  ).join("\n");
}

function implicitConns(): string {
  const [first, ...others] = Object.values(IMPLICIT_CONNS);
  const common = Object.keys(first).filter((name) => others.every((other) => other[name] === first[name]));
  const lines = (names: readonly string[], settings: Readonly<Record<string, string>>) =>
    names.map((name) => `        ${name}=${settings[name]}\n`).join("");
  const own = (settings: Readonly<Record<string, string>>) =>
    Object.keys(settings).filter((name) => !common.includes(name));
  const conns = Object.entries(IMPLICIT_CONNS).map(([name, settings]) =>
    `    conn ${name}\n${lines(own(settings), settings)}`
  );
  return `All of them have\n\n${lines(common, first)}\nand besides\n\n${conns.join("\n")}`;
}

/** `lifetime` for `keylife`, by the name that counts. */
function otherNames(): string {
  return Object.entries(ALIASES).map(([alias, name]) => `\`${alias}\` for \`${name}\``).join(", ");
}

function instead(table: typeof OBSOLETE): string {
  return Object.entries(table).map(([name, { instead }]) => `\`${name}\`\n: ${instead}\n`).join("\n");
}

export function ipsecConfPage(): string {
  return `# ipsec.conf

## NAME

ipsec.conf - configuration and connections of IPsec

## DESCRIPTION

The file /etc/ipsec.conf says which interfaces IPsec uses, and describes connections. Secrets are elsewhere, in
ipsec.secrets(5). Without the file everything has its default. \`ipsec conf check\` says what is wrong with it, and
\`ipsec conf show\` what a connection amounts to; see ipsec_conf(8).

    version 2

    config setup
        interfaces=%defaultroute

    conn office
        left=192.0.2.1
        leftsubnet=10.1.0.0/16
        right=198.51.100.1
        rightsubnet=10.2.0.0/16
        auto=add

The first line that says anything is \`version 2\`. A line in the first column, of a type and a name, begins a section:
\`config setup\`, of which there is one, or \`conn NAME\`. Names begin with a letter and have letters, digits, \`.\`, \`_\` and
\`-\`. Indented lines, NAME=VALUE, are the parameters of the section; blanks around the equals sign do not count. Each is
said once in a section. A value with blanks stands in double quotes, and has no double quotes within. An empty value is
as good as none, but keeps away that of \`conn %default\`.

From \`#\` at the start of a word on, a line is a comment. Empty lines do not count. No value continues on another line.
Parameters whose names begin with \`x-\` or \`x_\` are for other programs.

A connection is described alike at both ends: which of left and right is this host is seen from its addresses.

## INCLUDE

\`include FILE\` in the first column reads another file in its place, relative to the directory of this one. \`*\`, \`?\` and
\`[...]\` in its name stand for all files that match, in the order of their names; there may be none. It ends a section.

## ALSO AND DEFAULTS

\`also=NAME\` adds the settings of another connection, \`alsoflip=NAME\` the same with left and right exchanged. Both may be
said several times, and of connections that have them as well. No parameter may come from two places.

\`conn %default\`, before all other connections, has values for those connections that do not have their own, \`also\`
included.

## CONFIG SETUP

The default is in parentheses.

${parameters("setup", () => true)}
## CONNECTIONS

What is said of left holds for right, too: \`rightsubnet\` is the network behind the right end.

${parameters("conn", ({ keying }) => keying === undefined)}
## AUTOMATIC KEYING

Connections with \`auto=add\`, \`route\` or \`start\`. Times are seconds, or have a unit: \`30s\`, \`2.5m\`, \`8h\`, \`1d\`.

${parameters("conn", ({ keying }) => keying === "auto")}
## MANUAL KEYING

Connections with \`auto=manual\`, and those that \`ipsec manual\` names; see ipsec_manual(8). Keys are 0x and hexadecimal
digits, or 0s and base64: whoever can read the file has them, so that it should have mode 600.

${parameters("conn", ({ keying }) => keying === "manual")}
## OTHER NAMES

From earlier and later versions these mean the same: ${otherNames()}.

Accepted, with a warning that they have no effect:

${idle()}
No longer parameters:

${instead(OBSOLETE)}
Parameters of other programs:

${instead(FOREIGN)}
## IMPLICIT CONNECTIONS

These are there unless a connection of the same name is defined; \`conn %default\` does not reach them. A connection that
takes one over with \`also\` may add to it, but its own values for what the implicit one sets do not count, \`auto=add\`,
\`route\` and \`start\` excepted.

${implicitConns()}
The networks of the first five are in files of ipsec.d/policies with their names: one address, name or network a line,
\`#\` before a comment.

## FILES

/etc/ipsec.conf, /etc/ipsec.d/policies; $IPSEC_CONFS is another directory in place of /etc.

## SEE ALSO

ipsec(8), ipsec.secrets(5), ipsec_conf(8), ipsec_manual(8), ipsec_setup(8)
`;
}
