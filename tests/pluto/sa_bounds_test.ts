/** A peer that has proved itself, and begins exchanges for ever. */
import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import type { IkeState, IsakmpSa } from "../../lib/ike/state.ts";
import { isOneTooMany, MOST_INSTANCES, MOST_SAS } from "../../lib/pluto/sa_bounds.ts";
import { known, make } from "./_connections.ts";
import { address, description, type House, Wire } from "./_fakes.ts";

const MANY = 3 * MOST_SAS;
const GIVES_WAY = /^"net-net" #\d+: gives way to #\d+: 16 SAs of one peer are enough$/;

function statesOf({ pluto }: House, kind: IkeState["kind"]): IkeState[] {
  return [...pluto.parts.engine.states.values()].filter((state) => state.kind === kind);
}

async function keyed(): Promise<Wire> {
  const wire = new Wire();
  for (const house of [wire.west, wire.east]) await house.add("net-net", description());
  await wire.east.whack({ name: "net-net", initiate: true });
  await wire.seconds(1);
  // an east without bounds, and without a memory for what west deletes
  wire.east.pluto.parts.engine.remove = () => {};
  return wire;
}

Deno.test("a peer that begins Quick Modes for ever: the oldest SA goes, the newest carries the traffic", async () => {
  const wire = await keyed();
  const { west, east } = wire;
  const [isakmp] = statesOf(east, "isakmp") as IsakmpSa[];
  for (let i = 0; i < MANY; i++) {
    ok(
      !("refused" in
        east.pluto.parts.engine.startQuick(isakmp, east.connection("net-net"), { replaces: 0, attempt: 1 })),
    );
    await wire.seconds(1);
  }
  const left = statesOf(west, "ipsec");
  equal(left.length, MOST_SAS);
  deepEqual([west.kernel.inbound.size, west.kernel.outbound.size], [MOST_SAS, MOST_SAS]);
  const newest = Math.max(...left.map(({ number }) => number));
  equal(west.connection("net-net").erouteOwner, newest);
  equal(west.log.filter((line) => GIVES_WAY.test(line)).length, MANY + 1 - MOST_SAS);
});

Deno.test("a peer that begins phase 1 for ever: the oldest ISAKMP SA goes", async () => {
  const wire = await keyed();
  const { west, east } = wire;
  const [isakmp] = statesOf(east, "isakmp") as IsakmpSa[];
  for (let i = 0; i < MANY; i++) {
    east.pluto.parts.engine.startPhase1(east.connection("net-net"), isakmp.path, { replaces: 0, attempt: 1 });
    await wire.seconds(1);
  }
  equal(statesOf(west, "isakmp").length, MOST_SAS);
  equal(west.log.filter((line) => GIVES_WAY.test(line)).length, MANY + 1 - MOST_SAS);
});

Deno.test("rekeying at its usual pace never meets the bound", async () => {
  const wire = new Wire();
  const short = { ipsecLifetimeSeconds: 60, ikeLifetimeSeconds: 90, rekeyMarginSeconds: 20, rekeyFuzzPercent: 50 };
  for (const house of [wire.west, wire.east]) await house.add("net-net", description(short));
  await wire.east.whack({ name: "net-net", initiate: true });
  let most = 0;
  for (let i = 0; i < 100; i++) {
    await wire.seconds(20);
    most = Math.max(most, statesOf(wire.west, "ipsec").length, statesOf(wire.west, "isakmp").length);
  }
  ok(most >= 2 && most <= MOST_SAS / 4, `${most} at once`);
  deepEqual([...wire.west.log, ...wire.east.log].filter((line) => GIVES_WAY.test(line)), []);
});

Deno.test("isOneTooMany() counts what was made for peers at one address, and spares what works already", () => {
  const template = make("road", { right: { host: "%any", client: undefined } });
  const instance = (host: string, newestIpsec = 0) => {
    const one = template.instantiate(address(host));
    one.newestIpsec = newestIpsec;
    one.hasWorked = newestIpsec > 0;
    return one;
  };
  const all = [...Array(MOST_INSTANCES).keys()].map((i) => instance("198.51.100.2", i + 1));
  const full = known(all);
  const elsewhere = instance("198.51.100.2");
  elsewhere.ours.host = address("192.0.2.7");
  equal(isOneTooMany(elsewhere, full), true, "with another address of ours");
  equal(isOneTooMany(instance("198.51.100.2"), full), true);
  equal(isOneTooMany(instance("198.51.100.3"), full), false, "another peer's");
  equal(isOneTooMany(all[0], full), false, "it is only rekeyed");
  equal(isOneTooMany(make(), full), false, "the configuration has it");
  equal(isOneTooMany(instance("198.51.100.2"), known(all.slice(1))), false);
});
