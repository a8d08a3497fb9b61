/**
 * Keeps the daemons running: started in the order of a table, each when the one before is ready, or one by one; ended in
 * the opposite order, and started again where one ends by itself.
 */
import type { Log } from "./log.ts";

/** One daemon. */
export interface ProcessRow {
  /** For people: `KLIPS`. */
  readonly title: string;
  /** The first word is a path. They are read at each start. */
  readonly words: readonly string[];
  /** A file of its own that what it says is appended to. */
  readonly output?: string;
  /** Variables that say how much memory it keeps, unless ours say another. */
  readonly heap: Readonly<Record<string, string>>;
  /** Whether it answers. */
  isReady(pid: number): Promise<boolean>;
  /** Has what a new process must be told; called after each restart, not after the first start. */
  restarted(): Promise<void>;
  /** What its end by itself means; without it, it is started again. */
  judge?(ending: Ending): Verdict;
}

export interface Verdict {
  /** Whether it is started again. */
  readonly again: boolean;
  readonly lines: readonly string[];
}

export interface Ending {
  readonly status: number | null;
  readonly signal: string | null;
}

export interface RunningProcess {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

export interface SupervisorDeps {
  spawn(row: ProcessRow): RunningProcess;
  /** Milliseconds of any clock that does not jump. */
  now(): number;
  delay(ms: number): Promise<void>;
  readonly log: Log;
}

export const PATIENCE_MS = 10_000;
const POLL_MS = 20;
/** One that lived so long and ends is started again at once; one that ends sooner waits longer each time. */
const LONG_LIFE_MS = 60_000;
const LONGEST_PAUSE_MS = 30_000;

/** A daemon that did not start; what it had to say is in the log. */
export class StartFailed extends Error {
  constructor(readonly row: ProcessRow, why: string) {
    super(`${row.title} did not start: ${why}`);
    this.name = "StartFailed";
  }
}

interface Entry {
  readonly row: ProcessRow;
  /** From its first start on until all are to end. */
  isStarted: boolean;
  process: RunningProcess | undefined;
  startedAt: number;
  /** Before the next start. */
  pauseMs: number;
}

export class Supervisor {
  readonly #entries: Entry[];
  readonly #deps: SupervisorDeps;
  #stopping = false;
  /** Resolved by stop, so that no pause is waited for. */
  readonly #stop = Promise.withResolvers<void>();

  constructor(rows: readonly ProcessRow[], deps: SupervisorDeps) {
    this.#deps = deps;
    this.#entries = rows.map((row) => ({
      row,
      isStarted: false,
      process: undefined,
      startedAt: 0,
      pauseMs: 0,
    }));
  }

  /** Process ids of those that have been started, by title; 0 for one that has ended and is about to be started again. */
  get pids(): Record<string, number> {
    const started = this.#entries.filter(({ isStarted }) => isStarted);
    return Object.fromEntries(started.map(({ row, process }) => [row.title, process?.pid ?? 0]));
  }

  has(title: string): boolean {
    return this.#entries.some(({ row }) => row.title === title);
  }

  /**
   * Starts all, or the one of that title. Throws {@linkcode StartFailed}, with those that were started still there for
   * stop.
   */
  async start(title?: string): Promise<void> {
    for (const entry of this.#entries) {
      if (title !== undefined && entry.row.title !== title) continue;
      await this.#launch(entry);
      entry.isStarted = true;
      this.#watch(entry);
    }
  }

  /** Ends all: SIGTERM, and SIGKILL where that does not help. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stop.resolve();
    for (const entry of this.#entries.toReversed()) {
      const { process, row } = entry;
      entry.isStarted = false;
      if (!process) continue;
      process.kill("SIGTERM");
      if (await this.#within(process.ended, PATIENCE_MS) === undefined) {
        this.#deps.log("error", `${row.title} does not end, SIGKILL: process ${process.pid}`);
        process.kill("SIGKILL");
        await process.ended;
      }
      entry.process = undefined;
    }
  }

  async #launch(entry: Entry): Promise<void> {
    const { row } = entry;
    const process = this.#deps.spawn(row);
    entry.process = process;
    entry.startedAt = this.#deps.now();
    let ending: Ending | undefined;
    process.ended.then((how) => ending = how);
    while (!await row.isReady(process.pid)) {
      if (ending) {
        entry.process = undefined;
        throw new StartFailed(row, describeEnding(ending));
      }
      if (this.#deps.now() - entry.startedAt > PATIENCE_MS) {
        process.kill("SIGKILL");
        await process.ended;
        entry.process = undefined;
        throw new StartFailed(row, `no answer for ${PATIENCE_MS / 1000} seconds`);
      }
      await this.#deps.delay(POLL_MS);
    }
  }

  /** From its end on, until it runs again or all is to stop. */
  async #watch(entry: Entry): Promise<void> {
    const { row, process } = entry;
    const ending = await process!.ended;
    if (this.#stopping) return;
    entry.process = undefined;
    const { again, lines } = row.judge?.(ending) ??
      { again: true, lines: [`${row.title} ended by itself: ${describeEnding(ending)}; starting it again`] };
    for (const line of lines) this.#deps.log("error", line);
    if (!again) return;
    for (;;) {
      const lived = this.#deps.now() - entry.startedAt;
      if (lived >= LONG_LIFE_MS) entry.pauseMs = 0;
      if (entry.pauseMs > 0) await Promise.race([this.#deps.delay(entry.pauseMs), this.#stop.promise]);
      if (this.#stopping) return;
      entry.pauseMs = Math.min(Math.max(1000, entry.pauseMs * 2), LONGEST_PAUSE_MS);
      try {
        await this.#launch(entry);
        break;
      } catch (error) {
        this.#deps.log("error", `${(error as Error).message}; trying again in ${entry.pauseMs / 1000} seconds`);
      }
    }
    this.#watch(entry);
    try {
      await row.restarted();
    } catch (error) {
      this.#deps.log("error", `${row.title} was started again, but not all was done: ${(error as Error).message}`);
    }
  }

  async #within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
    return await Promise.race([promise, this.#deps.delay(ms).then(() => undefined)]);
  }
}

export function describeEnding({ status, signal }: Ending): string {
  return signal ? `killed by ${signal}` : `exited with status ${status}`;
}
