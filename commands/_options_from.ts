import { splitOptionFile } from "../lib/text/option_file.ts";
import { UserError } from "./_command.ts";

const OPTION = "--optionsfrom";
/** Uses of the option in one command line, files within files included, before it counts as a loop. */
const MOST_USES = 99;

/** Puts the arguments of each `--optionsfrom FILE` in its place. @throws UserError with status 2 */
export function expandOptionsFrom(prog: string, args: readonly string[]): string[] {
  const left = [...args];
  const done: string[] = [];
  let uses = 0;
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    const file = arg === OPTION
      ? left.shift()
      : arg.startsWith(`${OPTION}=`)
      ? arg.slice(OPTION.length + 1)
      : undefined;
    if (file === undefined) {
      done.push(arg);
      continue;
    }
    if (++uses > MOST_USES) throw new UserError(`${prog}: optionsfrom called ${uses} times, looping?`, 2);
    left.unshift(...readOptions(prog, file));
  }
  return done;
}

function readOptions(prog: string, file: string): string[] {
  const failed = (reason: string) => new UserError(`${prog}: optionsfrom failed: ${reason}`, 2);
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (error) {
    throw failed(error instanceof Deno.errors.IsADirectory ? "error in line read" : "unable to open file");
  }
  const args = splitOptionFile(text);
  if (!args.ok) throw failed(args.error);
  return args.value;
}
