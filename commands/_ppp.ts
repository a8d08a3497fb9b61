/**
 * `ipsec _ppp`: what pppd's hooks call as a link comes up or goes down. The supervisor then looks at all links itself, so
 * that a hook that was missed, or came twice, does no harm.
 */
import { setupPaths } from "../lib/system/paths.ts";
import { askSupervisor } from "../lib/system/setup_control.ts";
import { type Command, type Io, UserError } from "./_command.ts";

const USAGE = "Usage: ipsec _ppp up|down interface device speed local-address remote-address [ipparam]\n";

async function run(args: readonly string[], io: Io): Promise<number> {
  const [event] = args;
  if (event === "--help") {
    io.stdout(USAGE);
    return 0;
  }
  if (event !== "up" && event !== "down") throw new UserError(USAGE, 2);
  const answer = await askSupervisor(setupPaths(io.env).control, { do: "links" });
  if (!answer) return 0; // IPsec has not been started: the link is none of its business
  for (const line of answer.lines) io.stderr(`ipsec _ppp: ${line}\n`);
  return answer.status;
}

export const ppp: Command = {
  name: "_ppp",
  summary: "tell IPsec that a link of pppd has come up or gone down",
  usage: () => USAGE,
  manual: `## DESCRIPTION

Called by the hooks in ip-up.d, ip-down.d, ipv6-up.d and ipv6-down.d of /etc/ppp, with the arguments that pppd(8) gives
them; for IPv6 the addresses are link-local. Where IPsec has been started, its supervisor looks at all links again: an interface that has come back is attached again
(\`ipsec tncfg\`), ipsecN gets its new address, ipsec.info the new default route, and manual connections are taken down and
brought up with them. While the link is away, what is routed into ipsecN is dropped. Nothing is restarted.

The arguments are not looked at beyond the first: the kernel knows better. Other programs that change links may call it
as well.

## EXIT STATUS

0 success, also where IPsec has not been started; 1 with the reason; 2 wrong words.

## EXAMPLES

    ipsec _ppp up ppp0 /dev/ttyS0 115200 192.0.2.7 192.0.2.254
    ipsec _ppp up ppp0 /dev/ttyS0 115200 fe80::7 fe80::1
`,
  run,
};
