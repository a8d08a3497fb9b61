/** What a process may ask of the kernel beyond Deno's own calls: its core files, and the ends of children not its own. */
import { checked, libc } from "./libc.ts";

const RLIMIT_CORE = 4;
const WNOHANG = 1;
const UNLIMITED = 0xffffffffffffffffn;

/** Whether this process, and those that it starts from now on, leave core files. */
export function allowCoreFiles(allowed: boolean): void {
  const limits = new BigUint64Array(2).fill(allowed ? UNLIMITED : 0n); // soft and hard
  const subject = allowed ? "allow core files" : "forbid core files";
  checked(libc().setrlimit(RLIMIT_CORE, new Uint8Array(limits.buffer)), "setrlimit", subject);
}

/** Takes notice of the end of a child that Deno did not start. @returns whether it had ended */
export function reap(pid: number): boolean {
  return libc().waitpid(pid, new Uint8Array(4), WNOHANG) === pid;
}
