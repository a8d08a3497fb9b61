/**
 * A peer that has the keys of phase 1 and sends nonsense under them: the encrypted messages of Main Mode are opened on the
 * wire, spoiled, and closed again. Nobody may trip, and nobody is taken for somebody else.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { blockBytes, IvChain } from "../../lib/ike/cbc.ts";
import { HEADER_BYTES } from "../../lib/ike/constants.ts";
import { decodeHeader, encodeMessage } from "../../lib/ike/header_codec.ts";
import type { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import { firstIv, hashI } from "../../lib/ike/keys.ts";
import type { Payload } from "../../lib/ike/payload.ts";
import { encodeBody, encodePayloads } from "../../lib/ike/payload_codec.ts";
import { valuesOf } from "../../lib/ike/phase1_proof.ts";
import { Chance } from "../fuzz/_chance.ts";
import { mutate } from "../fuzz/_mutate.ts";
import { pair, start } from "./_phase1.ts";
import { identity } from "./_test_host.ts";
import type { World } from "./_two_engines.ts";

const CAPACITY = 4096;
const ROUNDS = 200;

interface Opened {
  readonly state: IsakmpState;
  readonly first: number;
  readonly plain: Uint8Array;
  /** Encrypts other payloads in place of these. */
  close(first: number, plain: Uint8Array): Uint8Array;
}

/** MI3 with west's keys: its IV is the first of all. */
function open(world: World, datagram: Uint8Array): Opened {
  const state = world.west.isakmp[0] as IsakmpState;
  const { suite, keys, work } = state;
  ok(suite && keys);
  const iv = firstIv(suite, valuesOf(state, work));
  const decoded = decodeHeader(datagram);
  const opened = new IvChain(suite, keys.encryptionKey, iv).open(datagram.subarray(HEADER_BYTES));
  ok(decoded.ok && opened);
  return {
    state,
    first: decoded.firstPayload,
    plain: opened.plain,
    close(first, plain) {
      const block = blockBytes(suite);
      const whole = new Uint8Array(Math.max(block, Math.ceil(plain.length / block) * block));
      whole.set(plain);
      return encodeMessage(decoded.header, first, new IvChain(suite, keys.encryptionKey, iv).seal(whole));
    },
  };
}

/** Runs Main Mode with another MI3 than the one that west sends. */
async function withMi3(world: World, spoil: (opened: Opened) => Uint8Array): Promise<void> {
  let spoiled = 0;
  world.wire = ({ from, datagram }) => {
    const isMi3 = from === world.west && world.west.sent.length === 3;
    if (isMi3) spoiled++;
    return [{ datagram: isMi3 ? spoil(open(world, datagram)) : datagram, afterMs: 1 }];
  };
  start(world);
  await world.pass(5);
  equal(spoiled, 1);
  for (const { engine } of [world.west, world.east]) equal(engine.counters().internalErrors, undefined, world.story);
}

Deno.test("the wire can open MI3 and close it again", async () => {
  const world = pair();
  await withMi3(world, ({ first, plain, close }) => close(first, plain));
  ok(world.west.established && world.east.established, world.story);
});

Deno.test("spoiled payloads under the right keys", async () => {
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const chance = new Chance(seed);
    const world = pair({ seed: 1 });
    await withMi3(world, ({ first, plain, close }) => {
      const bytes = new Uint8Array(CAPACITY);
      bytes.set(plain);
      const room = { bytes, view: new DataView(bytes.buffer), at: 0, capacity: CAPACITY };
      const length = mutate(room, plain.length, chance, plain);
      return close(chance.oneIn(8) ? chance.below(256) : first, bytes.slice(0, length));
    });
    const { east } = world;
    if (east.established) deepEqual(east.isakmp[0].peerId, identity("@west"), `seed ${seed}`);
    for (const name of Object.keys(east.engine.counters())) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const name of ["malformedPayload", "mismatchedSecret", "unexpectedPayload", "failed.INVALID_HASH_INFORMATION"]) {
    ok(counts.get(name), `${name} was not met: ${[...counts.keys()].join(" ")}`);
  }
});

/** With a HASH that is right for whatever the ID says. */
function proven({ state, close }: Opened, id: Payload, more: readonly Payload[] = []): Uint8Array {
  const { suite, keys, work } = state;
  ok(suite && keys && work.sai);
  const data = hashI(suite.hash, keys.skeyid, valuesOf(state, work), work.sai, encodeBody(id));
  const { first, bytes } = encodePayloads([id, { type: "HASH", data }, ...more]);
  return close(first, bytes);
}

Deno.test("identities that are nonsense, each with the right HASH", async () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const chance = new Chance(seed);
    const world = pair({ seed: 1 });
    const data = new Uint8Array(chance.below(chance.oneIn(4) ? 300 : 20));
    chance.fill(data, 0, data.length);
    const protocol = chance.pick([0, 0, 0, 17, 6]), port = chance.pick([0, 0, 500, 4500, 1]);
    const id: Payload = { type: "ID", idType: chance.below(14), protocol, port, data };
    await withMi3(world, (opened) => proven(opened, id));
    const story = `seed ${seed}, ID type ${id.idType}: ${data.toHex()}\n${world.story}`;
    ok(!world.east.established, story);
    ok(world.east.host.told.includes("218 STATE_MAIN_R2: INVALID_ID_INFORMATION"), story);
  }
});

Deno.test("an identity of somebody else with the right HASH is judged by the host", async () => {
  const world = pair();
  const id: Payload = { type: "ID", idType: 2, protocol: 0, port: 0, data: new TextEncoder().encode("other") };
  await withMi3(world, (opened) => proven(opened, id));
  ok(world.east.host.told.includes("003 no suitable connection for peer '@other'"), world.story);
});

const SELECTORS: [protocol: number, port: number, taken: boolean][] = [
  [0, 0, true],
  [17, 500, true],
  [17, 4500, true],
  [17, 0, true],
  [17, 501, false],
  [6, 500, false],
  [0, 500, false],
];
for (const [protocol, port, taken] of SELECTORS) {
  Deno.test(`protocol and port ${protocol}/${port} of an ID are ${taken ? "taken" : "refused"}`, async () => {
    const world = pair();
    const id: Payload = { type: "ID", idType: 2, protocol, port, data: new TextEncoder().encode("west") };
    await withMi3(world, (opened) => proven(opened, id));
    equal(world.east.established, taken, world.story);
    const refused = `003 protocol/port in Phase 1 ID Payload must be 0/0 or 17/500 but are ${protocol}/${port}`;
    equal(world.east.host.told.includes(refused), !taken);
  });
}

Deno.test("notifications and Deletes beside a proof are said, and not obeyed", async () => {
  const world = pair();
  const id: Payload = { type: "ID", idType: 2, protocol: 0, port: 0, data: new TextEncoder().encode("west") };
  const more: Payload[] = [
    { type: "N", doi: 1, protocol: 1, spi: new Uint8Array(0), notify: 24, data: new Uint8Array(0) },
    { type: "D", doi: 1, protocol: 3, spis: [Uint8Array.of(0, 0, 0x10, 0)] },
  ];
  await withMi3(world, (opened) => proven(opened, id, more));
  ok(world.east.established, world.story);
  deepEqual(world.east.host.events, ["established #1"]);
  ok(world.east.host.told.includes("003 ignoring informational payload, type AUTHENTICATION_FAILED"), world.story);
  ok(world.east.host.told.includes("003 ignoring Delete SA payload: not in an Informational Exchange"), world.story);
});
