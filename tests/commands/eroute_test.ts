import { deepEqual, equal } from "node:assert/strict";
import { eroute } from "../../commands/eroute.ts";
import { type FakeKlips, runTool } from "./_fake_klips.ts";

const P = "ipsec eroute";
const USAGE = eroute.usage();
const FLOW = ["--eraf", "inet", "--src", "10.1.0.0/24", "--dst", "10.2.0.0/24"];
const FLOW_SENT = "sourceFlow=10.1.0.0 destinationFlow=10.2.0.0 sourceMask=255.255.255.0 destinationMask=255.255.255.0";
const SAID = ["--said", "tun0x200@192.0.2.2"];

const SENT: [why: string, args: string[], sent: string][] = [
  [
    "--add with --said",
    ["--add", ...FLOW, ...SAID],
    `x-addflow(eroute) IPIP sa=spi:0x200 source=0.0.0.0 destination=192.0.2.2 ${FLOW_SENT}`,
  ],
  [
    "--replace, which overwrites",
    ["--replace", ...FLOW, ...SAID],
    `x-addflow(eroute) IPIP sa=spi:0x200,flags:2 source=0.0.0.0 destination=192.0.2.2 ${FLOW_SENT}`,
  ],
  [
    "--addin, which sets a policy",
    ["--addin", ...FLOW, ...SAID],
    `x-addflow(eroute) IPIP sa=spi:0x200,flags:8 source=0.0.0.0 destination=192.0.2.2 ${FLOW_SENT}`,
  ],
  [
    "an SA in parts, with ports",
    [
      ...["--add", ...FLOW, "--transport-proto", "tcp", "--src-port", "0x50", "--dst-port", "https"],
      ...["--af", "inet", "--edst", "192.0.2.2", "--spi", "256", "--proto", "esp"],
    ],
    "x-addflow(eroute) ESP sa=spi:0x100 source=0.0.0.0 destination=192.0.2.2 sourceFlow=10.1.0.0#80 " +
    "destinationFlow=10.2.0.0#443 sourceMask=255.255.255.0#65535 destinationMask=255.255.255.0#65535 " +
    "protocol=protocol:6",
  ],
  [
    "a magic SA",
    ["--add", ...FLOW, "--said", "%trapsubnet"],
    `x-addflow(eroute) INT sa=spi:0x105 source=0.0.0.0 destination=0.0.0.0 ${FLOW_SENT}`,
  ],
  [
    "IPv6",
    [
      ...["--add", "--eraf", "inet6", "--src", "2001:db8:1::/48", "--dst", "%default"],
      ...["--said", "tun:200@2001:db8::2"],
    ],
    "x-addflow(eroute) IPIP sa=spi:0x200 source=:: destination=2001:db8::2 sourceFlow=2001:db8:1:: " +
    "destinationFlow=:: sourceMask=ffff:ffff:ffff:: destinationMask=::",
  ],
  ["--del", ["--del", ...FLOW], `x-delflow(eroute) UNKNOWN ${FLOW_SENT}`],
  ["--del, which needs no SA", ["--del", ...FLOW, ...SAID], `x-delflow(eroute) UNKNOWN ${FLOW_SENT}`],
  [
    "--del with a protocol",
    ["--del", ...FLOW, "--transport-proto=17"],
    `x-delflow(eroute) UNKNOWN ${FLOW_SENT} protocol=protocol:17`,
  ],
  ["--clear by its prefix", ["--cl"], "x-delflow(eroute) UNKNOWN sa=flags:4"],
  ["a port in the subnet, which has no effect", [
    "--del",
    "--eraf",
    "inet",
    "--src",
    "10.1.0.0/24:80",
    "--dst=10.2.0.0/24",
  ], `x-delflow(eroute) UNKNOWN ${FLOW_SENT}`],
];
for (const [why, args, sent] of SENT) {
  Deno.test(`eroute sends ${why}`, async () => {
    deepEqual(await runTool(eroute, args), { status: 0, stdout: "", stderr: "", sent: [sent] });
  });
}

const ONE_ACTION = `${P}: Only one of '--add', '--addin', '--replace', '--clear', or '--del' options permitted.\n`;
const REFUSED: [args: string[], stderr: string][] = [
  [["--add", "--del"], ONE_ACTION],
  [["--clear", "--clear"], ONE_ACTION],
  [["--eraf", "ipx"], `${P}: Invalid address family parameter for eroute: ipx\n`],
  [
    ["--eraf", "inet", "--eraf", "inet6"],
    `${P}: Error, address family of eroute redefined:inet6, already defined as:inet\n`,
  ],
  [["--src", "10/8"], `${P}: Error, unknown address family in ttosubnet converting --src argument: 10/8\n`],
  [
    ["--eraf", "inet", "--src", "1.2.3.4/33"],
    `${P}: Error, subnet mask bit count too large converting --src argument: 1.2.3.4/33\n`,
  ],
  [
    ["--eraf", "inet", "--dst", "1/8", "--dst", "2/8"],
    `${P}: Error, --dst parameter redefined:2/8, already defined as:1/8\n`,
  ],
  [["--transport-proto", "6x"], `${P}: Invalid character in --transport-proto parameter: 6x\n`],
  [["--transport-proto", "256"], `${P}: --transport-proto parameter: 256 must be in the range 0 to 255 inclusive\n`],
  [
    ["--transport-proto", "6", "--transport-proto", "17"],
    `${P}: Error, --transport-proto paramter redefined:17, already defined as:6\n`,
  ],
  [["--src-port", "8o"], `${P}: Invalid character in --src-port parameter: 8o\n`],
  [["--dst-port", "65536"], `${P}: --dst-port parameter: 65536 must be in the range 0 to 65535 inclusive\n`],
  [
    ["--src-port", "1", "--src-port", "2"],
    `${P}: Error, --src-port parameter redefined:2, already defined as:1\n`,
  ],
  [
    ["--del", ...FLOW, "--src-port", "1"],
    `${P}: --transport-proto with either UDP or TCP must be specified if --src-port or --dst-port is used\n`,
  ],
  [["--af", "inet4"], `${P}: Invalid address family parameter for SAID: inet4\n`],
  [
    ["--af", "inet", "--af", "inet"],
    `${P}: Error, address family of SAID redefined:inet, already defined as:inet\n`,
  ],
  [
    ["--edst", "1.2.3.256"],
    `${P}: Error, byte overflow in dotted-decimal address converting --edst argument:1.2.3.256\n`,
  ],
  [
    ["--edst", "1.2.3.4", "--edst", "1.2.3.5"],
    `${P}: Error, EDST parameter redefined:1.2.3.5, already defined as:1.2.3.4\n`,
  ],
  [
    [...SAID, "--edst", "1.2.3.5"],
    `${P}: Error, EDST parameter redefined:1.2.3.5, already defined in SA:tun0x200@192.0.2.2\n`,
  ],
  [["--spi", "12z"], `${P}: Invalid character in SPI parameter: 12z\n`],
  [["--spi", "0xff"], `${P}: Illegal reserved spi: 0xff => 0xff Must be larger than 0x100.\n`],
  [["--spi", "0x100000000"], `${P}: Illegal spi: 0x100000000: an SPI has 32 bits, its largest value is 0xffffffff.\n`],
  [["--proto", "int"], `${P}: Invalid PROTO parameter: int\n`],
  [
    ["--proto", "ah", ...SAID],
    `${P}: Error, PROTO parameter redefined in SA:tun0x200@192.0.2.2, already defined as:ah\n`,
  ],
  [
    ["--af", "inet", ...SAID],
    `${P}: Error, address family parameter redefined in SA:tun0x200@192.0.2.2, already defined as:inet\n`,
  ],
  [
    [...SAID, ...SAID],
    `${P}: Error, SAID parameter redefined:tun0x200@192.0.2.2, already defined in SA:tun0x200@192.0.2.2\n`,
  ],
  [["--said", "foo"], `${P}: Error, string too short to be SA identifier converting --sa argument:foo\n`],
  [
    ["--said", "esp0xff@1.2.3.4"],
    `${P}: Illegal reserved spi: esp0xff@1.2.3.4 => 0xff Must be larger than or equal to 0x100.\n`,
  ],
  [
    ["--said", "%passthrough"],
    `${P}: Illegal reserved spi: %passthrough => 0x0 Must be larger than or equal to 0x100.\n` +
    `${P}: %passthrough has SPI 0, which names no SA: use %pass to let traffic through.\n`,
  ],
  [
    FLOW,
    `${P}: exactly one of '--add', '--addin', '--replace', '--del' or '--clear' options must be specified.\n` +
    `Try ${P} --help' for usage information.\n`,
  ],
  [["--replace", ...FLOW, "--edst", "1.2.3.4"], `${P}: add and addin options must have SA specified.\n`],
  [["--add", ...SAID], `${P}: Error -- add option '--src' is required.\n`],
  [["--addin", ...SAID, ...FLOW.slice(0, 4)], `${P}: Error -- del option '--dst' is required.\n`],
  [["--del"], `${P}: Error -- del option '--src' is required.\n`],
  [["--json", "--clear"], `${P}: --json is for the listing and goes with no other option or word.\n`],
  [
    ["--label", "west", "--del"],
    `${P} --label west: Error -- del option '--src' is required.\n`,
  ],
];
for (const [args, stderr] of REFUSED) {
  Deno.test(`eroute refuses ${args.join(" ")}`, async () => {
    deepEqual(await runTool(eroute, args), { status: 1, stdout: "", stderr, sent: [] });
  });
}

const wrote = (errno: number, reason: string) =>
  `${P}: pfkey write failed, returning -1 with errno=${errno}.\n${reason}\n`;
const ERRORS: [action: string, errno: number, reason: string][] = [
  ["--add", 17, "eroute already in use.  Delete old one first."],
  ["--add", 22, "Invalid argument, check kernel log messages for specifics."],
  ["--addin", 2, "non-existant IPIP SA."],
  ["--replace", 14, "Invalid address."],
  ["--replace", 6, "Invalid mask."],
  ["--del", 14, "Address not found."],
  ["--del", 6, "Mask not found."],
  ["--del", 2, "eroute doesn't exist.  Can't delete."],
  ["--del", 29, "kernel SAref table internal error.  Cannot process request."],
  [
    "--del",
    71,
    "Unknown socket write error 71 (protocol error).  Please report as much detail as possible to development team.",
  ],
];
for (const [action, errno, reason] of ERRORS) {
  Deno.test(`eroute ${action} tells errno ${errno}`, async () => {
    const { status, stderr, stdout } = await runTool(eroute, [action, ...FLOW, ...SAID], { errno });
    deepEqual({ status, stderr, stdout }, { status: 1, stderr: wrote(errno, reason), stdout: "" });
  });
}

const LISTING = "8          192.0.2.0/24       -> 192.0.1.0/24       => %trap\n";
const listings: FakeKlips = { listings: { "eroute/all": LISTING, "eroute/all.json": "[]\n" } };
const LISTED: [args: string[], stdout: string][] = [
  [[], LISTING],
  [["--debug", "--label", "x"], LISTING],
  [["--label=x"], LISTING],
  [["--json"], "[]\n"],
];
for (const [args, stdout] of LISTED) {
  Deno.test(`eroute ${args.join(" ")} lists`, async () => {
    deepEqual(await runTool(eroute, args, listings), { status: 0, stdout, stderr: "", sent: [] });
  });
}

Deno.test("eroute with a word that is no option does not list", async () => {
  equal((await runTool(eroute, ["word"], listings)).stdout, "");
});

const TEXTS: [args: string[], stdout: string, stderr: string][] = [
  [["--help"], USAGE, ""],
  [["--label", "x", "--help"], USAGE.replaceAll(P, `${P} --label x`), ""],
  [["--nope"], USAGE, `${P}: unrecognized option '--nope'\n`],
  [["--add", "--src"], USAGE, `${P}: option '--src' requires an argument\n`],
];
for (const [args, stdout, stderr] of TEXTS) {
  Deno.test(`eroute ${args.join(" ")} prints the usage text`, async () => {
    deepEqual(await runTool(eroute, args), { status: 1, stdout, stderr, sent: [] });
  });
}

Deno.test("eroute --version exits with 1", async () => {
  const { status, stdout } = await runTool(eroute, ["--version"]);
  equal(status, 1);
  equal(
    stdout.replace(/\d+\.\d+\.\d+\S*/, "V"),
    "ipsec eroute V\nSee `ipsec --copyright' for copyright information.\n",
  );
});

Deno.test("eroute says where KLIPS should listen and does not", async () => {
  deepEqual(await runTool(eroute, ["--clear"], "absent"), {
    status: 1,
    stdout: "",
    stderr: `${P}: Trouble opening PF_KEY family socket with error: KLIPS is not running: ` +
      "no socket at RUNDIR/pfkey.sock.  Start it with 'ipsec setup start', or alone with 'ipsec klips --start'.\n",
    sent: [],
  });
});

Deno.test("eroute --debug tells its steps", async () => {
  const { stdout } = await runTool(eroute, ["--debug", "--clear"]);
  deepEqual(stdout.split("\n"), [
    `${P}: DEBUG: argc=3`,
    `${P}: DEBUG: action_type=10`,
    `${P}: DEBUG: pfkey write successful.`,
    `${P}: DEBUG: write ok`,
    "",
  ]);
});

Deno.test("eroute --optionsfrom puts options in its place", async () => {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, "--eraf inet\n--src 10.1.0.0/24\n--dst 10.2.0.0/24\n");
    const { sent, stderr } = await runTool(eroute, ["--opt", file, "--del"]);
    deepEqual({ sent, stderr }, { sent: [`x-delflow(eroute) UNKNOWN ${FLOW_SENT}`], stderr: "" });
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("eroute --optionsfrom stops at files that name each other", async () => {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, `--optionsfrom ${file}\n`);
    const { status, sent } = await runTool(eroute, ["--optionsfrom", file]);
    deepEqual({ status, sent }, { status: 2, sent: [] });
  } finally {
    Deno.removeSync(file);
  }
});
