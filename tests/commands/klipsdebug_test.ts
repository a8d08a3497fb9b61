import { deepEqual } from "node:assert/strict";
import { klipsdebug } from "../../commands/klipsdebug.ts";
import { DEBUG_WORDS } from "../../lib/pfkey/constants.ts";
import { type FakeKlips, runTool } from "./_fake_klips.ts";

const P = "ipsec klipsdebug";
const USAGE = klipsdebug.usage();
const ONES = 0xffffffff;
const ONE_ACTION = `${P}: Only one of '--set', '--clear', '--all' or '--none' options permitted.\n`;

/** Words as they are sent: those not in `words` are `rest`. */
function sent(rest: number, words: Record<string, number>): string[] {
  const all = DEBUG_WORDS.map((name): [string, number] => [name, words[name] ?? rest]).filter(([, word]) => word !== 0);
  return [
    `x-debug UNKNOWN debug=${all.map(([name, word]) => `${name}:${name === "spi" ? "0xffffffff" : word}`).join(",")}`,
  ];
}

const SENT: [args: string[], sent: string[]][] = [
  [["--set", "rcv"], sent(0, { rcv: ONES, netlink: 0x80000000 })],
  [["--set", "tunnel-xmit"], sent(0, { tunnel: 0x10, netlink: 0x80000000 })],
  [["--set", "netlink"], sent(0, { netlink: ONES })],
  [["--set=comp"], sent(0, { ipcomp: ONES, netlink: 0x80000000 })],
  [["--set=ipcomp"], sent(0, { ipcomp: ONES, netlink: 0x80000000 })],
  [["--clear", "esp"], sent(ONES, { esp: 0, netlink: 0x7fffffff })],
  [["--clear", "tunnel-xmit"], sent(ONES, { tunnel: 0xffffffef, netlink: 0x7fffffff })],
  [["--all"], sent(ONES, { verbose: 0 })],
  [["--none"], sent(0, {})],
];
for (const [args, expected] of SENT) {
  Deno.test(`klipsdebug ${args.join(" ")}`, async () => {
    deepEqual(await runTool(klipsdebug, args), { status: 0, stdout: "", stderr: "", sent: expected });
  });
}

const REFUSED: [args: string[], stdout: string, stderr: string][] = [
  [["--all", "--none"], "", ONE_ACTION],
  [["--set", "esp", "--clear", "ah"], "", ONE_ACTION],
  [["--set", "everything"], USAGE, ""],
  [["--set", "constructor"], USAGE, ""],
  [["word"], USAGE, ""],
  [["--nope"], USAGE, `${P}: unrecognized option '--nope'\n`],
  [["--help"], USAGE, ""],
];
for (const [args, stdout, stderr] of REFUSED) {
  Deno.test(`klipsdebug ${args.join(" ")} exits with 1`, async () => {
    deepEqual(await runTool(klipsdebug, args), { status: 1, stdout, stderr, sent: [] });
  });
}

Deno.test("klipsdebug --version exits with 0", async () => {
  const { status, stderr } = await runTool(klipsdebug, ["--version"]);
  deepEqual([status, stderr], [0, ""]);
});

Deno.test("klipsdebug tells a refusal", async () => {
  const { status, stderr } = await runTool(klipsdebug, ["--none"], { errno: 22 });
  deepEqual([status, stderr], [
    1,
    `${P}: pfkey write failed, tried to write 72 octets, returning -1 with errno=22.\n` +
    "Invalid argument, check kernel log messages for specifics.\n",
  ]);
});

const LISTING = "debug_tunnel=00000010.\n";
const listings: FakeKlips = { listings: { klipsdebug: LISTING, "klipsdebug.json": "{}\n" } };
for (const [args, stdout] of [[[], LISTING], [["--json"], "{}\n"]] as [string[], string][]) {
  Deno.test(`klipsdebug ${args.join(" ")} lists`, async () => {
    deepEqual(await runTool(klipsdebug, args, listings), { status: 0, stdout, stderr: "", sent: [] });
  });
}
