/** What ends, or begins again, while something else is being done: nothing may be left that nobody owns. */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { description, Wire } from "./_fakes.ts";

Deno.test("a state that ends while its inbound SAs wait for their turn leaves none in the packet engine", async () => {
  const wire = new Wire();
  const { west, east } = wire;
  for (const house of [west, east]) await house.add("net-net", description());
  const gate = Promise.withResolvers<void>();
  void east.pluto.parts.tasks.run(() => gate.promise);
  await west.whack({ name: "net-net", initiate: true });
  await wire.seconds(2);
  const [quick] = [...east.pluto.parts.engine.states.values()].filter(({ kind }) => kind === "ipsec");
  ok(quick, "QI1 has come, and waits");
  const terminated = east.whack({ name: "net-net", terminate: true });
  await wire.seconds(1);
  gate.resolve();
  await terminated;
  await wire.seconds(1);
  equal([...east.kernel.inbound], []);
});

Deno.test("a peer that begins anew while its connection is being deleted gets no SA", async () => {
  const wire = new Wire();
  const { west, east } = wire;
  for (const house of [west, east]) await house.add("net-net", description());
  await west.whack({ name: "net-net", initiate: true });
  await wire.seconds(5);
  const gate = Promise.withResolvers<void>();
  void east.pluto.parts.tasks.run(() => gate.promise); // as an updown command that takes its time
  const deleted = east.whack({ name: "net-net", delete: true });
  await wire.seconds(1);
  await west.whack({ name: "net-net", initiate: true });
  await wire.seconds(5);
  gate.resolve();
  await deleted;
  await wire.seconds(30);
  equal([...east.pluto.parts.connections], []);
  equal([...east.pluto.parts.engine.states.values()].map(({ name }) => name), []);
  equal(east.kernel.table, []);
  equal([...east.kernel.inbound, ...east.kernel.outbound], []);
});

Deno.test("a responder whose updown command fails at first: QI2 comes again, and both directions are there", async () => {
  const wire = new Wire();
  const { west, east } = wire;
  for (const house of [west, east]) await house.add("net-net", description());
  east.failing.add("up-client");
  await west.whack({ name: "net-net", initiate: true });
  await wire.seconds(5);
  equal([...east.kernel.outbound], []);
  east.failing.clear();
  await wire.seconds(30); // QR1 is sent again, and with it comes QI2
  const { routing, erouteOwner } = east.connection("net-net");
  equal(routing, "ROUTED_TUNNEL");
  equal([...east.kernel.inbound], [erouteOwner]);
  equal([...east.kernel.outbound], [erouteOwner]);
});
