/**
 * A command that goes on in the background. Deno cannot fork, so the program is started again with the same words, as
 * the leader of a session of its own; it says over file descriptor 3 when it is ready, and only then the first one ends.
 */
import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { selfCommand } from "../lib/system/self.ts";
import type { Environment } from "../lib/system/paths.ts";

/** Tells the process in the background that it is the one. */
const MARK = "IPSEC_IN_BACKGROUND";
const READY_FD = 3;

export function inBackground(env: Environment): boolean {
  return env(MARK) === "1";
}

/**
 * Starts the command, whose output goes where ours goes.
 *
 * @param env set for it beside what we have ourselves
 * @returns 0 once it is ready, or its exit status where it ends before
 */
export function startInBackground(words: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const [program, ...rest] = selfCommand();
  const child = spawn(program, [...rest, ...words], {
    detached: true,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    env: { ...Deno.env.toObject(), ...env, [MARK]: "1" },
  });
  const readiness = child.stdio[READY_FD] as Socket;
  return new Promise<number>((resolve, reject) => {
    readiness.on("data", () => resolve(0));
    child.on("exit", (code) => resolve(code ?? 1));
    child.on("error", reject);
  }).finally(() => {
    child.unref();
    readiness.destroy();
  });
}

/** Lets the process that started us end. */
export function reportReady(): Promise<void> {
  return new Promise((resolve) => {
    const readiness = new Socket({ fd: READY_FD });
    readiness.on("error", () => resolve()); // nobody waits
    readiness.on("close", () => resolve());
    readiness.end("ready\n", () => readiness.destroy());
  });
}
