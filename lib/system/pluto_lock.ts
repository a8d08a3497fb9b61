/**
 * CTLBASE.pid, which says that a pluto runs (pluto.md §1.2): created exclusively, read-only, with the process id. One that a
 * killed pluto has left is taken over; FreeS/WAN's made people remove it.
 */
import { wasStartedWith } from "./process_words.ts";

const TRIES = 3;

/** @returns whether it is ours now; false where a pluto runs. Throws where it cannot be written. */
export function takePlutoLock(path: string, pid = Deno.pid): boolean {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      Deno.writeTextFileSync(path, `${pid}\n`, { createNew: true, mode: 0o444 });
      return true;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    if (runningPluto(path) !== undefined) return false;
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return false;
}

/** @returns its process id; undefined where none runs that the file names */
export function runningPluto(path: string): number | undefined {
  try {
    const pid = Number(Deno.readTextFileSync(path));
    return pid > 0 && wasStartedWith(pid, "pluto") ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Where it is still ours. */
export function dropPlutoLock(path: string, pid = Deno.pid): void {
  try {
    if (Number(Deno.readTextFileSync(path)) === pid) Deno.removeSync(path);
  } catch {
    // it has gone already
  }
}
