/** Quick Mode over a wire that loses, repeats, delays and corrupts, by seeds that a failure prints. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { FLAG } from "../../lib/ike/constants.ts";
import { ipsecSas, keyedWorld, keysOf, mirrored, startQuick } from "./_phase2.ts";
import { chance, type Wire, type World } from "./_two_engines.ts";

interface Weather {
  readonly loss: number;
  readonly repeat: number;
  readonly corrupt: number;
  readonly mostDelayMs: number;
}

function weather(seed: number, { loss, repeat, corrupt, mostDelayMs }: Weather): Wire {
  const next = chance(seed);
  return ({ datagram }) =>
    Array.from({ length: next() < repeat ? 2 : 1 }, () => {
      const changed = datagram.slice();
      if (next() < corrupt) changed[Math.floor(next() * changed.length)] ^= 1 << Math.floor(next() * 8);
      return { datagram: changed, afterMs: 1 + Math.floor(next() * mostDelayMs), isLost: next() < loss };
    }).filter(({ isLost }) => !isLost);
}

/** Whatever is established at one end alone is known to be so: what both have must be the same. */
function checkAgreement(world: World, seed: number): number {
  const key = (sa: ReturnType<typeof ipsecSas>[number]) => sa.protocols.map(({ inboundSpi }) => inboundSpi).join();
  const easts = new Map(
    ipsecSas(world.east).map((sa) => [sa.protocols.map(({ outboundSpi }) => outboundSpi).join(), sa]),
  );
  let both = 0;
  for (const west of ipsecSas(world.west)) {
    const east = easts.get(key(west));
    if (!west.isEstablished || !east?.isEstablished) continue;
    both++;
    deepEqual(mirrored(keysOf(west)), keysOf(east).sort(), `seed ${seed}\n${world.story}`);
  }
  return both;
}

const MILD: Weather = { loss: 0.2, repeat: 0.2, corrupt: 0, mostDelayMs: 3000 };
const ROUGH: Weather = { loss: 0.3, repeat: 0.4, corrupt: 0.3, mostDelayMs: 15_000 };

Deno.test("Quick Modes come through where one datagram in five is lost", async () => {
  let established = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const world = await keyedWorld({ seed, both: { pfs: seed % 2 === 0 } });
    world.wire = weather(seed, MILD);
    startQuick(world.west);
    await world.pass(100);
    established += checkAgreement(world, seed);
  }
  // Three tries each way: one in a hundred or so has no luck.
  ok(established >= 55, `${established} of 60`);
});

Deno.test("in the worst weather ends never differ about keys, and all ends", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const world = await keyedWorld({ seed, both: { pfs: false } });
    world.wire = weather(seed, ROUGH);
    startQuick(world.west);
    startQuick(world.east);
    startQuick(world.west);
    await world.pass(300);
    checkAgreement(world, seed);
    for (const side of [world.west, world.east]) {
      const unfinished = ipsecSas(side).filter(({ isEstablished }) => !isEstablished);
      deepEqual(unfinished.map(({ name }) => name), [], `seed ${seed}\n${world.story}`);
      ok(!world.story.includes("internal error"), `seed ${seed}\n${world.story}`);
    }
  }
});

Deno.test("a lost QR1 is sent again for a repeated QI1, a lost QI2 for a repeated QR1", async () => {
  for (const lost of [1, 2]) {
    const world = await keyedWorld();
    let quick = 0;
    world.wire = ({ datagram }) => quick++ === lost ? [] : [{ datagram, afterMs: 1 }];
    startQuick(world.west);
    await world.pass(30);
    equal(checkAgreement(world, 0), 1, world.story);
    const resender = lost === 1 ? world.east : world.west;
    ok(
      resender.host.told.some((line) => line.startsWith("010 retransmitting in response to duplicate packet")),
      world.story,
    );
    equal(ipsecSas(world.west).length, 1);
    equal(world.east.host.events.filter((event) => event.startsWith("inbound")).length, 1);
  }
});

Deno.test("nobody there: two repetitions, then the host hears of it", async () => {
  const world = await keyedWorld();
  world.east.isDeaf = true;
  startQuick(world.west);
  await world.pass(71);
  deepEqual(world.west.host.told.slice(2), [
    "010 STATE_QUICK_I1: retransmission; will wait 20s for response",
    "010 STATE_QUICK_I1: retransmission; will wait 40s for response",
    "031 max number of retransmissions (2) reached STATE_QUICK_I1.  No acceptable response to our first Quick Mode message: " +
    "perhaps peer likes no proposal",
  ]);
  deepEqual(world.west.host.events, ["gave up #2", "gone #2"]);
});

Deno.test("the commit bit changes nothing", async () => {
  const world = await keyedWorld();
  world.wire = ({ datagram }) => {
    const changed = datagram.slice();
    changed[19] |= FLAG.COMMIT;
    return [{ datagram: changed, afterMs: 1 }];
  };
  startQuick(world.west);
  await world.pass(5);
  equal(checkAgreement(world, 0), 1, world.story);
});

Deno.test("what comes while the host is asked is dropped, and comes again", async () => {
  const world = await keyedWorld();
  let release = () => {};
  const gate = new Promise<void>((resolve) => release = resolve);
  world.east.host.delay = () => gate;
  startQuick(world.west);
  await world.pass(12);
  ok(world.east.host.told.some((line) => line.includes("discarding packet received during")), world.story);
  release();
  await world.pass(60);
  equal(checkAgreement(world, 0), 1, world.story);
});

Deno.test("an answer of the host for a state that has gone installs nothing more", async () => {
  const world = await keyedWorld();
  let release = () => {};
  const gate = new Promise<void>((resolve) => release = resolve);
  world.west.host.delay = () => gate;
  const sa = startQuick(world.west);
  await world.pass(2);
  world.west.engine.remove(sa, false);
  release();
  await world.pass(2);
  deepEqual(world.west.host.events, ["gone #2", "inbound #2"]);
});
