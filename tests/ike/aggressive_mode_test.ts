/** Aggressive Mode as dialogues of two engines. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { establish, type Given, natBefore, pair, rsaKey, start, withRsa } from "./_phase1.ts";
import { startMain, startQuick, worldOf as keyable } from "./_phase2.ts";
import { connection, end, identity, OTHER_SUITE, SUITE } from "./_test_host.ts";
import type { World } from "./_two_engines.ts";

function aggressive(given: Given = {}): World {
  return pair({ ...given, both: { aggressive: true, ...given.both } });
}

const METHODS: [method: string, make: (given?: Given) => World][] = [
  ["a preshared key", aggressive],
  ["RSA signatures", (given) => withRsa(aggressive({ ...given, both: { ...given?.both, auth: ["rsasig"] } }))],
];

for (const [method, make] of METHODS) {
  Deno.test(`Aggressive Mode with ${method} goes through its states`, async () => {
    const world = make();
    const { west, east } = world;
    const sa = start(world);
    const steps: [message: string, west: string[], east: string[]][] = [
      ["AI1 -->", ["AGGR_I1"], ["AGGR_R1"]],
      ["<-- AR1", ["AGGR_I2"], ["AGGR_R1"]],
      ["AI2 -->", ["AGGR_I2"], ["AGGR_R2"]],
    ];
    deepEqual([west.names, east.names], [["AGGR_I1"], []]);
    for (const [message, ...names] of steps) {
      await world.clock.pass(1);
      deepEqual([west.names, east.names], names, `after ${message}\n${world.story}`);
    }
    const [other] = east.isakmp;
    deepEqual([sa.isEstablished, other.isEstablished], [false, true]);
    await world.pass(1);
    ok(sa.isEstablished);
    deepEqual([sa.peerId, other.peerId], [identity("@east"), identity("@west")]);
    equal(west.sent.length + east.sent.length, 3);
    deepEqual(east.host.events, ["initial contact #1", "established #1"]);
  });
}

Deno.test("Aggressive Mode says what it does", async () => {
  const { west, east } = await establish(aggressive());
  const told = (lines: string[]) => lines.filter((line) => !/Vendor ID|NAT-T/.test(line));
  deepEqual(told(west.host.told), [
    `002 initiating Aggressive Mode #1, connection "net-net"`,
    "121 STATE_AGGR_I1: initiate",
    "002 Peer ID is ID_FQDN: '@east'",
    "002 sent AI2, ISAKMP SA established",
    "004 STATE_AGGR_I2: sent AI2, ISAKMP SA established",
  ]);
  deepEqual(told(east.host.told), [
    `002 responding to Aggressive Mode, state #1, connection "net-net"`,
    "002 Peer ID is ID_FQDN: '@west'",
    "122 STATE_AGGR_R1: sent AR1, expecting AI2",
    "002 ISAKMP SA established",
    "004 STATE_AGGR_R2: ISAKMP SA established",
  ]);
});

Deno.test("only a connection that asks for it has Aggressive Mode", async () => {
  const world = aggressive({ ofEast: { aggressive: false } });
  const { east } = world;
  // A host that does not look at it does not matter.
  east.host.chooseByAddress = () => east.host.connections[0];
  start(world);
  await world.pass(1);
  deepEqual([east.names, east.sent.length], [[], 0]);
  deepEqual(east.host.told, [
    `003 initial Aggressive Mode message received, but "net-net" does not allow Aggressive Mode`,
  ]);
});

Deno.test("Aggressive Mode is not begun with several groups", () => {
  const { west, east } = aggressive({ both: { ikeSuites: [SUITE, { ...SUITE, group: "modp2048" }] } });
  const sa = west.engine.startPhase1(west.host.connections[0], west.pathTo(east), { replaces: 0, attempt: 1 });
  deepEqual(sa, {
    refused: "can not initiate aggressive mode, at most one algorithm may be provided",
    notify: 14,
  });
});

Deno.test("Aggressive Mode may offer several ciphers with one group", async () => {
  const { west, east } = await establish(
    aggressive({ ofWest: { ikeSuites: [SUITE, OTHER_SUITE] }, ofEast: { ikeSuites: [OTHER_SUITE] } }),
  );
  deepEqual([west.isakmp[0].suite, east.isakmp[0].suite], [OTHER_SUITE, OTHER_SUITE]);
});

Deno.test("the preshared key of Aggressive Mode is found by identity", async () => {
  const world = aggressive();
  const { east } = world;
  east.host.connections = [connection("road", end("192.0.2.2", "@east"), end("0.0.0.0", "%any"), { aggressive: true })];
  east.host.secrets.clear();
  east.host.secrets.set("@west", "how now brown cow");
  east.host.secrets.set("@other", "another one");
  await establish(world);
  deepEqual(east.isakmp[0].peerId, identity("@west"));
});

Deno.test("another preshared key: the initiator sees it first", async () => {
  const world = aggressive();
  const { west, east } = world;
  east.host.secrets.set("*", "something else");
  start(world);
  await world.pass(1);
  ok(west.host.told.includes("003 received Hash Payload does not match computed value"), world.story);
  ok(west.host.told.includes("223 STATE_AGGR_I1: INVALID_HASH_INFORMATION"));
  deepEqual([west.names, east.names], [["AGGR_I1"], ["AGGR_R1"]]);
  await world.pass(200);
  deepEqual([west.names, east.names], [[], []]);
});

Deno.test("a signature that no key verifies: the responder stays half open", async () => {
  const world = withRsa(aggressive({ both: { auth: ["rsasig"] } }));
  const { east } = world;
  east.host.keysOf.set("@west", [rsaKey("somebody").publicKey]);
  start(world);
  await world.pass(1);
  ok(east.host.told.includes("217 STATE_AGGR_R1: INVALID_KEY_INFORMATION"), world.story);
  ok(!east.established);
});

Deno.test("the peer is not whom the initiator wants", async () => {
  const world = aggressive();
  const { west } = world;
  const ours = end("192.0.2.1", "@west");
  west.host.connections = [connection("net-net", ours, end("192.0.2.2", "@elsewhere"), { aggressive: true })];
  start(world);
  await world.pass(1);
  ok(west.host.told.includes("218 STATE_AGGR_I1: INVALID_ID_INFORMATION"), world.story);
});

Deno.test("AI2 that is lost comes again, since AR1 does", async () => {
  const world = aggressive();
  const { west, east } = world;
  let lost = 0;
  world.wire = ({ from, datagram }) =>
    from === west && west.sent.length === 2 && lost++ === 0 ? [] : [{ datagram, afterMs: 1 }];
  start(world);
  await world.pass(1);
  deepEqual([west.names, east.names, lost], [["AGGR_I2"], ["AGGR_R1"], 1]);
  await world.pass(10);
  deepEqual([west.names, east.names], [["AGGR_I2"], ["AGGR_R2"]], world.story);
});

Deno.test("Aggressive Mode through a NAT floats with AI2", async () => {
  const { west, east } = await establish(aggressive({ westNat: natBefore("west", "192.0.2.1") }));
  deepEqual(west.isakmp[0].nat, { ours: true, peers: false, method: "RFC 3947 (NAT-Traversal)" });
  deepEqual(east.isakmp[0].nat, { ours: false, peers: true, method: "RFC 3947 (NAT-Traversal)" });
  ok(east.host.told.includes("002 NAT-Traversal: Result using RFC 3947 (NAT-Traversal): peer is NATed"));
  const { localPort, remotePort } = east.isakmp[0].path;
  deepEqual([localPort, remotePort], [4500, 14_500]);
});

Deno.test("after AI2 the initiator waits a moment: a responder that is slow would drop its Quick Mode", async () => {
  const world = keyable({ both: { aggressive: true } });
  const { west } = world;
  startMain(world.west, world.east);
  await world.clock.pass(100);
  deepEqual([west.names, west.host.events], [["AGGR_I2"], []]);
  await world.clock.pass(102);
  deepEqual(west.host.events, ["established #1"]);
});

Deno.test("the moment is over when the responder begins Quick Mode", async () => {
  const world = keyable({ both: { aggressive: true } });
  const { west, east } = world;
  startMain(west, east);
  await world.clock.pass(3);
  startQuick(east);
  await world.clock.pass(10);
  ok(west.host.events.includes("established #1"), world.story);
  ok(east.host.events.includes("established #2"), world.story);
  await world.pass(1);
  equal(west.host.events.filter((event) => event === "established #1").length, 1);
});

Deno.test("a Quick Mode that begins while the host looks for the peer's key waits for it", async () => {
  const world = withRsa(keyable({ both: { aggressive: true, auth: ["rsasig"] } }));
  const { west, east } = world;
  const sa = startMain(west, east);
  const lookups: (() => void)[] = [];
  await world.clock.pass(1);
  east.host.delay = () => new Promise((resolve) => void lookups.push(resolve));
  await world.pass(1);
  deepEqual([sa.isEstablished, east.names], [true, ["AGGR_R1"]]);
  startQuick(west);
  startQuick(west);
  await world.pass(1);
  deepEqual(east.names, ["AGGR_R1"]);
  // one is kept; the other comes again
  equal(east.engine.counters().early, 1);
  equal(east.engine.counters().incompleteSa, 1);
  east.host.delay = () => Promise.resolve();
  for (const found of lookups) found();
  await world.pass(1);
  deepEqual(east.names.toSorted(), ["AGGR_R2", "QUICK_R2"], world.story);
  await world.pass(10);
  deepEqual(east.names.toSorted(), ["AGGR_R2", "QUICK_R2", "QUICK_R2"], world.story);
});

Deno.test("a Quick Mode that begins while the host looks for the peer's key goes with an exchange that fails", async () => {
  const world = withRsa(keyable({ both: { aggressive: true, auth: ["rsasig"] } }));
  const { west, east } = world;
  startMain(west, east);
  const lookups: (() => void)[] = [];
  await world.clock.pass(1);
  east.host.delay = () => new Promise((resolve) => void lookups.push(resolve));
  await world.pass(1);
  startQuick(west);
  await world.pass(1);
  east.host.keysOf.clear();
  for (const found of lookups) found();
  await world.pass(1);
  deepEqual(east.names, ["AGGR_R1"]);
  equal(east.engine.counters().incompleteSa, 1);
});
