/** What `ipsec setup` has pluto do, within this process: the same as `ipsec auto` (commands.md §6). */
import { autoScript } from "../lib/config/auto_script.ts";
import type { DescribedConn, KeyedConnsDeps, WhackOutcome } from "../lib/system/keyed_conns.ts";
import { type Io, UserError } from "./_command.ts";
import { connReader } from "./_auto_conn.ts";
import { auto, performAll } from "./auto.ts";

/** @param config of --config; undefined for ipsec.conf */
export function keyingByAuto(config: string | undefined, io: Io): Pick<KeyedConnsDeps, "describe" | "auto"> {
  return {
    describe: () => {
      const read = connReader({ config, include: true }, io);
      return (name) => described(name, read, io);
    },
    auto: (...words) => collected((to) => auto.run(words, to), io),
  };
}

function described(name: string, read: ReturnType<typeof connReader>, io: Io): DescribedConn {
  const { commands, errors, warnings } = read(name, false);
  const complaints = [
    ...warnings.map((text) => `warning in "${name}": ${text}`),
    ...errors.map((text) => `fatal error in "${name}": ${text}`),
  ];
  return {
    text: commands && autoScript(commands, ""),
    define: async (replace) => {
      const outcome = commands
        ? await collected((to) => performAll(replace ? read(name, true).commands! : commands, {}, to), io)
        : { status: 1, lines: [] };
      return { ...outcome, lines: [...complaints, ...outcome.lines] };
    },
  };
}

/** What a command says, line by line, and how it ends. */
async function collected(act: (to: Io) => Promise<number> | number, io: Io): Promise<WhackOutcome> {
  let said = "";
  const say = (text: string) => void (said += text);
  const lines = () => said.split("\n").filter(Boolean);
  try {
    const status = await act({ ...io, stdout: say, stderr: say, stdoutIsTerminal: false });
    return { status, lines: lines() };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(error.message);
    return { status: error.status, lines: lines() };
  }
}
