/** What a program of another maker says, and waiting for it. */
import { until } from "../../tools/_net.ts";

export interface Speaker {
  /** Who speaks, for the message of a failure: `charon on east`. */
  readonly name: string;
  /** Its words so far. */
  readonly log: string;
}

/** Waits until its log matches. @param from where in the log to begin; what was said before does not count */
export async function says(speaker: Speaker, what: RegExp, from = 0, timeoutMs?: number): Promise<RegExpExecArray> {
  let found: RegExpExecArray | null = null;
  const wanted = `${speaker.name} says ${what}`;
  await withWords(speaker, () => until(wanted, () => found = what.exec(speaker.log.slice(from)), timeoutMs));
  return found!;
}

/** A failure shows what the program said last. */
export async function withWords<T>(speaker: Speaker, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(`${error.message}\n--- ${speaker.name}:\n${lastLines(speaker.log)}`, { cause: error });
  }
}

export function lastLines(text: string, lines = 40): string {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
