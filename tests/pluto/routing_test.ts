/** Every row of pluto.md §16.2, on a packet engine that remembers; and who may have a route (§16.1). */
import { deepStrictEqual as equal } from "node:assert/strict";
import type { IpsecSa } from "../../lib/ike/state.ts";
import { BareShunts } from "../../lib/pluto/bare_shunts.ts";
import type { Connection } from "../../lib/pluto/connection.ts";
import { Connections } from "../../lib/pluto/connections.ts";
import type { Flow } from "../../lib/pluto/kernel.ts";
import { Router } from "../../lib/pluto/router.ts";
import { isErouted, isRouted, type Routing, routingRank, ROUTINGS } from "../../lib/pluto/routing_states.ts";
import { findTransition, type RoutingEvent, TRANSITIONS } from "../../lib/pluto/transitions.ts";
import { hostSubnet } from "../../lib/text/subnet.ts";
import { make } from "./_connections.ts";
import { address, FakeKernel } from "./_fakes.ts";

const FLOW = "10.0.1.0/24:0 -0-> 10.0.2.0/24:0";

function stage(...connections: Connection[]) {
  const kernel = new FakeKernel([]);
  const all = new Connections();
  for (const one of connections) all.add(one);
  const updowns: string[] = [], lines: string[] = [], failing = new Set<string>();
  const shunts = new BareShunts();
  const sas = new Map<number, IpsecSa>();
  const router = new Router({
    kernel,
    connections: all,
    shunts,
    ipsecSa: (number) => sas.get(number),
    later: () => {},
    tell: (about, code, text) => void lines.push(`${String(code).padStart(3, "0")} ${about?.label}: ${text}`),
    runUpdown: (_command, { PLUTO_VERB, PLUTO_CONNECTION }) => {
      updowns.push(`${PLUTO_VERB} ${PLUTO_CONNECTION}`);
      const isOk = !failing.has(PLUTO_VERB);
      return Promise.resolve({
        ok: isOk,
        lines: [],
        complaint: isOk ? undefined : `${PLUTO_VERB} command exited with status 1`,
      });
    },
  });
  /** An SA in the packet engine. */
  const sa = (number: number) => {
    const made = { number, kind: "ipsec" } as unknown as IpsecSa;
    sas.set(number, made);
    kernel.outbound.add(number);
    return made;
  };
  /** A packet met a trap, and it has been noted. */
  const trapped = (flow: Flow) => {
    kernel.trapped(flow);
    shunts.add({ flow, kind: "hold", priority: 0, reason: "%acquire-pfkey", packets: 0, activeAt: 0 });
  };
  return { kernel, all, updowns, lines, failing, shunts, router, sa, trapped };
}

const host = (text: string) => hostSubnet(address(text));
const NARROW = "10.0.1.5/32:0 -0-> 10.0.2.7/32:0 => %hold";
const holdFlow: Flow = { ours: host("10.0.1.5"), peers: host("10.0.2.7"), protocol: 0, ourPort: 0, peersPort: 0 };

// Each event on a connection that has come so far; what it is then, what the engine and the updown command heard.
const ROWS: [
  what: string,
  before: (s: ReturnType<typeof stage>, c: Connection) => Promise<unknown>,
  act: (s: ReturnType<typeof stage>, c: Connection) => Promise<unknown>,
  after: { routing: Routing; table: string[]; updowns: string[] },
  more?: Parameters<typeof make>[1],
][] = [
  [
    "--route of what is unrouted",
    () => Promise.resolve(),
    (s, c) => s.router.route(c),
    {
      routing: "ROUTED_PROSPECTIVE",
      table: [`${FLOW} => %trap`],
      updowns: ["prepare-client net-net", "route-client net-net"],
    },
  ],
  [
    "--route of a shunt",
    () => Promise.resolve(),
    (s, c) => s.router.route(c),
    {
      routing: "ROUTED_PROSPECTIVE",
      table: [`${FLOW} => %reject`],
      updowns: ["prepare-client net-net", "route-client net-net"],
    },
    { psk: false, shunt: "reject" },
  ],
  [
    "--route again, after a failure",
    async (s, c) => {
      await s.router.route(c);
      await s.router.established(c, s.sa(2));
      await s.router.ownerGone(c, 2);
    },
    (s, c) => s.router.route(c),
    { routing: "ROUTED_PROSPECTIVE", table: [`${FLOW} => %trap`], updowns: [] },
    { failure: "pass" },
  ],
  [
    "--route while an SA is there",
    (s, c) => s.router.established(c, s.sa(2)),
    (s, c) => s.router.route(c),
    { routing: "ROUTED_TUNNEL", table: [`${FLOW} => #2`], updowns: [] },
  ],
  [
    "a hold for what is unrouted",
    (s) => Promise.resolve(s.trapped(holdFlow)),
    (s, c) => s.router.assignHold(c, holdFlow),
    { routing: "UNROUTED_HOLD", table: [NARROW, `${FLOW} => %hold`], updowns: [] },
  ],
  [
    "a hold for what is trapped: a wide one replaces the trap, the narrow one keeps its packet",
    async (s, c) => {
      await s.router.route(c);
      s.trapped(holdFlow);
    },
    (s, c) => s.router.assignHold(c, holdFlow),
    { routing: "ROUTED_HOLD", table: [`${FLOW} => %hold`, NARROW], updowns: [] },
  ],
  [
    "a hold where the flow is that of two hosts: the kernel's own is adopted",
    async (s, c) => {
      await s.router.route(c);
      s.trapped(c.flow);
    },
    (s, c) => s.router.assignHold(c, c.flow),
    {
      routing: "ROUTED_HOLD",
      table: ["192.0.2.1/32:0 -0-> 198.51.100.2/32:0 => %hold"],
      updowns: [],
    },
    { left: { client: undefined }, right: { client: undefined } },
  ],
  [
    "a hold where an SA is: the narrow one goes",
    async (s, c) => {
      await s.router.established(c, s.sa(2));
      s.trapped(holdFlow);
    },
    (s, c) => s.router.assignHold(c, holdFlow),
    { routing: "ROUTED_TUNNEL", table: [`${FLOW} => #2`], updowns: [] },
  ],
  [
    "an SA for what is unrouted",
    () => Promise.resolve(),
    (s, c) => s.router.established(c, s.sa(2)),
    {
      routing: "ROUTED_TUNNEL",
      table: [`${FLOW} => #2`],
      updowns: ["up-client net-net", "prepare-client net-net", "route-client net-net"],
    },
  ],
  [
    "an SA for what is routed",
    (s, c) => s.router.route(c),
    (s, c) => s.router.established(c, s.sa(2)),
    { routing: "ROUTED_TUNNEL", table: [`${FLOW} => #2`], updowns: ["up-client net-net"] },
  ],
  [
    "rekeying",
    (s, c) => s.router.established(c, s.sa(2)),
    (s, c) => s.router.established(c, s.sa(3)),
    { routing: "ROUTED_TUNNEL", table: [`${FLOW} => #3`], updowns: [] },
  ],
  [
    "the owner's end",
    (s, c) => s.router.established(c, s.sa(2)),
    (s, c) => s.router.ownerGone(c, 2),
    { routing: "ROUTED_PROSPECTIVE", table: [`${FLOW} => %trap`], updowns: ["down-client net-net"] },
  ],
  [
    "the owner's end, with a failure shunt",
    (s, c) => s.router.established(c, s.sa(2)),
    (s, c) => s.router.ownerGone(c, 2),
    { routing: "ROUTED_FAILURE", table: [`${FLOW} => %drop`], updowns: ["down-client net-net"] },
    { failure: "drop" },
  ],
  [
    "the end of an SA that is not the owner",
    (s, c) => s.router.established(c, s.sa(3)),
    (s, c) => s.router.ownerGone(c, 2),
    { routing: "ROUTED_TUNNEL", table: [`${FLOW} => #3`], updowns: [] },
  ],
  [
    "no more attempts: the trap is back",
    async (s, c) => {
      await s.router.route(c);
      s.trapped(holdFlow);
      await s.router.assignHold(c, holdFlow);
    },
    (s, c) => s.router.gaveUp(c),
    { routing: "ROUTED_PROSPECTIVE", table: [`${FLOW} => %trap`], updowns: [] },
  ],
  [
    "no more attempts, with a failure shunt",
    async (s, c) => {
      await s.router.route(c);
      s.trapped(holdFlow);
      await s.router.assignHold(c, holdFlow);
    },
    (s, c) => s.router.gaveUp(c),
    { routing: "ROUTED_FAILURE", table: [`${FLOW} => %drop`], updowns: [] },
    { failure: "drop" },
  ],
  [
    "no more attempts for what has no route",
    async (s, c) => {
      s.trapped(holdFlow);
      await s.router.assignHold(c, holdFlow);
    },
    (s, c) => s.router.gaveUp(c),
    { routing: "UNROUTED", table: [], updowns: [] },
  ],
  [
    "no more attempts while another SA is there",
    (s, c) => s.router.established(c, s.sa(2)),
    (s, c) => s.router.gaveUp(c),
    { routing: "ROUTED_TUNNEL", table: [`${FLOW} => #2`], updowns: [] },
  ],
  [
    "--unroute",
    (s, c) => s.router.route(c),
    (s, c) => s.router.unroute(c),
    { routing: "UNROUTED", table: [], updowns: ["unroute-client net-net"] },
  ],
  [
    "--unroute of a hold without route",
    async (s, c) => {
      s.trapped(holdFlow);
      await s.router.assignHold(c, holdFlow);
    },
    (s, c) => s.router.unroute(c),
    { routing: "UNROUTED", table: [], updowns: [] },
  ],
];
for (const [what, before, act, after, more] of ROWS) {
  Deno.test(`routing: ${what}`, async () => {
    const connection = make("net-net", more);
    const s = stage(connection);
    await before(s, connection);
    s.updowns.length = 0;
    await act(s, connection);
    equal({ routing: connection.routing, table: s.kernel.table, updowns: s.updowns }, after);
    equal(s.lines, []);
  });
}

Deno.test("routing: the owner's end of an instance with --dontrekey takes eroute and route", async () => {
  const template = make("oe", { dontRekey: true, right: { host: "%any", client: "10.0.2.0/24" } });
  const instance = template.instantiate(address("198.51.100.2"));
  const s = stage(instance);
  await s.router.established(instance, s.sa(2));
  s.updowns.length = 0;
  await s.router.ownerGone(instance, 2);
  equal(instance.routing, "UNROUTED");
  equal(s.kernel.table, []);
  equal(s.updowns, ["down-client oe", "unroute-client oe"]);
});

Deno.test("routing: a route that two connections share is made once, and goes with the second", async () => {
  const one = make("one"), two = make("two", { left: { client: "10.0.3.0/24" } });
  const s = stage(one, two);
  await s.router.route(one);
  await s.router.route(two);
  equal(s.updowns, ["prepare-client one", "route-client one"]);
  await s.router.unroute(one);
  equal(s.updowns.slice(2), []);
  await s.router.unroute(two);
  equal(s.updowns.slice(2), ["unroute-client two"]);
});

Deno.test("routing: route fails; what was done is undone", async () => {
  const connection = make();
  const s = stage(connection);
  s.failing.add("route-client");
  equal(await s.router.established(connection, s.sa(2)), false);
  equal(s.updowns, ["up-client net-net", "prepare-client net-net", "route-client net-net", "down-client net-net"]);
  equal([connection.routing, s.kernel.table], ["UNROUTED", []]);
  equal(s.lines, ['003 "net-net": route-client command exited with status 1']);
});

Deno.test("routing: a failing prepare does not matter", async () => {
  const connection = make();
  const s = stage(connection);
  s.failing.add("prepare-client");
  equal(await s.router.route(connection), true);
});

Deno.test("routing: up fails while a failure shunt stands: it comes back", async () => {
  const connection = make("net-net", { failure: "pass" });
  const s = stage(connection);
  await s.router.established(connection, s.sa(2));
  await s.router.ownerGone(connection, 2);
  s.failing.add("up-client");
  equal(await s.router.established(connection, s.sa(3)), false);
  equal([connection.routing, s.kernel.table], ["ROUTED_FAILURE", [`${FLOW} => %pass`]]);
});

Deno.test("routing: a refusal of the packet engine is said, and changes nothing", async () => {
  const connection = make();
  const s = stage(connection);
  s.kernel.refuse = "add";
  equal(await s.router.route(connection), false);
  equal([connection.routing, s.updowns], ["UNROUTED", []]);
  equal(s.lines, [`003 "net-net": refused: add ${FLOW} => %trap`]);
});

Deno.test("routing: packets that narrow holds keep go through the SA when it is there", async () => {
  const connection = make();
  const s = stage(connection);
  s.trapped(holdFlow);
  await s.router.assignHold(connection, holdFlow);
  s.kernel.calls.length = 0;
  await s.router.established(connection, s.sa(2));
  equal(s.kernel.calls.slice(1), [
    "replace 10.0.1.5/32:0 -0-> 10.0.2.7/32:0 => #2",
    "delete 10.0.1.5/32:0 -0-> 10.0.2.7/32:0",
  ]);
  equal(s.kernel.table, [`${FLOW} => #2`]);
  equal([...s.shunts], []);
});

Deno.test("routing: --unroute and --route let narrow holds go", async () => {
  for (const act of ["unroute", "route"] as const) {
    const connection = make();
    const s = stage(connection);
    await s.router.route(connection);
    s.trapped(holdFlow);
    await s.router.assignHold(connection, holdFlow);
    await s.router[act](connection);
    equal(s.kernel.table, act === "route" ? [`${FLOW} => %trap`] : []);
    equal([...s.shunts], []);
  }
});

const REFUSALS: [why: string, more: Parameters<typeof make>[1], line: string][] = [
  [
    "ISAKMP alone",
    { encrypt: false, tunnel: false, pfs: false, left: { client: undefined }, right: { client: undefined } },
    '025 "net-net": cannot route an ISAKMP-only connection',
  ],
  [
    "a road warrior's template",
    { right: { host: "%any", client: undefined } },
    '025 "net-net": cannot route template policy of PSK+ENCRYPT+TUNNEL+PFS',
  ],
  [
    "an unknown next hop",
    { psk: false, shunt: "pass", left: { nextHop: undefined }, right: { host: "%any" } },
    '025 "net-net": cannot route connection without knowing our nexthop',
  ],
  [
    "a peer in its own network, over another port of IKE",
    { left: { ikePort: 501 }, right: { client: "198.51.100.0/24" } },
    '003 "net-net": cannot install route: peer is within its client',
  ],
];
for (const [why, more, line] of REFUSALS) {
  Deno.test(`routing is refused: ${why}`, async () => {
    const connection = make("net-net", more);
    const s = stage(connection);
    equal(await s.router.route(connection), false);
    equal(s.lines, [line]);
    equal(s.kernel.calls, []);
  });
}

Deno.test("routing is refused: the network is routed another way, the eroute is another's", async () => {
  const one = make("one"), other = make("other", { left: { client: "10.0.3.0/24", nextHop: "192.0.2.253" } });
  const same = make("same");
  const s = stage(one, other, same);
  await s.router.established(one, s.sa(4));
  equal(await s.router.route(other), false);
  equal(await s.router.route(same), false);
  equal(s.lines, [
    '003 "other": cannot route -- route already in use for "one"',
    '003 "same": cannot install eroute -- it is in use for "one" #4',
  ]);
});

Deno.test("routing: a permanent connection takes its place behind an opportunistic template, and comes back", async () => {
  const ends = { left: { client: undefined, nextHop: "192.0.2.254" }, right: { client: "10.0.2.0/24" } } as const;
  const wavesec = make("wavesec", ends);
  const oe = make("oe", { ...ends, right: { ...ends.right, host: "%opportunistic" } });
  const s = stage(wavesec, oe);
  await s.router.route(wavesec);
  await s.router.route(oe);
  equal(s.lines, ['003 "oe": conflict on eroute (), switching eroute to oe and linking wavesec']);
  equal([wavesec.routing, oe.routing, oe.policyNext], ["UNROUTED_KEYED", "ROUTED_PROSPECTIVE", wavesec]);
  equal(oe.priority, wavesec.priority + 1);
  await s.router.unroute(oe);
  equal(wavesec.routing, "UNROUTED");
});

Deno.test("routing: what was eclipsed by a narrower eroute is there again after it", async () => {
  const ends = {
    dontRekey: true,
    left: { client: undefined },
    right: { host: "%opportunistic", client: "198.51.100.2/32" },
  };
  const template = make("oe", ends);
  const s = stage(template);
  await s.router.route(template);
  const instance = template.instantiate(address("198.51.100.2"));
  s.all.add(instance);
  await s.router.established(instance, s.sa(2));
  equal([template.routing, instance.routing], ["ROUTED_ECLIPSED", "ROUTED_TUNNEL"]);
  await s.router.ownerGone(instance, 2);
  equal([template.routing, s.kernel.table], ["ROUTED_PROSPECTIVE", ["192.0.2.1/32:0 -0-> 198.51.100.2/32:0 => %trap"]]);
});

Deno.test("every event has a row for every routing", () => {
  for (const event of new Set<RoutingEvent>(TRANSITIONS.map((row) => row.event))) {
    for (const routing of ROUTINGS) {
      for (const failure of ["none", "drop"] as const) {
        for (const isUnrekeyedInstance of [false, true]) {
          const row = findTransition(event, { routing, failure, isUnrekeyedInstance });
          equal(row?.event, event, `${event} from ${routing}`);
        }
      }
    }
  }
});

Deno.test("every routing is the outcome of a row, and every row can be taken", () => {
  const reached = new Set<string>(TRANSITIONS.map(({ to }) => to).filter(Boolean) as string[]);
  reached.add("UNROUTED_KEYED"); // by chaining
  equal(ROUTINGS.filter((one) => !reached.has(one)), []);
  const taken = new Set(
    TRANSITIONS.flatMap(({ event }) =>
      ROUTINGS.flatMap((routing) =>
        (["none", "drop"] as const).flatMap((failure) =>
          [false, true].map((isUnrekeyedInstance) => findTransition(event, { routing, failure, isUnrekeyedInstance }))
        )
      )
    ),
  );
  equal(TRANSITIONS.filter((row) => !taken.has(row)), []);
});

Deno.test("routings are in rising order; routed is above a hold without route", () => {
  equal(ROUTINGS.map(routingRank), [0, 1, 2, 3, 4, 5, 6, 7]);
  equal(ROUTINGS.filter(isRouted).length, 5);
  equal(ROUTINGS.filter(isErouted).length, 6);
});

Deno.test("a packet between two hosts that met the trap while the SA came does not take the SA's eroute away", async () => {
  const pair = make("pair", { left: { client: undefined }, right: { client: undefined } });
  const s = stage(pair);
  await s.router.route(pair);
  s.trapped(pair.flow);
  equal(await s.router.established(pair, s.sa(2)), true);
  equal([s.kernel.table.map((row) => row.split(" => ")[1]), [...s.shunts]], [["#2"], []]);
});
