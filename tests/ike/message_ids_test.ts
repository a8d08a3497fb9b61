/** Old messages never do anything again, however long an ISAKMP SA lives and whatever it is used for. */
import { deepEqual, equal } from "node:assert/strict";
import { EXCHANGE } from "../../lib/ike/constants.ts";
import type { IsakmpState } from "../../lib/ike/isakmp_sa.ts";
import { MessageIds, MOST_MESSAGE_IDS, WORN_AT } from "../../lib/ike/message_ids.ts";
import { ipsecSas, keyedWorld, startQuick } from "./_phase2.ts";
import type { Side, World } from "./_two_engines.ts";

/** As if so many exchanges had been. */
function use(side: Side, count: number): void {
  const { messageIds } = side.isakmp[0] as IsakmpState;
  for (let id = 0x01000000; messageIds.size < count; id++) messageIds.add(id);
}

/** One Quick Mode more. */
async function once(world: World): Promise<void> {
  startQuick(world.west);
  await world.pass(1);
}

for (const who of ["west", "east"] as const) {
  Deno.test(`an ISAKMP SA with many exchanges should be replaced, says ${who}, and goes where nobody does so`, async () => {
    const world = await keyedWorld();
    const { role } = world[who].isakmp[0];
    use(world[who], WORN_AT[role] - 1);
    await once(world);
    deepEqual(world[who].host.events.filter((event) => event.startsWith("worn")), ["worn #1"]);
    await once(world);
    deepEqual(world[who].host.events.filter((event) => event.startsWith("worn")), ["worn #1"], "said once");
    use(world[who], MOST_MESSAGE_IDS - 1);
    world[who].engine.remove(ipsecSas(world[who])[0], true); // by a Delete
    await world.pass(1);
    equal(world[who].host.told.at(-1), `003 deleting ISAKMP SA: it has had ${MOST_MESSAGE_IDS} exchanges`);
    deepEqual(
      [world.west.names, world.east.names],
      [["QUICK_I2"], ["QUICK_R2"]],
      "its peer is told, the IPsec SA stays",
    );
  });
}

Deno.test("the first message of an ISAKMP SA's first Quick Mode is refused as long as the SA is there, and after", async () => {
  const world = await keyedWorld();
  const { west, east } = world;
  await once(world);
  const first = west.sent.find(({ datagram }) => datagram[18] === EXCHANGE.QUICK)!;
  const replay = async () => {
    const before = east.engine.counters();
    const { path } = first;
    east.engine.receive({ ...path, local: path.remote, remote: path.local }, first.datagram);
    await world.pass(1);
    const after = east.engine.counters();
    return Object.keys(after).filter((name) => (after[name] ?? 0) > (before[name] ?? 0) && name !== "received");
  };
  east.engine.remove(ipsecSas(east)[0], true);
  await world.pass(1);
  use(east, MOST_MESSAGE_IDS - 1);
  deepEqual(await replay(), ["usedMessageId"]);
  await once(world);
  deepEqual(east.isakmp, []);
  deepEqual(await replay(), ["unknownExchange"]);
});

Deno.test("MessageIds.draw() gives what has not been", () => {
  const ids = new MessageIds();
  ids.add(7);
  const words = [0, 7, 8];
  const random = (bytes: number) => {
    const word = new Uint8Array(bytes);
    new DataView(word.buffer).setUint32(0, words.shift()!);
    return word;
  };
  equal(ids.draw(random), 8);
});
