/**
 * `ipsec`: finds the subcommand, runs it, sets the exit status (commands.md §2). Start-up counts: only what every
 * invocation needs is imported here.
 */
import { UserError } from "./commands/_command.ts";
import { IPSEC_OPTIONS } from "./commands/_ipsec_options.ts";
import { processIo } from "./commands/_process_io.ts";
import { COMMANDS, findCommand } from "./commands/_registry.ts";

/** As sysexits.h has it: an internal software error. */
const DEFECT_STATUS = 70;

const io = processIo();
const [word = "", ...rest] = Deno.args;

async function dispatch(): Promise<number> {
  const command = findCommand(word);
  if (command) return await (await command()).run(rest, io);
  if (Object.hasOwn(IPSEC_OPTIONS, word)) {
    io.stdout(await IPSEC_OPTIONS[word](io));
    return 0;
  }
  if (word.startsWith("-")) {
    io.stderr(`ipsec: unknown option \`${word}' (perhaps command name was omitted?)\n`);
    return 1;
  }
  io.stderr(`ipsec: unknown IPsec command \`${word}' (\`ipsec --help' for list)\n`);
  const { suggest } = await import("./lib/text/suggest.ts");
  const near = suggest(word, Object.keys(COMMANDS));
  if (near) io.stderr(`ipsec: did you mean \`${near}'?\n`);
  return 1;
}

/** @returns the exit status, after the user has been told */
function report(error: unknown): number {
  if (error instanceof UserError) {
    io.stderr(error.message.endsWith("\n") ? error.message : `${error.message}\n`);
    return error.status;
  }
  const what = error instanceof Error ? error.message : String(error);
  io.stderr(`ipsec ${word}: internal error: ${what.replaceAll("\n", " ")}, please report\n`);
  if (io.env("IPSEC_DEBUG") && error instanceof Error) io.stderr(`${error.stack}\n`);
  return DEFECT_STATUS;
}

/** A cache folder that could not be trusted: the program lies in a folder of its own, for this run only. */
function removeTemporaryProgram(): void {
  const folder = io.env("IPSEC_UNPACKED");
  if (!folder || !Deno.mainModule.startsWith(`file://${folder}/`)) return;
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // what is left lies in a temporary folder
  }
}

function end(status: number): never {
  removeTemporaryProgram();
  Deno.exit(status);
}

globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  end(report(event.reason));
});

let status: number;
try {
  status = await dispatch();
} catch (error) {
  status = report(error);
}
end(status);
