/** Informational exchanges between two engines: Deletes both ways, notifications, and what is not obeyed. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { DOI, EXCHANGE, NOTIFY, PROTOCOL } from "../../lib/ike/constants.ts";
import { cookies, spiBytes } from "../../lib/ike/delete_payload.ts";
import type { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import type { Payload } from "../../lib/ike/payload.ts";
import type { EngineServices } from "../../lib/ike/phase2.ts";
import { makePhase2 } from "../../lib/ike/under_isakmp.ts";
import { ipsecSas, keyedWorld, startQuick } from "./_phase2.ts";
import { tampered } from "./_tamper.ts";
import type { Side, World } from "./_two_engines.ts";

/** A world with an IPsec SA, and the engines' own means to send what a test wants. */
async function upWorld(): Promise<World & { say(from: Side, ...payloads: Payload[]): Promise<void> }> {
  const services = new Map<unknown, EngineServices>();
  const world = await keyedWorld({
    makePhase2: (given) => {
      services.set(given.host, given);
      return makePhase2(given);
    },
  });
  startQuick(world.west);
  await world.pass(5);
  ok(ipsecSas(world.west)[0].isEstablished && ipsecSas(world.east)[0].isEstablished, world.story);
  for (const { host } of [world.west, world.east]) host.events.length = host.lines.length = 0;
  const say = async (from: Side, ...payloads: Payload[]) => {
    services.get(from.host)!.inform(from.isakmp[0] as IsakmpState, payloads);
    await world.pass(1);
  };
  return Object.assign(world, { say });
}

const nothing = new Uint8Array(0);

function notice(notify: number, more: Partial<Extract<Payload, { type: "N" }>> = {}): Payload {
  return { type: "N", doi: DOI.IPSEC, protocol: PROTOCOL.ISAKMP, spi: nothing, notify, data: nothing, ...more };
}

for (const from of ["west", "east"] as const) {
  const to = from === "west" ? "east" : "west";

  Deno.test(`an IPsec SA that ${from} removes is deleted at ${to}`, async () => {
    const world = await upWorld();
    world[from].engine.remove(ipsecSas(world[from])[0], true);
    await world.pass(1);
    deepEqual(world[to].host.events, ["peer deleted #2", "gone #2"]);
    deepEqual([ipsecSas(world.west), ipsecSas(world.east)], [[], []]);
    deepEqual([world.west.names, world.east.names], [["MAIN_I4"], ["MAIN_R3"]]);
  });

  Deno.test(`an ISAKMP SA that ${from} removes is deleted at ${to}, and its IPsec SA stays`, async () => {
    const world = await upWorld();
    world[from].engine.remove(world[from].isakmp[0], true);
    await world.pass(1);
    deepEqual(world[to].host.events, ["peer deleted #1", "gone #1"]);
    deepEqual([world.west.names, world.east.names], [["QUICK_I2"], ["QUICK_R2"]]);
  });
}

Deno.test("an SA that the peer may have by now is deleted at the peer, too", async () => {
  const world = await keyedWorld();
  const { west, east } = world;
  startQuick(west);
  // QR1 has come, QI2 has not gone through
  await world.clock.pass(2);
  east.isDeaf = true;
  await world.clock.pass(2);
  deepEqual([ipsecSas(west)[0].name, ipsecSas(east)[0].name], ["QUICK_I2", "QUICK_R1"], world.story);
  east.engine.remove(ipsecSas(east)[0], true);
  await world.pass(1);
  deepEqual(ipsecSas(west), [], world.story);
});

Deno.test("an SA that is removed without a word is not deleted at the other end", async () => {
  const world = await upWorld();
  world.west.engine.remove(ipsecSas(world.west)[0], false);
  await world.pass(1);
  deepEqual(world.east.host.events, []);
});

Deno.test("a Delete for an SA that the responder has not established yet ends it there", async () => {
  // QI2 gets lost: the initiator has its SA, the responder waits.
  const world = await keyedWorld();
  let lost = 0;
  world.wire = ({ from, datagram }) => {
    const isQi2 = from === world.west && datagram[18] === EXCHANGE.QUICK &&
      ipsecSas(world.west)[0]?.name === "QUICK_I2";
    if (isQi2) lost++;
    return isQi2 ? [] : [{ datagram, afterMs: 1 }];
  };
  startQuick(world.west);
  await world.pass(2);
  equal(lost, 1);
  deepEqual(world.east.names, ["MAIN_R3", "QUICK_R1"]);
  world.west.engine.remove(ipsecSas(world.west)[0], true);
  await world.pass(1);
  deepEqual(world.east.names, ["MAIN_R3"]);
  ok(!world.east.host.events.includes("peer deleted #2"), world.story);
  ok(world.east.host.told.includes("003 received Delete SA payload: deleting IPSEC State #2"), world.story);
});

Deno.test("notifications that mean nothing to us are said", async () => {
  const world = await upWorld();
  await world.say(world.east, notice(NOTIFY.IPSEC_REPLAY_STATUS), notice(NOTIFY.NO_PROPOSAL_CHOSEN), notice(31337));
  deepEqual(world.west.host.told, [
    "003 ignoring informational payload, type IPSEC_REPLAY_STATUS",
    "003 ignoring informational payload, type NO_PROPOSAL_CHOSEN",
    "003 ignoring informational payload, type 31337??",
  ]);
  deepEqual(world.west.host.events, []);
});

Deno.test("INITIAL-CONTACT reaches the host", async () => {
  const world = await upWorld();
  await world.say(world.west, notice(NOTIFY.IPSEC_INITIAL_CONTACT, { spi: cookies(world.west.isakmp[0]) }));
  deepEqual(world.east.host.events, ["initial contact #1"]);
});

function lifetime(seconds: number): Uint8Array {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setUint32(0, 0x80010001);
  new DataView(data.buffer).setUint32(4, 0x80020000 | seconds);
  return data;
}

Deno.test("RESPONDER-LIFETIME shortens the SA that it names, and never lengthens one", async () => {
  const world = await upWorld();
  const [sa] = ipsecSas(world.west);
  const spi = spiBytes(sa.protocols[0].inboundSpi);
  const say = (seconds: number) =>
    world.say(
      world.east,
      notice(NOTIFY.IPSEC_RESPONDER_LIFETIME, { protocol: PROTOCOL.IPSEC_ESP, spi, data: lifetime(seconds) }),
    );
  await say(1800);
  equal(sa.lifetimeSeconds, 1800);
  deepEqual(world.west.host.events, ["lifetime #2 1800"]);
  await say(3600);
  equal(sa.lifetimeSeconds, 1800);
  await world.say(world.east, notice(NOTIFY.IPSEC_RESPONDER_LIFETIME, { data: lifetime(900) }));
  equal(world.west.isakmp[0].lifetimeSeconds, 900);
  deepEqual(world.west.host.events, ["lifetime #2 1800", "lifetime #1 900"]);
});

Deno.test("of several Quick Modes a refusal ends the one that it names", async () => {
  const world = await keyedWorld();
  const refused = { refused: "not this one", notify: NOTIFY.INVALID_ID_INFORMATION };
  let asked = 0;
  world.east.host.chooseByClients = async (sa) => {
    await undefined;
    return asked++ === 1 ? refused : sa.connection;
  };
  for (let i = 0; i < 3; i++) startQuick(world.west);
  await world.pass(2);
  deepEqual(world.west.names, ["MAIN_I4", "QUICK_I2", "QUICK_I2"]);
  deepEqual(world.west.host.events.filter((event) => event.startsWith("gave up")), ["gave up #3"]);
});

Deno.test("that a message came damaged ends no attempt", async () => {
  const { west, east, ...world } = await upWorld();
  east.isDeaf = true;
  startQuick(west);
  await world.say(east, notice(NOTIFY.PAYLOAD_MALFORMED));
  ok(west.host.told.includes("003 ignoring informational payload, type PAYLOAD_MALFORMED"));
  deepEqual(west.names, ["MAIN_I4", "QUICK_I2", "QUICK_I1"]);
});

Deno.test("a message with a wrong HASH(1) is not obeyed", async () => {
  const world = await keyedWorld({ makePhase2: tampered({ which: "QI1" }) });
  startQuick(world.west);
  await world.pass(5);
  const [delivered] = await garbled(world);
  ok(delivered > 0);
  deepEqual(ipsecSas(world.east).length, 1, world.story);
});

/** West removes its SA; every bit of the Delete but the first blocks' is flipped in turn. */
async function garbled(world: World): Promise<[number]> {
  let delivered = 0;
  world.wire = ({ datagram, from }) => {
    if (from !== world.west) return [{ datagram, afterMs: 1 }];
    return Array.from({ length: datagram.length - 28 }, (_, i) => {
      const changed = datagram.slice();
      changed[28 + i] ^= 1;
      delivered++;
      return { datagram: changed, afterMs: 1 + i };
    });
  };
  world.west.engine.remove(ipsecSas(world.west)[0], true);
  await world.pass(2);
  return [delivered];
}

Deno.test("a repeated Delete is a used message id, and nothing happens", async () => {
  const world = await upWorld();
  world.wire = ({ datagram }) => [{ datagram, afterMs: 1 }, { datagram, afterMs: 500 }];
  world.west.engine.remove(ipsecSas(world.west)[0], true);
  await world.pass(2);
  deepEqual(world.east.host.events, ["peer deleted #2", "gone #2"]);
  ok(world.east.host.told.some((line) => line.includes("a previously used Message ID")), world.story);
});

Deno.test("Informational messages in the clear are said before there are keys, and refused afterwards", async () => {
  const world = await upWorld();
  const { initiatorCookie, responderCookie } = world.west.isakmp[0] as IsakmpState;
  const body = [0, 0, 0, 28, 0, 0, 0, 1, 1, 16, 0, 1, ...initiatorCookie, ...responderCookie];
  const clear = Uint8Array.from([
    ...initiatorCookie,
    ...responderCookie,
    ...[12, 16, 5, 0, 1, 2, 3, 4, 0, 0, 0, 28 + body.length],
    ...body,
  ]);
  world.east.engine.receive(world.east.pathTo(world.west), clear);
  deepEqual(world.east.host.told, [
    "003 Informational Exchange message for an established ISAKMP SA must be encrypted",
  ]);
  deepEqual(world.east.host.events, []);
});
