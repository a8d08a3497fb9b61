/** A control socket that notes requests and answers what it is told to. */
import type { WhackRequest } from "../../lib/pluto/request.ts";
import { type Command, UserError } from "../../commands/_command.ts";

/** Lines to each request in turn, or what becomes of one. */
export type Answers = (request: WhackRequest, connection: Conversation) => Promise<void> | void;

export interface Conversation {
  say(...lines: string[]): Promise<void>;
  write(text: string): Promise<void>;
  hear(): Promise<unknown>;
}

export class FakePluto implements AsyncDisposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "oneswan-whack-" });
  readonly requests: WhackRequest[] = [];
  readonly #listener: Deno.UnixListener;
  readonly #served: Promise<void>;

  constructor(answers: Answers = () => {}) {
    this.#listener = Deno.listen({ transport: "unix", path: `${this.directory}/pluto.ctl` });
    this.#served = this.#serve(answers);
  }

  async #serve(answers: Answers): Promise<void> {
    for await (const connection of this.#listener) {
      const lines = linesOf(connection);
      const hear = async () => JSON.parse((await lines.next()).value ?? "null");
      const request = await hear() as WhackRequest;
      this.requests.push(request);
      const write = async (text: string) => void await connection.write(new TextEncoder().encode(text));
      await answers(request, { hear, write, say: (...said) => write(said.map((line) => `${line}\n`).join("")) });
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#served;
    Deno.removeSync(this.directory, { recursive: true });
  }
}

async function* linesOf(connection: Deno.Conn): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let rest = "";
  for (;;) {
    const lines = rest.split("\n");
    rest = lines.pop()!;
    yield* lines;
    const length = await connection.read(buffer);
    if (length === null) return;
    rest += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
}

/** Runs a command as `ipsec.ts` does, in a directory that is the run-time directory and has the configuration. */
export async function runIn(directory: string, command: Command, ...args: string[]) {
  const said = { stdout: "", stderr: "" };
  let status: number;
  try {
    status = await command.run(args, {
      stdout: (text) => void (said.stdout += text),
      stderr: (text) => void (said.stderr += text),
      stdoutIsTerminal: false,
      env: (name) => ({ IPSEC_CONFS: directory, IPSEC_RUNDIR: directory, PATH: "/bin" })[name],
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    status = error.status;
    said.stderr += error.message.endsWith("\n") ? error.message : `${error.message}\n`;
  }
  const short = (text: string) => text.replaceAll(directory, "DIR");
  return { status, stdout: short(said.stdout), stderr: short(said.stderr) };
}
