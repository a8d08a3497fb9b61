/** `ipsec auto`: connections with automatic keying, by whack's requests to pluto (commands.md §7, whack.md §12). */
import { argumentsOf, type AutoCommand, autoScript, failingScript } from "../lib/config/auto_script.ts";
import { versionCode } from "../lib/system/version.ts";
import { connReader } from "./_auto_conn.ts";
import { knownConns, type WrittenGroup, writtenGroups } from "./_auto_groups.ts";
import { parseKeyList } from "./_auto_lists.ts";
import { AUTO_MANUAL } from "./_auto_manual.ts";
import { AUTO_USAGE, type AutoOptions, OPERATIONS, readAutoOptions } from "./_auto_options.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { lookUpName } from "./_name_lookup.ts";
import { readWhackWords } from "./_whack_request.ts";
import { sendWhack } from "./whack.ts";

const PROG = "ipsec auto";
const USAGE_STATUS = 2;

async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readAutoOptions(args);
  if (options === "help" || options === "version") {
    io.stdout(options === "help" ? AUTO_USAGE : `${PROG} ${versionCode()}\n`);
    return 0;
  }
  if (options === "usage") throw new UserError(AUTO_USAGE, USAGE_STATUS);
  if ("unknown" in options) throw new UserError(`${PROG}: unknown option \`${options.unknown}'`, USAGE_STATUS);
  if (options.obsolete) io.stderr(`${PROG}: warning: obsolete command syntax used\n`);
  const { operation } = options;
  if (operation === "add" || operation === "replace") return await define(options, io);
  if (operation === "rereadgroups" && !options.showOnly) return await rereadGroups(options, io);
  const words = OPERATIONS[operation].whack.map((word) => fillIn(word, options));
  if (options.user !== undefined) words.push("--xauthname", options.user);
  if (options.showOnly) {
    io.stdout(`ipsec whack ${words.join(" ")}\n`);
    return 0;
  }
  return await perform([...words.filter(Boolean), ...(options.json && operation === "status" ? ["--json"] : [])], {
    ...options,
    lists: operation.startsWith("list"),
  }, io);
}

function fillIn(word: string, { name, asynchronous, utc }: AutoOptions): string {
  switch (word) {
    case "NAME":
      return name;
    case "ASYNC":
      return asynchronous ? "--asynchronous" : "";
    case "UTC":
      return utc ? "--utc" : "";
    default:
      return word;
  }
}

async function define(options: AutoOptions, io: Io): Promise<number> {
  const { name, operation, showOnly } = options;
  const { commands, errors, warnings } = connReader(options, io)(name, operation === "replace");
  for (const warning of warnings) io.stderr(`ipsec_auto: warning in "${name}": ${warning}\n`);
  for (const error of errors) io.stderr(`ipsec_auto: fatal error in "${name}": ${error}\n`);
  const path = io.env("PATH") ?? "";
  if (!commands) {
    if (showOnly) io.stdout(failingScript(path, errors));
    return 1;
  }
  if (showOnly) {
    io.stdout(autoScript(commands, path));
    return 0;
  }
  return await performAll(commands, options, io);
}

/**
 * As at start: what ipsec.conf has gained is made known, all files are read, and what is new is routed.
 *
 * @returns the status of the first that failed
 */
async function rereadGroups(options: AutoOptions, io: Io): Promise<number> {
  const statuses: number[] = [];
  const groups = await newGroups(options, io);
  const added = [];
  for (const group of groups) {
    const status = await define({ ...options, name: group.name, operation: "add" }, io);
    statuses.push(status);
    if (status === 0) added.push(group);
  }
  statuses.push(await perform(["--listen"], options, io));
  for (const { name, isRouted } of added) {
    if (isRouted) statuses.push(await perform(["--name", name, "--route"], options, io));
  }
  return statuses.find((status) => status !== 0) ?? 0;
}

/** pluto is asked only where ipsec.conf has groups of its own. */
async function newGroups(options: AutoOptions, io: Io): Promise<WrittenGroup[]> {
  const groups = writtenGroups(options, io);
  if (!groups.length) return [];
  let status = "";
  await perform(["--status"], {}, { ...io, stdout: (text) => void (status += text) });
  const known = knownConns(status.split("\n"));
  return groups.filter(({ name }) => !known.has(name));
}

/** Ends with the first that fails. @returns its status */
export async function performAll(commands: readonly AutoCommand[], options: PerformOptions, io: Io): Promise<number> {
  for (const command of commands) {
    const status = await perform(argumentsOf(command), options, io);
    if (status !== 0) return status;
  }
  return 0;
}

export interface PerformOptions {
  readonly show?: boolean;
  /** Lines of the log as well, which have the code 002. */
  readonly verbose?: boolean;
  readonly json?: boolean;
  /** The answer is a report of public keys. */
  readonly lists?: boolean;
}

/** One command of whack, within this process. */
export async function perform(words: readonly string[], options: PerformOptions, io: Io): Promise<number> {
  if (options.show) io.stderr(`+ ipsec whack ${words.join(" ")}\n`);
  const read = await readWhackWords(words, lookUpName);
  if (typeof read === "string") throw new UserError(AUTO_USAGE, USAGE_STATUS); // a connection of the name --help
  const reported: string[] = [];
  const status = await sendWhack(read, io, (line) => {
    if (options.json && line.startsWith("000")) reported.push(line);
    else if (options.verbose || !/^002( |$)/.test(line)) io.stdout(`${line}\n`);
  });
  if (options.json) io.stdout(asJson(reported, options.lists ?? false));
  return status;
}

function asJson(lines: readonly string[], lists: boolean): string {
  if (lists) return `${JSON.stringify(parseKeyList(lines), null, 2)}\n`;
  return lines.map((line) => `${line.slice("000 ".length)}\n`).join("");
}

export const auto: Command = {
  name: "auto",
  summary: "control automatically-keyed IPsec connections",
  usage: () => AUTO_USAGE,
  manual: AUTO_MANUAL,
  run,
};
