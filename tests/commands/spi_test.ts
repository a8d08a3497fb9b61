import { deepEqual, equal } from "node:assert/strict";
import { spi } from "../../commands/spi.ts";
import { type FakeKlips, runTool } from "./_fake_klips.ts";

const P = "ipsec spi";
const USAGE = spi.usage();
const hex = (bytes: number, first = 1) =>
  Array.from({ length: bytes }, (_, i) => (first + i).toString(16).padStart(2, "0")).join("");
const key = (bits: number) => `0x${hex(bits / 8)}`;
const keySent = (bits: number) => `${bits}:${hex(bits / 8)}`;
const ESP = ["--said", "esp0x200@192.0.2.2", "--src", "192.0.2.1"];
const AH = ["--said", "ah0x200@192.0.2.2"];
const ENDS = "source=192.0.2.1 destination=192.0.2.2";

const SENT: [why: string, args: string[], sent: string][] = [
  [
    "3DES with MD5",
    [...ESP, "--esp", "3des-md5-96", "--enckey", key(192), "--authkey", key(128), "--replay_window", "64"],
    `add ESP sa=spi:0x200,replay:64,state:1,auth:2,encrypt:3 ${ENDS} keyAuth=${keySent(128)} keyEncrypt=${
      keySent(192)
    }`,
  ],
  [
    "AES with SHA-2 and ESN",
    [...ESP, "--esp", "aes256-sha2_512-256", "--enckey", key(256), "--authkey", key(512), "--esn"],
    `add ESP sa=spi:0x200,state:1,auth:7,encrypt:12,flags:16 ${ENDS} keyAuth=${keySent(512)} keyEncrypt=${
      keySent(256)
    }`,
  ],
  [
    "an AEAD with its salt",
    [...ESP, "--esp", "aes128gcm16", "--enckey", key(160)],
    `add ESP sa=spi:0x200,state:1,encrypt:20 ${ENDS} keyEncrypt=${keySent(160)}`,
  ],
  [
    "ESP in UDP",
    [
      ...ESP,
      "--esp",
      "chacha20poly1305",
      "--enckey",
      key(288),
      "--natt=espinudp",
      "--dport",
      "1024",
      "--natoa",
      "10.0.0.9",
    ],
    `add ESP sa=spi:0x200,state:1,encrypt:28 ${ENDS} keyEncrypt=${
      keySent(288)
    } natType=2 natSport=4500 natDport=1024 ` +
    "natOa=10.0.0.9",
  ],
  [
    "AH under FreeS/WAN's name",
    [...AH, "--ah", "hmac-sha1-96", "--authkey", key(160)],
    `add AH sa=spi:0x200,state:1,auth:3 source=0.0.0.0 destination=192.0.2.2 keyAuth=${keySent(160)}`,
  ],
  [
    "AH over IPv6, its SA in parts",
    [
      ...["--af", "inet6", "--edst", "2001:db8::2", "--spi", "0x300", "--proto", "ah", "--src", "2001:db8::1"],
      ...["--ah", "sha2_256-128", "--authkey", key(256)],
    ],
    `add AH sa=spi:0x300,state:1,auth:5 source=2001:db8::1 destination=2001:db8::2 keyAuth=${keySent(256)}`,
  ],
  [
    "lifetimes",
    [
      ...[...AH, "--ah", "md5-96", "--authkey", key(128)],
      ...["--life", "soft-bytes=0x100,hard-addtime=60", "--life", "hard-packets=9"],
    ],
    "add AH sa=spi:0x200,state:1,auth:2 lifetimeHard=addtime:60,packets:9 lifetimeSoft=bytes:256 source=0.0.0.0 " +
    `destination=192.0.2.2 keyAuth=${keySent(128)}`,
  ],
  [
    "IPCOMP",
    ["--said", "comp0x1234@192.0.2.2", "--comp", "deflate"],
    "add COMP sa=spi:0x1234,state:1,encrypt:2 source=0.0.0.0 destination=192.0.2.2",
  ],
  [
    "a tunnel, whose --dst is not used",
    ["--said", "tun0x200@192.0.2.2", "--ip4", "--src", "192.0.2.1", "--dst", "192.0.2.9"],
    `add IPIP sa=spi:0x200,state:1 ${ENDS}`,
  ],
  [
    "a tunnel over IPv6",
    ["--ip6", "--edst", "2001:db8::2", "--spi", "512", "--proto", "tun", "--src", "2001:db8::1"],
    "add IPIP sa=spi:0x200,state:1 source=2001:db8::1 destination=2001:db8::2",
  ],
  [
    "--del",
    ["--del", "--af", "inet", "--said", "esp0x200@192.0.2.2"],
    "delete ESP sa=spi:0x200 source=0.0.0.0 destination=192.0.2.2",
  ],
  ["--clear", ["--clear"], "flush UNKNOWN"],
  [
    "an IV nowhere",
    [...AH, "--ah", "md5-96", "--authkey", key(128), "--iv", "0x0102"],
    `add AH sa=spi:0x200,state:1,auth:2 source=0.0.0.0 destination=192.0.2.2 keyAuth=${keySent(128)}`,
  ],
];
for (const [why, args, sent] of SENT) {
  Deno.test(`spi sends ${why}`, async () => {
    deepEqual(await runTool(spi, args), { status: 0, stdout: "", stderr: "", sent: [sent] });
  });
}

const onlyOne = (blanks: string) =>
  `${P}: Only one of '--ah', '--esp', '--comp', '--ip4', '--ip6', '--del' or '--clear'${blanks}options permitted.\n`;
const REFUSED: [args: string[], stderr: string, status?: number][] = [
  [["--del", "--clear"], onlyOne("  ")],
  [["--del", "--ip4"], onlyOne(" ")],
  [["--ah", "hmac-md4"], `${P}: Unknown authentication algorithm 'hmac-md4' follows '--ah' option.\n`],
  [["--comp", "lzs"], `${P}: Unknown compression algorithm 'lzs' follows '--comp' option.\n`],
  [["--esp", "blowfish"], `${P}: Invalid encryption algorithm 'blowfish' follows '--esp' option.\n`],
  [
    ["--esp", "des-md5-96"],
    `${P}: Invalid encryption algorithm 'des-md5-96' follows '--esp' option.\n` +
    `${P}: Single DES is refused: its 56-bit key can be found by trying all of them.  ` +
    "Use aes128gcm16 or aes128-sha2_256-128.\n",
  ],
  [
    ["--esp", "null-sha1-96"],
    `${P}: Invalid encryption algorithm 'null-sha1-96' follows '--esp' option.\n` +
    `${P}: Null encryption is refused: ESP that hides nothing looks like ESP that does.  ` +
    "Use AH to authenticate only.\n",
  ],
  [
    ["--esp", "3des"],
    `${P}: Invalid encryption algorithm '3des' follows '--esp' option.\n` +
    `${P}: ESP without authentication is refused: packets could be altered unnoticed, which also breaks the encryption.  ` +
    "Name an authenticator too: 3des-sha2_256-128 or 3des-sha1-96.\n",
  ],
  [["--af", "ipx"], `${P}: Invalid ADDRESS FAMILY parameter: ipx.\n`],
  [
    ["--af", "inet", "--af", "inet6"],
    `${P}: Error, ADDRESS FAMILY parameter redefined:inet6, already defined as:inet\n`,
  ],
  [
    ["--said", "esp0x200@1.2.3.4", "--af", "inet"],
    `${P}: Error, ADDRESS FAMILY parameter redefined:inet, already defined in SA:esp0x200@1.2.3.4\n`,
  ],
  [
    ["--af", "inet6", "--said", "esp0x200@1.2.3.4"],
    `${P}: Error, specified address family (10) is different that of SAID: esp0x200@1.2.3.4\n`,
  ],
  [
    ["--src", "1.2.3.4", "--src", "1.2.3.5"],
    `${P}: Error, SRC parameter redefined:1.2.3.5, already defined as:1.2.3.4\n`,
  ],
  [
    ["--dst", "1.2.3.256"],
    `${P}: Error, byte overflow in dotted-decimal address converting --dst argument:1.2.3.256\n`,
  ],
  [
    ["--authkey", "0123"],
    `${P}: Authentication key must have a '0x', '0t' or '0s' prefix to select the format: (not shown)\n`,
  ],
  [
    ["--enckey", "0Xff"],
    `${P}: Encryption key must have a '0x', '0t' or '0s' prefix to select the format: (not shown)\n`,
  ],
  [["--enckey", "secret"], `${P}: unknown format or syntax error in encryption key: (not shown)\n`],
  [["--authkey", "0xa"], `${P}: unknown format or syntax error in authentication key: (not shown)\n`],
  [["--iv", "0q"], `${P}: IV must have a '0x', '0t' or '0s' prefix to select the format, found 'q'.\n`],
  [["--iv", "zz"], `${P}: unknown format or syntax error in IV: zz\n`],
  [["--replay_window", "3x"], `${P}: Invalid character in replay_window parameter: 3x\n`],
  [
    ["--replay_window", "0x41"],
    `${P}: Failed -- Illegal window size: arg=0x41, replay_window=65, must be 1 <= size <= 64.\n`,
  ],
  [["--life", "firm-bytes=1"], `${P}: missing lifetime severity in firm-bytes=1, optargt=firm-bytes=1\n${USAGE}`, 255],
  [["--life", "soft"], `${P}: expected '-' after severity of lifetime parameter to --life option.\n${USAGE}`, 255],
  [["--life", "hard-days=1"], `${P}: missing lifetime type after '-' in hard-days=1\n${USAGE}`, 255],
  [["--life", "hard-bytes"], `${P}: expected '=' after type of lifetime parameter to --life option.\n${USAGE}`, 255],
  [
    ["--life", "hard-bytes="],
    `${P}: expected value after '=' in --life option. optargt=hard-bytes=\n${USAGE}`,
    255,
  ],
  [
    ["--life", "hard-bytes=1,hard-bytes=2"],
    `${P}: Error, lifetime parameter redefined:hard-bytes=2, already defined as:hard-bytes=1,hard-bytes=2\n`,
  ],
  [
    ["--life", "hard-bytes=12x"],
    `${P}: Invalid character='x' at offset 13 in lifetime option parameter: 'hard-bytes=12x', parameter string is ` +
    "14 characters long, 13 valid value characters found.\n",
  ],
  [["--life", "soft-packets=0x100000000"], `${P}: lifetime value too large in soft-packets=0x100000000\n`],
  [["--src", "1.2.3.4"], `${P}: No action chosen.  See '${P} --help' for usage.\n`],
  [["--del"], `${P}: SA destination not specified.\n`],
  [["--del", "--said", "esp0x200@0.0.0.0"], `${P}: SA destination not specified.\n`],
  [["--del", "--edst", "1.2.3.4"], `${P}: SA SPI not specified.\n`],
  [["--del", "--edst", "1.2.3.4", "--spi", "0x100"], `${P}: SA PROTO not specified.\n`],
  [
    ["--ip6", "--said", "tun0x200@2001:db8::1", "--src", "2001:db8::2", "--esn"],
    `${P}: --esn goes with --ah or --esp.\n`,
  ],
  [
    ["--src", "192.0.2.1", "--said", "tun0x200@2001:db8::1", "--del"],
    `${P}: Defined address family and address family of SA missmatch.\n`,
  ],
  [
    ["--said", "ah0x200@1.2.3.4", "--esp", "aes128gcm16", "--enckey", key(160)],
    `${P}: Trouble building pfkey message, error=-22.\n` +
    `${P}: --esp makes an SA of protocol esp: the SA named is of another one.\n`,
  ],
  [
    ["--said", "ah0xff@1.2.3.4", "--ah", "md5-96", "--authkey", key(128)],
    `${P}: Trouble building pfkey message, error=-22.\n${P}: SPIs below 0x100 are reserved: 0xff.\n`,
  ],
  [
    [...AH, "--ah", "hmac-md5-96"],
    `${P}: Trouble building key_a extension, error=-22.\n` +
    `${P}: --ah hmac-md5-96 needs --authkey with a key of 128 bits.\n`,
  ],
  [
    [...ESP, "--esp", "3des-md5-96", "--authkey", key(128)],
    `${P}: Trouble building key_e extension, error=-22.\n` +
    `${P}: --esp 3des-md5-96 needs --enckey with a key of 192 bits.\n`,
  ],
  [
    [...ESP, "--esp", "aes128gcm16", "--enckey", key(128)],
    `${P}: Wrong key length: --esp aes128gcm16 needs --enckey of 160 bits, 128 were given.\n`,
  ],
  [
    [...ESP, "--esp", "aes128gcm16", "--enckey", key(160), "--authkey", key(128)],
    `${P}: --authkey has no use with --esp aes128gcm16.\n`,
  ],
  [["--said", "tun0x200@1.2.3.4", "--ip4", "--enckey", key(128)], `${P}: --enckey has no use with --ip4.\n`],
  ...["0x0202020202020202_0303030303030303_0808080808080808", "0x0808080808080808_0202020202020202_0303030303030303"]
    .map((weak): [string[], string] => [
      [...ESP, "--esp", "3des-md5-96", "--authkey", key(128), "--enckey", weak],
      `${P}: Weak key: --enckey is refused: the second of its three DES keys is equal to a neighbour, ` +
      "which makes 3DES single DES.\n",
    ]),
  [["--natt", "udp"], `${P}: Unknown encapsulation 'udp' follows '--natt' option: it is espinudp or none.\n`],
  [["--sport", "0"], `${P}: --sport parameter: 0 must be in the range 1 to 65535 inclusive\n`],
  [
    [...ESP, "--esp", "aes128gcm16", "--enckey", key(160), "--natt", "none", "--sport", "4500"],
    `${P}: --sport, --dport and --natoa go with --natt espinudp.\n`,
  ],
  [
    [...AH, "--ah", "md5-96", "--authkey", key(128), "--natt", "espinudp"],
    `${P}: --natt espinudp goes with --esp.\n`,
  ],
  [["--nope"], `${P}: unrecognized option '--nope'\n${USAGE}`, 255],
];
for (const [args, stderr, status = 1] of REFUSED) {
  Deno.test(`spi refuses ${args.join(" ")}`, async () => {
    deepEqual(await runTool(spi, args), { status, stdout: "", stderr, sent: [] });
  });
}

const ERRORS: [errno: number, reason: string][] = [
  [3, "SA does not exist.  Cannot delete."],
  [17, "SA already in use.  Delete old one first."],
  [22, "Invalid argument, check kernel log messages for specifics."],
  [28, "no room in kernel SAref table.  Cannot process request."],
];
for (const [errno, reason] of ERRORS) {
  Deno.test(`spi tells errno ${errno}`, async () => {
    const { status, stderr } = await runTool(spi, ["--clear"], { errno });
    deepEqual([status, stderr], [1, `${P}: pfkey write failed (errno=${errno}): ${reason}\n`]);
  });
}

const listings: FakeKlips = { listings: { "spi/all": "a listing\n", "spi/all.json": "[]\n" } };
for (
  const [args, stdout] of [
    [[], "a listing\n"],
    [["--saref", "--listenreply", "--debug"], "a listing\n"],
    [["--json"], "[]\n"],
  ] as [string[], string][]
) {
  Deno.test(`spi ${args.join(" ")} lists`, async () => {
    deepEqual(await runTool(spi, args, listings), { status: 0, stdout, stderr: "", sent: [] });
  });
}

Deno.test("spi --saref prints the reference of the reply", async () => {
  const args = ["--ip4", "--said", "tun0x200@192.0.2.2", "--saref", "--listenreply"];
  equal((await runTool(spi, args, { ref: 42 })).stdout, `${P}: saref=42\n${P}: exited normally\n`);
});

Deno.test("spi --help prints the usage text and exits with 255", async () => {
  deepEqual(await runTool(spi, ["--help"]), { status: 255, stdout: USAGE, stderr: "", sent: [] });
});

Deno.test("spi lets --sp mean --spi still", async () => {
  const { sent } = await runTool(spi, ["--del", "--edst", "192.0.2.2", "--sp", "256", "--pr", "esp"]);
  deepEqual(sent, ["delete ESP sa=spi:0x100 source=0.0.0.0 destination=192.0.2.2"]);
});
