import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert/strict";
import { manual } from "../../commands/manual.ts";
import { readManualOptions } from "../../commands/_manual_options.ts";
import { KEYS } from "../config/_manual_conns.ts";
import { type FakeKlips, type Outcome, runTool } from "./_fake_klips.ts";

const P = "ipsec manual";
const KEY = { enc: `0x${"0d".repeat(20)}`, other: `0x${"0e".repeat(20)}` };
const CONF = `version 2

conn office
	left=1.2.3.4
	right=5.6.7.8
	also=keys
	leftsubnet=10.0.1.0/24
	rightsubnet=10.0.2.0/24
	leftupdown=true
	spibase=0x200
	espreplay_window=32

conn keys
	esp=aes128gcm16
	leftespenckey=${KEY.enc}
	rightespenckey=${KEY.other}

conn wrong
	left=1.2.3.4
	right=5.6.7.8
	type=tunel
	espreplay_window=many
	ikelifetme=3h

conn first
	left=1.2.3.4

conn second
	right=5.6.7.8
	type=drop
	leftupdown=true

conn third
	left=1.2.3.4
	right=5.6.7.9
	type=drop
	leftupdown=true
`;

/** Runs it with a configuration of its own, as the host 1.2.3.4. */
async function run(args: string[], fake: FakeKlips | "absent" = EMPTY, conf = CONF): Promise<Outcome> {
  const file = Deno.makeTempFileSync();
  Deno.writeTextFileSync(file, conf);
  try {
    const outcome = await runTool(manual, ["--config", file, "--iam", "1.2.3.4@ipsec0", ...args], fake);
    return { ...outcome, stderr: outcome.stderr.replaceAll(file, "ipsec.conf") };
  } finally {
    Deno.removeSync(file);
  }
}

const EMPTY: FakeKlips = { listings: { "eroute/all.json": "[]", "spi/all.json": "[]" } };

Deno.test("manual --up sends SAs, groups, the policy, the eroute, and keys in messages only", async () => {
  const { status, stdout, stderr, sent } = await run(["--up", "office"]);
  deepEqual([status, stdout, stderr], [0, "", ""]);
  deepEqual(sent.map((line) => line.split(" ")[0] + " " + line.split(" ")[1]), [
    "add IPIP",
    "add ESP",
    "x-groupsa IPIP",
    "add IPIP",
    "add ESP",
    "x-groupsa IPIP",
    "x-addflow(eroute) IPIP",
    "x-addflow(eroute) IPIP",
  ]);
  match(sent[1], /spi:0x202,replay:32,.* keyEncrypt=160:0e0e/);
  match(sent[4], /spi:0x203,replay:32,.* keyEncrypt=160:0d0d/);
});

Deno.test("manual --up warns where an eroute led elsewhere", async () => {
  const eroute = UP.listings!["eroute/all.json"].replace("tun0x200@5.6.7.8", "%drop");
  const { status, stderr } = await run(["--up", "office"], {
    listings: { ...EMPTY.listings, "eroute/all.json": eroute },
  });
  deepEqual([status, stderr], [
    0,
    `${P}: warning: the eroute 10.0.1.0/24 -> 10.0.2.0/24 led to %drop: it is "office"'s now\n`,
  ]);
});

Deno.test("manual --up undoes what it did where KLIPS refuses", async () => {
  const { status, stderr, sent } = await run(["--up", "office"], { ...EMPTY, errno: 17 });
  equal(status, 1);
  equal(
    stderr,
    `${P}: cannot bring up "office": cannot make tun0x200@5.6.7.8: SA already in use.  Delete old one first.  ` +
      "Either the connection is up, or another one has the same spi= or spibase=.\n",
  );
  equal(sent.length, 1);
});

Deno.test("manual --up says that KLIPS is not running", async () => {
  const { status, stderr } = await run(["--up", "office"], "absent");
  equal(status, 1);
  match(stderr, /^ipsec manual: cannot bring up "office": KLIPS is not running: no socket at RUNDIR\/pfkey\.sock\./);
});

const UP: FakeKlips = {
  listings: {
    "eroute/all.json": JSON.stringify([{
      source: "10.0.1.0/24",
      destination: "10.0.2.0/24",
      sourcePort: 0,
      destinationPort: 0,
      protocol: 0,
      sa: "tun0x200@5.6.7.8",
    }]),
    "spi/all.json": JSON.stringify([{ said: "tun0x200@5.6.7.8" }, { said: "tun0x201@1.2.3.4" }]),
  },
};

Deno.test("manual --down deletes the eroute and both chains", async () => {
  const { status, stderr, sent } = await run(["--down", "office"], UP);
  deepEqual([status, stderr], [0, ""]);
  deepEqual(sent.map((line) => line.split(" ")[0]), ["x-delflow(eroute)", "delete", "delete"]);
});

Deno.test("manual --down leaves an eroute that leads to an SA of another connection", async () => {
  const eroute = UP.listings!["eroute/all.json"].replace("0x200", "0x900");
  const { status, stderr, sent } = await run(["--down", "office"], {
    listings: { ...UP.listings, "eroute/all.json": eroute },
  });
  deepEqual([status, sent.length], [0, 2]);
  equal(
    stderr,
    'ipsec manual: warning: "office" was not completely up: the eroute 10.0.1.0/24 -> 10.0.2.0/24 leads to tun0x900@5.6.7.8, ' +
      "which is not this connection's\n",
  );
});

Deno.test("manual --down of what is not up says so and sends nothing", async () => {
  const { status, stderr, sent } = await run(["--down", "office"]);
  deepEqual([status, sent], [1, []]);
  match(stderr, /^ipsec manual: cannot take down "office": it is not up: there is no eroute /);
});

Deno.test("manual --show prints the commands without keys", async () => {
  const { stderr } = await run(["--show", "--up", "office"]);
  const lines = stderr.trimEnd().split("\n");
  equal(lines.length, 11);
  equal(
    lines[1],
    '+ ipsec spi --label "office" --af inet --said esp0x202@5.6.7.8 --esp aes128gcm16 --src 1.2.3.4 ' +
      "--replay_window 32 --enckey '<secret, 20 bytes>'",
  );
  ok(!stderr.includes("0e0e"));
});

const FATAL: [args: string[], stderr: string[], conf?: string][] = [
  [["--up", "ofice"], ['"ofice": did not find conn section(s) "ofice"; did you mean "office"?']],
  [["--up", "--union", "office", "nope"], ['"office nope": did not find conn section(s) "nope"']],
  [["--up", "--union", "first", "first"], [
    '"first first": section "first" requested more than once',
  ]],
  [["--up", "--union", "second", "third"], [
    '"second third": duplicated parameter "right", first at ipsec.conf:29 (ipsec.conf:35)',
    '"second third": duplicated parameter "type", first at ipsec.conf:30 (ipsec.conf:36)',
    '"second third": duplicated parameter "leftupdown", first at ipsec.conf:31 (ipsec.conf:37)',
  ]],
];
for (const [args, lines] of FATAL) {
  Deno.test(`manual ${args.join(" ")} is a fatal error`, async () => {
    const { status, stderr, sent } = await run(args);
    deepEqual([status, stderr.trimEnd().split("\n").slice(0, lines.length), sent], [
      1,
      lines.map((line) => `${P}: fatal error in ${line}`),
      [],
    ]);
  });
}

Deno.test("manual says all that the reader found wrong with a connection", async () => {
  const { status, stderr } = await run(["--up", "wrong"]);
  equal(status, 1);
  const lines = stderr.trimEnd().split("\n");
  equal(lines.length, 3);
  match(lines[0], /^ipsec manual: fatal error in "wrong": .*type=tunel: .*\(ipsec\.conf:21\)$/);
  match(lines[1], /^ipsec manual: fatal error in "wrong": .*espreplay_window=many: .*\(ipsec\.conf:22\)$/);
  match(lines[2], /^ipsec manual: fatal error in "wrong": .*ikelifetme.* ikelifetime\? \(ipsec\.conf:23\)$/);
});

Deno.test("manual takes names as parts of one connection, or as several", async () => {
  const union = await run(["--showonly", "--up", "first", "second"]);
  match(union.stdout, /PLUTO_CONNECTION="first second"/);
  const several = await run(["--showonly", "--up", "office", "third"]);
  deepEqual(several.stdout.match(/PLUTO_CONNECTION=.*/g), ['PLUTO_CONNECTION="office"', 'PLUTO_CONNECTION="third"']);
});

Deno.test("manual goes on with the next connection where one fails", async () => {
  const { status, sent } = await run(["--down", "office", "third"], {
    listings: {
      "spi/all.json": "[]",
      "eroute/all.json": JSON.stringify([{
        ...JSON.parse(UP.listings!["eroute/all.json"])[0],
        source: "1.2.3.4/32",
        destination: "5.6.7.9/32",
        sa: "%drop",
      }]),
    },
  });
  deepEqual([status, sent.length], [1, 1]);
});

const CONF_WITH_INCLUDE = CONF.replace("conn first", "include /nowhere/at/all\n\nconn first");

Deno.test("manual --noinclude passes over include lines", async () => {
  equal((await run(["--showonly", "--up", "third"], EMPTY, CONF_WITH_INCLUDE)).status, 1);
  equal((await run(["--noinclude", "--showonly", "--up", "third"], EMPTY, CONF_WITH_INCLUDE)).status, 0);
});

Deno.test("manual reads the sample of ipsec.conf, whose keys are in another file", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${directory}/ipsec.conf`, SAMPLE);
    const keys = `conn samplesep-keys\n\tespauthkey=0x${"0a".repeat(16)}\n\tespenckey=${KEYS["3des"]}\n`;
    Deno.writeTextFileSync(`${directory}/ipsec.sample.keys`, keys, { mode: 0o600 });
    const args = [
      "--config",
      `${directory}/ipsec.conf`,
      "--iam",
      "10.12.12.1@ipsec0",
      "--showonly",
      "--up",
      "samplesep",
    ];
    const { status, stdout, stderr } = await runTool(manual, args);
    deepEqual([status, stderr], [0, ""]);
    match(stdout, /PLUTO_NEXT_HOP=10\.88\.77\.66\n/);
    match(stdout, /--said esp0x700@10\.0\.0\.1 \\\n\t--esp 3des-md5-96 --src 10\.12\.12\.1 /);
    match(stdout, /--src 192\.168\.0\.0\/24 --dst 172\.16\.0\.0\/24 --said tun0x700@10\.0\.0\.1 /);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

const SAMPLE = `version 2

conn samplesep
	left=10.0.0.1
	leftnexthop=10.44.55.66
	leftsubnet=172.16.0.0/24
	right=10.12.12.1
	rightnexthop=10.88.77.66
	rightsubnet=192.168.0.0/24
	spi=0x700
	esp=3des-md5-96
	also=samplesep-keys

include ipsec.*.keys
`;

Deno.test("manual warns of keys that everyone can read", async () => {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, CONF);
    Deno.chmodSync(file, 0o644);
    const args = ["--config", file, "--iam", "1.2.3.4@ipsec0", "--showonly", "--route"];
    match((await runTool(manual, [...args, "office"])).stderr, /has keys in it and everyone can read it/);
    equal((await runTool(manual, [...args, "third"])).stderr, "");
  } finally {
    Deno.removeSync(file);
  }
});

const IAM: [iam: string, text: string][] = [
  ["1.2.3.4", "internal error on 1.2.3.4"],
  ["1.2.3.4@ipsec0@x", "internal error on 1.2.3.4@ipsec0@x"],
  ["host@ipsec0", "bad address in --iam host@ipsec0"],
];
for (const [iam, text] of IAM) {
  Deno.test(`manual --iam ${iam}`, async () => {
    const { status, stderr } = await run(["--iam", iam, "--up", "third"]);
    deepEqual([status, stderr], [1, `${P}: fatal error in "third": ${text}\n`]);
  });
}

Deno.test("manual NAME up is obsolete", async () => {
  const { status, stderr, stdout } = await run(["--showonly", "third", "route"]);
  deepEqual([status, stderr], [0, `${P}: warning: obsolete command syntax used\n`]);
  match(stdout, /PLUTO_VERB=route-host/);
});

const USAGE: string[][] = [[], ["--up"], ["--up", "--down", "x"], ["--up", "--up", "x"], ["x"], ["x", "y"], [
  "--config",
]];
for (const args of USAGE) {
  Deno.test(`manual ${args.join(" ") || "without words"} is answered by the usage text`, async () => {
    deepEqual(await runTool(manual, args), { status: 2, stdout: "", stderr: `${manual.usage()}\n`, sent: [] });
  });
}

Deno.test("manual refuses unknown options", async () => {
  const { status, stderr } = await runTool(manual, ["--upp", "x"]);
  deepEqual([status, stderr], [2, `${P}: unknown option \`--upp'\n`]);
});

Deno.test("manual --help and --version", async () => {
  deepEqual(await runTool(manual, ["--help"]), { status: 0, stdout: manual.usage(), stderr: "", sent: [] });
  const { status, stdout } = await runTool(manual, ["--version"]);
  equal(status, 0);
  match(stdout, /^ipsec manual \d/);
});

Deno.test("readManualOptions() reads every option", () => {
  deepEqual(
    readManualOptions([
      "--show",
      "--union",
      "--other",
      "--noinclude",
      "--config",
      "f",
      "--iam",
      "a@b",
      "--up",
      "x",
      "y",
    ]),
    {
      action: "up",
      names: ["x", "y"],
      union: true,
      show: true,
      showOnly: false,
      other: true,
      iam: "a@b",
      config: "f",
      include: false,
      obsolete: false,
    },
  );
});
