import { deepEqual, equal } from "node:assert/strict";
import { spigrp } from "../../commands/spigrp.ts";
import { type FakeKlips, runTool } from "./_fake_klips.ts";

const P = "ipsec spigrp";
const USAGE = spigrp.usage();
const TUN_ESP = "x-groupsa IPIP sa=spi:0x200 sa2=spi:0x200 destination=192.0.2.2 destination2=192.0.2.2 satype2=3";

const SENT: [args: string[], sent: string[]][] = [
  [["--said", "tun0x200@192.0.2.2", "esp0x200@192.0.2.2"], [TUN_ESP]],
  [["inet", "192.0.2.2", "0x200", "tun", "inet", "192.0.2.2", "512", "esp"], [TUN_ESP]],
  [
    ["--said", "comp0x200@192.0.2.2", "esp0x201@192.0.2.2", "ah:202@2001:db8::2"],
    [
      "x-groupsa COMP sa=spi:0x200 sa2=spi:0x201 destination=192.0.2.2 destination2=192.0.2.2 satype2=3",
      "x-groupsa ESP sa=spi:0x201 sa2=spi:0x202 destination=192.0.2.2 destination2=2001:db8::2 satype2=2",
    ],
  ],
  [["--label", "x", "inet6", "2001:db8::2", "0x200", "ah"], ["x-groupsa AH sa=spi:0x200 destination=2001:db8::2"]],
];
for (const [args, sent] of SENT) {
  Deno.test(`spigrp ${args.join(" ")}`, async () => {
    const outcome = await runTool(spigrp, args);
    deepEqual({ ...outcome, sent: outcome.sent.map(words) }, {
      status: 0,
      stdout: "",
      stderr: "",
      sent: sent.map(words),
    });
  });
}

/** The order of extensions on the wire is not the tool's. */
function words(message: string): string[] {
  return message.split(" ").sort();
}

const SA = ["inet", "1.2.3.4", "0x200", "esp"];
const REFUSED: [args: string[], stderr: string][] = [
  [["--label"], `${P}: --label option requires an argument.\n`],
  [["inet", "1.2.3.4"], `expecting 5 or more args without --said, got 3.\n${USAGE}`],
  [[...SA, ...SA, ...SA, ...SA, ...SA], `expecting 5 or more args without --said, got 21.\n${USAGE}`],
  [["--said"], `expecting 3 or more args with --said, got 2.\n${USAGE}`],
  [["--said", "esp"], `${P}: Error, string too short to be SA identifier converting --sa argument:esp\n`],
  [["inet", "1.2.3.4", "0x200", "int"], `${P}: Badly formed proto: int\n`],
  [["inet", "1.2.3.4", "2g", "esp"], `${P}: Badly formed spi: 2g\n`],
  [["ipx", "1.2.3.4", "2", "esp"], `${P}: Address family ipx not supported\n`],
  [
    [...SA, "inet", "1.2.3.444", "2", "esp"],
    `${P}: Error, byte overflow in dotted-decimal address converting 1th address argument:1.2.3.444\n`,
  ],
  [
    ["--debug", "--label", "x", "--said", ...new Array(5).fill("esp0x200@1.2.3.4")],
    `${P} --label x: A chain has at most 4 SAs: 5 were given.\n`,
  ],
];
for (const [args, stderr] of REFUSED) {
  Deno.test(`spigrp refuses ${args.join(" ")}`, async () => {
    deepEqual(await runTool(spigrp, args), { status: 1, stdout: "", stderr, sent: [] });
  });
}

for (
  const [errno, reason] of [[2, "SA does not exist.  Cannot group."], [17, "SA already in use.  Delete old one first."]]
) {
  Deno.test(`spigrp tells errno ${errno}`, async () => {
    const { status, stderr } = await runTool(spigrp, SA, { errno: Number(errno) });
    deepEqual([status, stderr], [1, `${P}: pfkey write failed, returning -1 with errno=${errno}.\n${reason}\n`]);
  });
}

const listings: FakeKlips = { listings: { "spigrp/all": "esp0x1@1.2.3.4 \n", "spigrp/all.json": "[]\n" } };
for (const [args, stdout] of [[[], "esp0x1@1.2.3.4 \n"], [["--json"], "[]\n"]] as [string[], string][]) {
  Deno.test(`spigrp ${args.join(" ")} lists`, async () => {
    deepEqual(await runTool(spigrp, args, listings), { status: 0, stdout, stderr: "", sent: [] });
  });
}

Deno.test("spigrp --help exits with 1", async () => {
  deepEqual(await runTool(spigrp, ["--help"]), { status: 1, stdout: USAGE, stderr: "", sent: [] });
});

Deno.test("spigrp --version prints on stderr and exits with 1", async () => {
  const { status, stdout, stderr } = await runTool(spigrp, ["--version"]);
  deepEqual([status, stdout], [1, ""]);
  equal(stderr.split(" ")[1], "spigrp");
});
