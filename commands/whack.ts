/** `ipsec whack`: one request to pluto, and what pluto says to it (whack.md). */
import { plutoPaths } from "../lib/system/paths.ts";
import { permitUpdowns, updownSocketPath } from "../lib/system/updown_permits.ts";
import { versionCode } from "../lib/system/version.ts";
import { askPluto, WhackFailed } from "../lib/system/whack_client.ts";
import { type Command, type Io, UserError } from "./_command.ts";
import { lookUpName } from "./_name_lookup.ts";
import { toolVersion } from "./_tool_version.ts";
import { WHACK_MANUAL } from "./_whack_manual.ts";
import { WHACK_USAGE } from "./_whack_options.ts";
import { promptLine } from "./_whack_prompt.ts";
import { readWhackWords, type WhackWords } from "./_whack_request.ts";

const usage = () => `${WHACK_USAGE}FreeS/WAN ${versionCode()}\n`;

async function run(args: readonly string[], io: Io): Promise<number> {
  const words = await readWhackWords(args, lookUpName);
  if (words === "help") {
    io.stderr(usage());
    return 0;
  }
  if (words === "version") {
    io.stdout(toolVersion("whack"));
    return 0;
  }
  return await sendWhack(words, io, (line) => io.stdout(`${words.json ? withoutCode(line) : line}\n`));
}

/** Sends what the words say. @param show each line that pluto answers; @returns the exit status */
export async function sendWhack({ request, ctlBase }: WhackWords, io: Io, show: (line: string) => void) {
  const base = ctlBase ?? plutoPaths(io.env).base;
  const path = `${base}.ctl`;
  if (new TextEncoder().encode(path).length > LONGEST_PATH) {
    throw new UserError("whack error: <ctlbase>.ctl must be fit in a sun_addr");
  }
  const { left, right } = request.connection ?? {};
  try {
    await permitUpdowns(updownSocketPath(base), [left?.updown, right?.updown].filter((one) => one !== undefined));
    return await askPluto(path, request, {
      line: show,
      prompt: (hidden) => promptLine(hidden, (text) => io.stderr(text)),
      complain: (text) => io.stderr(`${text}\n`),
    });
  } catch (error) {
    throw error instanceof WhackFailed ? new UserError(error.message) : error;
  }
}

/** Of sun_path, with the NUL that ends it. */
const LONGEST_PATH = 107;

/** JSON comes as comments; programs that read it do not want their code. */
function withoutCode(line: string): string {
  return line.replace(/^000 /, "");
}

export const whack: Command = { name: "whack", summary: "control pluto", usage, manual: WHACK_MANUAL, run };
