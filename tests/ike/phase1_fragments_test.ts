/** Messages that are too long for a packet, between two engines. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { FLAG, PAYLOAD } from "../../lib/ike/constants.ts";
import { decodeHeader } from "../../lib/ike/header_codec.ts";
import { establish, pair, start } from "./_phase1.ts";
import { identity } from "./_test_host.ts";
import { chance, type Flying } from "./_two_engines.ts";

/** Makes MI3 and MR3 some 4000 bytes long. */
const LONG = { westId: `@${"w".repeat(4000)}.example`, eastId: `@${"e".repeat(4000)}.example` };
/** Of a UDP datagram over IPv4, so that the packet has 1280 bytes. */
const MOST_BYTES = 1280 - 20 - 8 - 4;

function isFragment({ datagram }: Flying): boolean {
  const decoded = decodeHeader(datagram);
  return decoded.ok && decoded.firstPayload === PAYLOAD.FRAG;
}

Deno.test("long messages go in fragments, and are joined", async () => {
  const { west, east } = await establish(pair(LONG));
  deepEqual(east.isakmp[0].peerId, identity(LONG.westId));
  deepEqual([west.sent.filter(isFragment).length, east.sent.filter(isFragment).length], [4, 4]);
  for (const { datagram } of [...west.sent, ...east.sent]) ok(datagram.length <= MOST_BYTES, `${datagram.length}`);
});

Deno.test("over IPv6 fragments fit the least MTU", async () => {
  const given = { ...LONG, west: "2001:db8::1", east: "2001:db8::2" };
  const world = pair(given);
  const { west, east } = await establish(world);
  const longest = Math.max(...[...west.sent, ...east.sent].map(({ datagram }) => datagram.length));
  ok(longest <= 1280 - 40 - 8 - 4 && longest > 1200, `${longest}`);
});

Deno.test("fragments are not used where one end does not want them", async () => {
  for (const given of [{ ofWest: { fragmentation: false } }, { ofEast: { fragmentation: false } }]) {
    const { west, east } = await establish(pair({ ...LONG, ...given }));
    ok(![...west.sent, ...east.sent].some(isFragment));
  }
});

Deno.test("fragments are in the clear, and what they make is not", async () => {
  const { west } = await establish(pair(LONG));
  for (const { datagram } of west.sent.filter(isFragment)) {
    const decoded = decodeHeader(datagram);
    ok(decoded.ok);
    equal(decoded.header.flags & FLAG.ENCRYPTION, 0);
  }
  const text = new TextDecoder("latin1").decode(west.sent.filter(isFragment)[0].datagram);
  ok(!text.includes("wwww"));
});

Deno.test("fragments that are lost, reordered or repeated are made good by the next transmission", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const world = pair({ ...LONG, seed });
    const next = chance(seed);
    world.wire = ({ datagram }) => {
      const copies = next() < 0.15 ? 0 : next() < 0.2 ? 2 : 1;
      return Array.from({ length: copies }, () => ({ datagram, afterMs: 1 + Math.floor(50 * next()) }));
    };
    const sa = start(world);
    await world.pass(300);
    const ended = world.west.host.events.includes("gave up #1");
    ok(sa.isEstablished !== ended, `seed ${seed}\n${world.story}`);
    equal(world.east.engine.counters().internalErrors, undefined);
  }
});

Deno.test("a repeated message in fragments is answered in fragments", async () => {
  const world = await establish(pair(LONG));
  const { west, east } = world;
  const before = east.sent.length;
  const path = { ...east.pathTo(west) };
  for (const { datagram } of west.sent.filter(isFragment)) east.engine.receive(path, datagram);
  equal(east.sent.slice(before).filter(isFragment).length, 4, world.story);
});

Deno.test("a fragment of nobody's exchange is dropped", async () => {
  const { west } = await establish(pair(LONG));
  const other = pair({ seed: 9 });
  other.east.engine.receive(other.east.pathTo(other.west), west.sent.find(isFragment)!.datagram);
  deepEqual(other.east.host.told, ["002 discarding fragment: it is part of an unknown exchange"]);
  equal(other.east.engine.counters().unknownFragment, 1);
});
