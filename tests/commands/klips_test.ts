import { deepStrictEqual as deepEqual, rejects } from "node:assert/strict";
import { UserError } from "../../commands/_command.ts";
import { klips } from "../../commands/klips.ts";

function run(args: string[], directory: string): Promise<number> {
  return Promise.resolve(klips.run(args, {
    stdout: () => {},
    stderr: () => {},
    stdoutIsTerminal: false,
    env: (name) => name === "IPSEC_RUNDIR" ? directory : undefined,
  }));
}

const IMPOSSIBLE: [what: string, args: string[], spoil: (folder: string) => void, directory: string, says: string][] = [
  [
    "--start where the run-time directory cannot be made",
    ["--start"],
    (folder) => Deno.writeTextFileSync(`${folder}/file`, ""),
    "file/run",
    "ipsec klips: Cannot create DIR: Not a directory; run as root, or set IPSEC_RUNDIR",
  ],
  [
    "--foreground where the run-time directory cannot be made",
    ["--foreground"],
    (folder) => Deno.writeTextFileSync(`${folder}/file`, ""),
    "file/run",
    "ipsec klips: Cannot create DIR: Not a directory; run as root, or set IPSEC_RUNDIR",
  ],
  [
    "--start where the log cannot be written",
    ["--start"],
    (folder) => Deno.mkdirSync(`${folder}/run/klips.log`, { recursive: true }),
    "run",
    "ipsec klips: Cannot write DIR/klips.log: illegal operation on a directory; run as root, or set IPSEC_RUNDIR",
  ],
];
for (const [what, args, spoil, directory, says] of IMPOSSIBLE) {
  Deno.test(`klips ${what}: a sentence for the user`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      spoil(folder);
      const at = `${folder}/${directory}`;
      await rejects(run(args, at), (error) => {
        deepEqual([error instanceof UserError, (error as Error).message], [true, says.replace("DIR", at)]);
        return true;
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
