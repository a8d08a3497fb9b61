/** Loss, repetition, delay and damage: an exchange ends established at both ends, or given up, and leaves nothing behind. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { pair, start, withRsa } from "./_phase1.ts";
import { chance, type Side, type Wire, type World } from "./_two_engines.ts";

const MODES: [name: string, make: (seed: number) => World][] = [
  ["Main Mode, preshared key", (seed) => pair({ seed })],
  ["Main Mode, RSA", (seed) => withRsa(pair({ seed, both: { auth: ["rsasig"] } }))],
  ["Aggressive Mode, preshared key", (seed) => pair({ seed, both: { aggressive: true } })],
  ["Aggressive Mode, RSA", (seed) => withRsa(pair({ seed, both: { aggressive: true, auth: ["rsasig"] } }))],
];

/** For as long as the longest negotiation lasts. */
const LONG_SECONDS = 300;

function unreliable(
  seed: number,
  { loss, repetition, damage }: Record<"loss" | "repetition" | "damage", number>,
): Wire {
  const next = chance(seed);
  return ({ datagram }) => {
    if (next() < loss) return [];
    const copies = next() < repetition ? 2 : 1;
    return Array.from({ length: copies }, () => {
      const copy = datagram.slice();
      if (next() < damage) copy[Math.floor(next() * copy.length)] ^= 1 << Math.floor(next() * 8);
      return { datagram: copy, afterMs: 1 + Math.floor(next() * 15_000 * next() * next()) };
    });
  };
}

function gaveUp({ host }: Side): boolean {
  return host.events.some((event) => event.startsWith("gave up"));
}

const WEATHERS: [name: string, weather: Parameters<typeof unreliable>[1]][] = [
  ["loses", { loss: 0.3, repetition: 0, damage: 0 }],
  ["repeats and reorders", { loss: 0, repetition: 0.5, damage: 0 }],
  ["damages", { loss: 0, repetition: 0, damage: 0.3 }],
  ["does all of it", { loss: 0.2, repetition: 0.3, damage: 0.2 }],
];
const RUNS = 40;

for (const [mode, make] of MODES) {
  for (const [name, weather] of WEATHERS) {
    Deno.test(`${mode}: a wire that ${name}, ${RUNS} times`, async () => {
      let done = 0;
      for (let seed = 1; seed <= RUNS; seed++) {
        const world = make(seed);
        const { west, east } = world;
        world.wire = unreliable(seed, weather);
        const sa = start(world);
        await world.pass(LONG_SECONDS);
        const story = `seed ${seed}\n${world.story}`;
        ok(sa.isEstablished !== gaveUp(west), story);
        for (const side of [west, east]) {
          ok(side.isakmp.every(({ isEstablished }) => isEstablished), story);
          equal(side.engine.counters().internalErrors, undefined, story);
        }
        // A responder never has an SA that its initiator has not proved.
        if (east.established && sa.isEstablished) done++;
      }
      ok(done >= RUNS / 4, `only ${done} of ${RUNS} were established`);
    });
  }
}

Deno.test("without damage, loss of any one message is made good", async () => {
  for (const [mode, make] of MODES) {
    for (let lost = 0; lost < 6; lost++) {
      const world = make(1);
      let count = 0;
      world.wire = ({ datagram }) => count++ === lost ? [] : [{ datagram, afterMs: 1 }];
      const sa = start(world);
      await world.pass(60);
      ok(sa.isEstablished && world.east.established, `${mode}, message ${lost}\n${world.story}`);
    }
  }
});

Deno.test("each message that comes twice changes nothing", async () => {
  for (const [mode, make] of MODES) {
    const world = make(1);
    world.wire = ({ datagram }) => [{ datagram, afterMs: 1 }, { datagram, afterMs: 1 }, { datagram, afterMs: 3 }];
    const sa = start(world);
    await world.pass(5);
    ok(sa.isEstablished && world.east.established, `${mode}\n${world.story}`);
    equal(world.east.isakmp.length, 1, world.story);
  }
});

const STEPS = { "MAIN_I1": 0, "MAIN_I2": 2, "MAIN_I3": 4, "AGGR_I1": 0 } as const;
for (const [state, afterMs] of Object.entries(STEPS)) {
  Deno.test(`a peer that is deaf from ${state} on: 3 transmissions, and the end after 70 seconds`, async () => {
    const world = pair({ both: { aggressive: state.startsWith("AGGR") } });
    const { west, east } = world;
    start(world);
    await world.clock.pass(afterMs);
    equal(west.names[0], state);
    const before = west.sent.length;
    east.isDeaf = true;
    await world.pass(69.9);
    deepEqual(west.names, [state]);
    equal(west.sent.length, before + 2);
    await world.pass(0.2);
    deepEqual([west.names, west.host.events], [[], ["gave up #1", "gone #1"]]);
    const detail = {
      MAIN_I1: ".  No response (or no acceptable response) to our first IKE message",
      MAIN_I2: "",
      MAIN_I3: ".  Possible authentication failure: no acceptable response to our first encrypted message",
      AGGR_I1: ".  No response (or no acceptable response) to our first IKE message",
    }[state];
    deepEqual(west.host.told.filter((line) => /^010|^031/.test(line)), [
      `010 STATE_${state}: retransmission; will wait 20s for response`,
      `010 STATE_${state}: retransmission; will wait 40s for response`,
      `031 max number of retransmissions (2) reached STATE_${state}${detail}`,
    ]);
    await world.pass(80);
    deepEqual([east.names, world.clock.planned], [[], 0]);
  });
}

const RESPONDER_STEPS = { "MAIN_R1": 1, "MAIN_R2": 3, "AGGR_R1": 1 } as const;
for (const [state, afterMs] of Object.entries(RESPONDER_STEPS)) {
  Deno.test(`an initiator that is dead from ${state} on: the responder forgets it after 70 seconds`, async () => {
    const world = pair({ both: { aggressive: state.startsWith("AGGR") } });
    const { west, east } = world;
    start(world);
    await world.clock.pass(afterMs);
    world.wire = () => [];
    for (const sa of [...west.engine.states.values()]) west.engine.remove(sa, false);
    const before = east.sent.length;
    deepEqual(east.names, [state]);
    await world.pass(69.9);
    deepEqual(east.names, [state]);
    // Who has not shown that it gets our answers is sent no more of them; AR1 must bring a lost AI2.
    equal(east.sent.length, before + (state === "MAIN_R1" ? 0 : 2));
    await world.pass(0.2);
    deepEqual([east.names, world.clock.planned], [[], 0]);
    deepEqual(east.host.events, ["gone #1"]);
  });
}

Deno.test("a responder answers a repeated MI1, MI2 and MI3 with what it has sent, twice", async () => {
  const world = pair();
  const { west, east } = world;
  start(world);
  for (const [index, state] of [[0, "MAIN_R1"], [1, "MAIN_R2"], [2, "MAIN_R3"]] as const) {
    await world.clock.pass(1);
    const { datagram, path } = west.sent[index];
    const answer = east.sent.at(-1)!.datagram;
    const before = [east.sent.length, east.host.told.length];
    for (let i = 0; i < 4; i++) {
      east.engine.receive(
        { local: path.remote, localPort: path.remotePort, remote: path.local, remotePort: 500 },
        datagram,
      );
    }
    deepEqual(east.names, [state]);
    deepEqual(east.sent.slice(before[0]).map((one) => one.datagram), [answer, answer]);
    deepEqual(east.host.told.slice(before[1]), [
      `010 retransmitting in response to duplicate packet; already STATE_${state}`,
      `010 retransmitting in response to duplicate packet; already STATE_${state}`,
      `003 discarding duplicate packet -- exhausted retransmission; already STATE_${state}`,
      `003 discarding duplicate packet -- exhausted retransmission; already STATE_${state}`,
    ]);
    await world.clock.pass(1);
  }
  ok(west.established && east.established, world.story);
  equal(east.isakmp.length, 1);
});

Deno.test("an initiator discards repeats: its timer brings back what was lost", async () => {
  const world = pair();
  const { west, east } = world;
  start(world);
  await world.clock.pass(2);
  const before = west.sent.length;
  west.engine.receive(west.pathTo(east), east.sent[0].datagram);
  equal(west.sent.length, before);
  ok(west.host.told.includes("003 discarding duplicate packet; already STATE_MAIN_I2"), world.story);
});
