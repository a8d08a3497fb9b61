/** Which connection a responder takes (pluto.md §15). West is we; the peer is at 198.51.100.2 unless told otherwise. */
import { deepStrictEqual as equal } from "node:assert/strict";
import type { ClientRequest } from "../../lib/ike/host.ts";
import type { IsakmpSa, Path } from "../../lib/ike/state.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import type { ChooserDeps } from "../../lib/pluto/choose.ts";
import { Connection } from "../../lib/pluto/connection.ts";
import type { EndDescription } from "../../lib/pluto/description.ts";
import { ANY, id, net, stage } from "./_chooser.ts";
import { make } from "./_connections.ts";
import { address } from "./_fakes.ts";

type More = Parameters<typeof make>[1];
const path = (remote = "198.51.100.2", remotePort = 500, localPort = 500): Path => ({
  local: address("192.0.2.1"),
  localPort,
  remote: address(remote),
  remotePort,
});

const shown = (chosen: Connection | { refused: string }) =>
  chosen instanceof Connection ? chosen.label : chosen.refused;
const NEVER = { psk: false, encrypt: false, shunt: "drop" } as const;
const AT = "initial Main Mode message received on 192.0.2.1:500 but";

const FIRST: [what: string, connections: [name: string, more: More][], from: Path, chosen: string][] = [
  ["nothing is there", [], path(), `${AT} no connection has been authorized`],
  ["the host pair", [["a", {}]], path(), '"a"'],
  ["the newest of a host pair", [["new", { left: { client: "10.9.0.0/16" } }], ["old", {}]], path(), '"new"'],
  ["another peer's connection", [["a", {}]], path("203.0.113.9"), `${AT} no connection has been authorized`],
  ["a shunt for the very peer", [["a", NEVER]], path(), `${AT} "a" forbids connection`],
  [
    "a shunt is newer than what negotiates",
    [["shunt", NEVER], ["a", { left: { client: "10.9.0.0/16" } }]],
    path(),
    '"a"',
  ],
  ["a road warrior", [["road", { right: ANY }]], path("203.0.113.9"), '"road"[1] 203.0.113.9'],
  ["the host pair before the road warriors", [["road", { right: ANY }], ["a", {}]], path(), '"a"'],
  [
    "a road warrior in Main Mode, and a newer connection for Aggressive Mode",
    [["phones", { aggressive: true, right: ANY }], ["road", { right: ANY }]],
    path("203.0.113.9"),
    '"road"[1] 203.0.113.9',
  ],
  [
    "Main Mode, and nothing but Aggressive Mode",
    [["phones", { aggressive: true, right: ANY }]],
    path("203.0.113.9"),
    '"phones"[1] 203.0.113.9',
  ],
  ["a road warrior behind NAT", [["road", { right: ANY }]], path("203.0.113.9", 61000), '"road"[1] 203.0.113.9'],
  ["a known peer behind NAT", [["a", {}]], path("198.51.100.2", 61000), '"a"'],
  ["a peer whose IKE has another port", [["a", { right: { ikePort: 1500 } }]], path("198.51.100.2", 1500), '"a"'],
  [
    "a group is no connection",
    [["clear", { ...NEVER, right: { ...ANY, host: "%group" } }]],
    path("203.0.113.9"),
    `${AT} no connection has been authorized`,
  ],
  [
    "the tightest of opportunistic templates and shunts: a template",
    [["block", { ...NEVER, right: { ...ANY, client: "0.0.0.0/0" } }], [
      "oe",
      { right: { host: "%opportunistic", client: "203.0.113.0/24" } },
    ]],
    path("203.0.113.9"),
    '"oe"[1] 10.0.1.0/24=== ...203.0.113.9===?',
  ],
  [
    "the tightest of opportunistic templates and shunts: a shunt",
    [["block", { ...NEVER, right: { ...ANY, client: "203.0.113.8/29" } }], [
      "oe",
      { right: { host: "%opportunistic", client: undefined } },
    ]],
    path("203.0.113.9"),
    `${AT} "block" forbids connection`,
  ],
];
for (const [what, connections, from, chosen] of FIRST) {
  Deno.test(`byAddress(): ${what}`, () => {
    const { chooser } = stage(connections.map(([name, more]) => make(name, more)));
    equal(shown(chooser.byAddress(from, "main")), chosen);
  });
}

Deno.test("byAddress() of Aggressive Mode: the identity decides at once, and only aggressive connections count", () => {
  const aggressive = { aggressive: true } as const;
  const { chooser } = stage([
    make("main", { right: { ...ANY, id: "@alice" } }),
    make("bob", { ...aggressive, right: { ...ANY, id: "@bob" } }),
    make("alice", { ...aggressive, right: { ...ANY, id: "@alice" } }),
  ]);
  equal(shown(chooser.byAddress(path("203.0.113.9"), "aggressive", id("@alice"))), '"alice"[1] 203.0.113.9');
  equal(
    shown(chooser.byAddress(path("203.0.113.9"), "aggressive", id("@eve"))),
    "initial Aggressive Mode message received on 192.0.2.1:500 but no connection has been authorized",
  );
});

/** What the peer turns out to be, after byAddress() has chosen. */
function identify(connections: readonly Connection[], who: string, auth: "psk" | "rsasig" = "psk", more = {}) {
  const s = stage(connections, more);
  const current = s.chooser.byAddress(path("203.0.113.9"), "main");
  if (!(current instanceof Connection)) throw new Error(current.refused);
  const sa = { path: path("203.0.113.9") } as IsakmpSa;
  return { ...s, current, chosen: s.chooser.byIdentity(sa, current, id(who), auth) };
}

Deno.test("byAddress() of Main Mode: an instance of Aggressive Mode at the same address is for others", () => {
  const phones = make("phones", { aggressive: true, right: ANY }), road = make("road", { right: ANY });
  const { all, chooser } = stage([phones, road]);
  all.add(phones.instantiate(address("203.0.113.9"), id("@group")));
  equal(shown(chooser.byAddress(path("203.0.113.9", 41000), "main")), '"road"[1] 203.0.113.9');
  all.remove(road);
  for (const one of all.instancesOf(road)) all.remove(one);
  equal(
    shown(chooser.byAddress(path("203.0.113.9", 41000), "main")),
    '"phones"[1] 203.0.113.9',
    "where there is no other",
  );
});

Deno.test("byIdentity() keeps the connection whose peer it is", () => {
  const { current, chosen } = identify([make("road", { right: { ...ANY, id: "@laptop" } })], "@LAPTOP.");
  equal(chosen, current);
});

Deno.test("byIdentity() finds another template, and makes an instance with the identity", () => {
  const { chosen } = identify([
    make("first", { right: { ...ANY, id: "@other" } }),
    make("second", { right: { ...ANY, id: "@laptop" } }),
  ], "@laptop");
  equal(shown(chosen), '"second"[1] 203.0.113.9');
  equal((chosen as Connection).peers.id, id("@laptop"));
});

Deno.test("byIdentity(): the instance of a template for anybody gets the name", () => {
  const { current, chosen, all } = identify([make("road", { right: { ...ANY, id: undefined } })], "@laptop");
  equal(chosen, current);
  equal(current.peers.id, id("@laptop"));
  equal(all.size, 2);
});

Deno.test("byIdentity(): another peer's nameless instance is not taken", () => {
  const road = make("road", { right: { ...ANY, id: undefined } });
  const { chooser, all } = stage([road]);
  const [one, two] = [1, 2].map(() => chooser.byAddress(path("203.0.113.9"), "main") as Connection);
  chooser.byIdentity({ path: path("203.0.113.9") } as IsakmpSa, one, id("@one"), "psk");
  const chosen = chooser.byIdentity({ path: path("203.0.113.9") } as IsakmpSa, two, id("@two"), "psk");
  equal(chosen, two);
  equal([one.peers.id, two.peers.id], [id("@one"), id("@two")]);
  equal(all.size, 3);
});

Deno.test("byIdentity(): fewer wildcards are better", () => {
  const { chosen } = identify([
    make("anybody", { right: { ...ANY, id: undefined } }),
    make("many", { right: { ...ANY, id: "C=CA, O=*, CN=*" } }),
    make("few", { right: { ...ANY, id: "C=CA, O=Example, CN=*" } }),
  ], "C=CA, O=Example, CN=laptop");
  equal(shown(chosen), '"few"[1] 203.0.113.9');
});

Deno.test("byIdentity() refuses strangers, and connections with another secret or method", () => {
  const refused = "no suitable connection for peer '@laptop'";
  const mine = make("first", { right: { ...ANY, id: "@other" } });
  const theirs = () => make("second", { right: { ...ANY, id: "@laptop" } });
  equal(shown(identify([mine], "@laptop").chosen), refused);
  const presharedKey = ({ name }: Connection) => new Secret(new TextEncoder().encode(name));
  equal(shown(identify([mine, theirs()], "@laptop", "psk", { presharedKey }).chosen), refused);
  equal(shown(identify([mine, theirs()], "@laptop", "rsasig").chosen), refused);
});

function request(ours: string, peers: string, more: { protocol?: number; port?: number } = {}): ClientRequest {
  const side = (client: string, port = 0) => ({ client: net(client), protocol: more.protocol ?? 0, port });
  return { ours: side(ours), peers: side(peers, more.port), mode: "tunnel" };
}

async function clients(
  connections: readonly Connection[],
  wanted: ClientRequest,
  { isBehindNat = false, ...more }: Partial<ChooserDeps> & { readonly isBehindNat?: boolean } = {},
) {
  const s = stage(connections, more);
  const sa = { path: path(), nat: { ours: false, peers: isBehindNat } } as IsakmpSa;
  const current = connections[0].connectionKind === "CK_TEMPLATE"
    ? s.chooser.byAddress(path(), "main") as Connection
    : connections[0];
  return { current, chosen: await s.chooser.byClients(sa, current, wanted) };
}

const QUICK: [what: string, connections: () => Connection[], wanted: ClientRequest, chosen: string][] = [
  ["the connection itself", () => [make("a")], request("10.0.1.0/24", "10.0.2.0/24"), '"a"'],
  [
    "another one of the same hosts",
    () => [make("a"), make("b", { right: { client: "10.0.4.0/24" } })],
    request("10.0.1.0/24", "10.0.4.0/24"),
    '"b"',
  ],
  [
    "the peer alone",
    () => [make("a"), make("b", { right: { client: undefined } })],
    request("10.0.1.0/24", "198.51.100.2/32"),
    '"b"',
  ],
  [
    "protocol and port",
    () => [make("a"), make("l2tp", { left: { protoPort: "17/0" }, right: { protoPort: "17/1701" } })],
    request("10.0.1.0/24", "10.0.2.0/24", { protocol: 17, port: 1701 }),
    '"l2tp"',
  ],
  [
    "what nobody has",
    () => [make("a")],
    request("10.0.1.0/24", "10.77.0.0/16"),
    "cannot respond to IPsec SA request because no connection is known for " +
    "10.0.1.0/24===192.0.2.1[@west]...198.51.100.2[@east]===10.77.0.0/16",
  ],
  [
    "a network that the peer may choose",
    () => [make("road", { right: { ...ANY, clientWithin: "10.0.0.0/8", id: "@east" } })],
    request("10.0.1.0/24", "10.55.0.0/16"),
    '"road"[1] 198.51.100.2',
  ],
  [
    "a network that the peer may not choose",
    () => [make("road", { right: { ...ANY, clientWithin: "10.0.0.0/8", id: "@east" } })],
    request("10.0.1.0/24", "172.16.0.0/16"),
    "cannot respond to IPsec SA request because no connection is known for " +
    "10.0.1.0/24===192.0.2.1[@west]---192.0.2.254...198.51.100.2[@east]===172.16.0.0/16".replace("---192.0.2.254", ""),
  ],
  [
    "a peer behind NAT with a private address",
    () => [make("road", { right: { ...ANY, virtual: "vhost:%no,%priv", id: "@east" } })],
    request("10.0.1.0/24", "10.55.0.7/32"),
    '"road"[1] 198.51.100.2',
  ],
  [
    "a peer without NAT, by the same connection",
    () => [make("road", { right: { ...ANY, virtual: "vhost:%no,%priv", id: "@east" } })],
    request("10.0.1.0/24", "198.51.100.2/32"),
    '"road"[1] 198.51.100.2',
  ],
  [
    "a private address that is excepted: it is ours",
    () => [make("road", { right: { ...ANY, virtual: "vhost:%no,%priv", id: "@east" } })],
    request("10.0.1.0/24", "10.0.1.7/32"),
    "cannot respond to IPsec SA request because no connection is known for " +
    "10.0.1.0/24===192.0.2.1[@west]...198.51.100.2[@east]===10.0.1.7/32",
  ],
  [
    "a shunt wins over what negotiates",
    () => [
      make("a"),
      Object.assign(make("block", { ...NEVER, right: { client: "10.0.4.0/24" } }), { routing: "ROUTED_PROSPECTIVE" }),
      make("b", { right: { client: "10.0.4.0/24" } }),
    ],
    request("10.0.1.0/24", "10.0.4.0/24"),
    "cannot respond to IPsec SA request because no connection is known for " +
    "10.0.1.0/24===192.0.2.1[@west]...198.51.100.2[@east]===10.0.4.0/24",
  ],
];
for (const [what, connections, wanted, chosen] of QUICK) {
  Deno.test(`byClients(): ${what}`, async () => {
    equal(shown((await clients(connections(), wanted)).chosen), chosen);
  });
}

const NONE = "cannot respond to IPsec SA request because no connection is known for " +
  "10.0.1.0/24===192.0.2.1[@west]...198.51.100.2[@east]===";
// virtual_private= has 10.0.0.0/8, but not 10.0.1.0/24
const BEHIND_NAT: [what: string, right: Partial<EndDescription>, wants: string, refused: string][] = [
  [
    "its own address there, which is private",
    {},
    "10.55.0.7/32",
    "; the peer is behind NAT: rightsubnet=vhost:%priv,%no would take 10.55.0.7/32",
  ],
  [
    "its own address there, which is not known as private",
    {},
    "192.168.7.2/32",
    "; the peer is behind NAT: rightsubnet=vhost:%priv,%no would take 192.168.7.2/32, and virtual_private= with " +
    "%v4:192.168.7.2/32, or a network around it",
  ],
  [
    "a private network",
    {},
    "10.55.0.0/24",
    "; the peer is behind NAT: rightsubnet=vnet:%priv,%no or rightsubnetwithin= a network around it would take 10.55.0.0/24",
  ],
  ["some other network", {}, "192.168.7.0/24", ""],
  [
    "an address that is excepted",
    { ...ANY, virtual: "vhost:%no,%priv" },
    "10.0.1.7/32",
    "; vhost:%no,%priv does not take 10.0.1.7/32: it is not among the networks of virtual_private=",
  ],
  [
    "a network, where it may have an address",
    { ...ANY, virtual: "vhost:%no,%priv" },
    "10.55.0.0/24",
    "; vhost:%no,%priv does not take 10.55.0.0/24: only single addresses are allowed",
  ],
];
for (const [what, right, wants, advice] of BEHIND_NAT) {
  Deno.test(`byClients() advises on a peer behind NAT that wants ${what}`, async () => {
    const connection = make("road", { right: { ...right, id: "@east" } });
    const { chosen } = await clients([connection], request("10.0.1.0/24", wants), { isBehindNat: true });
    equal(shown(chosen), NONE + wants + advice);
    const { chosen: plainly } = await clients([connection], request("10.0.1.0/24", wants));
    equal(shown(plainly), NONE + wants);
  });
}

Deno.test("byClients(): a routed connection is better than one that is not", async () => {
  const routed = make("routed");
  routed.routing = "ROUTED_PROSPECTIVE";
  equal(shown((await clients([make("a"), routed], request("10.0.1.0/24", "10.0.2.0/24"))).chosen), '"routed"');
});

Deno.test("byClients(): the instance takes the network that the peer has chosen", async () => {
  const road = make("road", { right: { ...ANY, clientWithin: "10.0.0.0/8", id: "@east" } });
  const { current, chosen } = await clients([road], request("10.0.1.0/24", "10.55.0.0/16"));
  equal(chosen, current);
  equal(current.peers.client, net("10.55.0.0/16"));
  equal(current.peers.isClientWithin, false);
  equal(road.peers.isClientWithin, true);
});

Deno.test("byClients(): of a second template an instance with the identity that is known", async () => {
  const { chosen } = await clients([
    make("road", { right: { ...ANY, id: "@east" } }),
    make("road-net", { right: { ...ANY, client: "10.8.0.0/16", id: "@east" } }),
  ], request("10.0.1.0/24", "10.8.0.0/16"));
  equal(shown(chosen), '"road-net"[1] 198.51.100.2');
  equal((chosen as Connection).peers.id, id("@east"));
});

const OPPO = {
  left: { client: "0.0.0.0/0" },
  right: { host: "%opportunistic", client: undefined, id: undefined },
} as const;

Deno.test("byClients(): opportunism is confirmed by the DNS, and makes an instance of two hosts", async () => {
  const asked: string[] = [];
  const opportunism = {
    initiate: () => Promise.resolve(undefined),
    confirm: (_sa: IsakmpSa, { name }: Connection) => {
      asked.push(name);
      return Promise.resolve(undefined);
    },
    held: () => {},
    settle: () => Promise.resolve(),
  };
  const wanted = request("10.0.1.5/32", "203.0.113.22/32");
  const { chosen } = await clients([make("oe", OPPO)], wanted, { opportunism });
  equal(shown(chosen), '"oe"[2] 10.0.1.5/32=== ...198.51.100.2===203.0.113.22/32');
  equal(asked, ["oe"]);
});

Deno.test("byClients(): an instance that was made while the DNS was asked serves", async () => {
  const opportunism = {
    initiate: () => Promise.resolve(undefined),
    confirm: () => Promise.resolve(undefined),
    held: () => {},
    settle: () => Promise.resolve(),
  };
  const { chooser } = stage([make("oe", OPPO)], { opportunism });
  const sa = { path: path(), nat: { ours: false, peers: false } } as IsakmpSa;
  const current = chooser.byAddress(path(), "main") as Connection;
  const wanted = request("10.0.1.5/32", "203.0.113.22/32");
  const other = request("10.0.1.6/32", "203.0.113.22/32");
  const chosen = await Promise.all([wanted, wanted, other].map((one) => chooser.byClients(sa, current, one)));
  equal(chosen[0] === chosen[1], true);
  equal(chosen.map(shown).slice(1), [
    '"oe"[2] 10.0.1.5/32=== ...198.51.100.2===203.0.113.22/32',
    '"oe"[3] 10.0.1.6/32=== ...198.51.100.2===203.0.113.22/32',
  ]);
});

Deno.test("byClients(): opportunism takes nothing of a connection's with somebody else, whatever the DNS says", async () => {
  const opportunism = {
    initiate: () => Promise.resolve(undefined),
    confirm: () => Promise.resolve(undefined),
    held: () => {},
    settle: () => Promise.resolve(),
  };
  const office = make("office", { right: { host: "192.0.2.9", client: "203.0.113.0/24" } });
  office.routing = "ROUTED_TUNNEL";
  const wanted = request("10.0.1.5/32", "203.0.113.22/32");
  const { chosen } = await clients([make("oe", OPPO), office], wanted, { opportunism });
  equal(shown(chosen), "203.0.113.22/32 is already used by '@east'");
});

Deno.test("byClients(): opportunism that the DNS does not confirm is refused with its reason", async () => {
  const opportunism = {
    initiate: () => Promise.resolve(undefined),
    confirm: () => Promise.resolve({ client: address("10.0.1.5"), whose: "our" as const, why: "no TXT record" }),
    held: () => {},
    settle: () => Promise.resolve(),
  };
  const { chosen } = await clients([make("oe", OPPO)], request("10.0.1.5/32", "203.0.113.22/32"), { opportunism });
  equal(
    shown(chosen),
    "gateway 198.51.100.2 wants connection with 10.0.1.5 as our client, but DNS fails to confirm delegation: no TXT record",
  );
});
