/** What ends, or begins again, while something else is being done: nothing may be left that nobody owns. */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { IsakmpSa } from "../../lib/ike/state.ts";
import type { Connection } from "../../lib/pluto/connection.ts";
import { PlutoHost } from "../../lib/pluto/ike_host.ts";
import { parseIdentity } from "../../lib/text/identity.ts";
import { FakeClock } from "../ike/_fake_clock.ts";
import { address, allTurns, description, House, Wire } from "./_fakes.ts";

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

Deno.test("a responder whose updown command fails at first tells the initiator, which begins anew", async () => {
  const wire = new Wire();
  const { west, east } = wire;
  for (const house of [west, east]) await house.add("net-net", description());
  east.failing.add("up-client");
  await west.whack({ name: "net-net", initiate: true });
  await wire.seconds(5);
  equal([...east.kernel.outbound], []);
  east.failing.clear();
  await wire.seconds(30);
  const { routing, erouteOwner } = east.connection("net-net");
  equal(routing, "ROUTED_TUNNEL");
  equal([...east.kernel.inbound], [erouteOwner]);
  equal([...east.kernel.outbound], [erouteOwner]);
});

Deno.test("a peer that claims one identity after the other has us keep one instance, and none once it has gone", async () => {
  const house = new House(new FakeClock(allTurns), { address: "192.0.2.1" });
  const road = { host: "%any", client: undefined, nextHop: undefined };
  await house.add("road", description({ psk: false, rsasig: true, right: { ...road, id: "C=CA, CN=*" } }));
  const { chooser, connections, engine } = house.pluto.parts;
  const host = new PlutoHost(house.pluto.parts);
  const path = { local: address("192.0.2.1"), localPort: 500, remote: address("203.0.113.9"), remotePort: 500 };
  const connection = chooser.byAddress(path, "main") as Connection;
  const sa = { kind: "isakmp", number: 7, connection, path, name: "MAIN_R2" } as unknown as IsakmpSa;
  (engine.states as Map<number, IsakmpSa>).set(7, sa);
  engine.statesOf = (one) => [...engine.states.values()].filter((state) => state.connection === one);
  chooser.deps.hasPrivateKey = () => true;
  for (let i = 0; i < 20; i++) {
    const id = parseIdentity(`C=CA, CN=peer${i}`);
    if (!id.ok) throw new Error(id.error);
    host.chooseByIdentity(sa, id.value, "rsasig");
    await allTurns(); // its signature is wrong
  }
  equal([...connections].map(({ label }) => label), ['"road"[20] 203.0.113.9', '"road"[1] 203.0.113.9', '"road"']);
  (engine.states as Map<number, IsakmpSa>).delete(7);
  host.gone(sa);
  await allTurns();
  equal([...connections].map(({ label }) => label), ['"road"']);
});
