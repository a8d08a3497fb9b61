/** Asks the user for one line, in the dark where it is a secret. */

const ENTER = "Enter: ";
const NEWLINES = [10, 13];
const BACKSPACES = [8, 127];
const INTERRUPT = 3, END = 4;
const LONGEST = 4096;

/**
 * @param terminal standard input, whether or not it is a terminal
 * @returns undefined at the end of input, or where the user has given up
 */
export async function promptLine(
  hidden: boolean,
  print: (text: string) => void,
  terminal: Pick<typeof Deno.stdin, "isTerminal" | "setRaw" | "read"> = Deno.stdin,
): Promise<string | undefined> {
  const inTheDark = hidden && terminal.isTerminal();
  print(ENTER);
  if (inTheDark) terminal.setRaw(true);
  try {
    return await readLine(terminal);
  } finally {
    if (inTheDark) {
      terminal.setRaw(false);
      print("\n");
    }
  }
}

/** Byte by byte: what follows the line is for the next prompt. */
async function readLine(terminal: Pick<typeof Deno.stdin, "read">): Promise<string | undefined> {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  while (bytes.length < LONGEST) {
    if (await terminal.read(one) === null) return bytes.length ? text(bytes) : undefined;
    const [byte] = one;
    if (NEWLINES.includes(byte)) break;
    if (byte === INTERRUPT || byte === END) return undefined;
    if (BACKSPACES.includes(byte)) bytes.pop();
    else bytes.push(byte);
  }
  return text(bytes);
}

function text(bytes: number[]): string {
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
