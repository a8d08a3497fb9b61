/** Whether a process is the one that a file of ours names: numbers are used again, and mean others in a pid namespace. */

/** @param word one of those that it was started with. A process that has ended, if only to a zombie, has none */
export function wasStartedWith(pid: number, word: string): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").includes(word);
  } catch {
    return false;
  }
}
