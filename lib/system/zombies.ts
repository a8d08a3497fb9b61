/** The first process of a container or namespace inherits the children of others, and must take notice of their ends. */
import { reap } from "../ffi/process.ts";

/** Reaps what has ended, from now on. @param isOwn whether the runtime itself waits for that child */
export function reapOrphans(isOwn: (pid: number) => boolean): void {
  const all = () => {
    for (const pid of zombiesOf(Deno.pid)) if (!isOwn(pid)) reap(pid);
  };
  Deno.addSignalListener("SIGCHLD", all);
  all();
}

/** Children that have ended and that nobody has asked about (proc(5)). */
export function zombiesOf(parent: number): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [state, parentPid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z" && Number(parentPid) === parent) found.push(Number(name));
    } catch {
      // it has gone meanwhile
    }
  }
  return found;
}
