/** Whatever happens in whatever order: eroutes, routes and the firewall agree with what the connections say of themselves. */
import { deepStrictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import type { IpsecSa } from "../../lib/ike/state.ts";
import { BareShunts } from "../../lib/pluto/bare_shunts.ts";
import { type Connection, NOBODY } from "../../lib/pluto/connection.ts";
import { Connections } from "../../lib/pluto/connections.ts";
import type { Flow } from "../../lib/pluto/kernel.ts";
import { Router } from "../../lib/pluto/router.ts";
import { isErouted, isRouted } from "../../lib/pluto/routing_states.ts";
import { hostSubnet } from "../../lib/text/subnet.ts";
import { make } from "./_connections.ts";
import { FakeKernel, flowText } from "./_fakes.ts";

const ACTS = ["route", "unroute", "trap", "establish", "rekey", "end", "gaveUp"] as const;

const STEPS = fc.array(
  fc.record({
    act: fc.constantFrom(...ACTS),
    which: fc.nat(2),
    /** The updown command fails, or KLIPS refuses. */
    trouble: fc.constantFrom(undefined, undefined, undefined, "up-client", "route-client", "kernel"),
  }, { noNullPrototype: true }),
  { maxLength: 25 },
);

/** Two connections that share a route, and a third by itself with a failure shunt. */
function stage() {
  const connections = [
    make("one"),
    make("two", { left: { client: "10.0.3.0/24" } }),
    make("three", { failure: "drop", right: { client: "10.0.9.0/24" } }),
  ];
  const all = new Connections();
  for (const one of connections) all.add(one);
  const kernel = new FakeKernel([]), shunts = new BareShunts(), sas = new Map<number, IpsecSa>();
  const trouble = { now: undefined as string | undefined };
  /** By network: routes that the updown command has made; by connection: firewalls that it has opened. */
  const routes = new Set<string>(), opened = new Set<string>();
  const router = new Router({
    kernel,
    connections: all,
    shunts,
    ipsecSa: (number) => sas.get(number),
    tell: () => {},
    later: () => {},
    runUpdown: (_command, { PLUTO_VERB: verb, PLUTO_CONNECTION: name, PLUTO_PEER_CLIENT: net }) => {
      if (verb === trouble.now) return Promise.resolve({ ok: false, lines: [] });
      if (verb === "route-client") routes.add(net);
      if (verb === "unroute-client") routes.delete(net);
      if (verb === "up-client") opened.add(name);
      if (verb === "down-client") opened.delete(name);
      return Promise.resolve({ ok: true, lines: [] });
    },
  });
  return { connections, kernel, shunts, sas, trouble, routes, opened, router };
}

function packetOf({ flow }: Connection): Flow {
  const inside = (net: Flow["ours"]) => {
    const bytes = net.address.bytes.slice();
    bytes[3] = 7;
    return hostSubnet({ family: "inet", bytes });
  };
  return { ...flow, ours: inside(flow.ours), peers: inside(flow.peers) };
}

Deno.test("routing: any sequence of events leaves eroutes, routes and firewall as the connections say", async () => {
  await fc.assert(
    fc.asyncProperty(STEPS, async (steps) => {
      const s = stage();
      let number = 1;
      for (const { act, which, trouble } of steps) {
        const connection = s.connections[which];
        s.trouble.now = trouble;
        s.kernel.refuse = trouble === "kernel" ? "add" : undefined;
        const establish = async () => {
          const sa = { number: ++number, kind: "ipsec" } as unknown as IpsecSa;
          s.sas.set(number, sa);
          s.kernel.outbound.add(number);
          await s.router.established(connection, sa);
        };
        switch (act) {
          case "route":
            await s.router.route(connection);
            break;
          case "unroute":
            if (connection.routing !== "ROUTED_TUNNEL") await s.router.unroute(connection);
            break;
          case "trap": {
            // as KLIPS does it: only where a trap is
            const target = s.kernel.eroutesByFlow.get(flowText(connection.flow))?.target;
            if (target !== "%trap") break;
            const hold = packetOf(connection);
            s.kernel.trapped(hold);
            s.shunts.add({ flow: hold, kind: "hold", priority: 0, reason: "", packets: 0, activeAt: 0 });
            await s.router.assignHold(connection, hold);
            break;
          }
          case "establish":
          case "rekey":
            await establish();
            break;
          case "end":
            await s.router.ownerGone(connection, connection.erouteOwner);
            break;
          case "gaveUp":
            await s.router.gaveUp(connection);
            break;
        }
        check(s, `after ${act} of ${connection.name}${trouble ? ` with ${trouble} failing` : ""}`);
      }
    }),
    { numRuns: 500 },
  );
});

function check({ connections, kernel, routes, opened, shunts }: ReturnType<typeof stage>, when: string): void {
  for (const one of connections) {
    const target = kernel.eroutesByFlow.get(flowText(one.flow))?.target;
    equal(target !== undefined, isErouted(one.routing), `${one.name} is ${one.routing}, its eroute ${target}, ${when}`);
    const isTunnel = one.routing === "ROUTED_TUNNEL";
    equal(target?.startsWith("#") ?? false, isTunnel, `${one.name} is ${one.routing}, its eroute ${target}, ${when}`);
    equal(one.erouteOwner !== NOBODY, isTunnel, `${one.name} has the owner ${one.erouteOwner}, ${when}`);
    if (isTunnel) equal(target, `#${one.erouteOwner}`, when);
    equal(opened.has(one.name), isTunnel, `the firewall of ${one.name}, ${when}`);
  }
  const wanted = new Set(
    connections.filter(({ routing }) => isRouted(routing)).map(({ peers }) => peers.net.address.bytes[2]),
  );
  equal([...routes].map((net) => Number(net.split(".")[2])).sort(), [...wanted].sort(), `routes ${when}`);
  for (const shunt of shunts) {
    equal(kernel.eroutesByFlow.get(flowText(shunt.flow))?.target, `%${shunt.kind}`, `a bare shunt ${when}`);
    const holder = connections.find((one) => flowText(packetOf(one)) === flowText(shunt.flow));
    equal(holder?.routing.endsWith("HOLD"), true, `a hold of ${holder?.name}, which is ${holder?.routing}, ${when}`);
  }
}
