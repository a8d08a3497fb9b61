/** Main Mode as dialogues of two engines: who is in which state after which message, and what both say. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type GroupName, GROUPS } from "../../lib/crypto/dh_groups.ts";
import { rsaKeyId } from "../../lib/crypto/rsa.ts";
import type { Secret } from "../../lib/crypto/secret.ts";
import type { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import type { IkeSuite } from "../../lib/ike/suite.ts";
import { establish, type Given, pair, rsaKey, start, withRsa } from "./_phase1.ts";
import { connection, end, identity, OTHER_SUITE, SUITE } from "./_test_host.ts";
import type { World } from "./_two_engines.ts";

const METHODS: [method: string, make: (given?: Given) => World][] = [
  ["a preshared key", (given) => pair(given)],
  ["RSA signatures", (given) => withRsa(pair({ ...given, both: { ...given?.both, auth: ["rsasig"] } }))],
];

for (const [method, make] of METHODS) {
  Deno.test(`Main Mode with ${method} goes through its states`, async () => {
    const world = make();
    const { west, east } = world;
    const sa = start(world);
    const steps: [message: string, west: string[], east: string[]][] = [
      ["MI1 -->", ["MAIN_I1"], ["MAIN_R1"]],
      ["<-- MR1", ["MAIN_I2"], ["MAIN_R1"]],
      ["MI2 -->", ["MAIN_I2"], ["MAIN_R2"]],
      ["<-- MR2", ["MAIN_I3"], ["MAIN_R2"]],
      ["MI3 -->", ["MAIN_I3"], ["MAIN_R3"]],
      ["<-- MR3", ["MAIN_I4"], ["MAIN_R3"]],
    ];
    deepEqual([west.names, east.names], [["MAIN_I1"], []]);
    for (const [message, ...names] of steps) {
      await world.clock.pass(1);
      deepEqual([west.names, east.names], names, `after ${message}\n${world.story}`);
    }
    const [other] = east.isakmp;
    ok(sa.isEstablished && other.isEstablished);
    deepEqual([sa.peerId, other.peerId], [identity("@east"), identity("@west")]);
    deepEqual([sa.suite, other.suite], [SUITE, SUITE]);
    deepEqual([west.host.events, east.host.events.at(-1)], [["established #1"], "established #1"]);
    equal(west.sent.length + east.sent.length, 6);
  });
}

Deno.test("Main Mode tells whack and log what FreeS/WAN's tell", async () => {
  const { west, east } = await establish(pair({ both: { natTraversal: false, fragmentation: false } }));
  const isVendor = (line: string) => line.includes("Vendor ID");
  deepEqual(west.host.told.filter((line) => !isVendor(line)), [
    "002 initiating Main Mode",
    "104 STATE_MAIN_I1: initiate",
    "106 STATE_MAIN_I2: sent MI2, expecting MR2",
    "108 STATE_MAIN_I3: sent MI3, expecting MR3",
    "002 Peer ID is ID_FQDN: '@east'",
    "002 ISAKMP SA established",
    "004 STATE_MAIN_I4: ISAKMP SA established",
  ]);
  deepEqual(east.host.told.filter((line) => !isVendor(line)), [
    "002 responding to Main Mode",
    "105 STATE_MAIN_R1: sent MR1, expecting MI2",
    "107 STATE_MAIN_R2: sent MR2, expecting MI3",
    "002 Peer ID is ID_FQDN: '@west'",
    "002 sent MR3, ISAKMP SA established",
    "004 STATE_MAIN_R3: sent MR3, ISAKMP SA established",
  ]);
  ok(east.host.told.includes("002 received Vendor ID Payload; ASCII hash: oneswan"));
  ok(east.host.told.includes("002 received Vendor ID payload [Dead Peer Detection]"));
});

Deno.test("Main Mode to replace an SA says so", () => {
  const { west, east } = pair();
  west.engine.startPhase1(west.host.connections[0], west.pathTo(east), { replaces: 7, attempt: 1 });
  deepEqual(west.host.told, ["002 initiating Main Mode to replace #7", "104 STATE_MAIN_I1: initiate, replacing #7"]);
});

Deno.test("Main Mode from an unknown peer says its address", async () => {
  const world = pair({ ofEast: { label: `"net-net"[1] 192.0.2.1` } });
  await establish(world);
  ok(world.east.host.told.includes("002 responding to Main Mode from unknown peer 192.0.2.1"));
});

const SUITES: IkeSuite[] = [
  { cipher: "3des", keyBits: 192, hash: "md5", group: "modp1536" },
  { cipher: "3des", keyBits: 192, hash: "sha1", group: "modp1024" },
  ...([128, 192, 256] as const).map((keyBits): IkeSuite => ({
    cipher: "aes",
    keyBits,
    hash: "sha1",
    group: "modp2048",
  })),
  { cipher: "aes", keyBits: 256, hash: "sha2_384", group: "ecp384" },
  { cipher: "aes", keyBits: 256, hash: "sha2_512", group: "ecp521" },
];
for (const suite of SUITES) {
  Deno.test(`Main Mode agrees on ${suite.cipher}${suite.keyBits}-${suite.hash}-${suite.group}`, async () => {
    const { west, east } = await establish(pair({ both: { ikeSuites: [suite] } }));
    deepEqual([west.isakmp[0].suite, east.isakmp[0].suite], [suite, suite]);
  });
}

Deno.test("Main Mode takes the first suite of the initiator that both have, and the shorter life", async () => {
  const [first, second] = [{ ...SUITE, hash: "sha1" } as const, OTHER_SUITE];
  const world = pair({
    ofWest: { ikeSuites: [first, second, SUITE], ikeLifetimeSeconds: 3600 },
    ofEast: { ikeSuites: [SUITE, second], ikeLifetimeSeconds: 7200 },
  });
  const { west, east } = await establish(world);
  deepEqual([west.isakmp[0].suite, east.isakmp[0].suite], [second, second]);
  deepEqual([west.isakmp[0].lifetimeSeconds, east.isakmp[0].lifetimeSeconds], [3600, 3600]);
});

Deno.test("Main Mode offers only methods for which there are keys", async () => {
  const world = withRsa(pair({ both: { auth: ["rsasig", "psk"] } }));
  world.west.host.ownKey = undefined;
  const { west, east } = await establish(world);
  deepEqual([west.isakmp[0].auth, east.isakmp[0].auth], ["psk", "psk"]);
});

Deno.test("Main Mode is not begun without a key", () => {
  const { west, east } = pair();
  west.host.secrets.clear();
  const sa = west.engine.startPhase1(west.host.connections[0], west.pathTo(east), { replaces: 0, attempt: 1 });
  deepEqual(sa, {
    refused: "Can't authenticate: no preshared key found for `@west' and `@east'",
    notify: 24,
  });
  deepEqual([west.names, west.sent.length, west.host.events], [[], 0, ["gone #1"]]);
});

Deno.test("another preshared key: MI3 is garbage to the responder, and the initiator gives up", async () => {
  const world = pair();
  const { west, east } = world;
  west.host.secrets.set("*", "something else");
  start(world);
  await world.pass(1);
  deepEqual([west.names, east.names], [["MAIN_I3"], ["MAIN_R2"]]);
  const excuse = "003 probable authentication failure (mismatch of preshared secrets?): ";
  ok(east.host.told.some((line) => line.startsWith(excuse)), world.story);
  await world.pass(80);
  deepEqual([west.names, east.names], [[], []]);
  ok(west.host.told.includes(
    "031 max number of retransmissions (2) reached STATE_MAIN_I3" +
      ".  Possible authentication failure: no acceptable response to our first encrypted message",
  ));
  deepEqual(west.host.events, ["gave up #1", "gone #1"]);
  equal(east.engine.counters().mismatchedSecret, 3);
  ok(!east.host.events.some((event) => event.startsWith("established")));
});

Deno.test("a key that is not the peer's: the signature is refused, both ends say why", async () => {
  const world = withRsa(pair({ both: { auth: ["rsasig"] } }));
  const { west, east } = world;
  east.host.keysOf.set("@west", [rsaKey("somebody").publicKey]);
  start(world);
  await world.pass(1);
  const id = rsaKeyId(rsaKey("somebody").publicKey);
  ok(east.host.told.includes(`003 Signature check (on @west) failed (wrong key?); tried *${id}`), world.story);
  ok(east.host.told.includes("217 STATE_MAIN_R2: INVALID_KEY_INFORMATION"));
  deepEqual([west.names, east.names], [["MAIN_I3"], ["MAIN_R2"]]);
  await world.pass(80);
  match(west.host.told.at(-1)!, /reached STATE_MAIN_I3.*; perhaps because of INVALID_KEY_INFORMATION, says the peer$/);
});

Deno.test("several keys of a peer are tried in turn", async () => {
  const world = withRsa(pair({ both: { auth: ["rsasig"] } }));
  const right = rsaKey("west").publicKey;
  world.east.host.keysOf.set("@west", [rsaKey("somebody").publicKey, right]);
  const { east } = await establish(world);
  equal(east.isakmp[0].peerKey, right);
});

Deno.test("no key of a peer is known", async () => {
  const world = withRsa(pair({ both: { auth: ["rsasig"] } }));
  world.west.host.keysOf.clear();
  start(world);
  await world.pass(1);
  ok(world.west.host.told.includes("003 no RSA public key known for '@east'"), world.story);
  ok(world.west.host.told.includes("217 STATE_MAIN_I3: INVALID_KEY_INFORMATION"));
});

Deno.test("nothing that both have: the responder says so, and keeps no state", async () => {
  const world = pair({ ofEast: { ikeSuites: [OTHER_SUITE] } });
  const { west, east } = world;
  start(world);
  await world.pass(1);
  deepEqual([west.names, east.names], [["MAIN_I1"], []]);
  ok(east.host.told.includes("003 no acceptable Oakley Transform"), world.story);
  ok(east.host.told.includes("214 STATE_MAIN_R0: NO_PROPOSAL_CHOSEN"));
  ok(east.host.told.some((line) => line.endsWith("Attribute OAKLEY_ENCRYPTION_ALGORITHM")), world.story);
  await world.pass(80);
  match(west.host.told.at(-1)!, /reached STATE_MAIN_I1.*; perhaps because of NO_PROPOSAL_CHOSEN, says the peer$/);
});

Deno.test("the answer must be one of those that were offered", async () => {
  const world = pair({ ofWest: { ikeSuites: [SUITE] }, ofEast: { ikeSuites: [OTHER_SUITE] } });
  const other = pair({ both: { ikeSuites: [OTHER_SUITE] }, seed: 2 });
  // MR1 of another dialogue, with the cookie of this one
  start(world);
  start(other);
  await other.clock.pass(2);
  const answer = other.east.sent[0].datagram.slice();
  answer.set(world.west.sent[0].datagram.subarray(0, 8));
  world.west.engine.receive(world.west.pathTo(world.east), answer);
  deepEqual(world.west.names, ["MAIN_I1"]);
  ok(world.west.host.told.includes("214 STATE_MAIN_I1: NO_PROPOSAL_CHOSEN"), world.story);
});

Deno.test("a responder of another name than ours wants is refused by the initiator", async () => {
  const world = pair();
  const { west, east } = world;
  west.host.connections = [connection("net-net", end("192.0.2.1", "@west"), end("192.0.2.2", "@elsewhere"))];
  start(world);
  await world.pass(1);
  ok(west.host.told.includes("003 we require peer to have ID '@elsewhere', but peer declares '@east'"), world.story);
  ok(west.host.told.includes("218 STATE_MAIN_I3: INVALID_ID_INFORMATION"));
  await world.pass(1);
  // refused under the keys of both: the responder hears why, and that the SA does not stand
  ok(east.host.told.includes("003 ignoring informational payload, type INVALID_ID_INFORMATION"), world.story);
  deepEqual([west.names, east.names], [["MAIN_I3"], []]);
});

Deno.test("an initiator of a name that nobody knows is refused by the responder", async () => {
  const world = pair();
  const { west, east } = world;
  west.host.connections = [connection("net-net", end("192.0.2.1", "@stranger"), end("192.0.2.2", "@east"))];
  start(world);
  await world.pass(1);
  ok(east.host.told.includes("003 no suitable connection for peer '@stranger'"), world.story);
  ok(east.host.told.includes("218 STATE_MAIN_R2: INVALID_ID_INFORMATION"));
  const [notice] = east.sent.slice(2);
  equal(notice.datagram[19] & 1, 1, "under the keys of both");
  await world.pass(1);
  ok(west.host.told.includes("003 ignoring informational payload, type INVALID_ID_INFORMATION"), world.story);
  deepEqual([west.names, east.names], [["MAIN_I3"], ["MAIN_R2"]]);
});

Deno.test("proofs that are refused cost no more answers than three, and none is longer than what came", async () => {
  const world = pair();
  const { west, east } = world;
  west.host.connections = [connection("net-net", end("192.0.2.1", "@stranger"), end("192.0.2.2", "@east"))];
  start(world);
  await world.pass(300);
  const [, , mi3] = west.sent;
  const notices = east.sent.filter(({ datagram }) => datagram[18] === 5);
  equal(notices.length, 3, world.story);
  for (const { datagram } of notices) ok(datagram.length <= mi3.datagram.length, `${datagram.length} bytes`);
});

Deno.test("a responder takes the connection that the initiator's identity leads to", async () => {
  const world = pair();
  const { east } = world;
  const ours = end("192.0.2.2", "@east");
  east.host.connections = [
    connection("other", ours, end("192.0.2.1", "@other")),
    connection("west", ours, end("192.0.2.1", "@west")),
  ];
  await establish(world);
  equal(east.isakmp[0].connection.name, "west");
});

Deno.test("nobody is authorized: no state, one line", async () => {
  const world = pair();
  world.east.host.connections = [];
  start(world);
  await world.pass(1);
  deepEqual(world.east.host.told, [
    "003 initial Main Mode message received on 192.0.2.2:500 but no connection has been authorized",
  ]);
  deepEqual([world.east.names, world.east.sent.length], [[], 0]);
});

Deno.test("identities of every kind go over the wire", async () => {
  for (const id of ["192.0.2.1", "@west.example", "west@example.com", "@#616263", "C=CA, O=Example, CN=west"]) {
    const { east } = await establish(pair({ westId: id }));
    deepEqual(east.isakmp[0].peerId?.kind, identity(id).kind, id);
  }
});

Deno.test("a connection without an identity is known by its address", async () => {
  const world = pair();
  world.west.host.connections = [connection("net-net", end("192.0.2.1", "%any"), end("192.0.2.2", "@east"))];
  world.east.host.connections = [connection("net-net", end("192.0.2.2", "@east"), end("192.0.2.1"))];
  const { east } = await establish(world);
  deepEqual(east.isakmp[0].peerId, identity("192.0.2.1"));
});

Deno.test("while the host looks for keys the exchange waits, and what comes is dropped", async () => {
  const world = withRsa(pair({ both: { auth: ["rsasig"] } }));
  const { east } = world;
  let found = () => {};
  east.host.delay = () => new Promise((resolve) => found = resolve);
  start(world);
  await world.pass(11);
  deepEqual(east.names, ["MAIN_R2"]);
  equal(east.engine.counters().suspended, 1);
  ok(east.host.told.includes("002 discarding packet received during DNS lookup in STATE_MAIN_R2"), world.story);
  found();
  await world.pass(1);
  ok(world.west.established && east.established, world.story);
});

Deno.test("keys that are found when the state has gone are for nobody", async () => {
  const world = withRsa(pair({ both: { auth: ["rsasig"] } }));
  const { west, east } = world;
  let found = () => {};
  east.host.delay = () => new Promise((resolve) => found = resolve);
  start(world);
  await world.pass(200);
  deepEqual([west.names, east.names], [[], []]);
  found();
  await world.pass(1);
  equal(east.engine.counters().answeredTooLate, 1);
  ok(!east.host.events.some((event) => event.startsWith("established")));
});

Deno.test("INITIAL-CONTACT goes with the first SA of a peer, and not with the second", async () => {
  const world = await establish(pair());
  const { west, east } = world;
  deepEqual(east.host.events, ["initial contact #1", "established #1"]);
  start(world);
  await world.pass(5);
  deepEqual(east.host.events.slice(2), ["established #2"], world.story);
  // west forgets, and comes again
  for (const state of [...west.engine.states.values()]) west.engine.remove(state, false);
  start(world);
  await world.pass(5);
  deepEqual(east.host.events.slice(3), ["initial contact #3", "established #3"]);
});

Deno.test("Dead Peer Detection is announced by both", async () => {
  const { west, east } = await establish(pair());
  ok(west.isakmp[0].peerSpeaksDpd && east.isakmp[0].peerSpeaksDpd);
});

Deno.test("the responder computes no Diffie-Hellman for a first message", async () => {
  const sent: number[] = [];
  for (const group of Object.keys(GROUPS).filter((name) => name.startsWith("modp")) as GroupName[]) {
    const world = pair({ both: { ikeSuites: [{ ...SUITE, group }] } });
    start(world);
    await world.clock.pass(1);
    sent.push(world.east.sent[0].datagram.length);
  }
  equal(new Set(sent).size, 1, "MR1 has no public value, whose length the group decides");
});

Deno.test("a host that throws does not bring the engine down, and leaves no state behind", async () => {
  const world = pair();
  const { west, east } = world;
  const defect = () => {
    throw new Error("a defect of the host");
  };
  Object.assign(east.host, { established: defect });
  Object.assign(west.host, { gaveUp: defect });
  start(world);
  await world.pass(5);
  deepEqual(east.engine.counters().internalErrors, 1);
  ok(east.host.told.some((line) => line.endsWith("internal error while taking a message: a defect of the host")));
  for (const sa of [...west.engine.states.values()]) west.engine.remove(sa, false);
  start(world);
  east.isDeaf = true;
  await world.pass(100);
  deepEqual([west.names, west.engine.counters().internalErrors], [[], 1], world.story);
});

Deno.test("what is secret is gone with its state", async () => {
  const world = await establish(pair());
  const states = [...world.west.engine.states.values(), ...world.east.engine.states.values()] as IsakmpState[];
  const secrets = states.flatMap(({ keys }): Secret[] => Object.values(keys!));
  equal(secrets.length, 8);
  // SKEYID has done all that it was for.
  equal(secrets.filter((secret) => secret.reveal().every((byte) => byte === 0)).length, 2);
  for (const { engine } of [world.west, world.east]) {
    for (const state of [...engine.states.values()]) engine.remove(state, false);
  }
  ok(secrets.every((secret) => secret.reveal().every((byte) => byte === 0)));
});
