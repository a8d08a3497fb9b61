/** The `ipsec` commands of a host, run in this process: hundreds of SAs are keyed in the time of a few programs. */
import { findCommand } from "../../commands/_registry.ts";
import type { Io } from "../../commands/_command.ts";
import type { Host } from "../../tools/_net.ts";

/** `ipsec` with the words of a line, on a host whose KLIPS runs; must succeed. @returns what it printed */
export async function ipsecHere(host: Host, words: string): Promise<string> {
  // A single file is to be tested itself.
  if (Deno.env.has("IPSEC_BIN")) return await host.ipsec(words);
  const [name, ...args] = words.split(" ");
  const command = await findCommand(name)!();
  let printed = "", complained = "";
  const env: Record<string, string> = host.env;
  const io: Io = {
    stdout: (text) => void (printed += text),
    stderr: (text) => void (complained += text),
    stdoutIsTerminal: false,
    env: (variable) => env[variable],
  };
  const status = await command.run(args, io);
  if (status !== 0) throw new Error(`\`ipsec ${words}' on ${host.name}: status ${status}: ${complained.trim()}`);
  return printed;
}
