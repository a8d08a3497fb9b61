import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { ranbits } from "../../commands/ranbits.ts";
import { versionCode } from "../../lib/system/version.ts";
import { parseData } from "../../lib/text/data.ts";

const USAGE = "Usage: ranbits [--quick] [--continuous] [--bytes] nbits\n";
const OVERLARGE = "ipsec ranbits: overlarge bit count (max 20000)\n";

async function run(args: readonly string[]) {
  const said = { stdout: "", stderr: "" };
  const status = await ranbits.run(args, {
    stdout: (text) => void (said.stdout += text),
    stderr: (text) => void (said.stderr += text),
    stdoutIsTerminal: false,
    env: () => undefined,
  });
  return { status, ...said };
}

const PRINTED: [args: string[], line: RegExp][] = [
  [["80"], /^0x[0-9a-f]{8}_[0-9a-f]{8}_[0-9a-f]{4}\n$/],
  [["64"], /^0x[0-9a-f]{8}_[0-9a-f]{8}\n$/],
  [["1"], /^0x[0-9a-f]{2}\n$/],
  [["9"], /^0x[0-9a-f]{4}\n$/],
  [["010"], /^0x[0-9a-f]{4}\n$/],
  [[" +8"], /^0x[0-9a-f]{2}\n$/],
  [["--quick", "16"], /^0x[0-9a-f]{4}\n$/],
  [["--continuous", "80"], /^0x[0-9a-f]{20}\n$/],
  [["--bytes", "5"], /^0x[0-9a-f]{8}_[0-9a-f]{2}\n$/],
  [["5", "--bytes", "--continuous"], /^0x[0-9a-f]{10}\n$/],
  [["--q", "--c", "--b", "8"], /^0x[0-9a-f]{16}\n$/],
  [["--", "8"], /^0x[0-9a-f]{2}\n$/],
  [["--continuous", "20000"], /^0x[0-9a-f]{5000}\n$/],
  [["--continuous", "--bytes", "2500"], /^0x[0-9a-f]{5000}\n$/],
];
for (const [args, line] of PRINTED) {
  Deno.test(`ranbits ${args.join(" ")} prints that many bits`, async () => {
    const { status, stdout, stderr } = await run(args);
    deepEqual([status, stderr], [0, ""]);
    match(stdout, line);
  });
}

Deno.test("ranbits --help and --version answer at once, whatever follows", async () => {
  deepEqual(await run(["--help", "x", "y"]), { status: 0, stdout: USAGE, stderr: "" });
  deepEqual(await run(["8", "--version"]), { status: 0, stdout: `ipsec ranbits ${versionCode()}\n`, stderr: "" });
});

const REFUSED: [args: string[], status: number, stderr: string][] = [
  [[], 2, USAGE],
  [["8", "8"], 2, USAGE],
  [["--bits", "8"], 2, `ipsec ranbits: unrecognized option '--bits'\n${USAGE}`],
  [["-q", "8"], 2, `ipsec ranbits: invalid option -- 'q'\n${USAGE}`],
  [["--bytes=5"], 2, `ipsec ranbits: option '--bytes' doesn't allow an argument\n${USAGE}`],
  [["0"], 1, "ipsec ranbits: invalid bit count (0)\n"],
  [["--", "-8"], 1, "ipsec ranbits: invalid bit count (-8)\n"],
  [["many"], 1, "ipsec ranbits: invalid bit count (many)\n"],
  [["8x"], 1, "ipsec ranbits: invalid bit count (8x)\n"],
  [["1e3"], 1, "ipsec ranbits: invalid bit count (1e3)\n"],
  [[""], 1, "ipsec ranbits: invalid bit count ()\n"],
  [["20001"], 1, OVERLARGE],
  [["--bytes", "2501"], 1, OVERLARGE],
  [["9".repeat(400)], 1, OVERLARGE],
];
for (const [args, status, stderr] of REFUSED) {
  Deno.test(`ranbits refuses "${args.join(" ").slice(0, 40)}"`, async () => {
    deepEqual(await run(args), { status, stdout: "", stderr });
  });
}

Deno.test("ranbits prints what parseData() reads, another every time, with every bit of a byte in use", async () => {
  const seen = new Uint8Array(2);
  let last = "";
  for (let i = 0; i < 8; i++) {
    const { stdout } = await run(["2048"]);
    notEqual(stdout, last);
    last = stdout;
    const data = parseData(stdout.trimEnd(), 0);
    ok(data.ok);
    equal(data.value.length, 256);
    for (const byte of data.value) {
      seen[0] |= byte;
      seen[1] |= ~byte;
    }
  }
  deepEqual([...seen], [0xff, 0xff]);
});

Deno.test("the manual of ranbits names every option of the usage text", () => {
  for (const [option] of USAGE.matchAll(/--[a-z]+/g)) ok(ranbits.manual.includes(`\`${option}\``), option);
});
