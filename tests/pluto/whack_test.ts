/** Requests and their replies, line by line (whack.md §5, §8). */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { generateRsaKey } from "../../lib/crypto/rsa_generate.ts";
import { encodeRsaPublicKey, rsaKeyId } from "../../lib/crypto/rsa.ts";
import type { WhackRequest } from "../../lib/pluto/request.ts";
import { address, description, House, type HouseOptions, randomBytes } from "./_fakes.ts";
import { FakeClock } from "../ike/_fake_clock.ts";
import { formatData } from "../../lib/text/data.ts";

type Request = Omit<WhackRequest, "version">;
const NEVER = { psk: false, encrypt: false, shunt: "pass" } as const;
const ANY = { host: "%any", client: undefined, nextHop: undefined, id: undefined } as const;

const house = (more: Partial<HouseOptions> = {}) => new House(new FakeClock(), { address: "192.0.2.1", ...more });

const REPLIES: [what: string, before: Request[], request: Request, lines: string[]][] = [
  ["--name of nothing", [], { name: "x", delete: true }, ['021 no connection named "x"']],
  ["a definition", [], { name: "x", connection: description() }, ['002 added connection description "x"']],
  [
    "a definition twice",
    [{ name: "x", connection: description() }],
    { name: "x", connection: description() },
    ['020 attempt to redefine connection "x"'],
  ],
  [
    "a definition in place of another",
    [{ name: "x", connection: description() }],
    { name: "x", delete: true, connection: description() },
    ['002 "x": deleting connection', '002 added connection description "x"'],
  ],
  [
    "a definition in place of none",
    [],
    { name: "x", delete: true, connection: description() },
    ['002 added connection description "x"'],
  ],
  [
    "road warriors with different methods",
    [{ name: "a", connection: description({ right: ANY }) }],
    { name: "b", connection: description({ psk: false, rsasig: true, right: ANY }) },
    ['023 authentication method disagrees with "a", which is also for an unspecified peer'],
  ],
  ["--deletestate of none", [], { deleteState: 7 }, ["021 no state #7 to delete"]],
  ["--myid", [], { myid: "@me" }, []],
  ["--myid that is none", [], { myid: "X=1" }, ['027 myid malformed: unknown OID in ID_DER_ASN1_DN "X=1"']],
  [
    "--listen",
    [],
    { listen: true },
    [
      "002 listening for IKE messages",
      "002 adding interface ipsec0/eth1 192.0.2.1",
      '002 loading secrets from "/etc/ipsec.secrets"',
    ],
  ],
  [
    "--listen again",
    [{ listen: true }],
    { listen: true },
    ["002 listening for IKE messages", "002 forgetting secrets", '002 loading secrets from "/etc/ipsec.secrets"'],
  ],
  ["--unlisten", [{ listen: true }], { unlisten: true }, ["002 no longer listening for IKE messages"]],
  [
    "--rereadsecrets",
    [{ listen: true }],
    { rereadSecrets: true },
    ["002 forgetting secrets", '002 loading secrets from "/etc/ipsec.secrets"'],
  ],
  ["--route before --listen", [], { name: "x", route: true }, ["024 need --listen before --route"]],
  ["--initiate before --listen", [], { name: "x", initiate: true }, ["024 need --listen before --initiate"]],
  [
    "--oppohere before --listen",
    [],
    { oppo: { here: "192.0.2.1", there: "203.0.113.1" } },
    ["024 need --listen before opportunistic initiation"],
  ],
  [
    "--oppohere that nothing covers",
    [{ listen: true }],
    { oppo: { here: "192.0.2.22", there: "203.0.113.10" } },
    [
      "033 Can't Opportunistically initiate for 192.0.2.22 to 203.0.113.10: no routed Opportunistic template covers this pair",
    ],
  ],
  [
    "--route of a connection between others",
    [{ listen: true }, { name: "x", connection: description({ left: { host: "203.0.113.77" } }) }],
    { name: "x", route: true },
    ['022 "x": we have no ipsecN interface for either end of this connection'],
  ],
  [
    "--route that is refused",
    [{ listen: true }, { name: "x", connection: description({ right: ANY }) }],
    { name: "x", route: true },
    ['025 "x": cannot route template policy of PSK+ENCRYPT+TUNNEL+PFS', '025 "x": could not route'],
  ],
  ["--route", [{ listen: true }, { name: "x", connection: description() }], { name: "x", route: true }, []],
  ["--unroute", [{ listen: true }, { name: "x", connection: description() }], { name: "x", unroute: true }, []],
  [
    "--initiate of a shunt",
    [{ listen: true }, { name: "x", connection: description(NEVER) }],
    { name: "x", initiate: true },
    ['030 "x": cannot initiate an authby=never connection'],
  ],
  [
    "--initiate of a template",
    [{ listen: true }, { name: "x", connection: description({ right: ANY }) }],
    { name: "x", initiate: true },
    ['029 "x": cannot initiate connection without knowing peer IP address (kind=CK_TEMPLATE)'],
  ],
  [
    "--initiate of a group",
    [{ listen: true }, { name: "x", connection: description({ right: { ...ANY, host: "%opportunisticgroup" } }) }],
    { name: "x", initiate: true },
    ['029 "x": cannot initiate connection without knowing peer IP address (kind=CK_GROUP)'],
  ],
  [
    "--initiate with wildcards in the identity",
    [{ listen: true }, { name: "x", connection: description({ right: { id: "C=CA, CN=*" } }) }],
    { name: "x", initiate: true },
    ['031 "x": cannot initiate connection with ID wildcards (kind=CK_TEMPLATE)'],
  ],
  [
    "--terminate of what is not up",
    [{ listen: true }, { name: "x", connection: description() }],
    { name: "x", terminate: true },
    ['002 "x": terminating SAs using this connection'],
  ],
  ["--keyid that is none", [], { keys: [{ id: "X=1", add: false, rsa: "0x03" }] }, [
    '027 bad --keyid "X=1": unknown OID in ID_DER_ASN1_DN',
  ]],
  ["--pubkeyrsa that is none", [], { keys: [{ id: "@east", add: false, rsa: "0x0103aabb" }] }, [
    "003 RSA modulus too small for security: less than 512 bits",
  ]],
  ["--status of nothing", [], { status: true }, ["000 %myid = (none)", "000 debug none", "000  ", "000  ", "000  "]],
  ["lists that are empty", [], { lists: ["pubkeys", "certs", "crls", "cards"] }, [
    "000  ",
    "000 List of Public Keys:",
    "000  ",
    "000  ",
    "000 List of X.509 End Certificates:",
    "000  ",
    "000  ",
    "000 List of X.509 CRLs:",
    "000  ",
  ]],
];
for (const [what, before, request, lines] of REPLIES) {
  Deno.test(`whack: ${what}`, async () => {
    const one = house();
    for (const request of before) await one.whack(request);
    const reply = await one.whack(request);
    equal(reply.lines, lines);
    ok(reply.isClosed);
  });
}

Deno.test("whack: --listen where no interface can be used says so", async () => {
  const one = house();
  one.kernel.devices = [];
  equal((await one.whack({ listen: true })).lines[1], "003 no public interfaces found");
});

Deno.test("whack: --listen where a socket cannot be opened leaves its interface out", async () => {
  const one = house({ deps: { openSockets: () => Promise.resolve("ERROR: bind() for eth1/ipsec0 192.0.2.1:500") } });
  equal((await one.whack({ listen: true })).lines.slice(1, 3), [
    "003 ERROR: bind() for eth1/ipsec0 192.0.2.1:500",
    "003 no public interfaces found",
  ]);
});

Deno.test("whack: an interface that has gone takes its connections' routes along; when it is back they are oriented", async () => {
  const one = house();
  const { devices } = one.kernel;
  await one.add("x", description());
  await one.whack({ name: "x", route: true });
  one.kernel.devices = [];
  const { lines } = await one.whack({ listen: true });
  equal(lines.slice(0, 3), [
    "002 listening for IKE messages",
    "002 shutting down interface ipsec0/eth1 192.0.2.1",
    "003 no public interfaces found",
  ]);
  equal([one.kernel.table, one.connection("x").isOriented], [[], false]);
  one.kernel.devices = devices;
  await one.whack({ listen: true });
  ok(one.connection("x").isOriented);
});

Deno.test("whack: --unroute while an SA owns the eroute", async () => {
  const one = house();
  await one.add("x", description());
  one.connection("x").routing = "ROUTED_TUNNEL";
  equal((await one.whack({ name: "x", unroute: true })).lines, ['026 "x": cannot unroute: route busy']);
});

Deno.test("whack: debugging of the daemon, and of one connection", async () => {
  const one = house();
  await one.whack({ debug: { flags: ["oppo", "raw", "control"] } });
  equal((await one.whack({ status: true })).lines[1], "000 debug raw+control+oppo");
  await one.add("x", description());
  await one.whack({ name: "x", debug: { flags: ["crypt"] } });
  equal(one.connection("x").debug, ["crypt"]);
  await one.whack({ debug: { flags: [] } });
  const { teller } = one.pluto.parts;
  equal([teller.isDebugging("crypt"), teller.isDebugging("crypt", one.connection("x"))], [false, true]);
});

Deno.test("whack: keys by hand, listed newest first, replaced and added", async () => {
  const one = house();
  const keys = [1, 2, 3].map(rsaKey);
  const rsa = (i: number) => formatData(encodeRsaPublicKey(keys[i]), "s")!;
  await one.whack({ keys: [{ id: "@east", add: false, rsa: rsa(0) }] });
  await one.whack({ keys: [{ id: "@east", add: false, rsa: rsa(1) }, { id: "@east", add: true, rsa: rsa(2) }] });
  const { lines } = await one.whack({ lists: ["pubkeys"], utc: true });
  equal(
    lines.slice(3),
    [2, 1].flatMap((i) => [
      `000 Feb 01 12:00:00 UTC 2004, 1024 RSA Key ${
        rsaKeyId(keys[i])
      }, until --- -- --:--:-- UTC ---- ok (expires never)`,
      "000        ID_FQDN '@east'",
    ]),
  );
});

function rsaKey() {
  return generateRsaKey({ bits: 1024, rounds: 2, seed: randomBytes, random: randomBytes }).publicKey;
}

Deno.test("whack: a bad key takes nobody's place", async () => {
  const one = house();
  await one.whack({ keys: [{ id: "@east", add: false, rsa: formatData(encodeRsaPublicKey(rsaKey()), "s")! }] });
  await one.whack({ keys: [{ id: "@east", add: false, rsa: "0sAQ==" }] });
  equal(one.pluto.parts.keys.known.length, 1);
});

Deno.test("whack: --keyid without key asks the DNS, and waits for both answers", async () => {
  const answer: PromiseWithResolvers<{ why: string }> = Promise.withResolvers();
  const lookupKeys = (_id: unknown, type: "TXT" | "KEY") =>
    type === "TXT" ? answer.promise : Promise.resolve({ why: "no host" });
  const one = house({ deps: { lookupKeys } });
  const reply = await one.whack({ keys: [{ id: "@east", add: false }] });
  ok(!reply.isClosed, "whack waits");
  answer.resolve({ why: "no TXT record for east" });
  await new Promise((resolve) => setTimeout(resolve, 0));
  ok(reply.isClosed);
  equal(reply.lines, [
    "028 failure to fetch key for @east from DNS: no TXT record for east",
    "028 failure to fetch key for @east from DNS: no host",
  ]);
});

Deno.test("whack: requests wait for each other", async () => {
  const one = house();
  const [first, second] = await Promise.all([
    one.whack({ name: "x", connection: description(), listen: true }),
    one.whack({ name: "x", connection: description() }),
  ]);
  equal(first.lines[0], '002 added connection description "x"');
  equal(second.lines, ['020 attempt to redefine connection "x"']);
});

Deno.test("whack: a defect in one request is told, and the daemon goes on", async () => {
  const one = house({ deps: { readSecrets: () => Promise.reject(new TypeError("x is not a function")) } });
  const reply = await one.whack({ rereadSecrets: true });
  equal(reply.lines, ["032 internal error: x is not a function"]);
  ok(reply.isClosed);
  equal((await one.whack({ status: true })).lines.length, 5);
});

Deno.test("whack: --status as JSON is one line", async () => {
  const one = house();
  await one.add("x", description());
  const { lines } = await one.whack({ status: "json" });
  equal(lines.length, 1);
  equal(JSON.parse(lines[0].slice(4)).connections[0].name, "x");
});

Deno.test("datagrams are heard after --listen only", async () => {
  const one = house();
  const path = { local: address("192.0.2.1"), localPort: 500, remote: address("203.0.113.9"), remotePort: 500 };
  one.pluto.receive(path, new Uint8Array(40));
  equal(one.pluto.parts.engine.counters().received, undefined);
  await one.whack({ listen: true });
  one.pluto.receive(path, new Uint8Array(40));
  equal(one.pluto.parts.engine.counters().received, 1);
});

Deno.test("whack: whoever asks for the status hears nothing of what others negotiate meanwhile", async () => {
  const west = house();
  const { engine, teller } = west.pluto.parts;
  await west.add("net-net", description());
  await west.whack({ name: "net-net", initiate: true, async: true });
  const [state] = engine.states.values();
  const asked = west.whack({ status: true });
  for (let turn = 0; turn < 100; turn++) {
    teller.tell(state, 4, "something of a negotiation");
    await undefined;
  }
  equal((await asked).lines.filter((line) => !line.startsWith("000 ")), []);
});
