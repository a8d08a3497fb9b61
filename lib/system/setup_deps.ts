/** What the parts of {@linkcode SetupService} need of the world. */
import type { PfkeyClient } from "../pfkey/client.ts";
import type { KeyedConnsDeps } from "./keyed_conns.ts";
import type { Outcome } from "./programs.ts";
import type { SetupRecord } from "./setup_state.ts";
import type { SupervisorDeps } from "./supervisor.ts";

export interface SetupPaths {
  readonly info: string;
  /** Exists while IPsec runs, for scripts of Red Hat's kind; undefined where another instance may own it. */
  readonly subsystemLock: string | undefined;
  readonly klipsPid: string;
  readonly plutoPid: string;
  readonly plutoSocket: string;
  /** What it says where it has no other place for it. */
  readonly plutoLog: string;
}

export interface SetupDeps extends Omit<SupervisorDeps, "log"> {
  /** To the terminal and the log: `warning` lines are for people, the others tell what was done. */
  say(text: string): void;
  /** To the log alone. */
  note(text: string): void;
  /** Each step before it is done, where the user asked for that. */
  show(command: string): void;
  /** Runs a subcommand. */
  ipsec(words: readonly string[]): Promise<Outcome>;
  /** Runs commands of the shell in which `ipsec` is this very program. */
  script(commands: string): Promise<Outcome>;
  /** Runs a program: the words of prepluto= and postpluto=. */
  run(words: readonly string[]): Promise<Outcome>;
  /** The words that start a daemon. */
  daemon(subcommand: string, ...words: string[]): readonly string[];
  /** Everything is kept by whoever reads our standard error: daemons log there, too. */
  readonly logsToStderr: boolean;
  connect(): Promise<PfkeyClient>;
  /** What pluto is told. */
  readonly keying: Pick<KeyedConnsDeps, "describe" | "auto">;
  readonly record: SetupRecord;
  readonly paths: SetupPaths;
}
