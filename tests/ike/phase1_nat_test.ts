/** NAT before one or both of two engines: who finds what, and by which ports they go on. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { establish, type Given, natBefore, pair, start } from "./_phase1.ts";
import { keyedWorld, startMain, startQuick } from "./_phase2.ts";
import { where } from "./_two_engines.ts";

const METHOD = "RFC 3947 (NAT-Traversal)";
const WEST = natBefore("west", "192.0.2.1"), EAST = natBefore("east", "192.0.2.2", 0);

const CASES: [name: string, given: Given, ours: boolean, peers: boolean, west: string, east: string][] = [
  ["no NAT", {}, false, false, "192.0.2.2:500", "192.0.2.1:500"],
  ["the initiator behind NAT", { westNat: WEST }, true, false, "192.0.2.2:4500", "203.0.113.1:14500"],
  ["the responder behind NAT", { eastNat: EAST }, false, true, "203.0.113.2:4500", "192.0.2.1:4500"],
  ["both behind NAT", { westNat: WEST, eastNat: EAST }, true, true, "203.0.113.2:4500", "203.0.113.1:14500"],
];

for (const [name, given, ours, peers, westSees, eastSees] of CASES) {
  Deno.test(`NAT detection: ${name}`, async () => {
    const { west, east } = await establish(pair(given));
    const [i] = west.isakmp, [r] = east.isakmp;
    deepEqual(i.nat, { ours, peers, method: METHOD });
    deepEqual(r.nat, { ours: peers, peers: ours, method: METHOD });
    deepEqual([where(i.path), where(r.path)], [westSees, eastSees]);
    const results = ["no NAT detected", "peer is NATed", "i am NATed", "both are NATed"];
    const line = `002 NAT-Traversal: Result using ${METHOD}: ${results[2 * Number(ours) + Number(peers)]}`;
    ok(west.host.told.includes(line), west.host.told.join("\n"));
  });
}

Deno.test("NAT detection leaves port 500 with the third message, and not before", async () => {
  const { west } = await establish(pair({ westNat: WEST }));
  deepEqual(west.sent.map(({ path }) => [path.localPort, path.remotePort]), [[500, 500], [500, 500], [4500, 4500]]);
});

Deno.test("without nat_traversal nothing is said about NAT", async () => {
  const { west, east } = await establish(pair({ ofWest: { natTraversal: false } }));
  deepEqual([west.isakmp[0].nat, east.isakmp[0].nat], [{ ours: false, peers: false }, { ours: false, peers: false }]);
  equal(where(west.isakmp[0].path), "192.0.2.2:500");
});

Deno.test("forceencaps: both ends take it for NAT", async () => {
  const { west, east } = await establish(pair({ ofWest: { forceEncapsulation: true } }));
  deepEqual(west.isakmp[0].nat, { ours: true, peers: false, method: METHOD });
  deepEqual(east.isakmp[0].nat, { ours: false, peers: true, method: METHOD });
  equal(where(west.isakmp[0].path), "192.0.2.2:4500");
});

Deno.test("who is behind NAT sends one byte now and then, and nobody else does", async () => {
  const world = await establish(pair({ westNat: WEST }));
  const { west, east } = world;
  const before = [west.sent.length, east.sent.length];
  await world.pass(65);
  const bytes = west.sent.slice(before[0]).map(({ datagram }) => [...datagram]);
  deepEqual(bytes, [[255], [255], [255]]);
  equal(east.sent.length, before[1]);
  equal(east.engine.counters().keepAlives, 3);
  for (const state of [...west.engine.states.values()]) west.engine.remove(state, false);
  await world.pass(65);
  equal(west.sent.length, before[0] + 3);
  equal(world.clock.planned, 0, "no timer is left");
});

Deno.test("two SAs with one peer need one byte, not two", async () => {
  const world = await establish(pair({ westNat: WEST }));
  start(world);
  await world.pass(5);
  equal(world.west.isakmp.filter(({ isEstablished }) => isEstablished).length, 2, world.story);
  const before = world.west.sent.length;
  await world.pass(20);
  equal(world.west.sent.length, before + 1);
});

Deno.test("a NAT that forgets: the peer is found again by its next authentic message", async () => {
  const world = await establish(pair({ westNat: { ...WEST } }));
  const { west, east } = world;
  west.nat!.shift = 20_000;
  const [sa] = west.isakmp;
  west.engine.remove(sa, true);
  await world.pass(1);
  deepEqual(east.host.events.slice(2, 4), ["moved #1 to 203.0.113.1:24500", "peer deleted #1"], world.story);
});

Deno.test("a forged message does not move a peer", async () => {
  const world = await establish(pair({ westNat: { ...WEST } }));
  const { west, east } = world;
  const [sa] = east.isakmp;
  let seen: Uint8Array | undefined;
  world.wire = ({ datagram }) => {
    seen = datagram;
    return [];
  };
  west.engine.remove(west.isakmp[0], true);
  ok(seen);
  const forged = seen.slice();
  forged[forged.length - 1] ^= 1;
  const { events } = east.host;
  const before = events.length;
  east.engine.receive({ ...sa.path, remotePort: 666 }, forged);
  equal(where(sa.path), "203.0.113.1:14500");
  equal(events.length, before, world.story);
});

Deno.test("a peer that is not behind NAT does not move at all", async () => {
  const world = await establish(pair());
  const { west, east } = world;
  let seen: Uint8Array | undefined;
  world.wire = ({ datagram }) => {
    seen = datagram;
    return [];
  };
  west.engine.remove(west.isakmp[0], true);
  ok(seen);
  const [sa] = east.isakmp;
  east.engine.receive({ ...sa.path, remote: { family: "inet", bytes: Uint8Array.of(203, 0, 113, 66) } }, seen);
  equal(where(sa.path), "192.0.2.1:500");
  equal(east.engine.counters().unknownExchange, 1);
});

Deno.test("a peer that moves takes its IPsec SAs along, those of an earlier ISAKMP SA too", async () => {
  const world = await keyedWorld({ westNat: { ...WEST } });
  const { west, east } = world;
  startQuick(west);
  await world.pass(5);
  startMain(west, east);
  await world.pass(5);
  const ports = () => [...east.engine.states.values()].map((state) => [state.kind, state.path.remotePort]);
  deepEqual(ports(), [["isakmp", 14_500], ["ipsec", 14_500], ["isakmp", 14_500]], world.story);
  west.nat!.shift = 20_000;
  const first = west.isakmp[0];
  west.engine.remove(first, true);
  await world.pass(1);
  deepEqual(ports(), [["ipsec", 24_500], ["isakmp", 24_500]], world.story);
  const [sa] = [...east.engine.states.values()].filter((state) => state.kind === "ipsec");
  deepEqual(sa.encapsulation, { localPort: 4500, remotePort: 24_500 });
});
