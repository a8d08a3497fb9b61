/** `ipsec klips --foreground`: the daemon itself. */
import { SystemError } from "../lib/ffi/libc.ts";
import { KlipsDaemon } from "../lib/system/klips_daemon.ts";
import { makeLog } from "../lib/system/log.ts";
import { UserError } from "./_command.ts";
import { claim, type KlipsPaths, makeDirectory, runningPid } from "./_klips_instance.ts";
import { type KlipsOptions, PROG } from "./_klips_options.ts";

export async function foreground(options: KlipsOptions, at: KlipsPaths): Promise<number> {
  if (await runningPid(at) !== undefined) throw new UserError(`${PROG}: KLIPS is already running`);
  makeDirectory(at);
  using held = await claim(at);
  if (!held) throw new UserError(`${PROG}: KLIPS is already running: another process holds ${at.directory}`);
  const log = makeLog(options.level);
  // The path of a packet is one call tree, which V8 cuts at its default: 7 % of the engine's time (bench/engine_bench.ts).
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=4000");
  try {
    const { crypto, keepaliveSeconds, adopt } = options;
    const daemon = new KlipsDaemon({
      crypto,
      keepaliveSeconds,
      adopt,
      socketPath: at.socket,
      ikeSocketPath: at.ikeSocket,
      log,
    });
    const stopNow = () => daemon.stop();
    Deno.addSignalListener("SIGTERM", stopNow);
    Deno.addSignalListener("SIGINT", stopNow);
    Deno.writeTextFileSync(at.pid, `${Deno.pid}\n`, { mode: 0o600 });
    await daemon.run();
  } catch (error) {
    throw error instanceof SystemError ? new UserError(`${PROG}: ${error.message}`) : error;
  } finally {
    try {
      Deno.removeSync(at.pid);
    } catch {
      // somebody has removed it already
    }
  }
  return 0;
}
