/** What pluto tells of its connections for the time after a crash. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert/strict";
import type { ConnReport, KeptConn } from "../../lib/pluto/kept_conns.ts";
import { description, Wire } from "./_fakes.ts";

function world() {
  const reports: (readonly KeptConn[])[] = [];
  const keep = (report: ConnReport) => {
    const [before, changed] = [reports.at(-1) ?? [], "changed" in report ? report.changed : []];
    const now = before.map((one) => changed.find(({ name }) => name === one.name) ?? one);
    reports.push("conns" in report ? report.conns : now);
    return true;
  };
  const wire = new Wire({ deps: { keep } });
  const last = async () => {
    await wire.seconds(1);
    const conns = reports.at(-1) ?? [];
    return conns.map(({ name, isRouted, isUp }) => `${name}${isRouted ? " routed" : ""}${isUp ? " up" : ""}`);
  };
  return { wire, reports, last };
}

Deno.test("Keeper tells what an administrator has done, and what has become of it", async () => {
  const { wire: { west, east }, last } = world();
  await west.add("net-net", description());
  await west.add("other", description({ right: { client: "10.0.3.0/24" } }));
  await east.add("net-net", description());
  deepEqual(await last(), ["net-net", "other"]);
  await west.whack({ name: "other", route: true });
  await west.whack({ name: "net-net", initiate: true });
  deepEqual(await last(), ["net-net routed up", "other routed"]);
  await west.whack({ name: "net-net", terminate: true });
  await west.whack({ name: "other", unroute: true });
  deepEqual(await last(), ["net-net routed", "other"]);
  await west.whack({ name: "other", delete: true });
  deepEqual(await last(), ["net-net routed"]);
});

Deno.test("Keeper tells of what the peer has brought up, until the peer takes it down", async () => {
  const { wire: { west, east }, last } = world();
  await west.add("net-net", description());
  await east.add("net-net", description());
  await east.whack({ name: "net-net", initiate: true });
  deepEqual(await last(), ["net-net routed up"]);
  await east.whack({ name: "net-net", terminate: true });
  deepEqual(await last(), ["net-net routed"]);
});

Deno.test("Keeper tells of a connection that is wanted up while the peer does not answer", async () => {
  const { wire, last } = world();
  await wire.west.add("net-net", description());
  wire.isCut = true;
  await wire.west.whack({ name: "net-net", initiate: true });
  deepEqual(await last(), ["net-net up"]);
});

Deno.test("Keeper tells of many changes by a few reports", async () => {
  const { wire, reports, last } = world();
  for (let i = 0; i < 100; i++) {
    await wire.west.whack({ name: `n${i}`, connection: description({ right: { client: `10.2.${i}.0/24` } }) });
  }
  equal(reports.length, 1);
  equal((await last()).length, 100);
  equal(reports.length, 2);
});

Deno.test("Keeper tells at once what an administrator orders", async () => {
  const { wire: { west }, reports } = world();
  await west.add("net-net", description());
  await west.add("other", description({ right: { client: "10.0.3.0/24" } }));
  await west.whack({ name: "net-net", route: true });
  await west.whack({ name: "other", route: true });
  deepEqual(reports.at(-1)!.map(({ isRouted }) => isRouted), [true, true]);
  await west.whack({ name: "other", unroute: true });
  deepEqual(reports.at(-1)!.map(({ isRouted }) => isRouted), [true, false]);
});

Deno.test("Keeper tells that the last connection has gone, also where the report before was lost", async () => {
  const reports: ConnReport[] = [];
  let isLost = false;
  const wire = new Wire({ deps: { keep: (report) => reports.push(report) > 0 && !isLost } });
  await wire.west.add("net-net", description());
  isLost = true;
  await wire.west.whack({ name: "net-net", route: true });
  isLost = false;
  await wire.west.whack({ name: "net-net", delete: true });
  await wire.seconds(1);
  deepEqual(reports.at(-1), { conns: [] });
});

Deno.test("Keeper tells all again where a report was lost", async () => {
  const reports: ConnReport[] = [];
  let isLost = false;
  const { west } = new Wire({ deps: { keep: (report) => reports.push(report) > 0 && !isLost } });
  await west.add("net-net", description());
  await west.add("other", description({ right: { client: "10.0.3.0/24" } }));
  await west.whack({ name: "net-net", route: true });
  isLost = true;
  await west.whack({ name: "net-net", unroute: true });
  isLost = false;
  await west.whack({ name: "other", route: true });
  deepEqual(reports.at(-1), {
    conns: [{ name: "net-net", isRouted: false, isUp: false }, { name: "other", isRouted: true, isUp: false }],
  });
});
