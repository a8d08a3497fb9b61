/** Many Quick Modes under one ISAKMP SA: few at once, none forgotten. */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { MOST_UNANSWERED } from "../../lib/pluto/quick_window.ts";
import { description, type House, Wire } from "./_fakes.ts";

const MANY = 2 * MOST_UNANSWERED + 10;

/** Two hosts with an ISAKMP SA, and as many connections as are more than go at once. */
async function acquainted(): Promise<Wire> {
  const wire = new Wire();
  for (const house of [wire.west, wire.east]) {
    for (let i = 0; i < MANY; i++) await house.add(nameOf(i), description({ left: { client: `10.3.${i}.0/24` } }));
  }
  await wire.west.whack({ name: nameOf(0), initiate: true });
  await wire.seconds(5);
  return wire;
}

const nameOf = (i: number) => `net${i}`;

async function beginAll({ west }: Wire): Promise<void> {
  for (let i = 1; i < MANY; i++) await west.whack({ name: nameOf(i), initiate: true, async: true });
}

function count({ pluto }: House, name: string): number {
  return [...pluto.parts.engine.states.values()].filter((state) => state.name === name).length;
}

Deno.test("some Quick Modes are begun at once, the others as these are answered", async () => {
  const wire = await acquainted();
  const { west } = wire;
  let most = 0;
  const { send } = west;
  west.send = (path, datagram) => {
    send(path, datagram);
    most = Math.max(most, count(west, "QUICK_I1"));
  };
  await beginAll(wire);
  equal(count(west, "QUICK_I1"), MOST_UNANSWERED);
  equal([...west.pluto.parts.pending].length, MANY - 1 - MOST_UNANSWERED);
  await wire.seconds(5);
  equal(count(west, "QUICK_I2"), MANY);
  equal(count(wire.east, "QUICK_R2"), MANY);
  equal(most, MOST_UNANSWERED);
});

Deno.test("a peer that is late to answer does not hold up the others", async () => {
  const wire = await acquainted();
  const { west } = wire;
  wire.isCut = true;
  await beginAll(wire);
  await wire.seconds(9);
  equal(count(west, "QUICK_I1"), MOST_UNANSWERED);
  await wire.seconds(2);
  equal(count(west, "QUICK_I1"), 2 * MOST_UNANSWERED);
  wire.isCut = false;
  await wire.seconds(60);
  equal(count(west, "QUICK_I2"), MANY);
});

Deno.test("what waits for its turn under an ISAKMP SA that ends goes under another", async () => {
  const wire = await acquainted();
  const { west } = wire;
  await beginAll(wire);
  const [isakmp] = west.pluto.parts.engine.states.values();
  await west.whack({ deleteState: isakmp.number });
  equal([...west.pluto.parts.pending].length, 0);
  await wire.seconds(20);
  equal(count(west, "MAIN_I4"), 1);
  const connected = new Set(west.kernel.eroutesByFlow.keys());
  // those that had begun are tried again when nobody answers
  ok(connected.size >= MANY - MOST_UNANSWERED, `${connected.size} of ${MANY} are led through tunnels`);
  await wire.seconds(120);
  equal(west.kernel.eroutesByFlow.size, MANY);
});
