/** `--optionsfrom FILE`, the option whose place the arguments in a file take (text-forms.md §12). */
import { splitOptionFile } from "../lib/text/option_file.ts";
import { UserError } from "./_command.ts";

/** Uses of the option before they count as a loop: a file may name another, or itself. */
const MOST_USES = 99;
const STATUS = 2;

/** The files of options of one command line, those that files name included. */
export class OptionFiles {
  readonly #prog: string;
  #uses = 0;

  constructor(prog: string) {
    this.#prog = prog;
  }

  /** The arguments in `file`, in order. @throws UserError */
  read(file: string): string[] {
    if (++this.#uses > MOST_USES) {
      throw new UserError(`${this.#prog}: optionsfrom called ${this.#uses} times, looping?`, STATUS);
    }
    const args = splitOptionFile(this.#text(file));
    return args.ok ? args.value : this.#fail(args.error);
  }

  #text(file: string): string {
    try {
      return Deno.readTextFileSync(file);
    } catch (error) {
      return this.#fail(
        error instanceof Deno.errors.IsADirectory ? "error in line read" : "unable to open file",
        error,
      );
    }
  }

  #fail(reason: string, cause?: unknown): never {
    throw new UserError(`${this.#prog}: optionsfrom failed: ${reason}`, STATUS, { cause });
  }
}
