/** A configuration folder of a test's own, and commands run on it. */
import { type Command, UserError } from "../../commands/_command.ts";

export class ConfFolder {
  readonly path = Deno.makeTempDirSync({ prefix: "oneswan-conf-" });

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  write(name: string, text: string, mode = 0o600): string {
    Deno.writeTextFileSync(this.file(name), text, { mode });
    Deno.chmodSync(this.file(name), mode);
    return this.file(name);
  }

  makeFolder(name: string): void {
    Deno.mkdirSync(this.file(name), { recursive: true });
  }

  /** Runs a command as `ipsec.ts` does: an error of the user's is printed, and its status is the command's. */
  async run(command: Command, args: readonly string[], stderrIsTerminal = false) {
    const said = { stdout: "", stderr: "" };
    let status: number;
    try {
      status = await command.run(args, {
        stdout: (text) => void (said.stdout += text),
        stderr: (text) => void (said.stderr += text),
        stdoutIsTerminal: false,
        stderrIsTerminal,
        env: (name) => name === "IPSEC_CONFS" ? this.path : undefined,
      });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      status = error.status;
      said.stderr += `${error.message}\n`;
    }
    return { status, ...said };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
