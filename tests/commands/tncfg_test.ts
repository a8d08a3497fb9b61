import { deepEqual } from "node:assert/strict";
import { tncfg } from "../../commands/tncfg.ts";
import { type FakeKlips, runTool } from "./_fake_klips.ts";

const P = "ipsec tncfg";
const USAGE = tncfg.usage();
const ONE_ACTION = `${P}: exactly one of '--attach', '--detach' or '--clear' options must be specified.\n`;
const ATTACH = ["--attach", "--virtual", "ipsec0", "--physical", "eth0"];
const DETACH = ["--detach", "--virtual", "ipsec0"];

const SENT: [args: string[], sent: string][] = [
  [ATTACH, "x-tncfg UNKNOWN tunnel=op:attach,virtual:ipsec0,physical:eth0"],
  [["-attach", "-vir", "ipsec1", "-physical=eth0:1"], "x-tncfg UNKNOWN tunnel=op:attach,virtual:ipsec1,physical:eth0"],
  [DETACH, "x-tncfg UNKNOWN tunnel=op:detach,virtual:ipsec0,physical:"],
  [["--clear"], "x-tncfg UNKNOWN tunnel=op:clear,virtual:ipsec0,physical:"],
];
for (const [args, sent] of SENT) {
  Deno.test(`tncfg ${args.join(" ")}`, async () => {
    const outcome = await runTool(tncfg, args);
    deepEqual(outcome, { status: 0, stdout: "", stderr: "", sent: [sent] });
  });
}

const REFUSED: [args: string[], stderr: string, stdout?: string][] = [
  [["--attach", "--detach"], ONE_ACTION],
  [["--virtual", "ipsec0"], `${ONE_ACTION}Try ${P} --help' for usage information.\n`],
  [["--attach", "--physical", "eth0"], `${P}: virtual I/F parameter missing.\n`],
  [["--attach", "--virtual", "ipsec0"], `${P}: physical I/F parameter missing.\n`],
  [["--detach"], `${P}: virtual I/F parameter missing.\n`],
  [
    ["--detach", "--virtual", "ipsec0123456789x"],
    `${P}: Interface name too long: ipsec0123456789x: at most 15 bytes.\n`,
  ],
  [["-nope"], `${P}: unrecognized option '-nope'\n`, USAGE],
];
for (const [args, stderr, stdout = ""] of REFUSED) {
  Deno.test(`tncfg refuses ${args.join(" ")}`, async () => {
    deepEqual(await runTool(tncfg, args), { status: 1, stdout, stderr, sent: [] });
  });
}

const ERRORS: [args: string[], errno: number, text: string][] = [
  [
    ATTACH,
    19,
    "attach -- No such device.  Is the virtual device valid?  Is the ipsec module linked into the kernel or loaded as a " +
    "module?",
  ],
  [ATTACH, 6, "attach -- No such device.  Is the physical device valid?"],
  [
    ATTACH,
    16,
    "attach -- Device busy.  Virtual device ipsec0 is already attached to a physical device -- Use detach first.",
  ],
  [ATTACH, 22, "attach -- Invalid argument, check kernel log messages for specifics."],
  [DETACH, 19, "detach -- No such device.  Is the virtual device valid?  Is it attached?"],
  [DETACH, 6, "detach -- Device requested is not linked to any physical device."],
  [["--clear"], 22, "clear -- Invalid argument, check kernel log messages for specifics."],
  [["--clear"], 71, "clear -- Unknown socket error 71 (protocol error)."],
];
for (const [args, errno, text] of ERRORS) {
  Deno.test(`tncfg ${args[0]} tells errno ${errno}`, async () => {
    const { status, stderr } = await runTool(tncfg, args, { errno });
    deepEqual([status, stderr], [1, `${P}: Socket ioctl failed on ${text}\n`]);
  });
}

Deno.test("tncfg says where KLIPS should listen and does not", async () => {
  const { status, stderr } = await runTool(tncfg, ATTACH, "absent");
  deepEqual([status, stderr], [
    1,
    `${P}: Socket creation failed -- KLIPS is not running: no socket at RUNDIR/pfkey.sock.  ` +
    "Start it with 'ipsec setup start', or alone with 'ipsec klips --start'.\n",
  ]);
});

const listings: FakeKlips = { listings: { tncfg: "ipsec0 -> NULL mtu=0(0) -> 0\n", "tncfg.json": "[]\n" } };
for (const [args, stdout] of [[[], "ipsec0 -> NULL mtu=0(0) -> 0\n"], [["--json"], "[]\n"]] as [string[], string][]) {
  Deno.test(`tncfg ${args.join(" ")} lists`, async () => {
    deepEqual(await runTool(tncfg, args, listings), { status: 0, stdout, stderr: "", sent: [] });
  });
}

Deno.test("tncfg --help exits with 1", async () => {
  deepEqual(await runTool(tncfg, ["--help"]), { status: 1, stdout: USAGE, stderr: "", sent: [] });
});
