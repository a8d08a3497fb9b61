/** `ipsec spigrp`: links SAs into a chain, or dissolves one (klips.md §4). Its words have fixed places: no getopt. */
import { groupSas, ungroupSa } from "../lib/pfkey/requests.ts";
import type { Family } from "../lib/text/address.ts";
import { readNumber } from "../lib/text/c_number.ts";
import { SA_PROTOCOLS, type SaId } from "../lib/text/sa_id.ts";
import type { Command } from "./_command.ts";
import { readAddress, readSaId } from "./_forms.ts";
import { type Meanings, refusalReason } from "./_klips_errors.ts";
import { Exit, type KlipsTool, runTool } from "./_klips_tool.ts";
import { SPIGRP_MANUAL } from "./_spigrp_manual.ts";
import { toolVersion } from "./_tool_version.ts";

const MOST_SAS = 4;
const WORDS_PER_SA = 4;
const MEANINGS: Meanings = {
  ENOENT: "SA does not exist.  Cannot group.",
  ESRCH: "SA does not exist.  Cannot group.",
  EEXIST: "SA already in use.  Delete old one first.",
};

function usage(prog: string): string {
  const sa = (n: number) => `af${n} dst${n} spi${n} proto${n}`;
  return `usage: Note: position of options and arguments is important!
usage: ${prog} [ --debug ] [ --label <label> ] ${sa(1)} [ ${sa(2)} [ ${sa(3)} [ ${sa(4)} ] ] ]
usage: ${prog} [ --debug ] [ --label <label> ] --said <SA1> [ <SA2> [ <SA3> [ <SA4> ] ] ]
usage: ${prog} --help
usage: ${prog} --version
usage: ${prog} [ --json ]
        [ --debug ] is optional to any ${prog} command.
        [ --label <label> ] is optional to any ${prog} command.
`;
}

function wrongCount(tool: KlipsTool, text: string): never {
  tool.io.stderr(`${text}\n${usage(tool.prog)}`);
  throw new Exit(1);
}

async function saidWords(tool: KlipsTool, words: readonly string[]): Promise<SaId[]> {
  if (words.length === 0) return wrongCount(tool, `expecting 3 or more args with --said, got ${words.length + 2}.`);
  if (words.length > MOST_SAS) tool.fail(`A chain has at most ${MOST_SAS} SAs: ${words.length} were given.`);
  const ids: SaId[] = [];
  for (const word of words) {
    const said = await readSaId(word);
    if (!said.ok) return tool.fail(`Error, ${said.error} converting --sa argument:${word}`);
    ids.push(said.value);
  }
  return ids;
}

async function positionalWords(tool: KlipsTool, words: readonly string[]): Promise<SaId[]> {
  if (words.length % WORDS_PER_SA !== 0 || words.length > MOST_SAS * WORDS_PER_SA) {
    return wrongCount(tool, `expecting 5 or more args without --said, got ${words.length + 1}.`);
  }
  const ids: SaId[] = [];
  for (let at = 0; at < words.length; at += WORDS_PER_SA) {
    const [family, address, spiText, protocolText] = words.slice(at, at + WORDS_PER_SA);
    if (!isProtocol(protocolText)) return tool.fail(`Badly formed proto: ${protocolText}`);
    const spi = readNumber(spiText);
    if (spi === undefined || spi < 0 || spi > 0xffffffff) return tool.fail(`Badly formed spi: ${spiText}`);
    if (!isFamily(family)) return tool.fail(`Address family ${family} not supported`);
    const destination = await readAddress(address, family);
    if (!destination.ok) {
      return tool.fail(`Error, ${destination.error} converting ${ids.length}th address argument:${address}`);
    }
    ids.push({ protocol: SA_PROTOCOLS[protocolText], spi, destination: destination.value });
  }
  return ids;
}

function isProtocol(text: string): text is "ah" | "esp" | "tun" | "comp" {
  return ["ah", "esp", "tun", "comp"].includes(text);
}

function isFamily(text: string): text is Family {
  return text === "inet" || text === "inet6";
}

async function run(tool: KlipsTool, args: readonly string[]): Promise<number> {
  const words = [...args];
  if (words[0] === "--debug") {
    words.shift();
    tool.debug = true;
  }
  if (words[0] === "--label") {
    if (words.length < 2) tool.fail("--label option requires an argument.");
    tool.label(words[1]);
    words.splice(0, 2);
  }
  if (words[0] === "--help") tool.quit(usage(tool.prog), 1);
  if (words[0] === "--version") {
    tool.io.stderr(toolVersion("spigrp"));
    return 1;
  }
  tool.json = words.length === 1 && words[0] === "--json";
  if (words.length === 0 || tool.json) return await tool.list("spigrp/all");

  const ids = words[0] === "--said" ? await saidWords(tool, words.slice(1)) : await positionalWords(tool, words);
  const messages = ids.length === 1 ? [ungroupSa(ids[0])] : ids.slice(1).map((id, i) => groupSas(ids[i], id));
  const refused = (errno: number) =>
    tool.fail(`pfkey write failed, returning -1 with errno=${errno}.\n${refusalReason(errno, MEANINGS)}`);
  await tool.ask(async (client) => {
    for (const message of messages) await client.request(message);
  }, refused);
  return 0;
}

export const spigrp: Command = {
  name: "spigrp",
  summary: "group and ungroup IPSEC Security Associations",
  usage: () => usage("ipsec spigrp"),
  manual: SPIGRP_MANUAL,
  run: (args, io) => runTool("spigrp", io, (tool) => run(tool, args)),
};
