/** What whack says of a command line that it refuses (whack.md §3). */
import { UserError } from "./_command.ts";

/** In characters; more of an operand does not help. */
const LONGEST_MESSAGE = 119;

/** Whose words they are: `--label`, and `--name` as far as it has been read. */
export interface Speaker {
  readonly label?: string;
  readonly name?: string;
}

/** `whack error: [LABEL ]["NAME" ]MESSAGE[ "OPERAND"]` */
export function refuse({ label, name }: Speaker, message: string, operand?: string): never {
  const text = operand === undefined ? message : `${message} "${operand}"`.slice(0, LONGEST_MESSAGE);
  const of = `${label === undefined ? "" : `${label} `}${name === undefined ? "" : `"${name}" `}`;
  throw new UserError(`whack error: ${of}${text}`);
}
