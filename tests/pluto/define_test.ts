/** From descriptions to connections: kinds, refusals, topology, priorities, policies (pluto.md §6.1, whack.md §8, §9.2). */
import { deepStrictEqual as equal } from "node:assert/strict";
import { MyId } from "../../lib/pluto/myid.ts";
import { define, make } from "./_connections.ts";
import { address, description } from "./_fakes.ts";

type Given = Parameters<typeof description>[0];
const NEVER = { psk: false, rsasig: false, encrypt: false } as const;

const KINDS: [what: string, given: Given, kind: string, swapped?: boolean][] = [
  ["two known hosts", {}, "CK_PERMANENT"],
  ["a peer anywhere", { right: { host: "%any" } }, "CK_TEMPLATE"],
  ["the left end anywhere", { left: { host: "%any" } }, "CK_TEMPLATE", true],
  ["a peer that may choose its network", { right: { client: undefined, clientWithin: "10.0.0.0/8" } }, "CK_TEMPLATE"],
  ["a left end that may choose", { left: { client: undefined, clientWithin: "10.0.0.0/8" } }, "CK_TEMPLATE", true],
  ["a peer behind NAT", { right: { client: undefined, virtual: "vhost:%no,%priv" } }, "CK_TEMPLATE"],
  ["a peer whose name has a wildcard", { right: { id: "C=CA, CN=*" } }, "CK_TEMPLATE"],
  ["a shunt for anybody", { ...NEVER, right: { host: "%any" }, shunt: "pass" }, "CK_PERMANENT"],
  ["a policy group", { ...NEVER, right: { host: "%group", client: undefined }, shunt: "pass" }, "CK_GROUP"],
  ["an opportunistic group", { right: { host: "%opportunisticgroup", client: undefined } }, "CK_GROUP"],
  ["opportunism", { right: { host: "%opportunistic", client: undefined } }, "CK_TEMPLATE"],
];
for (const [what, given, kind, swapped = false] of KINDS) {
  Deno.test(`defineConnection() makes a ${kind} of ${what}`, () => {
    const made = make("c", given);
    equal(made.connectionKind, kind);
    equal(made.ours.net.bits === 24 && made.ours.host.bytes[0] === 198, swapped, "ends are swapped");
  });
}

const REFUSALS: [why: string, given: Given, code: number, text: string][] = [
  [
    "different protocols",
    { left: { protoPort: "17/0" } },
    23,
    "the protocol must be the same for leftport and rightport",
  ],
  [
    "clients of two families",
    { left: { client: "10.1.0.0/33" } },
    23,
    'bad left client "10.1.0.0/33": subnet mask bit count too large',
  ],
  [
    "two unknown hosts",
    { left: { host: "%any" }, right: { host: "%any" } },
    22,
    "connection must specify host IP address for our side",
  ],
  [
    "an unknown action of dead peers",
    { dpd: { delaySeconds: 30, timeoutSeconds: 120, action: "pray" } },
    23,
    'unknown dpdaction "pray"',
  ],
  [
    "a virtual network that is none",
    { right: { client: undefined, virtual: "vhost:%what" } },
    23,
    'bad rightsubnet "vhost:%what": unknown word "%what"',
  ],
];
for (const [why, given, code, text] of REFUSALS) {
  Deno.test(`defineConnection() refuses ${why}`, () => {
    const { connection, lines } = define("c", description(given));
    equal(connection, undefined);
    equal(lines, [{ code, text }]);
  });
}

Deno.test("defineConnection() refuses algorithms that nobody knows, with the reason", () => {
  const readSuites = () => ({ ok: false as const, error: 'esp="aes" is wrong' });
  equal(define("c", description(), { readSuites }).lines, [{ code: 34, text: 'esp="aes" is wrong' }]);
});

Deno.test("defineConnection() says how a name becomes an identity", () => {
  const { lines } = define("c", description({ left: { id: "west.example" } }));
  equal(lines, [{ code: 27, text: "bad left --id: a name as identity begins with @, as @west.example (ignored)" }]);
});

Deno.test("defineConnection() goes on without an identity that it does not understand", () => {
  const { connection, lines } = define("c", description({ left: { id: "X=1" } }));
  equal(lines, [{ code: 27, text: "bad left --id: unknown OID in ID_DER_ASN1_DN (ignored)" }]);
  equal(connection?.ours.id, { kind: "address", address: address("192.0.2.1") });
});

Deno.test("defineConnection() leaves compression out where KLIPS has none, and says so", () => {
  const { connection, lines } = define("c", description({ compress: true }), { canCompress: false });
  equal(connection?.policyText, "PSK+ENCRYPT+TUNNEL+PFS");
  equal(lines.map(({ code, text }) => `${code} ${text}`), [
    '0 ignoring --compress in "c" because KLIPS is not configured to do IPCOMP',
  ]);
});

const TOPOLOGIES: [what: string, given: Given, text: string][] = [
  [
    "networks, identities, next hops",
    {},
    "10.0.1.0/24===192.0.2.1[@west]---192.0.2.254...198.51.100.254---198.51.100.2[@east]===10.0.2.0/24",
  ],
  [
    "hosts that are neighbours and have no names",
    {
      left: { client: undefined, id: undefined, nextHop: undefined },
      right: { client: undefined, id: undefined, nextHop: undefined },
    },
    "192.0.2.1...198.51.100.2",
  ],
  [
    "an identity that is the address",
    { left: { id: "192.0.2.1", nextHop: "%direct" }, right: { id: "203.0.113.1", nextHop: undefined } },
    "10.0.1.0/24===192.0.2.1...198.51.100.2[203.0.113.1]===10.0.2.0/24",
  ],
  [
    "ports of IKE, selectors, %myid",
    {
      left: { ikePort: 501, protoPort: "17/1701", id: "%myid", nextHop: undefined },
      right: { protoPort: "17/0", nextHop: undefined },
    },
    "10.0.1.0/24===192.0.2.1:501[%myid]:17/1701...198.51.100.2[@east]:17/0===10.0.2.0/24",
  ],
  [
    "a road warrior",
    { right: { host: "%any", client: undefined, nextHop: undefined, id: "@laptop" } },
    "10.0.1.0/24===192.0.2.1[@west]---192.0.2.254...%any[@laptop]",
  ],
  [
    "a network that is chosen",
    { right: { client: undefined, clientWithin: "10.0.0.0/8", nextHop: undefined } },
    "10.0.1.0/24===192.0.2.1[@west]---192.0.2.254...198.51.100.2[@east]==={10.0.0.0/8}",
  ],
  [
    "a network behind NAT",
    { right: { host: "%any", client: undefined, virtual: "vhost:%no,%priv", nextHop: undefined, id: undefined } },
    "10.0.1.0/24===192.0.2.1[@west]---192.0.2.254...%any===vhost:%no,%priv",
  ],
  [
    "opportunism for all",
    {
      left: { client: "0.0.0.0/0", id: "%myid" },
      right: { host: "%opportunistic", client: undefined, nextHop: undefined, id: undefined },
    },
    "0.0.0.0/0===192.0.2.1[%myid]---192.0.2.254...%opportunistic",
  ],
  [
    "a group",
    {
      ...NEVER,
      left: { client: undefined, id: "%myid" },
      right: { host: "%group", client: undefined, nextHop: undefined, id: undefined },
    },
    "192.0.2.1[%myid]---192.0.2.254...%group",
  ],
];
for (const [what, given, text] of TOPOLOGIES) {
  Deno.test(`topology of ${what}`, () => equal(make("c", given).topology, text));
}

const PRIORITIES: [given: Given, text: string][] = [
  [{}, "24,24"],
  [{ left: { client: undefined } }, "32,24"],
  [{ left: { client: undefined }, right: { host: "%any", client: undefined } }, "32,32"],
  [{ left: { client: "0.0.0.0/0" }, right: { host: "%opportunistic", client: undefined } }, "0,0"],
];
for (const [given, text] of PRIORITIES) {
  Deno.test(`priority ${text} of ${make("c", given).topology}`, () => equal(make("c", given).priorityText, text));
}

Deno.test("an instance has its template's priority, and a number of its own", () => {
  const template = make("road", { right: { host: "%any", client: undefined } });
  const [one, two] = [template.instantiate(address("203.0.113.9")), template.instantiate(address("203.0.113.10"))];
  equal([one.label, two.label], ['"road"[1] 203.0.113.9', '"road"[2] 203.0.113.10']);
  equal(one.priorityText, template.priorityText);
  two.peers.givenId = { kind: "fqdn", name: "laptop" };
  equal(template.peers.id, { kind: "fqdn", name: "east" }, "the template keeps its own");
});

const LABELS: [ours: string | undefined, peers: string | undefined, label: string][] = [
  [undefined, undefined, '"oe"[1] ...198.51.100.2'],
  ["192.0.2.10/32", "203.0.113.22/32", '"oe"[1] 192.0.2.10/32=== ...198.51.100.2===203.0.113.22/32'],
  [undefined, "0.0.0.0/32", '"oe"[1] ...198.51.100.2===?'],
];
for (const [ours, peers, label] of LABELS) {
  Deno.test(`label of an opportunistic instance: ${label}`, () => {
    const one = make("oe", { right: { host: "%opportunistic", client: undefined } })
      .instantiate(address("198.51.100.2"));
    const net = (text: string | undefined) =>
      text === undefined ? undefined : { address: address(text.split("/")[0]), bits: 32, port: 0 };
    one.ours.client = net(ours);
    one.peers.client = net(peers);
    equal(one.label, label);
  });
}

const POLICIES: [given: Given, text: string][] = [
  [{}, "PSK+ENCRYPT+TUNNEL+PFS"],
  [{ psk: false, rsasig: true, dontRekey: true, failure: "pass" }, "RSASIG+ENCRYPT+TUNNEL+PFS+DONTREKEY+failurePASS"],
  [
    { authenticate: true, compress: true, disableArrivalCheck: true },
    "PSK+ENCRYPT+AUTHENTICATE+COMPRESS+TUNNEL+PFS+DISABLEARRIVALCHECK",
  ],
  [{ ...NEVER, shunt: "reject", failure: "drop" }, "TUNNEL+PFS+REJECT+failureDROP+NEVER_NEGOTIATE"],
  [{ tunnel: false, left: { client: undefined }, right: { client: undefined } }, "PSK+ENCRYPT+PFS"],
];
for (const [given, text] of POLICIES) {
  Deno.test(`policy ${text}`, () => equal(make("c", given).policyText, text));
}

Deno.test("%myid is resolved when it is asked for", () => {
  const myId = new MyId(address("192.0.2.1"));
  const { connection } = define("c", description({ left: { id: "%myid" } }), { myId });
  equal(connection?.ours.id, { kind: "address", address: address("192.0.2.1") });
  myId.setHostName("west.example.com.");
  equal(myId.format(), "(none)", "only what the DNS confirms counts");
  myId.confirm(myId.hostName!);
  equal(connection?.ours.id, { kind: "fqdn", name: "west.example.com" });
  myId.specify({ kind: "fqdn", name: "me" });
  myId.confirm(myId.address!);
  equal(myId.format(), "@me");
});
