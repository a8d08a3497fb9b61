/** Main Mode as dialogues of two engines: who is in which state after which message, and what both say. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert/strict";
import { noPhase2 } from "./_no_phase2.ts";
import { connection, end } from "./_test_host.ts";
import { World, type WorldOptions } from "./_two_engines.ts";
import type { IkeConnection } from "../../lib/ike/connection.ts";

function pair(more: Partial<IkeConnection> = {}, options: Partial<WorldOptions> = {}): World {
  const world = new World({ makePhase2: noPhase2, ...options });
  const { west, east } = world;
  west.host.connections = [connection("net-net", end("192.0.2.1", "@west"), end("192.0.2.2", "@east"), more)];
  east.host.connections = [connection("net-net", end("192.0.2.2", "@east"), end("192.0.2.1", "@west"), more)];
  for (const { host } of [west, east]) host.secrets.set("*", "guess me");
  return world;
}

function start({ west, east }: World) {
  const sa = west.engine.startPhase1(west.host.connections[0], west.pathTo(east), { replaces: 0, attempt: 1 });
  ok(!("refused" in sa), JSON.stringify(sa));
  return sa;
}

Deno.test("Main Mode with a preshared key goes through its states", async () => {
  const world = pair();
  const { west, east } = world;
  const sa = start(world);
  // MI1 -->
  deepEqual([west.names, east.names], [["MAIN_I1"], []]);
  await world.clock.pass(1);
  // <-- MR1
  deepEqual([west.names, east.names], [["MAIN_I1"], ["MAIN_R1"]]);
  await world.clock.pass(1);
  // MI2 -->
  deepEqual([west.names, east.names], [["MAIN_I2"], ["MAIN_R1"]]);
  await world.clock.pass(1);
  // <-- MR2
  deepEqual([west.names, east.names], [["MAIN_I2"], ["MAIN_R2"]]);
  await world.clock.pass(1);
  // MI3 -->
  deepEqual([west.names, east.names], [["MAIN_I3"], ["MAIN_R2"]]);
  await world.clock.pass(1);
  // <-- MR3
  deepEqual([west.names, east.names], [["MAIN_I3"], ["MAIN_R3"]], world.story);
  await world.clock.pass(1);
  deepEqual([west.names, east.names], [["MAIN_I4"], ["MAIN_R3"]], world.story);
  equal(sa.isEstablished, true);
});
