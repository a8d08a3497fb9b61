/** `ipsec auto`: what each operation asks of whack, what it refuses, and what it shows (commands.md §7, whack.md §12). */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert/strict";
import { auto } from "../../commands/auto.ts";
import { AUTO_USAGE, OPERATIONS } from "../../commands/_auto_options.ts";
import { parseKeyList } from "../../commands/_auto_lists.ts";
import type { WhackRequest } from "../../lib/pluto/request.ts";
import { type Answers, FakePluto, runIn } from "./_fake_pluto.ts";

const INFO =
  "defaultroutephys=eth0\ndefaultroutevirt=ipsec0\ndefaultrouteaddr=192.0.2.1\ndefaultroutenexthop=192.0.2.254\n";
const HEAD = 'PATH="/bin"\nexport PATH\n';

interface Setting {
  /** Of `config setup`, one a line. */
  readonly setup?: string;
  readonly info?: string;
}

/** A directory with a configuration; parameters are separated by blanks, `~` stands for a blank in a value. */
function folder(conn: string, { setup = "", info = INFO }: Setting = {}): string {
  const directory = Deno.makeTempDirSync({ prefix: "oneswan-auto-" });
  const lines = conn.split(" ").map((line) => `\t${line.replaceAll("~", " ")}\n`).join("");
  const setupLines = setup.split(" ").filter(Boolean).map((line) => `\t${line}\n`).join("");
  Deno.writeTextFileSync(`${directory}/ipsec.conf`, `version 2\nconfig setup\n${setupLines}conn t\n${lines}`);
  Deno.writeTextFileSync(`${directory}/ipsec.info`, info);
  return directory;
}

async function showOnly(conn: string, setting: Setting = {}, operation = "--add") {
  const directory = folder(conn, setting);
  try {
    return await runIn(directory, auto, "--showonly", operation, "t");
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("auto --showonly prints the example of the reference, blank for blank", async () => {
  const { status, stdout, stderr } = await showOnly(
    "left=1.1.1.1 right=2.2.2.2 leftsubnet=10.1.0.0/16 rightsubnet=10.2.0.0/16 leftprotoport=17/1701 " +
      "rightprotoport=17/1701 leftfirewall=yes leftid=@w rightid=@e leftrsasigkey=0sAQNvLw== " +
      "leftrsasigkey2=0sAQNvLg== rightrsasigkey=%dnsonload auth=ah compress=yes failureshunt=drop keylife=90m " +
      "ikelifetime=2.5h disablearrivalcheck=yes rekeyfuzz=50%",
    {},
    "--replace",
  );
  equal(stderr, "");
  equal(
    stdout,
    `${HEAD}ipsec whack --label "\\"t\\" leftrsasigkey"  --keyid "@w" --pubkeyrsa "0sAQNvLw==" \\
	|| exit $?
ipsec whack --label "\\"t\\" leftrsasigkey2" --addkey --keyid "@w" --pubkeyrsa "0sAQNvLg==" \\
	|| exit $?
ipsec whack --label "\\"t\\" rightrsasigkey"  --keyid "@e" \\
	|| exit $?
ipsec whack --name t --encrypt --tunnel --faildrop --authenticate --pfs --compress --delete --ikelifetime "9000" --disablearrivalcheck --rsasig \\
	--host "1.1.1.1" --client "10.1.0.0/16" --clientprotoport "17/1701" --nexthop "%direct" --updown "ipsec _updown ipfwadm" --id "@w"    \\
	--to --host "2.2.2.2" --client "10.2.0.0/16" --clientprotoport "17/1701" --nexthop "%direct" --updown "ipsec _updown" --id "@e"    \\
	--ipseclifetime "5400" --rekeymargin "540" \\
	--keyingtries "0" --rekeyfuzz "50"   \\
	|| exit $?
`,
  );
  equal(status, 0);
});

Deno.test("auto --showonly prints the least connection", async () => {
  equal(
    (await showOnly("left=1.1.1.1 right=2.2.2.2")).stdout,
    `${HEAD}ipsec whack --name t --encrypt --tunnel --pfs --rsasig \\
	--host "1.1.1.1"   --nexthop "%direct" --updown "ipsec _updown"  --dnskeyondemand   \\
	--to --host "2.2.2.2"   --nexthop "%direct" --updown "ipsec _updown"  --dnskeyondemand   \\
	--ipseclifetime "28800" --rekeymargin "540" \\
	--keyingtries "0"    \\
	|| exit $?
`,
  );
});

/** Of the description: its settings, each end, and what follows. */
const NO_CERTIFICATES = ": certificates are not supported yet; leftrsasigkey= takes what";

async function pieces(conn: string, setting: Setting = {}) {
  const { stdout, stderr, status } = await showOnly(conn, setting);
  const isOfCertificates = (line: string) => line.includes(NO_CERTIFICATES);
  deepEqual(stderr.split("\n").filter((line) => line && !isOfCertificates(line)), []);
  equal(isOfCertificates(stderr), /cert=|=%cert/.test(conn));
  equal(status, 0);
  const lines = stdout.slice(stdout.indexOf("ipsec whack --name t")).split(" \\\n\t");
  const squeeze = (line: string) => line.replace(/ +/g, " ").trim();
  return {
    settings: squeeze(lines[0].replace("ipsec whack --name t", "")),
    left: squeeze(lines[1]),
    right: squeeze(lines[2].replace("--to ", "")),
    rest: `${squeeze(lines[3])} ${squeeze(lines[4])}`,
    keys: stdout.slice(HEAD.length, stdout.indexOf("ipsec whack --name t")).split("|| exit $?\n").map((line) =>
      squeeze(line.replace("\\\n\t", ""))
    ).filter(Boolean),
  };
}

const PSK = "left=1.1.1.1 right=2.2.2.2 authby=secret";
const SETTINGS: [parameters: string, settings: string, setup?: string][] = [
  ["", "--encrypt --tunnel --pfs --psk"],
  ["type=transport", "--encrypt --pfs --psk"],
  ["type=passthrough", "--encrypt --pass --pfs --psk"],
  ["type=drop", "--encrypt --drop --pfs --psk"],
  ["type=reject", "--encrypt --reject --pfs --psk"],
  ["failureshunt=none", "--encrypt --tunnel --pfs --psk"],
  ["failureshunt=passthrough", "--encrypt --tunnel --failpass --pfs --psk"],
  ["failureshunt=reject", "--encrypt --tunnel --failreject --pfs --psk"],
  ["auth=ah", "--encrypt --tunnel --authenticate --pfs --psk"],
  ["phase2=ah ah=sha1", '--tunnel --authenticate --pfs --psk --ah "sha1"'],
  ["phase2=esp esp=aes128-sha1", '--encrypt --tunnel --pfs --psk --esp "aes128-sha1"'],
  ["phase2alg=aes256", '--encrypt --tunnel --pfs --psk --esp "aes256"'],
  ["pfs=no", "--encrypt --tunnel --psk"],
  ["compress=yes", "--encrypt --tunnel --pfs --compress --psk"],
  ["ikelifetime=1h", '--encrypt --tunnel --pfs --ikelifetime "3600" --psk'],
  ["ike=aes256-sha2_256;modp2048", '--encrypt --tunnel --pfs --psk --ike "aes256-sha2_256;modp2048"'],
  ["pfsgroup=modp2048", '--encrypt --tunnel --pfs --psk --pfsgroup "modp2048"'],
  ["aggrmode=yes", "--encrypt --tunnel --pfs --psk --aggrmode"],
  ["keyexchange=ikev1", "--encrypt --tunnel --pfs --psk"],
  ["dpddelay=30", '--encrypt --tunnel --pfs --psk --dpddelay "30" --dpdtimeout "120"'],
  [
    "dpddelay=1m dpdtimeout=2m dpdaction=restart",
    '--encrypt --tunnel --pfs --psk --dpddelay "60" --dpdtimeout "120" --dpdaction "restart"',
  ],
  ["forceencaps=yes", "--encrypt --tunnel --pfs --psk --forceencaps"],
  [
    "modecfgpull=yes modecfgdns1=10.0.0.1 modecfgwins2=10.0.0.2",
    '--encrypt --tunnel --pfs --psk --modecfgpull --modecfgdns1 "10.0.0.1" --modecfgwins2 "10.0.0.2"',
  ],
  [
    'modecfgdns="10.0.0.1,~10.0.0.2" modecfgdomains=a.example,b.example modecfgbanner="Mind~the~gap"',
    '--encrypt --tunnel --pfs --psk --modecfgdns "10.0.0.1,10.0.0.2" --modecfgdomains "a.example,b.example" ' +
    '--modecfgbanner "Mind the gap"',
  ],
  ["xauthby=alwaysok", '--encrypt --tunnel --pfs --psk --xauthby "alwaysok"'],
  ["", "--encrypt --tunnel --pfs --psk --legacy", "legacy=yes"],
  ["", "--encrypt --tunnel --pfs --psk --nonattraversal", "nat_traversal=no"],
];
for (const [parameters, settings, setup] of SETTINGS) {
  Deno.test(`auto says ${settings} for ${parameters || setup || "a tunnel"}`, async () => {
    equal((await pieces(`${PSK} ${parameters}`.trim(), { setup })).settings, settings);
  });
}

const AUTHENTICATION: [authby: string, settings: string, onDemand: boolean][] = [
  ["rsasig", "--encrypt --tunnel --pfs --rsasig", true],
  ["secret", "--encrypt --tunnel --pfs --psk", false],
  ["secret|rsasig", "--encrypt --tunnel --pfs --rsasig --psk", true],
  ["rsasig|secret", "--encrypt --tunnel --pfs --rsasig --psk", true],
];
for (const [authby, settings, onDemand] of AUTHENTICATION) {
  Deno.test(`auto says ${settings} for authby=${authby}`, async () => {
    const said = await pieces(`left=1.1.1.1 right=2.2.2.2 authby=${authby}`);
    equal(said.settings, settings);
    equal(said.left.includes("--dnskeyondemand"), onDemand);
  });
}
Deno.test("auto encrypts nothing with authby=never", async () => {
  const said = await pieces("left=1.1.1.1 right=2.2.2.2 authby=never type=drop");
  equal(said.settings, "--drop --pfs");
  ok(!said.left.includes("--dnskeyondemand"));
});

const END = '--host "1.1.1.1" --nexthop "%direct" --updown "ipsec _updown"';
const ENDS: [parameters: string, left: string][] = [
  ["", END],
  [
    "leftsubnet=10.0.0.0/8",
    '--host "1.1.1.1" --client "10.0.0.0/8" --nexthop "%direct" --updown "ipsec _updown"',
  ],
  [
    "leftsubnet=vhost:%no,%priv",
    '--host "1.1.1.1" --client "vhost:%no,%priv" --nexthop "%direct" --updown "ipsec _updown"',
  ],
  [
    "leftsubnetwithin=10.0.0.0/8",
    '--host "1.1.1.1" --clientwithin "10.0.0.0/8" --nexthop "%direct" --updown "ipsec _updown"',
  ],
  ["leftnexthop=1.1.1.254", '--host "1.1.1.1" --nexthop "1.1.1.254" --updown "ipsec _updown"'],
  ["leftnexthop=%defaultroute", '--host "1.1.1.1" --nexthop "192.0.2.254" --updown "ipsec _updown"'],
  ['leftupdown="x~$y"', '--host "1.1.1.1" --nexthop "%direct" --updown "x \\$y"'],
  ["leftfirewall=yes", '--host "1.1.1.1" --nexthop "%direct" --updown "ipsec _updown ipfwadm"'],
  ["leftid=@w", `${END} --id "@w"`],
  ["leftid=%myid", `${END} --id "%myid"`],
  ["leftid=%fromcert leftcert=w.pem", `${END} --cert "w.pem"`],
  ["leftcert=w.pem leftca=%same", `${END} --cert "w.pem" --ca "%same"`],
  ["leftsourceip=10.0.0.1", `${END} --srcip "10.0.0.1"`],
  ["leftsourceip=%config", `${END} --modecfgclient`],
  ["leftsourceip=%modeconfig", `${END} --modecfgclient`],
  ["leftxauthserver=yes leftmodecfgserver=yes", `${END} --xauthserver --modecfgserver`],
  ["leftxauthclient=yes leftxauthusername=joe", `${END} --xauthclient --xauthname "joe"`],
];

const POOLS: [parameter: string, options: string][] = [
  ["rightaddresspool=10.3.0.10-10.3.0.99", '--addresspool "10.3.0.10-10.3.0.99" --modecfgclient'],
  ['rightaddresspool="10.3.0.10~-~10.3.0.99"', '--addresspool "10.3.0.10-10.3.0.99" --modecfgclient'],
  ["rightsourceip=10.3.0.0/24", '--addresspool "10.3.0.0/24" --modecfgclient'],
];
for (const [parameter, options] of POOLS) {
  Deno.test(`auto says ${options} for ${parameter}`, async () => {
    const { right } = await pieces(`left=1.1.1.1 right=%any authby=secret ${parameter}`);
    equal(right, `--host "%any" --nexthop "%direct" --updown "ipsec _updown" ${options}`);
  });
}
Deno.test("auto says the family of a pool before it", async () => {
  const { settings } = await pieces("left=1.1.1.1 right=%any authby=secret rightaddresspool=fd00:3::/64");
  equal(settings, "--tunnelipv6 --encrypt --tunnel --pfs --psk");
});

for (const [parameters, left] of ENDS) {
  Deno.test(`auto says of an end ${left}`, async () => {
    equal((await pieces(`${PSK} ${parameters}`.trim())).left, left);
  });
  Deno.test(`auto says of the right end ${left}`, async () => {
    const mirrored = `right=1.1.1.1 left=2.2.2.2 authby=secret ${parameters.replaceAll("left", "right")}`.trim();
    equal((await pieces(mirrored)).right, left);
  });
}

Deno.test("auto puts the default route in the place of %defaultroute", async () => {
  const said = await pieces("left=%defaultroute right=2.2.2.2 authby=secret");
  equal(said.left, '--host "192.0.2.1" --nexthop "192.0.2.254" --updown "ipsec _updown"');
  const pointToPoint = INFO.replace(/defaultroutenexthop.*\n/, "");
  const other = await pieces("left=%defaultroute right=2.2.2.2 authby=secret", { info: pointToPoint });
  equal(other.left, '--host "192.0.2.1" --nexthop "%direct" --updown "ipsec _updown"');
});

const RESTS: [parameters: string, rest: string][] = [
  ["", '--ipseclifetime "28800" --rekeymargin "540" --keyingtries "0"'],
  ["keylife=1.5h rekeymargin=90s", '--ipseclifetime "5400" --rekeymargin "90" --keyingtries "0"'],
  ["keyingtries=5", '--ipseclifetime "28800" --rekeymargin "540" --keyingtries "5"'],
  ["rekeyfuzz=0%", '--ipseclifetime "28800" --rekeymargin "540" --keyingtries "0" --rekeyfuzz "0"'],
  ["rekey=no", '--ipseclifetime "28800" --rekeymargin "540" --keyingtries "0" --dontrekey'],
];
for (const [parameters, rest] of RESTS) {
  Deno.test(`auto says ${rest}`, async () => equal((await pieces(`${PSK} ${parameters}`.trim())).rest, rest));
}

const FAMILIES: [conn: string, settings: string][] = [
  ["left=2001:db8::1 right=2001:db8::2 authby=secret", "--ipv6 --encrypt --tunnel --pfs --psk"],
  [
    "left=2001:db8::1 right=2001:db8::2 leftsubnet=10.0.0.0/8 authby=secret",
    "--ipv6 --tunnelipv4 --encrypt --tunnel --pfs --psk",
  ],
  [
    "left=1.1.1.1 right=2.2.2.2 rightsubnet=2001:db8::/32 authby=secret",
    "--tunnelipv6 --encrypt --tunnel --pfs --psk",
  ],
];
for (const [conn, settings] of FAMILIES) {
  Deno.test(`auto says ${settings.split(" --enc")[0]} for ${conn}`, async () => {
    equal((await pieces(conn)).settings, settings);
  });
}

const KEYS: [parameters: string, keys: string[]][] = [
  ["leftid=@w leftrsasigkey=0sAQNvLw==", [
    'ipsec whack --label "\\"t\\" leftrsasigkey" --keyid "@w" --pubkeyrsa "0sAQNvLw=="',
  ]],
  ["leftrsasigkey=0sAQNvLw==", [
    'ipsec whack --label "\\"t\\" leftrsasigkey" --keyid "1.1.1.1" --pubkeyrsa "0sAQNvLw=="',
  ]],
  ["leftrsasigkey=%dns", ['ipsec whack --label "\\"t\\" leftrsasigkey" --keyid "1.1.1.1"']],
  ["leftrsasigkey2=%dnsonload", ['ipsec whack --label "\\"t\\" leftrsasigkey2" --addkey --keyid "1.1.1.1"']],
  ["leftrsasigkey=%none", []],
  ["leftrsasigkey=%cert", []],
  ["leftrsasigkey=0x00", []],
  ["leftrsasigkey=%dnsondemand", []],
  ["leftrsasigkey=0sAQNvLw== authby=secret", []],
];
for (const [parameters, keys] of KEYS) {
  Deno.test(`auto has ${keys.length} commands for the keys of ${parameters}`, async () => {
    deepEqual((await pieces(`left=1.1.1.1 right=2.2.2.2 ${parameters}`)).keys, keys);
  });
}
Deno.test("auto does not look up our key for a peer that is not known", async () => {
  deepEqual((await pieces("left=1.1.1.1 leftrsasigkey=%dns right=%any rightid=@e rightrsasigkey=0x00")).keys, []);
});

Deno.test("auto makes the implicit conns as pluto's status shows them", async () => {
  const directory = folder("left=1.1.1.1");
  try {
    const { stdout } = await runIn(directory, auto, "--showonly", "--add", "private-or-clear");
    match(stdout, /--encrypt --tunnel --failpass --pfs --ikelifetime "3600" --rsasig/);
    match(stdout, /--host "192\.0\.2\.1" +--nexthop "192\.0\.2\.254" .*--id "%myid" --dnskeyondemand/);
    match(stdout, /--to --host "%opportunisticgroup" .*--dnskeyondemand/);
    match(stdout, /--keyingtries "3" {2}--dontrekey/);
    const { stdout: block } = await runIn(directory, auto, "--showonly", "--add", "block");
    match(block, /--name block --reject --pfs \\/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

const ERRORS: [conn: string, complaint: string, setting?: Setting][] = [
  ["left=1.1.1.1", 'connection has no "right" parameter specified (DIR/ipsec.conf:4)'],
  ["right=1.1.1.1", 'connection has no "left" parameter specified (DIR/ipsec.conf:4)'],
  [
    "left=%defaultroute right=2.2.2.2",
    "%defaultroute requested but not known: a start with interfaces=%defaultroute in config setup makes it known (DIR/ipsec.conf:4)",
    { info: "" },
  ],
  [
    "left=1.1.1.1 right=2.2.2.2 leftnexthop=%defaultroute",
    "%defaultroute requested but not known: a start with interfaces=%defaultroute in config setup makes it known (DIR/ipsec.conf:6)",
    { info: "#dr: no default route\n" },
  ],
  [
    "left=1.1.1.1 right=2.2.2.2 leftnexthop=%defaultroute",
    "leftnexthop=%defaultroute: the default route has no next hop (DIR/ipsec.conf:6)",
    { info: INFO.replace(/defaultroutenexthop.*\n/, "") },
  ],
  ["left=1.1.1.1 right=%any", 'ID "%any" cannot have RSA key (DIR/ipsec.conf:5)'],
  ["left=1.1.1.1 right=2.2.2.2 rightid=%any", 'ID "%any" cannot have RSA key (DIR/ipsec.conf:6)'],
  ["left=1.1.1.1 right=2.2.2.2 leftid=%fromcert", "leftid=%fromcert needs leftcert (DIR/ipsec.conf:6)"],
  [
    "left=1.1.1.1 right=2.2.2.2 type=transport leftsubnet=10.0.0.0/8",
    "conn t: type=transport incompatible with leftsubnet (DIR/ipsec.conf:7)",
  ],
  [
    "left=1.1.1.1 right=2.2.2.2 pfs=maybe",
    "conn t: pfs=maybe: must be yes or no (DIR/ipsec.conf:6)",
  ],
];
for (const [conn, complaint, setting] of ERRORS) {
  Deno.test(`auto refuses ${conn}: ${complaint}`, async () => {
    const { status, stdout, stderr } = await showOnly(conn, setting);
    equal(stderr, `ipsec_auto: fatal error in "t": ${complaint}\n`);
    equal(stdout, `${HEAD}# fatal error discovered: ${complaint}\nfalse\n`);
    equal(status, 1);
  });
}

for (const fine of ["rightcert=e.pem", "rightrsasigkey=%cert", "rightrsasigkey=0x00", "rightid=@e", "authby=secret"]) {
  Deno.test(`auto takes an unknown peer with ${fine}`, async () => {
    await pieces(`left=1.1.1.1 right=%any ${fine}`);
  });
}

Deno.test("auto proposes the conn that is meant", async () => {
  await using pluto = new FakePluto();
  Deno.writeTextFileSync(`${pluto.directory}/ipsec.conf`, "version 2\nconn office\n\tleft=1.1.1.1\n");
  deepEqual(await runIn(pluto.directory, auto, "--add", "ofice"), {
    status: 1,
    stdout: "",
    stderr: 'ipsec_auto: fatal error in "ofice": did not find conn section(s) "ofice"; did you mean "office"?\n',
  });
  deepEqual(pluto.requests, []);
});

const PLAIN: [args: string, shown: string, request: Omit<WhackRequest, "version">][] = [
  ["--ready", "--listen", { listen: true }],
  ["--rereadgroups", "--listen", { listen: true }],
  ["--rereadsecrets", "--rereadsecrets", { rereadSecrets: true }],
  ["--rereadcacerts", "--rereadcacerts", { rereadCacerts: true }],
  ["--rereadcrls", "--rereadcrls", { rereadCrls: true }],
  ["--rereadall", "--rereadall", { rereadSecrets: true, rereadCacerts: true, rereadCrls: true }],
  ["--status", "--status", { status: true }],
  ["--up n", " --name n --initiate", { name: "n", initiate: true }],
  ["--up n --xauthname joe", " --name n --initiate --xauthname joe", {
    name: "n",
    initiate: true,
    xauth: { user: "joe" },
  }],
  ["--asynchronous --up n", "--asynchronous --name n --initiate", { name: "n", initiate: true, async: true }],
  ["--up --async n", "--asynchronous --name n --initiate", { name: "n", initiate: true, async: true }],
  ["--down n", "--name n --terminate", { name: "n", terminate: true }],
  ["--delete n", "--name n --delete", { name: "n", delete: true }],
  ["--route n", "--name n --route", { name: "n", route: true }],
  ["--unroute n", "--name n --unroute", { name: "n", unroute: true }],
  ["--listpubkeys", " --listpubkeys", { lists: ["pubkeys"] }],
  ["--utc --listcerts", "--utc --listcerts", { lists: ["certs"], utc: true }],
  ["--listcacerts", " --listcacerts", { lists: ["cacerts"] }],
  ["--listcrls", " --listcrls", { lists: ["crls"] }],
  ["--listcards", " --listcards", { lists: ["cards"] }],
  ["--listall", " --listall", { lists: ["pubkeys", "certs", "cacerts", "crls", "cards"] }],
];
for (const [args, shown, request] of PLAIN) {
  Deno.test(`auto ${args}`, async () => {
    await using pluto = new FakePluto();
    deepEqual(await runIn(pluto.directory, auto, "--showonly", ...args.split(" ")), {
      status: 0,
      stdout: `ipsec whack ${shown}\n`,
      stderr: "",
    });
    deepEqual(pluto.requests, []);
    equal((await runIn(pluto.directory, auto, ...args.split(" "))).status, 0);
    deepEqual(pluto.requests, [{ version: 1, ...request }]);
  });
}
Deno.test("auto has all its operations in these tests", () => {
  const tested = PLAIN.flatMap(([args]) => args.split(" ").map((word) => word.slice(2)));
  deepEqual(Object.keys(OPERATIONS).filter((name) => !tested.includes(name)), ["add", "replace"]);
});

const GROUPS = `version 2
conn private-net
	also=private
	leftsubnet=10.1.0.0/24
conn known-net
	also=clear
	leftsubnet=10.1.0.0/24
conn asleep-net
	left=%defaultroute
	right=%group
	type=passthrough
	authby=never
conn added-net
	also=block
	auto=add
conn office
	left=1.1.1.1
	right=2.2.2.2
	auto=start
`;

Deno.test("auto --rereadgroups makes the groups known that ipsec.conf has gained, reads the files, and routes them", async () => {
  await using pluto = new FakePluto((request, { say }) =>
    say(...request.status ? ['000 "known-net": 10.1.0.0/24===192.0.2.1---192.0.2.254...%group; unrouted'] : [])
  );
  Deno.writeTextFileSync(`${pluto.directory}/ipsec.conf`, GROUPS);
  Deno.writeTextFileSync(`${pluto.directory}/ipsec.info`, INFO);
  deepEqual(await runIn(pluto.directory, auto, "--rereadgroups"), { status: 0, stdout: "", stderr: "" });
  const asked = pluto.requests.flatMap(({ keys, name, connection, listen, route, status }) =>
    keys && !connection
      ? []
      : `${status ? "status" : ""}${listen ? "listen" : ""}${route ? "route " : ""}${connection ? "add " : ""}${
        name ?? ""
      }`
  );
  deepEqual(asked, ["status", "add private-net", "add added-net", "listen", "route private-net"]);
});

Deno.test("auto --rereadgroups reads the files also where a new group cannot be used, and says so", async () => {
  await using pluto = new FakePluto();
  Deno.writeTextFileSync(`${pluto.directory}/ipsec.conf`, `${GROUPS.split("conn known-net")[0]}\tnosuch=1\n`);
  Deno.writeTextFileSync(`${pluto.directory}/ipsec.info`, INFO);
  const { status, stderr } = await runIn(pluto.directory, auto, "--rereadgroups");
  equal(status, 1);
  match(stderr, /fatal error in "private-net": .*nosuch/);
  deepEqual(pluto.requests.map(({ listen }) => listen), [undefined, true]);
});

Deno.test("auto --add tells pluto the keys, then the connection", async () => {
  const directory = folder("left=1.1.1.1 right=2.2.2.2 leftid=@w leftrsasigkey=0sAQNvLw== rightrsasigkey=%dns");
  await using pluto = new FakePluto();
  Deno.copyFileSync(`${directory}/ipsec.conf`, `${pluto.directory}/ipsec.conf`);
  Deno.removeSync(directory, { recursive: true });
  const outcome = await runIn(pluto.directory, auto, "--replace", "--show", "t");
  equal(outcome.status, 0);
  match(outcome.stderr, /^\+ ipsec whack --label "t" leftrsasigkey --keyid @w --pubkeyrsa 0sAQNvLw==\n\+ /);
  deepEqual(pluto.requests.slice(0, 2).map(({ keys }) => keys), [
    [{ id: "@w", add: false, rsa: "0sAQNvLw==" }],
    [{ id: "2.2.2.2", add: false }],
  ]);
  const { name, delete: replaces, connection } = pluto.requests[2];
  deepEqual([name, replaces, connection!.left.host, connection!.rsasig], ["t", true, "1.1.1.1", true]);
});

Deno.test("auto stops at the first command that fails", async () => {
  const directory = folder("left=1.1.1.1 right=2.2.2.2 leftrsasigkey=0sAQNvLw==");
  await using pluto = new FakePluto((_, { say }) => say("003 RSA modulus too small for security"));
  Deno.copyFileSync(`${directory}/ipsec.conf`, `${pluto.directory}/ipsec.conf`);
  Deno.removeSync(directory, { recursive: true });
  equal((await runIn(pluto.directory, auto, "--add", "t")).status, 3);
  equal(pluto.requests.length, 1);
});

const TALK: Answers = (_, { say }) =>
  say('002 "n" #1: initiating Main Mode', '104 "n" #1: STATE_MAIN_I1: initiate', "004 up");
Deno.test("auto hides the lines of the log, unless --verbose", async () => {
  await using pluto = new FakePluto(TALK);
  const quiet = await runIn(pluto.directory, auto, "--up", "n");
  deepEqual(quiet, { status: 0, stdout: '104 "n" #1: STATE_MAIN_I1: initiate\n004 up\n', stderr: "" });
  match(
    (await runIn(pluto.directory, auto, "--verbose", "--up", "n")).stdout,
    /^002 "n" #1: initiating Main Mode\n104/,
  );
});

Deno.test("auto --status --json is pluto's own", async () => {
  await using pluto = new FakePluto((_, { say }) => say('000 {"connections":[]}'));
  equal((await runIn(pluto.directory, auto, "--status", "--json")).stdout, '{"connections":[]}\n');
  equal(pluto.requests[0].status, "json");
});

const KEY_LIST = [
  "000 List of Public Keys:",
  "000  ",
  "000 Feb 01 12:00:00 2004, 2192 RSA Key AQOKe6+kb, until --- -- --:--:-- ---- ok (expires never)",
  "000        ID_FQDN '@east'",
  "000 Feb 02 12:00:00 UTC 2004,  512 RSA Key AQOKe6+kc, until Feb 03 12:00:00 UTC 2004 warning (expires in 2 days)",
  "000        ID_IPV4_ADDR '192.0.2.1'",
  "000        Issuer 'C=CA, O=Example, CN=Root'",
];
Deno.test("auto --listpubkeys --json", async () => {
  await using pluto = new FakePluto((_, { say }) => say(...KEY_LIST));
  deepEqual(JSON.parse((await runIn(pluto.directory, auto, "--listpubkeys", "--json")).stdout), [
    {
      installed: "Feb 01 12:00:00 2004",
      bits: 2192,
      keyId: "AQOKe6+kb",
      status: "ok (expires never)",
      idType: "ID_FQDN",
      id: "@east",
    },
    {
      installed: "Feb 02 12:00:00 UTC 2004",
      bits: 512,
      keyId: "AQOKe6+kc",
      until: "Feb 03 12:00:00 UTC 2004",
      status: "warning (expires in 2 days)",
      idType: "ID_IPV4_ADDR",
      id: "192.0.2.1",
      issuer: "C=CA, O=Example, CN=Root",
    },
  ]);
  deepEqual(parseKeyList(["000 List of X.509 CRLs:", "000        ID_FQDN 'of nothing'"]), []);
});

const MISUSE: string[] = [
  "",
  "n",
  "--up",
  "--up n m",
  "--up --down n",
  "--status n",
  "--ready --config",
  "--up n --json",
  "n upwards",
];
for (const args of MISUSE) {
  Deno.test(`auto ${args} is a misuse`, async () => {
    const outcome = await runIn("/nonexistent", auto, ...args.split(" ").filter(Boolean));
    deepEqual([outcome.status, outcome.stdout, outcome.stderr.endsWith(AUTO_USAGE)], [2, "", true]);
  });
}
Deno.test("auto knows no other options", async () => {
  deepEqual(await runIn("/nonexistent", auto, "--start", "n"), {
    status: 2,
    stdout: "",
    stderr: "ipsec auto: unknown option `--start'\n",
  });
});
for (const [args, shown] of [["n up", " --name n --initiate"], ["status", "--status"], ["rereadall", "--rereadall"]]) {
  Deno.test(`auto ${args}, the old way`, async () => {
    deepEqual(await runIn("/nonexistent", auto, "--showonly", ...args.split(" ")), {
      status: 0,
      stdout: `ipsec whack ${shown}\n`,
      stderr: "ipsec auto: warning: obsolete command syntax used\n",
    });
  });
}
Deno.test("auto says that pluto does not run", async () => {
  equal(
    (await runIn("/nonexistent", auto, "--status")).stderr,
    `whack: Pluto is not running (no "DIR/pluto.ctl"); start it with 'ipsec setup start'\n`,
  );
});
Deno.test("auto --config reads another file, --noinclude leaves its includes out", async () => {
  const directory = folder("left=1.1.1.1 right=2.2.2.2");
  try {
    Deno.renameSync(`${directory}/ipsec.conf`, `${directory}/more.conf`);
    Deno.writeTextFileSync(`${directory}/other.conf`, "version 2\ninclude more.conf\n");
    const args = ["--showonly", "--config", `${directory}/other.conf`, "--add", "t"];
    equal((await runIn(directory, auto, ...args)).status, 0);
    equal((await runIn(directory, auto, "--noinclude", ...args)).status, 1);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
