/** `ipsec barf`: everything that helps to find what is wrong, on one page, without secrets (commands.md §13). */
import { hostname } from "node:os";
import { PfkeyClient } from "../lib/pfkey/client.ts";
import { errorReason } from "../lib/system/error_reason.ts";
import { confDirectory, pfkeySocketPath, setupPaths } from "../lib/system/paths.ts";
import { ctime } from "../lib/text/date.ts";
import { BARF_MANUAL } from "./_barf_manual.ts";
import { barfSections, type Places, type Section, type Source } from "./_barf_sections.ts";
import { excerpt, LOG_KINDS, type LogFile, type LogKind, unableToFind } from "./_barf_logs.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { IPSEC_OPTIONS } from "./_ipsec_options.ts";
import { findCommand } from "./_registry.ts";
import { toolVersion } from "./_tool_version.ts";

const USAGE = "Usage: ipsec barf [--short | --help | --version]\n";
const LINE = "_".repeat(25);
/** A listing that never ends is cut. */
const PROGRAM_LIMIT_MS = 20_000;

async function run(args: readonly string[], io: Io): Promise<number> {
  const [option, ...more] = args;
  if (more.length || option !== undefined && !["--short", "--help", "--version"].includes(option)) {
    throw new UserError(USAGE, 2);
  }
  if (option === "--help" || option === "--version") {
    io.stdout(option === "--help" ? USAGE : toolVersion("barf"));
    return 0;
  }
  const places = placesOf(io);
  const logs = Object.entries(LOG_KINDS).map(([heading, kind]) => ({ heading, ...findLogs(kind, places, io) }));
  for (const { kind, files } of logs) if (files.length === 0) io.stdout(`${unableToFind(kind)}\n`);
  io.stdout(`${hostname()}\n${ctime(new Date())}\n`);
  const page = new Page(io);
  for (const section of barfSections(places)) await page.section(section);
  for (const { heading, kind, files } of logs) page.logs(heading, kind, files, option === "--short");
  io.stdout(`+ ${LINE} date\n+ date\n${ctime(new Date())}\n`);
  return 0;
}

function placesOf(io: Io): Places {
  const folder = confDirectory(io.env);
  const policies = `${folder}/ipsec.d/policies`;
  return {
    conf: `${folder}/ipsec.conf`,
    secrets: `${folder}/ipsec.secrets`,
    policies,
    groups: namesIn(policies),
    logs: io.env("LOGS") || "/var/log",
    interfaces: namesIn("/proc/sys/net/ipv4/conf"),
  };
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** One of syslog's files is enough; our own are shown in any case. */
function findLogs(kind: LogKind, { logs }: Places, io: Io): { kind: LogKind; files: (LogFile & { isOwn: boolean })[] } {
  const { directory } = setupPaths(io.env);
  const own = kind.own.map((name) => read(`${directory}/${name}`)).filter((file) => file !== undefined);
  const named = kind.names.map((name) => read(`${logs}/${name}`)).filter((file) => file !== undefined);
  const others = named.filter((file) => excerpt(file, kind, false, false).length).slice(0, 1);
  return {
    kind,
    files: [...own.map((file) => ({ ...file, isOwn: true })), ...others.map((file) => ({ ...file, isOwn: false }))],
  };
}

function read(path: string): LogFile | undefined {
  try {
    return { path, text: Deno.readTextFileSync(path) };
  } catch {
    return undefined;
  }
}

/** What each kind of source is in the words of a shell, and its text. */
class Page {
  readonly #io: Io;

  constructor(io: Io) {
    this.#io = io;
  }

  async section({ heading, source }: Section): Promise<void> {
    this.#io.stdout(`+ ${LINE} ${heading}\n+ ${shellOf(source)}\n`);
    const text = await this.#textOf(source);
    this.#io.stdout(text === "" || text.endsWith("\n") ? text : `${text}\n`);
  }

  logs(heading: string, kind: LogKind, files: readonly (LogFile & { isOwn: boolean })[], isShort: boolean): void {
    this.#io.stdout(`+ ${LINE} ${heading}\n`);
    for (const file of files) {
      this.#io.stdout(`+ cat ${file.path}\n`);
      for (const line of excerpt(file, kind, file.isOwn, isShort)) this.#io.stdout(`${line}\n`);
    }
  }

  async #textOf(source: Source): Promise<string> {
    switch (source.kind) {
      case "ipsec":
        return await this.#ipsec(source.words);
      case "censored":
        return await this.#censored(source.file, source.by);
      case "klips":
        return await this.#klips([source.path], (text) => source.isSorted ? byFourthField(text) : text);
      case "klips folder":
        return await this.#klips(source.names, named, source.folder);
      case "file":
        return fileText(source.path);
      case "files":
        return source.paths.map((path) => named(fileText(path), path)).join("");
      case "program":
        return await programText(source.words);
      case "folder":
        return namesIn(source.path).map((name) => `${name}\n`).join("");
      case "processes":
        return processTable(source.wanted);
    }
  }

  async #ipsec([word, ...rest]: readonly string[]): Promise<string> {
    if (Object.hasOwn(IPSEC_OPTIONS, word)) return await IPSEC_OPTIONS[word](this.#io);
    const command = findCommand(word);
    if (!command) return `ipsec: unknown IPsec command \`${word}'\n`;
    let text = "";
    const collect = (more: string) => void (text += more);
    try {
      await (await command()).run(rest, { ...this.#quiet(), stdout: collect, stderr: collect });
    } catch (error) {
      collect(error instanceof Error ? `${error.message}\n` : `${error}\n`);
    }
    return text;
  }

  #quiet(): Pick<Io, "stdoutIsTerminal" | "stderrIsTerminal" | "env"> {
    return { stdoutIsTerminal: false, stderrIsTerminal: false, env: (name) => this.#io.env(name) };
  }

  /** The censor reads files: what they include goes into one that only we can read. */
  async #censored(file: string, by: "_keycensor" | "_secretcensor"): Promise<string> {
    const text = await this.#ipsec(["_include", file]);
    const copy = Deno.makeTempFileSync({ prefix: "ipsec-barf-" });
    try {
      Deno.chmodSync(copy, 0o600);
      Deno.writeTextFileSync(copy, text);
      return await this.#ipsec([by, copy]);
    } finally {
      Deno.removeSync(copy);
    }
  }

  async #klips(names: readonly string[], show: (text: string, name: string) => string, folder = ""): Promise<string> {
    let client: PfkeyClient | undefined;
    try {
      client = await PfkeyClient.connect(pfkeySocketPath(this.#io.env));
      let shown = "";
      for (const name of names) shown += show(await client.readProc(folder + name), name);
      return shown;
    } catch (error) {
      return `${errorReason(error)}\n`;
    } finally {
      client?.close();
    }
  }
}

type Kind = Source["kind"];

const SHELL: { readonly [K in Kind]: (source: Extract<Source, { readonly kind: K }>) => string } = {
  ipsec: ({ words }) => `ipsec ${words.join(" ")}`,
  censored: ({ file, by }) => `ipsec _include ${file} | ipsec ${by}`,
  klips: ({ path, isSorted }) => `cat /proc/net/ipsec_${path.replace("/all", "")}${isSorted ? " | sort -sg +3" : ""}`,
  "klips folder": ({ folder }) => `grep ^ /proc/${folder || "net/pf_key_"}*`,
  file: ({ path }) => `cat ${path}`,
  files: ({ pattern }) => `grep ^ ${pattern}`,
  program: ({ words }) => words.join(" "),
  folder: ({ path }) => `ls ${path}`,
  processes: ({ wanted }) => `ps ax | grep -E '${wanted.source}'`,
};

function shellOf(source: Source): string {
  return (SHELL[source.kind] as (source: Source) => string)(source);
}

function named(text: string, name: string): string {
  return text.split("\n").filter(Boolean).map((line) => `${name}:${line}\n`).join("");
}

function byFourthField(text: string): string {
  const lines = text.split("\n").filter(Boolean);
  const field = (line: string) => line.trim().split(/\s+/)[3] ?? "";
  return lines.toSorted((a, b) => field(a) < field(b) ? -1 : field(a) > field(b) ? 1 : 0).map((line) => `${line}\n`)
    .join("");
}

function fileText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    return `cat: ${path}: ${errorReason(error)}\n`;
  }
}

async function programText([program, ...args]: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { LC_ALL: "C" },
      signal: AbortSignal.timeout(PROGRAM_LIMIT_MS),
    }).output();
    const decoder = new TextDecoder();
    return decoder.decode(stdout) + decoder.decode(stderr);
  } catch (error) {
    return `${program}: ${error instanceof Deno.errors.NotFound ? "command not found" : errorReason(error)}\n`;
  }
}

/** Arguments of ours hold no secrets. */
function processTable(wanted: RegExp): string {
  const lines = ["  PID COMMAND"];
  for (const pid of namesIn("/proc").filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b)) {
    try {
      const command = Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
      if (wanted.test(command)) lines.push(`${String(pid).padStart(5)} ${command}`);
    } catch {
      // it has ended
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}

export const barf: Command = {
  name: "barf",
  summary: "spew out collected IPsec debugging information",
  usage: () => USAGE,
  manual: BARF_MANUAL,
  run,
};
