/** What a start has left whose processes are gone: all that {@linkcode SetupService.stop} undoes, as far as it is there. */
import { takeDown } from "./manual_conns.ts";
import { endPluto } from "./pluto_process.ts";
import type { SetupDeps } from "./setup_deps.ts";
import { restoreSysctls } from "./sysctl_files.ts";

export async function cleanUp(
  deps: Pick<SetupDeps, "ipsec" | "script" | "say" | "record" | "paths" | "now" | "delay">,
): Promise<void> {
  const { ipsec, say, record, paths } = deps;
  await endPluto(deps, true);
  for (const conn of record.state.manual) await takeDown(conn, deps);
  const { status, lines } = await ipsec(["klips", "--stop"]);
  if (status !== 0) { for (const line of lines) say(line); }
  for (const words of restoreSysctls(record)) say(words);
  record.remove();
  removeFile(paths.info);
  if (paths.subsystemLock) removeFile(paths.subsystemLock);
}

function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
