/** `ipsec _updown`: what pluto and `ipsec manual` call as connections come and go (commands.md §11). */
import { builtinUpdown } from "../lib/system/builtin_updown.ts";
import { versionCode } from "../lib/system/version.ts";
import type { Command, Io } from "./_command.ts";
import { UPDOWN_MANUAL } from "./_updown_manual.ts";

const USAGE = "Usage: PLUTO_VERB=verb ... ipsec _updown [ipfwadm | custom word ...]\n";

function run(args: readonly string[], io: Io): number {
  if (args[0] === "--help") {
    io.stdout(USAGE);
    return 0;
  }
  if (args[0] === "--version") {
    io.stdout(`ipsec _updown ${versionCode()}\n`);
    return 0;
  }
  const { status, lines } = builtinUpdown(args, io.env);
  for (const line of lines) io.stderr(`${line}\n`);
  return status;
}

export const updown: Command = {
  name: "_updown",
  summary: "set routes and the firewall for a connection",
  usage: () => USAGE,
  manual: UPDOWN_MANUAL,
  run,
};
