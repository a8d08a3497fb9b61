/** `ipsec pf_key`: what goes over the PF_KEY socket, as it happens or from a recording (klips.md §7). */
import type { PfkeyClient } from "../lib/pfkey/client.ts";
import { MESSAGES, SATYPES } from "../lib/pfkey/constants.ts";
import { runDirectory } from "../lib/system/paths.ts";
import { inBackground, reportReady, startInBackground } from "./_background.ts";
import type { Command } from "./_command.ts";
import { Getopt, type OptionTable } from "./_getopt.ts";
import { Exit, type KlipsTool, runTool } from "./_klips_tool.ts";
import { appendMessage, BadRecording, recordedMessages } from "./_pf_key_file.ts";
import { messageJson } from "./_pf_key_json.ts";
import { PF_KEY_MANUAL } from "./_pf_key_manual.ts";
import { messageText } from "./_pf_key_text.ts";

/** What can be listened for, in the order of registration. */
const TYPES = { ah: SATYPES.AH, esp: SATYPES.ESP, ipip: SATYPES.IPIP, ipcomp: SATYPES.COMP } as const;
type TypeName = keyof typeof TYPES;
const TYPE_NAMES = Object.keys(TYPES) as TypeName[];

const OPTIONS = {
  ah: false,
  esp: false,
  ipip: false,
  ipcomp: false,
  daemon: true,
  dumpfile: true,
  encodefile: true,
  json: false,
  help: false,
} as const satisfies OptionTable;
const LETTERS = { f: "daemon", d: "dumpfile", e: "encodefile", h: "help" } as const;

function usage(prog: string): string {
  return `${prog}: Usage: ${prog} [--help]
	by default listens for AH, ESP, IPIP and IPCOMP
	--daemon <file>     fork before printing, stuffing the PID in the file
	--dumpfile <file>   decode file of pfkey messages
	--encodefile <file> encode file of pfkey messages
	--ah                listen for AH messages
	--esp               listen for ESP messages
	--ipip              listen for IPIP messages
	--ipcomp            listen for IPCOMP messages
	--json              print each message as one line of JSON
`;
}

interface Request {
  readonly types: readonly TypeName[];
  readonly daemon: string | undefined;
  readonly dumpfile: string | undefined;
  readonly encodefile: string | undefined;
  readonly format: (raw: Uint8Array) => string;
}

function parse(tool: KlipsTool, args: readonly string[]): Request {
  const { prog } = tool;
  const given = new Map<keyof typeof OPTIONS, string>();
  const getopt = new Getopt(args, OPTIONS, { prog, letters: LETTERS, extensions: new Set(["json"]) });
  for (let one = getopt.next(); one; one = getopt.next()) {
    if (one.kind === "option" && one.name !== "help") given.set(one.name, one.value);
    else {
      if (one.kind === "error") tool.io.stderr(`${one.message}\n`);
      if (one.kind === "word") tool.complain(`unexpected argument ${one.value}`);
      tool.io.stderr(usage(prog));
      throw new Exit(1);
    }
  }
  const named = TYPE_NAMES.filter((name) => given.has(name));
  const request = {
    types: named.length > 0 ? named : TYPE_NAMES,
    daemon: given.get("daemon"),
    dumpfile: given.get("dumpfile"),
    encodefile: given.get("encodefile"),
    format: given.has("json") ? messageJson : messageText,
  };
  if (request.dumpfile !== undefined && (request.daemon ?? request.encodefile) !== undefined) {
    tool.fail("--dumpfile goes with neither --daemon nor --encodefile.");
  }
  return request;
}

function open(tool: KlipsTool, file: string, options: Deno.OpenOptions): Deno.FsFile {
  try {
    return Deno.openSync(file, options);
  } catch (error) {
    return tool.fail(`failed to open ${file}: ${(error as Error).message}`);
  }
}

function dump(tool: KlipsTool, path: string, format: Request["format"]): number {
  using file = open(tool, path, { read: true });
  try {
    for (const raw of recordedMessages(file)) tool.io.stdout(format(raw));
  } catch (error) {
    if (error instanceof BadRecording) return tool.fail(error.message);
    if (error instanceof Error && "code" in error) return tool.fail(`failed to read ${path}: ${error.message}`);
    throw error;
  }
  tool.complain("exited normally");
  return 0;
}

/** Prints or records until KLIPS ends or a signal comes. */
async function watch(tool: KlipsTool, request: Request): Promise<number> {
  const client = await tool.connect("failed to open PF_KEY family socket: ");
  let signalled = false;
  const stop = () => {
    signalled = true;
    client.close();
  };
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  try {
    using recording = openRecording(tool, request.encodefile);
    await register(tool, client, request.types);
    if (request.daemon !== undefined) {
      writePid(tool, request.daemon);
      await reportReady();
    }
    for await (const raw of client.messages()) {
      if (recording) record(tool, recording, request.encodefile, raw);
      else tool.io.stdout(request.format(raw));
    }
  } catch (error) {
    if (error instanceof RangeError) return tool.fail(`KLIPS does not speak PF_KEY: ${error.message}`);
    throw error;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    Deno.removeSignalListener("SIGTERM", stop);
    client.close();
  }
  tool.complain(signalled ? "Exiting on signal 15" : "exited normally"); // 15 whatever signal it was
  return 0;
}

function openRecording(tool: KlipsTool, path: string | undefined): Deno.FsFile | undefined {
  if (path === undefined) return undefined;
  return open(tool, path, { write: true, create: true, truncate: true, mode: 0o600 });
}

function record(tool: KlipsTool, file: Deno.FsFile, path: string | undefined, raw: Uint8Array): void {
  try {
    appendMessage(file, raw);
  } catch (error) {
    tool.fail(`failed to write ${path}: ${(error as Error).message}`);
  }
}

async function register(tool: KlipsTool, client: PfkeyClient, types: readonly TypeName[]): Promise<void> {
  try {
    for (const name of types) {
      await client.send({ type: MESSAGES.REGISTER.number, satype: TYPES[name].number, extensions: {} });
    }
  } catch {
    tool.fail("Trouble writing to channel PF_KEY.");
  }
}

/** Its own failure ends nothing: the messages are what is wanted. */
function writePid(tool: KlipsTool, file: string): void {
  try {
    Deno.writeTextFileSync(file, String(Deno.pid));
  } catch (error) {
    tool.complain(`failed to open ${file}: ${(error as Error).message}`);
  }
}

async function run(tool: KlipsTool, args: readonly string[]): Promise<number> {
  const request = parse(tool, args);
  if (request.dumpfile !== undefined) return dump(tool, request.dumpfile, request.format);
  if (request.daemon === undefined || inBackground(tool.io.env)) return await watch(tool, request);
  return await startInBackground(["pf_key", ...args], { IPSEC_RUNDIR: runDirectory(tool.io.env) });
}

export const pfKey: Command = {
  name: "pf_key",
  summary: "show the PF_KEY messages that KLIPS sends",
  usage: () => usage("ipsec pf_key"),
  manual: PF_KEY_MANUAL,
  run: (args, io) => runTool("pf_key", io, (tool) => run(tool, args)),
};
