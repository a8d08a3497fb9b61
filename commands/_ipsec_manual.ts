/** The manual page of `ipsec` itself, and the pages of all commands. */
import type { Command } from "./_command.ts";
import { ipsecConfPage } from "./_ipsec_conf_page.ts";
import { ipsecSecretsPage } from "./_ipsec_secrets_page.ts";
import { roffPage, roffText } from "./_manual_page.ts";
import { COMMANDS, listedNames, SUMMARIES } from "./_registry.ts";

const USAGE = `ipsec COMMAND ARGUMENT ...
ipsec --help | --version | --versioncode | --copyright | --directory | --confdir
`;

function list(): string {
  return listedNames().map((name) => `- \`ipsec ${name}\`: ${SUMMARIES[name]}`).join("\n");
}

function manual(): string {
  return `## DESCRIPTION

\`ipsec\` runs the tools of oneswan: IPsec as FreeS/WAN had it, with its packet engine KLIPS in user space. COMMAND is one of
those below; each has a manual page of its own, ipsec_COMMAND(8), and explains itself: \`ipsec COMMAND --help\`.

A tunnel that is keyed by hand needs, in this order: \`klips --start\`, \`tncfg\` to attach a virtual interface to a physical
one, \`spi\` and \`spigrp\` for the Security Associations, \`eroute\` for what goes through them, and a route of the host into the
virtual interface. README.md shows one from beginning to end.

## COMMANDS

${list()}

## OPTIONS

- \`--help\`: lists the commands.
- \`--version\`: the version of this program, that of a running KLIPS where it is another one, what this file is and what it
  takes its cryptography from.
- \`--versioncode\`: the versions alone.
- \`--copyright\`: whose it is, and on which terms it may be used.
- \`--directory\`, \`--confdir\`: where old scripts look for programs and for configuration.

## ENVIRONMENT

- \`IPSEC_RUNDIR\`: the run-time directory in place of /run/ipsec: socket, process id and log of KLIPS. One for each network
  namespace lets several KLIPS run on one machine.
- \`IPSEC_CONFS\`: the configuration directory in place of /etc.
- \`IPSEC_CACHEDIR\`: where the self-extracting form of this file unpacks itself, in place of /var/cache/oneswan (root) or
  ~/.cache/oneswan.
- \`IPSEC_DEBUG\`: where it is set, internal errors are shown with their stack.

## EXIT STATUS

That of the command; 1 for an unknown command or option; 70 for an internal error, which is a defect: please report it.

## SEE ALSO

${listedNames().map((name) => `ipsec_${name}(8)`).join(", ")}, ipsec.conf(5), ipsec.secrets(5)
`;
}

function ipsec(): Command {
  return {
    name: "ipsec",
    summary: "invoke IPsec utilities",
    usage: () => USAGE,
    manual: manual(),
    run: () => 0,
  };
}

/** @returns the pages as roff, by the names of their files; internal commands have theirs, for who replaces them */
export async function allPages(): Promise<Map<string, string>> {
  const pages = new Map([
    ["ipsec.8", roffPage(ipsec())],
    ["ipsec.conf.5", roffText("IPSEC.CONF 5", ipsecConfPage())],
    ["ipsec.secrets.5", roffText("IPSEC.SECRETS 5", ipsecSecretsPage())],
  ]);
  for (const name of Object.keys(COMMANDS)) pages.set(`ipsec_${name}.8`, roffPage(await COMMANDS[name]()));
  return pages;
}
