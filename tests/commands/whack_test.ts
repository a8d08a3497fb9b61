/** `ipsec whack`: what each option asks for, what is refused and in which words (whack.md §2, §3), and the status (§6.2). */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert/strict";
import { UserError } from "../../commands/_command.ts";
import { promptLine } from "../../commands/_whack_prompt.ts";
import { WHACK_OPTIONS, WHACK_USAGE } from "../../commands/_whack_options.ts";
import { readWhackWords } from "../../commands/_whack_request.ts";
import { whack } from "../../commands/whack.ts";
import type { WhackRequest } from "../../lib/pluto/request.ts";
import { askPluto } from "../../lib/system/whack_client.ts";
import { FakePluto, runIn } from "./_fake_pluto.ts";

const HOSTS: Readonly<Record<string, number[]>> = { "gate.example": [192, 0, 2, 7] };
const lookup = (name: string) => Promise.resolve(HOSTS[name] && Uint8Array.from(HOSTS[name]));

/** Words separated by blanks; `~` stands for a blank within one. */
async function read(words: string): Promise<WhackRequest> {
  const args = words.split(" ").filter(Boolean).map((word) => word.replaceAll("~", " "));
  const result = await readWhackWords(args, lookup);
  if (typeof result === "string") throw new Error(`${words}: ${result}`);
  return result.request;
}

const ENDS = "--host 192.0.2.1 --to --host 198.51.100.2";
const MINIMAL = `--name n --psk --encrypt --tunnel ${ENDS}`;
const DESCRIPTION = {
  left: { host: "192.0.2.1" },
  right: { host: "198.51.100.2" },
  hostFamily: "inet",
  clientFamily: "inet",
  psk: true,
  rsasig: false,
  encrypt: true,
  authenticate: false,
  compress: false,
  tunnel: true,
  pfs: false,
  disableArrivalCheck: false,
  dontRekey: false,
  shunt: "trap",
  failure: "none",
  ikeLifetimeSeconds: 3600,
  ipsecLifetimeSeconds: 28800,
  rekeyMarginSeconds: 540,
  rekeyFuzzPercent: 100,
  keyingTries: 3,
} as const;

Deno.test("whack describes a connection with FreeS/WAN's defaults", async () => {
  deepEqual(await read(MINIMAL), { version: 1, name: "n", connection: DESCRIPTION });
});

const REQUESTS: [words: string, request: Omit<WhackRequest, "version">][] = [
  ["--listen", { listen: true }],
  ["--unlisten", { unlisten: true }],
  ["--name n --initiate", { name: "n", initiate: true }],
  ["--name n --initiate --xauthname joe --xauthpass secret", {
    name: "n",
    initiate: true,
    xauth: { user: "joe", password: "secret" },
  }],
  ["--name n --xauthname joe --initiate", { name: "n", initiate: true, xauth: { user: "joe" } }],
  ["--name n --initiate --xauthpass secret", { name: "n", initiate: true, xauth: { password: "secret" } }],
  ["--name n --initiate --asynchronous", { name: "n", initiate: true, async: true }],
  ["--name n --terminate", { name: "n", terminate: true }],
  ["--name n --route", { name: "n", route: true }],
  ["--name n --unroute", { name: "n", unroute: true }],
  ["--name n --delete", { name: "n", delete: true }],
  ["--status", { status: true }],
  ["--status --json", { status: "json" }],
  ["--shutdown", { shutdown: true }],
  ["--deletestate 0x10", { deleteState: 16 }],
  ["--deletestate 010", { deleteState: 8 }],
  ["--crash 192.0.2.9", { crash: "192.0.2.9" }],
  ["--crash 2001:db8::1", { crash: "2001:db8::1" }],
  ["--myid @me", { myid: "@me" }],
  ["--keyid @e", { keys: [{ id: "@e", add: false }] }],
  ["--keyid @e --addkey --pubkeyrsa 0sAQNvLw==", { keys: [{ id: "@e", add: true, rsa: "0sAQNvLw==" }] }],
  ["--rereadsecrets", { rereadSecrets: true }],
  ["--rereadcacerts", { rereadCacerts: true }],
  ["--rereadcrls", { rereadCrls: true }],
  ["--rereadall", { rereadSecrets: true, rereadCacerts: true, rereadCrls: true }],
  ["--listcerts --listpubkeys", { lists: ["pubkeys", "certs"] }],
  ["--utc --listall", { utc: true, lists: ["pubkeys", "certs", "cacerts", "crls", "cards"] }],
  ["--debug-none", { debug: { flags: [] } }],
  ["--debug-raw --debug-none --debug-control", { debug: { flags: ["control"] } }],
  ["--debug-private --debug-raw --debug-raw", { debug: { flags: ["private", "raw"] } }],
  ["--name n --debug-crypt", { name: "n", debug: { flags: ["crypt"] } }],
  ["--debug-all", {
    debug: { flags: "raw crypt parsing emitting control lifecycle klips dns oppo controlmore pfkey".split(" ") },
  }],
  ["--impair-bust-mi2", { debug: { flags: ["impair-bust-mi2"] } }],
  ["--oppohere 10.0.0.1 --oppothere 10.0.0.2", { oppo: { here: "10.0.0.1", there: "10.0.0.2" } }],
  ["--tunnelipv6 --oppohere 2001:db8::1 --oppothere 2001:db8::2", {
    oppo: { here: "2001:db8::1", there: "2001:db8::2" },
  }],
];
for (const [words, request] of REQUESTS) {
  Deno.test(`whack ${words}`, async () => deepEqual(await read(words), { version: 1, ...request }));
}

const DESCRIPTIONS: [words: string, changed: Record<string, unknown>][] = [
  ["--rsasig", { rsasig: true }],
  ["--rsas", { rsasig: true }],
  ["--authenticate", { authenticate: true }],
  ["--compress", { compress: true }],
  ["--pfs", { pfs: true }],
  ["--disablearrivalcheck", { disableArrivalCheck: true }],
  ["--dontrekey", { dontRekey: true }],
  ["--initiateontraffic", {}],
  ["--pass", { shunt: "pass" }],
  ["--drop", { shunt: "drop" }],
  ["--reject", { shunt: "reject" }],
  ["--failnone", {}],
  ["--failpass", { failure: "pass" }],
  ["--faildrop", { failure: "drop" }],
  ["--failreject", { failure: "reject" }],
  ["--ikelifetime 7200", { ikeLifetimeSeconds: 7200 }],
  ["--ipseclifetime 86400", { ipsecLifetimeSeconds: 86400 }],
  ["--rekeymargin 60", { rekeyMarginSeconds: 60 }],
  ["--rekeywindow 60", { rekeyMarginSeconds: 60 }],
  ["--rekeyfuzz 200", { rekeyFuzzPercent: 200 }],
  ["--keyingtries 0", { keyingTries: 0 }],
  ["--ike aes256-sha2_256;modp2048", { ike: "aes256-sha2_256;modp2048" }],
  ["--esp aes128", { esp: "aes128" }],
  ["--ah sha1", { ah: "sha1" }],
  ["--pfsgroup modp2048", { pfsGroup: "modp2048" }],
  ["--aggrmode", { aggressive: true }],
  ["--legacy", { legacy: true }],
  ["--forceencaps", { forceEncapsulation: true }],
  ["--nonattraversal", { natTraversal: false }],
  ["--nofragmentation", { fragmentation: false }],
  ["--dpddelay 30", { dpd: { delaySeconds: 30, timeoutSeconds: 120, action: "hold" } }],
  ["--dpddelay 30 --dpdtimeout 60 --dpdaction restart", {
    dpd: { delaySeconds: 30, timeoutSeconds: 60, action: "restart" },
  }],
  ["--dpddelay 0 --dpdaction clear", {}],
  ["--modecfgpull", { modecfgPull: true }],
  ["--modecfgdns2 10.0.0.53 --modecfgdns1 10.0.0.54", { modecfgDns: ["10.0.0.54", "10.0.0.53"] }],
  ["--modecfgdns 10.0.0.53,10.0.0.54", { modecfgDns: ["10.0.0.53", "10.0.0.54"] }],
  ["--modecfgdomains a.example,b.example", { modecfgDomains: ["a.example", "b.example"] }],
  ["--modecfgbanner Mind~the~gap", { modecfgBanner: "Mind the gap" }],
  ["--modecfgwins1 10.0.0.55", { modecfgWins: ["10.0.0.55"] }],
  ["--xauthby alwaysok", { xauthBy: "alwaysok" }],
];
for (const [words, changed] of DESCRIPTIONS) {
  Deno.test(`whack describes a connection with ${words}`, async () => {
    deepEqual(await read(`${MINIMAL} ${words}`), {
      version: 1,
      name: "n",
      connection: { ...DESCRIPTION, ...changed },
    });
  });
}

const END_OPTIONS: [words: string, end: Record<string, unknown>][] = [
  ["--id @west", { id: "@west" }],
  ["--cert west.pem", { cert: "west.pem" }],
  ["--ca %same", { ca: "%same" }],
  ["--ikeport 4500", { ikePort: 4500 }],
  ["--nexthop 192.0.2.254", { nextHop: "192.0.2.254" }],
  ["--nexthop %direct", { nextHop: "%direct" }],
  ["--client 10.1.2.3/16", { client: "10.1.0.0/16" }],
  ["--client %default", { client: "0.0.0.0/0" }],
  ["--client vhost:%no,%priv", { virtual: "vhost:%no,%priv" }],
  ["--clientwithin 10.0.0.0/8", { clientWithin: "10.0.0.0/8" }],
  ["--clientprotoport 0/0", { protoPort: "0/0" }],
  ["--dnskeyondemand", { dnsKeyOnDemand: true }],
  ["--updown ipsec~up~x", { updown: "ipsec up x" }],
  ["--srcip 10.1.0.1", { sourceIp: "10.1.0.1" }],
  ["--addresspool 10.3.0.10-10.3.0.99", { addressPool: "10.3.0.10-10.3.0.99" }],
  ["--addresspool 10.3.0.0/29", { addressPool: "10.3.0.1-10.3.0.6" }],
  ["--xauthserver", { xauthServer: true }],
  ["--xauthclient --xauthname joe", { xauthClient: true, xauthUser: "joe" }],
  ["--modecfgserver", { modecfgServer: true }],
  ["--modecfgclient", { modecfgClient: true }],
];
for (const [words, end] of END_OPTIONS) {
  Deno.test(`whack takes ${words} as of the end it stands at`, async () => {
    const left = await read(`--name n --psk --tunnel ${words} --host 192.0.2.1 --to --host 198.51.100.2`);
    deepEqual(left.connection!.left, { host: "192.0.2.1", ...end });
    deepEqual(left.connection!.right, { host: "198.51.100.2" });
    const right = await read(`--name n --psk --tunnel --host 192.0.2.1 --to --host 198.51.100.2 ${words}`);
    deepEqual(right.connection!.right, { host: "198.51.100.2", ...end });
    deepEqual(right.connection!.left, { host: "192.0.2.1" });
  });
}

Deno.test("whack makes numbers of protocols and services, the same at both ends", async () => {
  const { connection } = await read(
    "--name n --psk --clientprotoport udp/l2tp --host 1.2.3.4 --to --host 2.3.4.5 --clientprotoport 17",
  );
  deepEqual([connection!.left.protoPort, connection!.right.protoPort], ["17/1701", "17/0"]);
});

Deno.test("whack makes a tunnel of what has a client", async () => {
  for (
    const option of [
      "--client 10.0.0.0/8",
      "--clientwithin 10.0.0.0/8",
      "--client vhost:%priv",
      "--addresspool 10.3.0.0/24",
    ]
  ) {
    equal((await read(`--name n --psk --encrypt ${ENDS} ${option}`)).connection!.tunnel, true, option);
  }
  equal((await read(`--name n --psk --encrypt ${ENDS}`)).connection!.tunnel, false);
});

Deno.test("whack looks names up", async () => {
  const { connection } = await read(`--name n --psk --host gate.example --to --host 2.3.4.5`);
  equal(connection!.left.host, "192.0.2.7");
});

const WORDS: [host: string, end: Record<string, unknown>, tunnel: boolean][] = [
  ["%any", { host: "%any" }, false],
  ["0.0.0.0", { host: "%any" }, false],
  ["%opportunistic", { host: "%opportunistic", client: "0.0.0.0/0", dnsKeyOnDemand: true }, true],
  ["%group", { host: "%group", client: "0.0.0.0/0" }, true],
  ["%opportunisticgroup", { host: "%opportunisticgroup", client: "0.0.0.0/0", dnsKeyOnDemand: true }, true],
];
for (const [host, end, tunnel] of WORDS) {
  Deno.test(`whack --host ${host}`, async () => {
    const { connection } = await read(
      `--name n --rsasig --pfs --encrypt --host 1.2.3.4 --nexthop %direct --to --host ${host} --nexthop %direct`,
    );
    deepEqual(connection!.right, { ...end, nextHop: "%direct" });
    equal(connection!.tunnel, tunnel);
  });
}

Deno.test("whack leaves an opportunistic end the client that was given to it", async () => {
  const oppo = "--name n --rsasig --pfs --encrypt --host 1.2.3.4 --nexthop %direct --to";
  for (const end of ["--client 10.0.0.0/8 --host %opportunistic", "--host %opportunistic --client 10.0.0.0/8"]) {
    equal((await read(`${oppo} ${end}`)).connection!.right.client, "10.0.0.0/8", end);
  }
});

const FAMILIES: [words: string, families: [string, string]][] = [
  ["--ipv4", ["inet", "inet"]],
  ["--tunnelipv6 --client 2001:db8::/32", ["inet", "inet6"]],
];
for (const [words, families] of FAMILIES) {
  Deno.test(`whack ${words}`, async () => {
    const { connection } = await read(`--name n --psk ${words} ${ENDS}`);
    deepEqual([connection!.hostFamily, connection!.clientFamily], families);
  });
}
Deno.test("whack --ipv6 is for clients too, unless they have a family of their own", async () => {
  const hosts = "--host 2001:db8::1 --to --host 2001:db8::2";
  const six = await read(`--name n --psk --ipv6 ${hosts} --client 2001:db8:1::/48`);
  equal(six.connection!.right.client, "2001:db8:1::/48");
  const mixed = await read(`--name n --psk --tunnelipv4 --ipv6 ${hosts} --client 10.0.0.0/8`);
  deepEqual([mixed.connection!.hostFamily, mixed.connection!.clientFamily], ["inet6", "inet"]);
});

Deno.test("whack puts a description and what is to be done with it in one request", async () => {
  const request = await read(`${MINIMAL} --delete --debug-raw --route --initiate --listen`);
  deepEqual(request, {
    version: 1,
    name: "n",
    delete: true,
    debug: { flags: ["raw"] },
    route: true,
    initiate: true,
    listen: true,
    connection: DESCRIPTION,
  });
});

const OPPO = "--name n --host 1.2.3.4 --nexthop %direct --to --host %opportunistic --nexthop %direct";
const LONG = "x".repeat(200);
const REFUSALS: [words: string, complaint: string][] = [
  ["--listen --listen", 'duplicated flag "listen"'],
  [`${MINIMAL} --psk`, '"n" duplicated flag "psk"'],
  ["--host 1.2.3.4 --host 1.2.3.5", 'duplicated flag "host"'],
  ["--rekeymargin 1 --rekeywindow 1", 'duplicated flag "rekeymargin"'],
  ["--name a --name b", '"a" duplicated flag "name"'],
  ["--deletestate x", 'badly formed numeric argument "x"'],
  ["--deletestate ~", 'badly formed numeric argument " "'],
  ["--ikelifetime 1h", 'badly formed numeric argument "1h"'],
  ["--keyid @e --pubkeyrsa 0x1", 'RSA public-key data malformed (input ends in mid-byte, perhaps truncated) "0x1"'],
  ["--host 1.2.3.256", 'byte overflow in dotted-decimal address "1.2.3.256"'],
  ["--host no.example", 'does not look numeric and name lookup failed "no.example"'],
  ["--client 10.0.0.0", 'no / in subnet specification "10.0.0.0"'],
  ["--clientprotoport 999", '<protocol> must be between 0 and 255 "999"'],
  ["--oppohere 0.0.0.0", '0.0.0.0 or 0::0 isn\'t a valid client address "0.0.0.0"'],
  ["--oppothere 0.0.0.0", '0.0.0.0 or 0::0 isn\'t a valid client address "0.0.0.0"'],
  ["--crash 0.0.0.0", '0.0.0.0 or 0::0 isn\'t a valid client address "0.0.0.0"'],
  ["--client 10.0.0.0/8 --host %group", "--host %group clashes with --client"],
  ["--host %group --client 10.0.0.0/8", 'duplicated flag "client"'],
  ["--ikeport 0", '<port-number> must be a number between 1 and 65535 "0"'],
  ["--ikeport 65536", '<port-number> must be a number between 1 and 65535 "65536"'],
  ["--clientwithin 10.0.0.0/8 --client 10.0.0.0/8", "--client conflicts with --clientwithin"],
  ["--client 10.0.0.0/8 --clientwithin 10.0.0.0/8", "--clientwithin conflicts with --client"],
  ["--name n --to --host 1.2.3.4", '"n" connection missing --host before --to'],
  ["--name n --host 1.2.3.4 --to", '"n" connection missing --host after --to'],
  ["--psk", "connection description option, but no --to"],
  ["--name n --host 1.2.3.4", '"n" connection description option, but no --to'],
  [
    "--name n --psk --host %any --nexthop %direct --to --host 0.0.0.0 --nexthop %direct",
    '"n" hosts cannot both be 0.0.0.0 or 0::0',
  ],
  ["--ipv6 --ipv4", "--ipv4 conflicts with --ipv6"],
  ["--ipv4 --ipv6", "--ipv6 conflicts with --ipv4"],
  ["--tunnelipv6 --tunnelipv4", "--tunnelipv4 conflicts with --tunnelipv6"],
  ["--tunnelipv4 --tunnelipv6", "--tunnelipv6 conflicts with --tunnelipv4"],
  ["--host 1.2.3.4 --ipv6", '--ipv6 must precede "host"'],
  ["--nexthop 1.2.3.4 --ipv6", '--ipv6 must precede "nexthop"'],
  ["--client 10.0.0.0/8 --tunnelipv4", '--tunnelipv4 must precede "client"'],
  ["--clientwithin 10.0.0.0/8 --tunnelipv6", '--tunnelipv6 must precede "clientwithin"'],
  ["--host %group --tunnelipv6", '--tunnelipv6 must precede "%group"'],
  [OPPO, '"n" only RSASIG is supported for opportunism'],
  [`${OPPO} --psk --rsasig`, '"n" only RSASIG is supported for opportunism'],
  [`${OPPO} --rsasig`, '"n" PFS required for opportunism'],
  [`${OPPO} --rsasig --pfs`, '"n" encryption required for opportunism'],
  [
    "--name n --psk --host 1.2.3.4 --to --host %any",
    '"n" our nexthop must be specified when other host is a %any or %opportunistic',
  ],
  [
    `--name n --psk --clientprotoport 6 ${ENDS} --clientprotoport 17`,
    '"n" the protocol for leftprotoport and rightprotoport must be the same',
  ],
  [`--name n --psk ${ENDS} --addresspool fd00::/64`, '"n" --addresspool needs --tunnelipv6 before it "fd00::/64"'],
  [
    `--name n --psk ${ENDS} --addresspool 10.3.0.9`,
    '"n" must be two addresses with a - between them, or a network (10.3.0.0/24) "10.3.0.9"',
  ],
  [`--name n --encrypt ${ENDS}`, '"n" non-shunt connection must have --psk or --rsasig or both'],
  ["--listen now", 'unexpected argument "now"'],
  ["--oppohere 1.2.3.4", "--oppohere and --oppothere must be used together"],
  ["--oppothere 1.2.3.4", "--oppohere and --oppothere must be used together"],
  ["--name n --terminate --xauthpass secret", '"n" --xauthpass requires --initiate'],
  ["--initiate", "missing --name <connection_name>"],
  [`--psk ${ENDS}`, "missing --name <connection_name>"],
  ["--name n --listen", '"n" no reason for --name'],
  ["--addkey", "--addkey and --pubkeyrsa require --keyid"],
  ["--pubkeyrsa 0x1234", "--addkey and --pubkeyrsa require --keyid"],
  ["", "no action specified; try --help for hints"],
  ["--utc --asynchronous", "no action specified; try --help for hints"],
  ["--listen --json", "--json requires --status"],
  [
    `${MINIMAL} --rekeymargin 4000000000`,
    '"n" rekeymargin or rekeyfuzz values are so large that they cause oveflow',
  ],
  [`${MINIMAL} --ikelifetime 86401`, '"n" ikelifetime [86401 seconds] must be less than 86400 seconds'],
  [`${MINIMAL} --ipseclifetime 86401`, '"n" ipseclifetime [86401 seconds] must be less than 86400 seconds'],
  [
    `${MINIMAL} --ikelifetime 1080`,
    '"n" ikelifetime [1080] must be greater than rekeymargin*(100+rekeyfuzz)/100 [540*(100+100)/100 = 1080]',
  ],
  [
    `${MINIMAL} --ipseclifetime 100 --rekeymargin 60 --rekeyfuzz 100`,
    '"n" ipseclifetime [100] must be greater than rekeymargin*(100+rekeyfuzz)/100 [60*(100+100)/100 = 120]',
  ],
  [`${MINIMAL} --dpdaction die`, '"n" --dpdaction must be none, hold, clear, restart or restart_by_peer "die"'],
  [`${MINIMAL} --xauthby pam`, '"n" --xauthby must be file or alwaysok "pam"'],
  [`--label where --name n ${LONG}`, `where "n" unexpected argument "${"x".repeat(98)}`],
  [`--myid ${"x".repeat(70000)}`, "too many bytes of strings to fit in message to pluto"],
];
for (const [words, complaint] of REFUSALS) {
  Deno.test(`whack refuses ${words.slice(0, 100)}: ${complaint.slice(0, 60)}`, async () => {
    await rejects(read(words), { name: "UserError", status: 1, message: `whack error: ${complaint}` });
  });
}

Deno.test("whack does not look at lifetimes that no rekeying needs", async () => {
  equal((await read(`${MINIMAL} --dontrekey --ikelifetime 10`)).connection!.ikeLifetimeSeconds, 10);
});

const GETOPT: [words: string, complaint: string][] = [
  ["--nonsense", "whack: unrecognized option '--nonsense'"],
  ["--listen=1", "whack: option '--listen' doesn't allow an argument"],
  ["--name", "whack: option '--name' requires an argument"],
];
for (const [words, complaint] of GETOPT) {
  Deno.test(`whack ${words}: ${complaint}`, async () => {
    await rejects(read(words), (error) => error instanceof UserError && error.message === complaint);
  });
}

Deno.test("whack's usage names every option", () => {
  const unsaid = Object.keys(WHACK_OPTIONS).filter((name) => !WHACK_USAGE.includes(`--${name}`));
  deepEqual(unsaid, ["rekeywindow"]); // the old name of another
});

Deno.test("whack --optionsfrom puts the options of a file in its place", async () => {
  await using pluto = new FakePluto();
  Deno.writeTextFileSync(`${pluto.directory}/options`, "--name n\n--initiate\n");
  await runIn(pluto.directory, whack, "--optionsfrom", `${pluto.directory}/options`, "--asynchronous");
  deepEqual(pluto.requests, [{ version: 1, name: "n", initiate: true, async: true }]);
});

Deno.test("whack --help is on standard error, --version on standard output", async () => {
  const help = await runIn("/nonexistent", whack, "--help");
  deepEqual([help.status, help.stdout], [0, ""]);
  match(help.stderr, /^Usage:\n[\s\S]*\nFreeS\/WAN \d\S*\n$/);
  const version = await runIn("/nonexistent", whack, "--version", "--nonsense");
  deepEqual([version.status, version.stderr], [0, ""]);
  match(version.stdout, /^ipsec whack \d/);
});

const STATUSES: [what: string, lines: string[], status: number][] = [
  ["nothing", [], 0],
  ["comments and the log", ["000 a", "002 b"], 0],
  ["success", ["104 a", "004 b"], 0],
  ["a serious line of the log", ["003 a", "000 b"], 3],
  ["progress alone", ["002 x", "104 a"], 104],
  ["a refusal", ["104 a", "214 NO_PROPOSAL_CHOSEN"], 214],
  ["a failure after a success", ["004 a", "031 b"], 31],
];
for (const [what, lines, status] of STATUSES) {
  Deno.test(`whack ends with ${status} after ${what}`, async () => {
    await using pluto = new FakePluto((_, { say }) => say(...lines));
    const outcome = await runIn(pluto.directory, whack, "--listen");
    deepEqual(outcome, { status, stdout: lines.map((line) => `${line}\n`).join(""), stderr: "" });
  });
}

Deno.test("whack --status --json prints what comes without its code", async () => {
  await using pluto = new FakePluto((_, { say }) => say('000 {"interfaces":[]}'));
  equal((await runIn(pluto.directory, whack, "--status", "--json")).stdout, '{"interfaces":[]}\n');
});

Deno.test("whack complains of an answer that was cut off, and keeps the status so far", async () => {
  await using pluto = new FakePluto((_, { write }) => write("010 a\n00"));
  deepEqual(await runIn(pluto.directory, whack, "--listen"), {
    status: 10,
    stdout: "010 a\n",
    stderr: "whack: last line from pluto too long or unterminated\n",
  });
});

Deno.test("whack carries out the prompts of pluto", async () => {
  const path = `${Deno.makeTempDirSync()}/pluto.ctl`;
  using listener = Deno.listen({ transport: "unix", path });
  const heard = Promise.withResolvers<string>();
  (async () => {
    using connection = await listener.accept();
    const buffer = new Uint8Array(4096);
    await connection.read(buffer);
    await connection.write(new TextEncoder().encode("040 need passphrase for 'k.pem'\n041 name\n"));
    let text = "";
    while (text.split("\n").length < 3) {
      text += new TextDecoder().decode(buffer.slice(0, await connection.read(buffer) ?? 0));
    }
    heard.resolve(text);
  })();
  const asked: boolean[] = [];
  const status = await askPluto(path, { version: 1, rereadSecrets: true }, {
    line: () => {},
    complain: () => {},
    prompt: (hidden) => {
      asked.push(hidden);
      return Promise.resolve(hidden ? "sesame" : "joe");
    },
  });
  deepEqual([status, asked], [0, [true, false]]);
  equal(await heard.promise, '{"answer":"sesame"}\n{"answer":"joe"}\n');
});

Deno.test("whack says that nobody listens", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    deepEqual(await runIn(directory, whack, "--status"), {
      status: 1,
      stdout: "",
      stderr: `whack: Pluto is not running (no "DIR/pluto.ctl"); start it with 'ipsec setup start'\n`,
    });
    Deno.listen({ transport: "unix", path: `${directory}/old.ctl` }).close();
    Deno.writeTextFileSync(`${directory}/pluto.ctl`, "");
    equal(
      (await runIn(directory, whack, "--status")).stderr,
      'whack: is Pluto running?  connect() for "DIR/pluto.ctl" failed (111 Connection refused)\n',
    );
    equal(
      (await runIn(directory, whack, "--status", "--ctlbase", "/x".repeat(60))).stderr,
      "whack error: <ctlbase>.ctl must be fit in a sun_addr\n",
    );
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

function keyboard(text: string, isTerminal: boolean) {
  const bytes = [...new TextEncoder().encode(text)];
  const modes: boolean[] = [];
  return {
    modes,
    isTerminal: () => isTerminal,
    setRaw: (mode: boolean) => void modes.push(mode),
    read: (into: Uint8Array) => {
      const byte = bytes.shift();
      if (byte === undefined) return Promise.resolve(null);
      into[0] = byte;
      return Promise.resolve(1);
    },
  };
}

const TYPED: [what: string, typed: string, line: string | undefined][] = [
  ["a line", "secret\nnext\n", "secret"],
  ["a line that is mended", "sex\x7fcret\r", "secret"],
  ["the rest of the input", "secret", "secret"],
  ["an empty line", "\n", ""],
  ["the end of input", "", undefined],
  ["an interrupt", "sec\x03", undefined],
];
for (const [what, typed, line] of TYPED) {
  Deno.test(`promptLine() takes ${what}`, async () => {
    const terminal = keyboard(typed, true);
    equal(await promptLine(true, () => {}, terminal), line);
    deepEqual(terminal.modes, [true, false]); // in the dark, and back
  });
}
Deno.test("promptLine() lets the terminal show what is no secret", async () => {
  const terminal = keyboard("joe\n", true);
  equal(await promptLine(false, () => {}, terminal), "joe");
  deepEqual(terminal.modes, []);
});
