/** Messages of a real dialogue, damaged in all ways, at every state: no step throws, nothing grows, what stands stays. */
import { equal, ok } from "node:assert/strict";
import { pair, start, withRsa } from "./_phase1.ts";
import { chance, type Flying, type Side, type World } from "./_two_engines.ts";

const MODES: [name: string, make: () => World][] = [
  ["Main Mode, preshared key", () => pair()],
  ["Main Mode, RSA", () => withRsa(pair({ both: { auth: ["rsasig"] } }))],
  ["Aggressive Mode, preshared key", () => pair({ both: { aggressive: true } })],
  ["Aggressive Mode, RSA", () => withRsa(pair({ both: { aggressive: true, auth: ["rsasig"] } }))],
  [
    "Main Mode in fragments",
    () => pair({ westId: `@${"w".repeat(3000)}.example`, eastId: `@${"e".repeat(3000)}.example` }),
  ],
];

type Mutation = (bytes: Uint8Array, next: () => number) => Uint8Array;

const at = (bytes: Uint8Array, next: () => number) => Math.floor(next() * bytes.length);

/** The length in the header is put right, so that more than the header is looked at. */
function relength(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= 28) new DataView(bytes.buffer, bytes.byteOffset).setUint32(24, bytes.length);
  return bytes;
}

const MUTATIONS: [name: string, mutate: Mutation][] = [
  ["one bit flipped", (bytes, next) => (bytes[at(bytes, next)] ^= 1 << Math.floor(8 * next()), bytes)],
  ["bytes made others", (bytes, next) => {
    for (let i = 0; i < 8; i++) bytes[at(bytes, next)] = Math.floor(256 * next());
    return bytes;
  }],
  ["bytes behind the header made others", (bytes, next) => {
    for (let i = 0; i < 4; i++) bytes[28 + Math.floor(next() * (bytes.length - 28))] = Math.floor(256 * next());
    return bytes;
  }],
  ["a length made an extreme one", (bytes, next) => {
    const where = 28 + Math.floor(next() * (bytes.length - 30));
    bytes.set(next() < 0.5 ? [0xff, 0xff] : [0, 0], where);
    return bytes;
  }],
  ["cut", (bytes, next) => relength(bytes.slice(0, Math.max(28, at(bytes, next))))],
  ["cut and not said", (bytes, next) => bytes.slice(0, at(bytes, next))],
  ["a piece repeated", (bytes, next) => {
    const from = at(bytes, next);
    return relength(Uint8Array.from([...bytes, ...bytes.subarray(from)]));
  }],
  [
    "something behind",
    (bytes, next) =>
      relength(Uint8Array.from([...bytes, ...Array.from({ length: 40 }, () => Math.floor(256 * next()))])),
  ],
  ["another exchange", (bytes, next) => {
    bytes[18] = [1, 2, 4, 5, 6, 32, 33, 255][Math.floor(8 * next())];
    return bytes;
  }],
  ["another first payload", (bytes, next) => {
    bytes[16] = [0, 1, 4, 5, 8, 9, 10, 11, 12, 13, 14, 20, 21, 130, 132, 200][Math.floor(16 * next())];
    return bytes;
  }],
  ["flags and message id", (bytes, next) => {
    bytes[19] = Math.floor(4 * next());
    bytes[23] = Math.floor(256 * next());
    return bytes;
  }],
  ["all random behind the header", (bytes, next) => {
    for (let i = 28; i < bytes.length; i++) bytes[i] = Math.floor(256 * next());
    return bytes;
  }],
];

/** All that is sent in one dialogue. */
async function recorded(make: () => World): Promise<Flying[]> {
  const world = make();
  start(world);
  await world.pass(5);
  ok(world.west.established && world.east.established, world.story);
  return [...world.west.sent, ...world.east.sent];
}

function pathAt(to: Side, from: Side) {
  return to.pathTo(from);
}

const STEPS = 12;
const COPIES = 3;

for (const [name, make] of MODES) {
  Deno.test(`${name}: damaged messages at each state`, async () => {
    const messages = await recorded(make);
    for (let steps = 0; steps <= STEPS; steps++) {
      const next = chance(1000 + steps);
      const world = make();
      const { west, east } = world;
      start(world);
      await world.clock.pass(steps);
      const wasEstablished = [west.established, east.established];
      // What they would say goes nowhere: states are left to what is forged.
      world.wire = () => [];
      for (const [mutation, mutate] of MUTATIONS) {
        for (const { datagram } of messages) {
          for (let copy = 0; copy < COPIES; copy++) {
            const forged = mutate(datagram.slice(), next);
            const story = () => `${mutation} after ${steps} ms: ${forged.toHex()}\n${world.story}`;
            west.engine.receive(pathAt(west, east), forged);
            east.engine.receive(pathAt(east, west), forged);
            await undefined;
            for (const side of [west, east]) equal(side.engine.counters().internalErrors, undefined, story());
          }
        }
      }
      await world.clock.pass(1);
      for (const [i, side] of [west, east].entries()) {
        const { states, halfOpen } = side.engine.counters();
        ok(halfOpen <= 50 && states <= 60, `${states} states after ${steps} ms`);
        if (wasEstablished[i]) ok(side.established, `an SA went after ${steps} ms\n${world.story}`);
        equal(side.engine.counters().internalErrors, undefined, world.story);
      }
      await world.pass(200);
      for (const side of [west, east]) {
        ok(side.isakmp.every(({ isEstablished }) => isEstablished), `after ${steps} ms\n${side.names.join(" ")}`);
      }
    }
  });
}

Deno.test("random bytes at an engine with an SA", async () => {
  const world = pair();
  const { west, east } = world;
  start(world);
  await world.pass(5);
  const next = chance(5);
  for (let i = 0; i < 5000; i++) {
    const bytes = Uint8Array.from({ length: Math.floor(200 * next()) }, () => Math.floor(256 * next()));
    east.engine.receive(east.pathTo(west), bytes);
  }
  equal(east.engine.counters().internalErrors, undefined, world.story);
  ok(east.established);
  equal(east.engine.states.size, 1);
});
