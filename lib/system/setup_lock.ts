/**
 * The lock that says IPsec has been started: `ipsec_setup.pid` with the process id of its supervisor. What counts is who
 * holds the file's lock, not that the file is there: a process that was killed holds none, and its number may be another's.
 */
import { wasStartedWith } from "./process_words.ts";

const TRIES = 20;
const PAUSE_MS = 25;
/** Of `ipsec setup`. */
const SUPERVISOR_WORD = "setup";

export class SetupLock implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /** @returns undefined where another process has it */
  static async take(path: string): Promise<SetupLock | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o644 });
      if (await file.tryLock(true) && isSame(path, file)) {
        await file.truncate();
        await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
        return new SetupLock(path, file);
      }
      file.close();
      if (await isTaken(path)) return undefined;
      await pause(); // somebody only looked, or just let go of it
    }
    return undefined;
  }

  /** Removes the file, and with it the lock. */
  [Symbol.dispose](): void {
    try {
      if (isSame(this.#path, this.#file)) Deno.removeSync(this.#path);
    } finally {
      this.#file.close();
    }
  }
}

/** Whether a process holds the lock that lives: one that was killed may take a moment to let go of it. */
export async function isTaken(path: string): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    const holder = await holderOf(path);
    if (holder === undefined) return false;
    if (wasStartedWith(holder, SUPERVISOR_WORD)) return true;
    await pause();
  }
  return true; // in a pid namespace of its own it has another number
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** @returns the process that holds the lock, 0 where it has not written its number; undefined where none does */
export async function holderOf(path: string): Promise<number | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    if (await file.tryLock(false)) return undefined;
    return Number(await new Response(file.readable).text()) || 0;
  } finally {
    try {
      file.close();
    } catch {
      // reading to its end has closed it
    }
  }
}

/** Whether a file that was opened still lies at its path. */
function isSame(path: string, file: Deno.FsFile): boolean {
  try {
    return Deno.statSync(path).ino === file.statSync().ino;
  } catch {
    return false;
  }
}
