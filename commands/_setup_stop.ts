/** `ipsec setup stop` (commands.md §3.3): tells the supervisor to undo all and end, or does it where there is none. */
import { setupPaths } from "../lib/system/paths.ts";
import { runningPluto } from "../lib/system/pluto_lock.ts";
import { wasStartedWith } from "../lib/system/process_words.ts";
import { Programs, shellWords } from "../lib/system/programs.ts";
import { selfCommand } from "../lib/system/self.ts";
import { cleanUp } from "../lib/system/setup_clean_up.ts";
import { askSupervisor } from "../lib/system/setup_control.ts";
import { holderOf } from "../lib/system/setup_lock.ts";
import { SetupRecord } from "../lib/system/setup_state.ts";
import type { Io } from "./_command.ts";
import { type Lines, tagged } from "./_setup_lines.ts";

const STOPPING = "Stopping FreeS/WAN IPsec...";

/** Manual conns are taken down one by one, and their updown commands may take their time. */
const PATIENCE_MS = 120_000;
const POLL_MS = 25;

export async function stop(lines: Lines, io: Io): Promise<number> {
  const at = setupPaths(io.env);
  const pid = await holderOf(at.lock);
  const asked = pid !== undefined && (await askSupervisor(at.control, { do: "stop" })) !== undefined;
  if (asked) {
    io.stdout(tagged(STOPPING)); // the supervisor tells syslog
    if (await isFree(at.lock)) return 0;
  } else lines.say(STOPPING);
  if (pid === undefined) {
    lines.say("stop ordered, but IPsec does not appear to be running!");
    lines.say("doing cleanup anyway...");
  } else if (wasStartedWith(pid, "setup")) {
    lines.say(`process ${pid} does not end: killed`);
    Deno.kill(pid, "SIGKILL");
  } else {
    lines.say(`the supervisor does not end; it is not a process of this namespace (${pid} there)`);
    return 1;
  }
  const programs = new Programs();
  const self = selfCommand();
  await cleanUp({
    say: (text) => lines.say(text),
    ipsec: (words) => programs.run([...self, ...words]),
    script: (commands) => programs.run(shellWords(commands, self)),
    record: SetupRecord.open(at.state),
    paths: at,
    now: () => performance.now(),
    delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  for (const path of [at.lock, at.control]) {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  lines.note("...FreeS/WAN IPsec stopped");
  return 1;
}

/** What {@linkcode stop} comes to, as commands. */
export function stopCommands(io: Io): string[] {
  const at = setupPaths(io.env);
  const { manual, sysctls } = SetupRecord.open(at.state).state;
  return [
    ...(runningPluto(at.plutoPid) === undefined ? [] : ["ipsec whack --shutdown"]),
    ...manual.map(({ name }) => `ipsec manual --down ${name}`),
    "ipsec klips --stop",
    ...sysctls.toReversed().map(({ name, was }) => `echo ${was} > /proc/sys/${name}`),
    `rm -f ${at.info} ${at.lock}`,
  ];
}

async function isFree(lock: string): Promise<boolean> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline;) {
    if (await holderOf(lock) === undefined) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return false;
}
