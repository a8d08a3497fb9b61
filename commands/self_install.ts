/**
 * `ipsec self-install`: puts the single file where FreeS/WAN had its command, with a wrapper for each subcommand where old
 * scripts call it by its path, and manual pages. A manifest names what was put there, so that nothing else is touched.
 */
import { accessSync, constants } from "node:fs";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { parseArgs } from "node:util";
import { errorReason } from "../lib/system/error_reason.ts";
import { singleFile } from "../lib/system/self.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { EXAMPLES, initScript, KEY_FOLDERS, PPP_HOOKS, pppHook, quoted, systemdUnit } from "./_install_files.ts";
import { allPages } from "./_ipsec_manual.ts";
import { listedNames } from "./_registry.ts";

const PROG = "ipsec self-install";
const USAGE = `Usage: ipsec self-install [--prefix DIR] [--uninstall]
       ipsec self-install --help
`;
const MANIFEST = "share/oneswan/manifest";
const EXECUTABLE = "sbin/ipsec";

/** Prefixes of the system itself, whose configuration is in /etc. */
const SYSTEM_PREFIXES = ["/usr", "/usr/local"];
const ETC = "/etc";

/** A file to be installed: its path below the prefix or in /etc, its mode, and how its content gets to a path. */
interface Item {
  /** Absolute in /etc. */
  readonly path: string;
  readonly mode: number;
  put(to: string): void;
}

function textItem(path: string, mode: number, text: string): Item {
  return { path, mode, put: (to) => Deno.writeTextFileSync(to, text, { createNew: true }) };
}

/** Where a file of the host's configuration is: /etc, or what stands for it below another prefix. */
function etcPath(prefix: string, name: string): string {
  return SYSTEM_PREFIXES.includes(prefix) ? join(ETC, name) : join("etc", name);
}

/** An absolute path, or one below the prefix. */
function placeOf(prefix: string, path: string): string {
  return isAbsolute(path) ? path : join(prefix, path);
}

function startItems(prefix: string): Item[] {
  const ipsec = join(prefix, EXECUTABLE);
  return [
    textItem("lib/systemd/system/ipsec.service", 0o644, systemdUnit(ipsec)),
    textItem(etcPath(prefix, "init.d/ipsec"), 0o755, initScript(ipsec)),
    ...PPP_HOOKS.map(({ folder, event }) =>
      textItem(etcPath(prefix, `ppp/${folder}/oneswan`), 0o755, pppHook(ipsec, event))
    ),
  ];
}

/** Those that are not there: what an administrator has is never touched. */
function exampleItems(prefix: string): Item[] {
  return Object.entries(EXAMPLES)
    .map(([name, text]) => textItem(etcPath(prefix, name), 0o644, text))
    .filter(({ path }) => !exists(placeOf(prefix, path)));
}

/** A line of the manifest for a folder that was made; it goes when it is empty. */
function folderLine(prefix: string, path: string): string {
  return `${etcPath(prefix, path)}/`;
}

async function items(source: string, prefix: string): Promise<Item[]> {
  const all: Item[] = [{ path: EXECUTABLE, mode: 0o755, put: (to) => Deno.copyFileSync(source, to) }];
  for (const name of listedNames()) {
    const wrapper = `#!/bin/sh\nexec ${quoted(join(prefix, EXECUTABLE))} ${name} "$@"\n`;
    all.push(textItem(`libexec/ipsec/${name}`, 0o755, wrapper));
  }
  all.push(...startItems(prefix));
  for (const [name, page] of await allPages()) {
    all.push(textItem(`share/man/man${name.at(-1)}/${name}`, 0o644, page));
  }
  return all;
}

/** A file in the place of a folder: what should lie below it is not there either. */
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** @returns paths below the prefix, only such as stay below it, and those in /etc that are ours to install */
function readManifest(prefix: string): string[] {
  const inEtc = [
    ...startItems(prefix).map(({ path }) => path),
    ...KEY_FOLDERS.map(({ path }) => folderLine(prefix, path)),
  ].filter(isAbsolute);
  try {
    return Deno.readTextFileSync(join(prefix, MANIFEST)).split("\n")
      .filter((path) => isAbsolute(path) ? inEtc.includes(path) : path && !normalize(path).startsWith(".."));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** What has been done so far and is undone, newest first, when a later step fails. */
class Undo {
  readonly #steps: (() => void)[] = [];

  did(undo: () => void): void {
    this.#steps.push(undo);
  }

  all(): void {
    for (const undo of this.#steps.reverse()) {
      try {
        undo();
      } catch {
        // gone already, or no longer empty
      }
    }
  }
}

function makeFolders(folder: string, undo: Undo, mode = 0o755): void {
  if (exists(folder)) return;
  makeFolders(dirname(folder), undo);
  Deno.mkdirSync(folder, { mode });
  undo.did(() => Deno.removeSync(folder));
}

/** Everything is written beside its place first; the renames that make it visible come last. */
async function install(prefix: string, io: Io): Promise<void> {
  const source = singleFile();
  if (!source) {
    throw new UserError(
      `${PROG}: Cannot install a source checkout; make the single file with \`deno task build', then ` +
        "run: dist/ipsec self-install",
    );
  }
  const files = await items(source, prefix);
  const ours = new Set(readManifest(prefix));
  for (const { path } of files) {
    if (exists(placeOf(prefix, path)) && !ours.has(path)) {
      throw new UserError(
        `${PROG}: ${placeOf(prefix, path)} belongs to another program; nothing was changed. Remove that ` +
          "program, or choose another place with --prefix",
      );
    }
  }
  const newFolders = KEY_FOLDERS.filter(({ path }) => !exists(placeOf(prefix, etcPath(prefix, path))));
  const left = [
    ...new Set([...ours, ...files.map((item) => item.path), ...newFolders.map(({ path }) => folderLine(prefix, path))]),
  ];
  const manifest = textItem(MANIFEST, 0o644, left.map((path) => `${path}\n`).join(""));
  const undo = new Undo();
  const staged: [from: string, to: string][] = [];
  try {
    for (const { path, mode } of newFolders) makeFolders(placeOf(prefix, etcPath(prefix, path)), undo, mode);
    for (const item of [manifest, ...files, ...exampleItems(prefix)]) {
      const to = placeOf(prefix, item.path);
      const from = `${to}.new-${Deno.pid}`;
      makeFolders(dirname(to), undo);
      undo.did(() => Deno.removeSync(from));
      item.put(from);
      Deno.chmodSync(from, item.mode);
      staged.push([from, to]);
    }
  } catch (error) {
    undo.all();
    throw new UserError(`${PROG}: Cannot install below ${prefix}: ${errorReason(error)}; nothing was changed`, 1, {
      cause: error,
    });
  }
  for (const [from, to] of staged) Deno.renameSync(from, to);
  const commands = listedNames().length;
  io.stdout(
    `installed ${join(prefix, EXECUTABLE)}, ${commands} commands in ${join(prefix, "libexec/ipsec")}, ` +
      `manual pages, and what starts it with the system; to remove them: ipsec self-install --uninstall` +
      `${prefix === "/usr/local" ? "" : ` --prefix ${prefix}`}\n`,
  );
}

/** What an administrator has written into one makes it theirs. */
function untouchedExamples(prefix: string): string[] {
  return Object.entries(EXAMPLES).map(([name, text]) => ({ path: etcPath(prefix, name), text }))
    .filter(({ path, text }) => exists(placeOf(prefix, path)) && Deno.readTextFileSync(placeOf(prefix, path)) === text)
    .map(({ path }) => path);
}

function uninstall(prefix: string, io: Io): void {
  const listed = readManifest(prefix).filter((path) => exists(placeOf(prefix, path)));
  const paths = listed.filter((path) => !path.endsWith("/"));
  if (!exists(join(prefix, MANIFEST))) throw new UserError(`${PROG}: nothing of oneswan is installed below ${prefix}`);
  const all = [...paths, ...untouchedExamples(prefix), MANIFEST];
  const folders = [...new Set(all.map(dirname))];
  for (const folder of folders) {
    try {
      accessSync(placeOf(prefix, folder), constants.W_OK);
    } catch (error) {
      throw new UserError(
        `${PROG}: Cannot remove files from ${placeOf(prefix, folder)}: ${errorReason(error)}; nothing was changed`,
      );
    }
  }
  for (const path of all) Deno.removeSync(placeOf(prefix, path));
  // the other folders are shared with other programs
  const own = ["share/oneswan", "libexec/ipsec", etcPath(prefix, "ipsec.d/policies")];
  const made = listed.filter((path) => path.endsWith("/"));
  for (const folder of [...folders.filter((one) => own.includes(one)), ...made]) {
    try {
      Deno.removeSync(placeOf(prefix, folder));
    } catch {
      // somebody else's files are in it
    }
  }
  io.stdout(`removed ${paths.length} files from ${prefix}\n`);
}

export const selfInstall: Command = {
  name: "self-install",
  summary: "install this file as the ipsec command, or remove it",
  usage: () => USAGE,
  manual: `## DESCRIPTION

Copies the single file that is running to \`PREFIX/sbin/ipsec\`. Old scripts call subcommands by their paths: each gets a
wrapper in \`PREFIX/libexec/ipsec\`. Manual pages go to \`PREFIX/share/man\`, named ipsec(8),
ipsec_NAME(8), ipsec.conf(5) and ipsec.secrets(5). The list of all files is kept in \`PREFIX/share/oneswan/manifest\`.

So that IPsec starts with the system there are a unit for systemd, \`PREFIX/lib/systemd/system/ipsec.service\`, and a
script for other init systems, \`/etc/init.d/ipsec\`; neither is enabled by itself. Hooks in \`/etc/ppp/ip-up.d\`,
\`ip-down.d\`, \`ipv6-up.d\` and \`ipv6-down.d\` let IPsec follow pppd's links. An example of \`/etc/ipsec.conf\` and policy groups in
\`/etc/ipsec.d/policies\` are put where there are none, and folders for certificates and private keys made in
\`/etc/ipsec.d\`. With another prefix than /usr and /usr/local, \`PREFIX/etc\` takes
the place of /etc.

Either everything is installed or nothing is changed. Files of other programs are never replaced. Running it again with
a newer file updates the installation; daemons that run go on with the version that they were started from.

## OPTIONS

\`--prefix DIR\`
: install below DIR, an absolute path; without it /usr/local

\`--uninstall\`
: remove what an installation has put there, and nothing else: an example that has been changed stays

## FILES

The self-extracting form of the single file unpacks itself once into /var/cache/oneswan (root) or
~/.cache/oneswan, or the folder named by $IPSEC_CACHEDIR. It may be removed while no ipsec command runs.

## EXIT STATUS

0 success; 1 not possible, with the reason, and nothing changed; 2 wrong options.

## EXAMPLES

    dist/ipsec self-install
    systemctl enable --now ipsec
    ipsec self-install --uninstall
`,
  async run(args, io) {
    let options;
    try {
      options = parseArgs({
        args: [...args],
        options: { prefix: { type: "string" }, uninstall: { type: "boolean" }, help: { type: "boolean" } },
      }).values;
    } catch (error) {
      throw new UserError(`${PROG}: ${(error as Error).message}\n${USAGE}`, 2);
    }
    if (options.help) {
      io.stdout(USAGE);
      return 0;
    }
    const prefix = options.prefix ?? "/usr/local";
    if (!isAbsolute(prefix)) throw new UserError(`${PROG}: --prefix must be an absolute path: it is "${prefix}"`, 2);
    if (options.uninstall) uninstall(normalize(prefix), io);
    else await install(normalize(prefix), io);
    return 0;
  },
};
