/**
 * A subcommand is a value: what `--help`, the manual page and the list of commands say all comes from it.
 */
export interface Command {
  readonly name: string;
  /** One line, no full stop. */
  readonly summary: string;
  /** Exact text of `--help`, ending in a newline. */
  usage(): string;
  /** Body of the manual page in Markdown, after the synopsis: description, options, exit status, examples. */
  readonly manual: string;
  /** Hidden ones (leading underscore) are left out of the list of commands. */
  run(args: readonly string[], io: Io): Promise<number> | number;
}

/** The world of a command; tests pass their own. */
export interface Io {
  stdout(text: string): void;
  stderr(text: string): void;
  readonly stdoutIsTerminal: boolean;
  /** Progress is shown there. */
  readonly stderrIsTerminal?: boolean;
  env(name: string): string | undefined;
}

/** An error whose whole sentence is for the user; `ipsec.ts` prints it without a stack and exits with `status`. */
export class UserError extends Error {
  constructor(message: string, readonly status = 1, options?: ErrorOptions) {
    super(message, options);
    this.name = "UserError";
  }
}
