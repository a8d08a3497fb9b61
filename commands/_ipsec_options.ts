/** `ipsec` without a subcommand: the hint, the list of commands, versions and places (commands.md §2). */
import { listedNames, SUMMARIES } from "./_registry.ts";
import { versionCode } from "../lib/system/version.ts";
import type { Io } from "./_command.ts";

const HINT = `Usage: ipsec command argument ...
Use --help for list of commands, or see the ipsec(8) manual page
for names of the common ones.
Most have their own manual pages, e.g. ipsec_eroute(8),
and all of them explain themselves: ipsec COMMAND --help
`;

const COPYRIGHT = `oneswan: the FreeS/WAN family of IPsec tools as one executable.
Copyright the oneswan contributors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this software except in compliance with the License.
You may obtain a copy of the License at

    https://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
`;

/** Where programs of FreeS/WAN looked, and what those that we start still find in their environment. */
const PLACES: readonly [name: string, fallback: string][] = [
  ["IPSEC_CONFS", "/etc"],
  ["IPSEC_EXECDIR", "/usr/local/libexec/ipsec"],
  ["IPSEC_LIBDIR", "/usr/local/lib/ipsec"],
];

function place(io: Io, wanted: string): string {
  const fallback = PLACES.find(([name]) => name === wanted)?.[1] ?? "";
  return io.env(wanted) ?? fallback;
}

function help(io: Io): string {
  const row = (name: string) => io.stdoutIsTerminal ? `\t${name.padEnd(14)}${SUMMARIES[name]}` : `\t${name}`;
  return `Usage: ipsec command argument ...
where command is one of:
${listedNames().map(row).join("\n")}

Most of these have their own manual pages, e.g. ipsec_eroute(8).
All of them explain themselves: ipsec COMMAND --help
`;
}

/**
 * The version of this program, and that of the KLIPS that runs where it is another one or none.
 *
 * @returns for example "0.1.0" or "U0.1.0/K(no kernel code presently loaded)"
 */
async function fullVersion(io: Io): Promise<string> {
  const user = versionCode();
  const klips = await runningVersion(io);
  return klips === user ? user : `U${user}/K${klips ?? "(no kernel code presently loaded)"}`;
}

async function runningVersion(io: Io): Promise<string | undefined> {
  const { pfkeySocketPath } = await import("../lib/system/paths.ts");
  const path = pfkeySocketPath(io.env);
  try {
    Deno.lstatSync(path);
    const { PfkeyClient } = await import("../lib/pfkey/client.ts");
    const client = await PfkeyClient.connect(path);
    try {
      return (await client.readProc("version")).trim().split(/\s+/).at(-1);
    } finally {
      client.close();
    }
  } catch {
    return undefined; // no socket, one that a daemon left behind, or one that is not ours to open
  }
}

async function programFacts(): Promise<string> {
  const { selfCommand, selfKind } = await import("../lib/system/self.ts");
  const kind = {
    checkout: () => `source checkout ${selfCommand().at(-1)}`,
    compile: () => "single file, compiled",
    extract: () => "single file, self-extracting",
  }[selfKind()]();
  return `oneswan ${versionCode()}: ${kind}, Deno ${Deno.version.deno}, V8 ${Deno.version.v8}\n`;
}

async function cryptoFacts(): Promise<string> {
  try {
    const { chooseProvider } = await import("../lib/ffi/choose_provider.ts");
    return `crypto: ${chooseProvider().description}\n`;
  } catch (error) {
    return `crypto: none can be used: ${(error as Error).message}\n`;
  }
}

async function version(io: Io): Promise<string> {
  return `Linux FreeS/WAN ${await fullVersion(io)}\nSee \`ipsec --copyright' for copyright information.\n` +
    await programFacts() + await cryptoFacts();
}

/** What the first word says when it is no command. */
export const IPSEC_OPTIONS: Readonly<Record<string, (io: Io) => string | Promise<string>>> = {
  "": () => HINT,
  "--help": help,
  "--version": version,
  version,
  "--versioncode": async (io) => `${await fullVersion(io)}\n`,
  "--copyright": () => COPYRIGHT,
  "--directory": (io) => `${place(io, "IPSEC_LIBDIR")}\n`,
  "--confdir": (io) => `${place(io, "IPSEC_CONFS")}\n`,
};
