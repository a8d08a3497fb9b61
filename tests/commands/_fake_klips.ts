/** A daemon for the tests of the KLIPS tools: records the requests on a temporary socket and answers as it is told. */
import { type Command, UserError } from "../../commands/_command.ts";
import { decodeMessage, encodeMessage, encodeRefusal } from "../../lib/pfkey/codec.ts";
import { messageName, MESSAGES, NO_REFERENCE, satypeName } from "../../lib/pfkey/constants.ts";
import type { AddressExtension, KeyExtension, PfkeyMessage } from "../../lib/pfkey/message.ts";
import { PfkeyServer } from "../../lib/pfkey/server.ts";
import { pfkeySocketPath } from "../../lib/system/paths.ts";
import { formatAddress } from "../../lib/text/address.ts";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What the tool sent, as {@linkcode describeMessage} has it; requests for listings are left out. */
  readonly sent: readonly string[];
}

export interface FakeKlips {
  /** What requests other than those for listings are refused with; 0 for none. */
  readonly errno?: number;
  readonly listings?: Readonly<Record<string, string>>;
  /** SA reference in replies. */
  readonly ref?: number;
}

const encoder = new TextEncoder();

/** Runs a command against a fake daemon, or where there is none. */
export async function runTool(
  command: Command,
  args: readonly string[],
  fake: FakeKlips | "absent" = {},
): Promise<Outcome> {
  const directory = Deno.makeTempDirSync();
  const env = (name: string) => name === "IPSEC_RUNDIR" ? directory : undefined;
  const sent: string[] = [];
  const server = fake === "absent" ? undefined : serve(pfkeySocketPath(env), fake, sent);
  const said = { stdout: "", stderr: "" };
  try {
    const status = await command.run(args, {
      stdout: (text) => void (said.stdout += text),
      stderr: (text) => void (said.stderr += text),
      stdoutIsTerminal: false,
      env,
    });
    return { status, ...hidePath(said, directory), sent };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { status: error.status, stdout: said.stdout, stderr: `${said.stderr}${error.message}\n`, sent };
  } finally {
    server?.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

/** For example `delete ESP sa=spi:0x200 source=0.0.0.0 destination=192.0.2.1`; what is 0 in an SA is left out. */
function describeMessage({ type, satype, extensions }: PfkeyMessage): string {
  const parts = Object.entries(extensions).map(([name, value]) => `${name}=${describeValue(value)}`);
  return [messageName(type), satypeName(satype), ...parts].join(" ");
}

function describeValue(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if ("address" in value) {
    const { address, port } = value as AddressExtension;
    return formatAddress(address) + (port ? `#${port}` : "");
  }
  if ("key" in value) {
    const { bits, key } = value as KeyExtension;
    return `${bits}:${[...key].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
  return Object.entries(value)
    .filter(([name, field]) => field !== 0 && !(name === "ref" && field === NO_REFERENCE))
    .map(([name, field]) => `${name}:${name === "spi" ? `0x${field.toString(16)}` : field}`)
    .join(",");
}

function hidePath({ stdout, stderr }: { stdout: string; stderr: string }, directory: string) {
  return { stdout: stdout.replaceAll(directory, "RUNDIR"), stderr: stderr.replaceAll(directory, "RUNDIR") };
}

function serve(path: string, fake: FakeKlips, sent: string[]): PfkeyServer {
  const server = new PfkeyServer(path, (peer, raw) => {
    const decoded = decodeMessage(raw);
    if (!decoded.ok) return peer.send(encodeRefusal(raw, decoded.errno));
    const { message } = decoded;
    if (message.type === MESSAGES.X_PROC.number) {
      const text = fake.listings?.[message.extensions.path ?? ""];
      if (text === undefined) return peer.send(encodeRefusal(raw, 2));
      peer.send(encodeMessage({ ...message, extensions: { data: encoder.encode(text) } }));
      return peer.send(encodeMessage({ ...message, extensions: {} }));
    }
    sent.push(describeMessage(message));
    if (fake.errno) return peer.send(encodeRefusal(raw, fake.errno));
    const { sa } = message.extensions;
    peer.send(encodeMessage({ ...message, extensions: sa ? { sa: { ...sa, ref: fake.ref ?? 0 } } : {} }));
  }, () => {});
  server.listen();
  return server;
}
