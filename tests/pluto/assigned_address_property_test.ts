/** Whatever happens to a client of Mode Config in whatever order: its address, its eroute and its route agree with each other. */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { isRouted } from "../../lib/pluto/routing_states.ts";
import type { UpdownVariables } from "../../lib/text/updown_variables.ts";
import { Road, roadWarrior } from "./_road_client.ts";

const ACTS: Readonly<Record<string, (road: Road) => Promise<unknown>>> = {
  up: (road) => road.up(),
  down: (road) => road.down(),
  route: (road) => road.west.whack({ name: "road", route: true }),
  unroute: (road) => road.west.whack({ name: "road", unroute: true }),
  "the server ends it": (road) => road.east.whack({ name: "road", terminate: true }),
  "another address": (road) => {
    road.gives = [road.gives[0] === "10.3.0.7" ? "10.3.0.8" : "10.3.0.7"];
    return Promise.resolve();
  },
  "no address": (road) => {
    road.gives = [undefined];
    return Promise.resolve();
  },
  "phase 1 is renewed": (road) => road.wire.seconds(1300),
  "phase 2 is renewed": (road) => road.wire.seconds(1900),
  "the wire is cut for a moment": async (road) => {
    road.wire.isCut = true;
    await road.wire.seconds(45);
    road.wire.isCut = false;
  },
};

/** How often something has been done and not been undone. */
function balance(environment: readonly UpdownVariables[], done: RegExp, undone: RegExp): number {
  const count = (verb: RegExp) => environment.filter(({ PLUTO_VERB }) => verb.test(PLUTO_VERB)).length;
  return count(done) - count(undone);
}

function agrees(road: Road, story: string): void {
  const { west, connection, environment } = road;
  const { assigned, ours, routing, erouteOwner } = connection;
  const { kernel: { table, outbound }, pluto: { parts: { engine } } } = west;
  equal(assigned !== undefined, ours.client !== undefined, `${story}: client`);
  equal(ours.sourceIp, assigned?.address, `${story}: source`);
  equal(table.length, isRouted(routing) ? 1 : 0, `${story}: ${routing}, ${table}`);
  equal(balance(environment, /^route-/, /^unroute-/), isRouted(routing) ? 1 : 0, `${story}: route`);
  equal(balance(environment, /^up-/, /^down-/), erouteOwner ? 1 : 0, `${story}: address of ipsec0`);
  if (!erouteOwner) return;
  ok(assigned && engine.states.has(erouteOwner) && outbound.has(erouteOwner), `${story}: #${erouteOwner}`);
  equal(environment.findLast(({ PLUTO_VERB }) => PLUTO_VERB === "up-client")?.PLUTO_MY_CLIENT, road.end[0], story);
}

Deno.test("whatever happens to a client, its address, eroute and route agree, and nothing is left in the end", async () => {
  const acts = fc.array(fc.constantFrom(...Object.keys(ACTS)), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(acts, async (names) => {
      const lives = { ikeLifetimeSeconds: 1200, ipsecLifetimeSeconds: 1800 };
      const dpd = { delaySeconds: 10, timeoutSeconds: 30, action: "restart" as const };
      const road = await new Road(roadWarrior({}, { ...lives, dpd })).start();
      for (const [i, name] of names.entries()) {
        await ACTS[name](road);
        await road.wire.seconds(20);
        agrees(road, names.slice(0, i + 1).join(", "));
      }
      road.gives = ["10.3.0.7"];
      await road.down();
      await road.west.whack({ name: "road", unroute: true });
      await road.wire.seconds(100);
      equal([road.west.kernel.table, road.end, road.states], [[], [undefined, undefined], []], names.join(", "));
      equal([...road.west.kernel.inbound, ...road.west.kernel.outbound], [], names.join(", "));
    }),
    { numRuns: 12 },
  );
});
