/** `ipsec klipsdebug`: what the engine logs (klips.md §6, §20). */
import { DEBUG_WORDS, type DebugWord } from "../lib/pfkey/constants.ts";
import { type DebugWords, setDebug } from "../lib/pfkey/requests.ts";
import type { Command } from "./_command.ts";
import { refusalReason } from "./_klips_errors.ts";
import { KLIPSDEBUG_MANUAL } from "./_klipsdebug_manual.ts";
import { type KlipsTool, type OptionRow, runTool } from "./_klips_tool.ts";
import { toolVersion } from "./_tool_version.ts";

const ONES = 0xffffffff;
/** Sent in the `netlink` word: says that the other words are ORed in, not ANDed. */
const OR_BIT = 0x80000000;
const XMIT_BIT = 0x10;
/** A header and the debug extension. */
const MESSAGE_OCTETS = 72;

/** Flags as users write them, with the word and the bits they stand for. */
const FLAGS: Readonly<Record<string, { area: DebugWord; bits: number }>> = {
  tunnel: { area: "tunnel", bits: ONES },
  "tunnel-xmit": { area: "tunnel", bits: XMIT_BIT },
  netlink: { area: "netlink", bits: ONES },
  xform: { area: "xform", bits: ONES },
  eroute: { area: "eroute", bits: ONES },
  spi: { area: "spi", bits: ONES },
  radij: { area: "radij", bits: ONES },
  esp: { area: "esp", bits: ONES },
  ah: { area: "ah", bits: ONES },
  rcv: { area: "rcv", bits: ONES },
  pfkey: { area: "pfkey", bits: ONES },
  comp: { area: "ipcomp", bits: ONES },
  ipcomp: { area: "ipcomp", bits: ONES },
  verbose: { area: "verbose", bits: ONES },
};

/** What `--set` and `--clear` take. */
export const DEBUG_FLAGS: readonly string[] = Object.keys(FLAGS);

const ONE_ACTION = "Only one of '--set', '--clear', '--all' or '--none' options permitted.";

function usage(prog: string): string {
  return `usage: ${prog} {--set|--clear} {tunnel|tunnel-xmit|netlink|xform|eroute|spi|radij|esp|ah|rcv|pfkey|ipcomp|verbose}
       ${prog} {--all|--none}
       ${prog} --help
       ${prog} --version
       ${prog} [ --json ]
        [ --debug ] is optional to any ${prog} command
        [ --label <label> ] is optional to any ${prog} command.
`;
}

function filled(word: number): DebugWords {
  return Object.fromEntries(DEBUG_WORDS.map((area) => [area, word])) as DebugWords;
}

/** Words to OR in; none in the other areas. */
function toSet(changes: Partial<DebugWords>): DebugWords {
  const words = { ...filled(0), ...changes };
  return { ...words, netlink: (words.netlink | OR_BIT) >>> 0 };
}

/** Words to AND with; all ones leave an area as it is. */
function toClear(changes: Partial<DebugWords>): DebugWords {
  const words = { ...filled(ONES), ...changes };
  return { ...words, netlink: (words.netlink & ~OR_BIT) >>> 0 };
}

async function run(tool: KlipsTool, args: readonly string[]): Promise<number> {
  let words: DebugWords | undefined;
  const badOption = () => tool.quit(usage(tool.prog), 1);
  const choose = (chosen: DebugWords): void => {
    if (words) tool.fail(ONE_ACTION);
    words = chosen;
  };
  const flag = (name: string): { area: DebugWord; bits: number } =>
    Object.hasOwn(FLAGS, name) ? FLAGS[name] : badOption();
  const rows: Record<string, OptionRow> = {
    set: {
      argument: true,
      take: (name) => {
        const { area, bits } = flag(name);
        choose(toSet({ [area]: bits }));
      },
    },
    clear: {
      argument: true,
      take: (name) => {
        const { area, bits } = flag(name);
        choose(toClear({ [area]: ~bits >>> 0 }));
      },
    },
    all: { argument: false, take: () => choose(toSet({ ...filled(ONES), verbose: 0 })) },
    none: { argument: false, take: () => choose(toClear(filled(0))) },
    help: { argument: false, take: () => tool.quit(usage(tool.prog), 1) },
    version: { argument: false, take: () => tool.quit(toolVersion("klipsdebug"), 0) },
  };
  if (await tool.scan(args, rows, { badOption })) return await tool.list("klipsdebug");
  if (!words) return badOption();
  const message = setDebug(words);
  const refused = (errno: number) =>
    tool.fail(
      `pfkey write failed, tried to write ${MESSAGE_OCTETS} octets, returning -1 with errno=${errno}.\n` +
        refusalReason(errno),
    );
  await tool.ask((client) => client.request(message), refused);
  return 0;
}

export const klipsdebug: Command = {
  name: "klipsdebug",
  summary: "set KLIPS debug features and level",
  usage: () => usage("ipsec klipsdebug"),
  manual: KLIPSDEBUG_MANUAL,
  run: (args, io) => runTool("klipsdebug", io, (tool) => run(tool, args)),
};
