/** `ipsec _pluto_helper`: the process beside pluto; pluto starts it. */
import { parseArgs } from "node:util";
import { piecesOf } from "../lib/system/json_lines.ts";
import { servePluto } from "../lib/system/pluto_helper.ts";
import { forgetSmallHeap } from "../lib/system/small_heap.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { writeLine, writeLogLine } from "./_process_io.ts";

const USAGE = "Usage: ipsec _pluto_helper --ctlbase PATH --pid N --perpeerlogbase DIR\n";

async function run(args: readonly string[], io: Io): Promise<number> {
  if (args[0] === "--help") {
    io.stdout(USAGE);
    return 0;
  }
  const { ctlbase, pid, perpeerlogbase } = read(args);
  if (ctlbase === undefined || perpeerlogbase === undefined || !/^\d+$/.test(pid ?? "")) throw new UserError(USAGE, 2);
  forgetSmallHeap();
  // It ends after pluto, whoever is told to end.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) Deno.addSignalListener(signal, () => {});
  await servePluto(
    {
      ctlBase: ctlbase,
      pid: Number(pid),
      peerLogBase: perpeerlogbase,
      logWithoutSyslog: writeLogLine,
    },
    piecesOf(Deno.stdin),
    // Short, and pluto always reads: a stream would give each to a thread of its own.
    (value) => writeLine(Deno.stdout, JSON.stringify(value)),
  );
  return 0;
}

function read(args: readonly string[]) {
  const value = { type: "string" } as const;
  try {
    return parseArgs({ args: [...args], options: { ctlbase: value, pid: value, perpeerlogbase: value } }).values;
  } catch {
    throw new UserError(USAGE, 2);
  }
}

export const plutoHelper: Command = {
  name: "_pluto_helper",
  summary: "run updown commands and write logs for pluto",
  usage: () => USAGE,
  manual: `## DESCRIPTION

Pluto starts this process and speaks to it over its standard input and output: it runs updown commands, writes to syslog
and the logs of peers, and when pluto ends removes pluto's files. Where there is no syslog daemon, pluto's lines go to standard error;
ipsec_setup(8) keeps them in /run/ipsec/pluto.log, up to 8 megabytes. It runs the built-in updown command, and any other only
where ipsec_whack(8) or ipsec_auto(8) has said that a connection has it.

## SEE ALSO

ipsec_pluto(8), ipsec__updown(8)
`,
  run,
};
