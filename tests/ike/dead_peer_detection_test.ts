/** Dead peer detection between two engines (RFC 3706). */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { DpdPolicy } from "../../lib/ike/connection.ts";
import { DOI, NOTIFY, PROTOCOL } from "../../lib/ike/constants.ts";
import { cookies, spiBytes } from "../../lib/ike/delete_payload.ts";
import type { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import type { EngineServices } from "../../lib/ike/phase2.ts";
import { makePhase2 } from "../../lib/ike/under_isakmp.ts";
import { type Given, keyedWorld, startMain, worldOf } from "./_phase2.ts";
import type { Side, World } from "./_two_engines.ts";

const DPD: DpdPolicy = { delaySeconds: 30, timeoutSeconds: 120, action: "hold" };
const DEAD = "002 DPD: No response from peer - declaring peer dead";

async function dpdWorld(given: Given = { west: { dpd: DPD } }): Promise<World> {
  const world = worldOf(given);
  startMain(world.west, world.east);
  await world.pass(1);
  ok(world.west.established, world.story);
  return world;
}

Deno.test("a peer that answers is alive, however long it lasts", async () => {
  const world = await dpdWorld();
  ok(world.west.host.told.includes("002 Dead Peer Detection (RFC 3706): enabled"), world.story);
  const before = world.west.sent.length;
  await world.pass(3000);
  equal(world.west.sent.length - before, 100);
  ok(!world.west.host.told.includes(DEAD), world.story);
  deepEqual(world.west.host.events.filter((event) => event.startsWith("dead")), []);
});

Deno.test("a peer that says nothing is dead after the timeout", async () => {
  const world = await dpdWorld();
  world.east.isDeaf = true;
  await world.pass(118);
  ok(!world.west.host.told.includes(DEAD), world.story);
  await world.pass(3);
  ok(world.west.host.told.includes(DEAD), world.story);
  ok(world.west.host.events.includes("dead #1"));
});

Deno.test("a peer that answers the last question before the timeout is alive", async () => {
  const world = await dpdWorld();
  world.east.isDeaf = true;
  await world.pass(80);
  world.east.isDeaf = false;
  await world.pass(600);
  ok(!world.west.host.told.includes(DEAD), world.story);
});

Deno.test("both ends may watch each other", async () => {
  const world = await dpdWorld({ both: { dpd: DPD } });
  await world.pass(600);
  for (const { host } of [world.west, world.east]) ok(!host.told.includes(DEAD), world.story);
});

Deno.test("nobody is asked whose packets come in", async () => {
  const world = await dpdWorld();
  world.west.host.lastInbound = () => world.clock.now() - 5000;
  const before = world.west.sent.length;
  await world.pass(3000);
  equal(world.west.sent.length, before);
});

Deno.test("an SA that has a successor is not asked about", async () => {
  const world = await dpdWorld();
  startMain(world.west, world.east);
  await world.pass(5);
  // The peer has dropped the older one, as it may.
  world.east.engine.remove(world.east.isakmp[0], false);
  await world.pass(600);
  ok(!world.west.host.told.includes(DEAD), world.story);
});

Deno.test("without dpddelay= nothing is sent", async () => {
  const world = await dpdWorld({});
  const before = world.west.sent.length;
  await world.pass(3000);
  equal(world.west.sent.length, before);
});

Deno.test("a peer that has not announced DPD is not asked", async () => {
  const world = worldOf({ west: { dpd: DPD } });
  const { west, east } = world;
  startMain(west, east);
  // In flight: MI1. What MR1 announces is forgotten before the SA is ready.
  const established = west.host.established.bind(west.host);
  west.host.established = (state) => {
    (state as IsakmpState).peerSpeaksDpd = false;
    established(state);
  };
  await world.pass(600);
  ok(
    west.host.told.includes("002 Dead Peer Detection (RFC 3706): not enabled because peer did not advertise it"),
    world.story,
  );
  ok(!west.host.told.includes(DEAD), world.story);
});

/** Lets a test say what an engine would not. */
async function talkingWorld(given: Given = {}) {
  const services = new Map<unknown, EngineServices>();
  const world = await keyedWorld({
    ...given,
    makePhase2: (one) => {
      services.set(one.host, one);
      return makePhase2(one);
    },
  });
  const say = async (from: Side, notify: number, spi: Uint8Array, data: Uint8Array) => {
    const payload = { type: "N", doi: DOI.IPSEC, protocol: PROTOCOL.ISAKMP, spi, notify, data } as const;
    services.get(from.host)!.inform(from.isakmp[0] as IsakmpState, [payload]);
    await world.pass(1);
  };
  return { world, say };
}

const UNACCEPTABLE: [what: string, notify: number, spiBytes: number, data: Uint8Array, line: string][] = [
  ["a short SPI", NOTIFY.R_U_THERE, 8, spiBytes(1), "003 DPD: R_U_THERE has invalid SPI length (8)"],
  ["no sequence number", NOTIFY.R_U_THERE, 16, new Uint8Array(0), "003 DPD: R_U_THERE has invalid data length (0)"],
  [
    "an answer of 5 bytes",
    NOTIFY.R_U_THERE_ACK,
    16,
    new Uint8Array(5),
    "003 DPD: R_U_THERE_ACK has invalid data length (5)",
  ],
  [
    "an answer that nobody asked for",
    NOTIFY.R_U_THERE_ACK,
    16,
    spiBytes(77),
    "003 DPD: unexpected R_U_THERE_ACK packet with sequence number 77",
  ],
];
for (const [what, notify, size, data, line] of UNACCEPTABLE) {
  Deno.test(`DPD does not answer ${what}`, async () => {
    const { world, say } = await talkingWorld();
    const before = world.east.sent.length;
    await say(world.west, notify, cookies(world.west.isakmp[0]).slice(0, size), data);
    deepEqual(world.east.host.told, [line]);
    equal(world.east.sent.length, before);
  });
}

Deno.test("DPD answers each question once, and none that is older", async () => {
  const { world, say } = await talkingWorld();
  const answers = async (sequence: number) => {
    const before = world.east.sent.length;
    await say(world.west, NOTIFY.R_U_THERE, cookies(world.west.isakmp[0]), spiBytes(sequence));
    return world.east.sent.length - before;
  };
  deepEqual([await answers(7), await answers(8), await answers(8), await answers(7), await answers(9)], [
    1,
    1,
    0,
    0,
    1,
  ]);
  equal(world.east.host.told.filter((line) => line === "003 DPD: received old or duplicate R_U_THERE").length, 2);
});

Deno.test("DPD answers peers that leave the cookies out", async () => {
  const { world, say } = await talkingWorld();
  const before = world.east.sent.length;
  await say(world.west, NOTIFY.R_U_THERE, new Uint8Array(0), spiBytes(7));
  equal(world.east.sent.length - before, 1);
});
