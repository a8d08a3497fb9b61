/** pluto as the supervisor sees it: a process with a lock that names it, a control socket, and a status when it ends. */
import { plutoListens } from "./whack_client.ts";
import type { SetupConfiguration } from "./setup_settings.ts";
import type { SetupDeps } from "./setup_deps.ts";
import { runningPluto } from "./pluto_lock.ts";
import { PLUTO_HEAP } from "./small_heap.ts";
import { describeEnding, type Ending, type ProcessRow, type Verdict } from "./supervisor.ts";

/** Of the row in the table of processes, and its key in what status asks for. */
export const PLUTO = "pluto";

const PATIENCE_MS = 10_000;
const POLL_MS = 20;
/** Statuses that have a sentence of their own (pluto.md §1.5). */
const LAST_WORDS: Readonly<Record<number, string | undefined>> = {
  0: undefined,
  10: "pluto apparently already running (?!?), giving up",
};

type Deps = Pick<SetupDeps, "daemon" | "paths" | "logsToStderr">;

/**
 * @param configuration that holds when it is started
 * @param restarted after each start but the first
 */
export function plutoRow(
  deps: Deps,
  configuration: () => SetupConfiguration,
  restarted: () => Promise<void>,
): ProcessRow {
  const settings = () => configuration().settings;
  return {
    title: PLUTO,
    get words() {
      return deps.daemon(PLUTO, "--nofork", ...settings().plutoWords, ...(deps.logsToStderr ? ["--stderrlog"] : []));
    },
    get output() {
      return settings().plutoStderrLog ?? (deps.logsToStderr ? undefined : deps.paths.plutoLog);
    },
    heap: PLUTO_HEAP,
    isReady: async (pid) => runningPluto(deps.paths.plutoPid) === pid && await plutoListens(deps.paths.plutoSocket),
    restarted,
    judge: (ending) => judgeEnding(ending, settings().plutoRestarts),
  };
}

/** Whether it is started again, and what is said. */
export function judgeEnding(ending: Ending, restarts: boolean): Verdict {
  const { status } = ending;
  if (status !== null && Object.hasOwn(LAST_WORDS, status)) {
    const words = LAST_WORDS[status];
    return { again: false, lines: words ? [words] : [] };
  }
  const failure = `!pluto failure!:  ${
    status === null ? describeEnding(ending) : `exited with error status ${status}`
  }`;
  return restarts
    ? { again: true, lines: [failure, "restarting IPsec after pause..."] }
    : { again: false, lines: [failure] };
}

/**
 * Ends a pluto that nobody watches any more. Orderly it takes its routes back; at once, where its interfaces are to stay as
 * they are.
 */
export async function endPluto(deps: Pick<SetupDeps, "paths" | "now" | "delay">, orderly: boolean): Promise<void> {
  const pid = runningPluto(deps.paths.plutoPid);
  if (pid === undefined) return;
  for (const signal of orderly ? ["SIGTERM", "SIGKILL"] as const : ["SIGKILL"] as const) {
    try {
      Deno.kill(pid, signal);
    } catch {
      return; // it has ended, or is not ours to end
    }
    for (const deadline = deps.now() + PATIENCE_MS; deps.now() < deadline;) {
      if (runningPluto(deps.paths.plutoPid) !== pid) return;
      await deps.delay(POLL_MS);
    }
  }
}
