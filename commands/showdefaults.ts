/** `ipsec showdefaults` (commands.md §18). */
import { shortInfo } from "../lib/system/default_route_info.ts";
import { errorReason } from "../lib/system/error_reason.ts";
import { setupPaths } from "../lib/system/paths.ts";
import { type Command, type Io, UserError } from "./_command.ts";

const USAGE = "Usage: ipsec showdefaults\n";

function run(args: readonly string[], io: Io): number {
  if (args[0] === "--help") {
    io.stdout(USAGE);
    return 0;
  }
  if (args.length) throw new UserError(USAGE, 2);
  const { info } = setupPaths(io.env);
  const text = read(info);
  if (!text) {
    throw new UserError(`ipsec showdefaults: cannot find defaults file \`${info}'; \`ipsec setup start' makes it`);
  }
  io.stdout(shortInfo(text));
  return 0;
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw new UserError(`ipsec showdefaults: Cannot read ${path}: ${errorReason(error)}`);
  }
}

export const showdefaults: Command = {
  name: "showdefaults",
  summary: "show the default route that start has found",
  usage: () => USAGE,
  manual: `## DESCRIPTION

Shows what \`left=%defaultroute\` stands for: the interface of the default route, the ipsecN that goes with it, its address
and the next hop, where there is one. \`ipsec setup start\` finds them, and they follow the interface when that is lost and
comes back (ipsec_setup(8)). A line \`# no default route\` stands for an interface that was named in \`interfaces=\`.

## FILES

\`ipsec.info\` in /run/ipsec, or $IPSEC_RUNDIR.

## EXIT STATUS

0 success; 1 IPsec has not been started, or with \`interfaces=%none\`; 2 wrong options.

## EXAMPLES

    $ ipsec showdefaults
    routephys=eth1
    routevirt=ipsec0
    routeaddr=192.0.2.45
    routenexthop=192.0.2.254
`,
  run,
};
