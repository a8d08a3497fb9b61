/** Two plutos with the real exchanges between them, in fake time over a fake packet engine. */
import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { address, description, type FakeReply, House, psk, Wire } from "./_fakes.ts";

const FLOW = "10.0.1.0/24:0 -0-> 10.0.2.0/24:0";

async function connected(both: Parameters<typeof description>[0] = {}) {
  const wire = new Wire();
  await wire.west.add("net-net", description(both));
  await wire.east.add("net-net", description(both));
  const whack = await wire.west.whack({ name: "net-net", initiate: true });
  await wire.seconds(5);
  return { wire, whack, ...wire };
}

/** Lines of whack without those that only copy the log. */
const answers = (whack: FakeReply) => whack.lines.filter((line) => !line.startsWith("002"));
const said = (house: House, text: string) => house.log.filter((line) => line.includes(text));

Deno.test("--initiate negotiates, installs, routes, and whack ends with success", async () => {
  const { west, east, whack } = await connected();
  equal(answers(whack).map((line) => line.replace(/ \{.*/, "")), [
    '104 "net-net" #1: STATE_MAIN_I1: initiate',
    '106 "net-net" #1: STATE_MAIN_I2: sent MI2, expecting MR2',
    '108 "net-net" #1: STATE_MAIN_I3: sent MI3, expecting MR3',
    '004 "net-net" #1: STATE_MAIN_I4: ISAKMP SA established',
    '112 "net-net" #2: STATE_QUICK_I1: initiate',
    '004 "net-net" #2: STATE_QUICK_I2: sent QI2, IPsec SA established',
  ]);
  ok(whack.isClosed, "whack has ended");
  equal(west.kernel.calls, ["in #2", "out #2", `add ${FLOW} => #2`]);
  equal(west.updowns, ["up-client net-net", "prepare-client net-net", "route-client net-net"]);
  equal(east.kernel.table, ["10.0.2.0/24:0 -0-> 10.0.1.0/24:0 => #2"]);
  equal(west.connection("net-net").routing, "ROUTED_TUNNEL");
});

Deno.test("--status shows what has been negotiated, and with which algorithms", async () => {
  const { west } = await connected();
  const lines = (await west.whack({ status: true })).lines;
  const shown = (what: string) => ok(lines.some((line) => line.includes(what)), lines.join("\n"));
  shown('#2: "net-net" STATE_QUICK_I2 (sent QI2, IPsec SA established); EVENT_SA_REPLACE');
  shown('#1: "net-net" STATE_MAIN_I4 (ISAKMP SA established); EVENT_SA_REPLACE');
  shown('"net-net":   IKE algorithm newest: ');
  shown('"net-net":   ESP algorithm newest: ');
});

Deno.test("--asynchronous: whack is told the beginning, and ends", async () => {
  const wire = new Wire();
  await wire.west.add("net-net", description());
  const whack = await wire.west.whack({ name: "net-net", initiate: true, async: true });
  ok(whack.isClosed);
  equal(answers(whack), ['104 "net-net" #1: STATE_MAIN_I1: initiate']);
});

Deno.test("--initiate under an established ISAKMP SA begins with phase 2", async () => {
  const { wire, west, east } = await connected();
  const second = { left: { client: "10.0.3.0/24" } };
  await west.add("second", description(second));
  await east.add("second", description(second));
  const whack = await west.whack({ name: "second", initiate: true });
  await wire.seconds(5);
  match(answers(whack)[0], /^112 "second" #3: STATE_QUICK_I1: initiate$/);
  match(answers(whack)[1], /^004 "second" #3: STATE_QUICK_I2/);
  equal(said(west, "initiating Main Mode").length, 1);
});

Deno.test("--initiate of two connections at once: the second waits for the first one's ISAKMP SA", async () => {
  const wire = new Wire();
  const { west, east } = wire;
  for (const house of [west, east]) {
    await house.add("first", description());
    await house.add("second", description({ left: { client: "10.0.3.0/24" } }));
  }
  const one = await west.whack({ name: "first", initiate: true });
  const two = await west.whack({ name: "second", initiate: true });
  equal(west.pluto.status().filter((line) => line.includes("pending")), [
    '#1: pending Phase 2 for "first" replacing #0',
    '#1: pending Phase 2 for "second" replacing #0',
  ]);
  await wire.seconds(5);
  ok(one.isClosed && two.isClosed);
  equal(west.kernel.table, [`${FLOW} => #2`, "10.0.3.0/24:0 -0-> 10.0.2.0/24:0 => #3"]);
  match(answers(two).at(-1)!, /^004 "second" #3/);
});

Deno.test("--terminate tells the peer, and leaves a trap and the route", async () => {
  const { wire, west, east } = await connected();
  west.updowns.length = 0;
  west.kernel.calls.length = 0;
  const whack = await west.whack({ name: "net-net", terminate: true });
  await wire.seconds(1);
  equal(whack.lines, [
    '002 "net-net": terminating SAs using this connection',
    '002 "net-net" #2: deleting state (STATE_QUICK_I2)',
    '002 "net-net" #1: deleting state (STATE_MAIN_I4)',
  ]);
  equal(west.updowns, ["down-client net-net"]);
  equal(west.kernel.calls, [`replace ${FLOW} => %trap`, "remove #2"]);
  equal(west.connection("net-net").routing, "ROUTED_PROSPECTIVE");
  equal(east.pluto.parts.engine.states.size, 0, "the peer has deleted its states");
  equal(said(east, "received Delete SA").length, 2);
});

Deno.test("--delete takes eroute and route along", async () => {
  const { wire, west } = await connected();
  west.updowns.length = 0;
  const whack = await west.whack({ name: "net-net", delete: true });
  await wire.seconds(1);
  equal(whack.lines[0], '002 "net-net": deleting connection');
  equal(west.updowns, ["down-client net-net", "unroute-client net-net"]);
  equal(west.kernel.table, []);
  equal([...west.pluto.parts.connections], []);
});

Deno.test("a failure shunt stands where the SA was", async () => {
  const { wire, west } = await connected({ failure: "drop" });
  await west.whack({ name: "net-net", terminate: true });
  await wire.seconds(1);
  equal(west.kernel.table, [`${FLOW} => %drop`]);
  equal(west.connection("net-net").routing, "ROUTED_FAILURE");
});

Deno.test("an SA is replaced before it ends, without a word to the updown command; the old one expires", async () => {
  const { wire, west, east } = await connected({
    ipsecLifetimeSeconds: 1200,
    ikeLifetimeSeconds: 28800,
    rekeyMarginSeconds: 100,
    rekeyFuzzPercent: 0,
  });
  west.updowns.length = 0;
  await wire.seconds(1150);
  equal(west.connection("net-net").newestIpsec, 3);
  equal(west.connection("net-net").erouteOwner, 3);
  equal(west.kernel.table, [`${FLOW} => #3`]);
  equal(west.updowns, []);
  match(said(west, "initiating Quick Mode").at(-1)!, / to replace #2 \{using isakmp#1\}$/);
  await wire.seconds(60);
  ok(!west.pluto.parts.engine.states.has(2), "the old SA has ended");
  ok(!west.kernel.outbound.has(2), "and is no longer in the packet engine");
  equal(west.kernel.table, [`${FLOW} => #3`]);
  equal(east.kernel.table, ["10.0.2.0/24:0 -0-> 10.0.1.0/24:0 => #3"]);
});

Deno.test("the ISAKMP SA is replaced by itself; phase 2 then goes under the new one", async () => {
  const { wire, west } = await connected({ ikeLifetimeSeconds: 1200, rekeyMarginSeconds: 100, rekeyFuzzPercent: 0 });
  await wire.seconds(1250);
  match(said(west, "initiating Main Mode").at(-1)!, /initiating Main Mode to replace #1$/);
  equal(west.connection("net-net").newestIsakmp, 3);
  ok(west.pluto.parts.engine.states.has(2), "the IPsec SA stays");
});

Deno.test("nobody answers: each attempt is told, whack is released after the first", async () => {
  const wire = new Wire();
  wire.isCut = true;
  await wire.west.add("net-net", description({ keyingTries: 2 }));
  const whack = await wire.west.whack({ name: "net-net", initiate: true });
  await wire.seconds(75);
  ok(whack.isClosed);
  equal(answers(whack).slice(-2), [
    '031 "net-net" #1: max number of retransmissions (2) reached STATE_MAIN_I1.  ' +
    "No response (or no acceptable response) to our first IKE message",
    '000 "net-net" #1: starting keying attempt 2 of at most 2, but releasing whack',
  ]);
  await wire.seconds(75);
  equal(wire.west.pluto.parts.engine.states.size, 0);
  equal(said(wire.west, "initiating Main Mode"), [
    '"net-net" #1: initiating Main Mode',
    '"net-net" #2: initiating Main Mode to replace #1',
  ]);
});

Deno.test("what waited for an ISAKMP SA waits for the next attempt's", async () => {
  const wire = new Wire();
  wire.isCut = true;
  for (const house of [wire.west, wire.east]) await house.add("net-net", description());
  await wire.west.add("second", description({ left: { client: "10.0.3.0/24" } }));
  await wire.west.whack({ name: "net-net", initiate: true });
  const other = await wire.west.whack({ name: "second", initiate: true });
  await wire.seconds(75);
  equal(answers(other), [
    '000 "second": waiting for ISAKMP SA #1, which is being negotiated: STATE_MAIN_I1 (sent MI1, expecting MR1)',
    "000 starting keying attempt 2 of at most 3 for ISAKMP SA, but releasing whack for pending IPSEC SA",
  ]);
  ok(other.isClosed);
  wire.isCut = false;
  await wire.seconds(30);
  match(wire.west.kernel.table[0], /10\.0\.1\.0.*=> #3$/);
});

Deno.test("the peer deletes an SA that is to be kept up: it is replaced after ten seconds", async () => {
  const { wire, west, east } = await connected();
  const [ipsec] = [...east.pluto.parts.engine.states.values()].filter(({ kind }) => kind === "ipsec");
  await east.whack({ deleteState: ipsec.number });
  await wire.seconds(1);
  equal(said(west, "received Delete"), [
    '"net-net" #2: received Delete SA payload: replace IPSEC State #2 in 10 seconds',
  ]);
  await wire.seconds(15);
  equal(west.kernel.table, [`${FLOW} => #3`]);
  equal(east.kernel.table, ["10.0.2.0/24:0 -0-> 10.0.1.0/24:0 => #3"]);
});

Deno.test("the peer deletes an SA that was not started by --initiate: it goes", async () => {
  const { wire, east, west } = await connected();
  const [ipsec] = [...west.pluto.parts.engine.states.values()].filter(({ kind }) => kind === "ipsec");
  await west.whack({ deleteState: ipsec.number });
  await wire.seconds(1);
  match(said(east, "received Delete")[0], /received Delete SA\(0x[0-9a-f]{8}\) payload: deleting IPSEC State #2$/);
  equal(east.connection("net-net").routing, "ROUTED_PROSPECTIVE");
});

Deno.test("up fails: down runs, the eroute is as it was, the SAs go, and whack hears of it", async () => {
  const wire = new Wire();
  for (const house of [wire.west, wire.east]) await house.add("net-net", description());
  await wire.west.whack({ name: "net-net", route: true });
  wire.west.failing.add("up-client");
  wire.west.updowns.length = 0;
  const whack = await wire.west.whack({ name: "net-net", initiate: true });
  await wire.seconds(3);
  ok(whack.lines.includes('003 "net-net": up-client command exited with status 1'), whack.lines.join("\n"));
  equal(wire.west.updowns, ["up-client net-net", "down-client net-net"]);
  equal(wire.west.kernel.table, [`${FLOW} => %trap`]);
  equal(wire.west.kernel.outbound, new Set());
  await wire.seconds(10);
  equal(wire.west.updowns.length, 4, "the next attempt is not made at once");
  await wire.west.whack({ name: "net-net", terminate: true });
  await wire.seconds(60);
  equal(wire.west.updowns.length, 4, "--terminate ends the attempts");
});

Deno.test("a dead peer: hold leaves the trap", async () => {
  const { wire, west } = await connected({ dpd: { delaySeconds: 30, timeoutSeconds: 120, action: "hold" } });
  wire.isCut = true;
  await wire.seconds(200);
  equal(said(west, "DPD: ").slice(-2), [
    '"net-net" #1: DPD: No response from peer - declaring peer dead',
    '"net-net": DPD: Putting connection into %trap',
  ]);
  equal(west.kernel.table, [`${FLOW} => %trap`]);
  equal(west.pluto.parts.engine.states.size, 0);
});

Deno.test("a dead peer: clear takes the route, restart negotiates anew", async () => {
  const clear = await connected({ dpd: { delaySeconds: 30, timeoutSeconds: 120, action: "clear" } });
  clear.wire.isCut = true;
  await clear.wire.seconds(200);
  equal(clear.west.kernel.table, []);
  equal(clear.west.connection("net-net").routing, "UNROUTED");

  const restart = await connected({ dpd: { delaySeconds: 30, timeoutSeconds: 120, action: "restart" } });
  restart.wire.isCut = true;
  await restart.wire.seconds(160);
  equal(said(restart.west, "DPD: Restarting Connection"), ['"net-net": DPD: Restarting Connection']);
  equal(said(restart.west, "initiating Main Mode").length, 2);
});

Deno.test("packets that come in are signs of life", async () => {
  const { wire, west } = await connected({ dpd: { delaySeconds: 30, timeoutSeconds: 120, action: "clear" } });
  wire.isCut = true;
  west.kernel.idleMs = 1000;
  await wire.seconds(400);
  equal(said(west, "declaring peer dead"), []);
});

const ROAD = { right: { host: "%any", nextHop: undefined, client: undefined, id: "@laptop" } } as const;

/** West has a fixed address; the road warrior, in east's place, has ever another one. */
async function road() {
  const wire = new Wire({ secrets: [psk("for all", "@west", "%any")] }, {
    secrets: [psk("for all", "@laptop", "@west")],
  });
  await wire.west.add("road", description(ROAD));
  await wire.east.add("road", description({ right: { client: undefined, id: "@laptop" } }));
  await wire.east.whack({ name: "road", initiate: true });
  await wire.seconds(5);
  return wire;
}

Deno.test("a road warrior's template becomes an instance, and lives as long as its states", async () => {
  const wire = await road();
  const { west, east } = wire;
  equal(
    west.log.filter((line) => /Main Mode|Peer ID|established/.test(line)).map((line) => line.replace(/ \{.*/, "")),
    [
      '"road"[1] 198.51.100.2 #1: responding to Main Mode from unknown peer 198.51.100.2',
      "\"road\"[1] 198.51.100.2 #1: Peer ID is ID_FQDN: '@laptop'",
      '"road"[1] 198.51.100.2 #1: sent MR3, ISAKMP SA established',
      '"road"[1] 198.51.100.2 #2: IPsec SA established',
    ],
  );
  equal(west.kernel.table, ["10.0.1.0/24:0 -0-> 198.51.100.2/32:0 => #2"]);
  await east.whack({ name: "road", terminate: true });
  await wire.seconds(2);
  equal([...west.pluto.parts.connections].map(({ label }) => label), ['"road"']);
  equal(west.kernel.table, []);
  equal(west.updowns, [
    "up-client road",
    "prepare-client road",
    "route-client road",
    "down-client road",
    "unroute-client road",
  ]);
});

/** East is behind a NAT: its datagrams come from 203.0.113.9, from ports that the NAT gives. */
function translate({ clock, west, east }: Wire) {
  const nat = { base: 60000, isGone: false };
  const own = address("198.51.100.2"), outside = address("203.0.113.9");
  east.send = ({ localPort, remote, remotePort }, datagram) => {
    const copy = datagram.slice(),
      path = { local: remote, localPort: remotePort, remote: outside, remotePort: nat.base + localPort };
    clock.after(10, () => west.pluto.receive(path, copy));
  };
  west.send = ({ local, localPort, remotePort }, datagram) => {
    const copy = datagram.slice(),
      path = { local: own, localPort: remotePort - nat.base, remote: local, remotePort: localPort };
    if (path.localPort === 500 || path.localPort === 4500) clock.after(10, () => east.pluto.receive(path, copy));
  };
  return nat;
}

async function natted() {
  const nets = { allowed: [{ address: address("10.9.0.0"), bits: 16, port: 0 }], excepted: [] };
  const wire = new Wire({ secrets: [psk("for all", "@west", "%any")], options: { privateNets: nets } }, {
    secrets: [psk("for all", "@laptop", "@west")],
  });
  const nat = translate(wire);
  await wire.west.add("road", description({ right: { ...ROAD.right, virtual: "vhost:%no,%priv" } }));
  await wire.east.add(
    "road",
    description({
      ipsecLifetimeSeconds: 1200,
      rekeyMarginSeconds: 100,
      rekeyFuzzPercent: 0,
      right: { client: "10.9.0.7/32", id: "@laptop" },
    }),
  );
  await wire.east.whack({ name: "road", initiate: true });
  await wire.seconds(5);
  return { ...wire, wire, nat };
}

Deno.test("a road warrior behind NAT: ESP in UDP to the port that the NAT gave, for an address of its own", async () => {
  const { west, wire } = await natted();
  equal(west.kernel.table, ["10.0.1.0/24:0 -0-> 10.9.0.7/32:0 => #2"]);
  const [, sa] = [...west.pluto.parts.engine.states.values()];
  ok(sa.kind === "ipsec");
  equal(sa.encapsulation, { localPort: 4500, remotePort: 64500 });
  equal(said(west, '"road"[1] 203.0.113.9 #2: IPsec SA established').length, 1);
  await wire.seconds(1150);
  equal(west.kernel.table, ["10.0.1.0/24:0 -0-> 10.9.0.7/32:0 => #3"], "rekeying finds the way, too");
});

Deno.test("a NAT that forgets: the SAs follow the peer to its new port", async () => {
  const { west, east, wire, nat } = await natted();
  nat.base = 50000;
  const [ipsec] = [...east.pluto.parts.engine.states.values()].filter(({ kind }) => kind === "ipsec");
  east.pluto.parts.initiator.replace(ipsec);
  await wire.seconds(5);
  equal(west.kernel.moves[0], "#2 203.0.113.9:54500");
  equal(west.kernel.table, ["10.0.1.0/24:0 -0-> 10.9.0.7/32:0 => #3"]);
});

Deno.test("an instance that nothing came of vanishes", async () => {
  const wire = new Wire({ secrets: [psk("one", "@west", "%any")] }, { secrets: [psk("two", "@laptop", "@west")] });
  await wire.west.add("road", description(ROAD));
  await wire.east.add("road", description({ keyingTries: 1, right: { client: undefined, id: "@laptop" } }));
  await wire.east.whack({ name: "road", initiate: true });
  await wire.seconds(2);
  equal(wire.west.pluto.parts.connections.size, 2);
  await wire.seconds(300);
  equal([...wire.west.pluto.parts.connections].map(({ label }) => label), ['"road"']);
});

Deno.test("a packet meets the trap: the hold is replaced by the SA, and one negotiation is enough", async () => {
  const wire = new Wire();
  for (const house of [wire.west, wire.east]) await house.add("net-net", description());
  await wire.west.whack({ name: "net-net", route: true });
  equal(wire.west.kernel.table, [`${FLOW} => %trap`]);
  const acquire = { from: address("10.0.1.5"), to: address("10.0.2.7"), protocol: 0, fromPort: 0, toPort: 0 };
  const other = { ...acquire, to: address("10.0.2.8") };
  for (const one of [acquire, other]) {
    wire.west.kernel.trapped({
      ours: { address: one.from, bits: 32, port: 0 },
      peers: { address: one.to, bits: 32, port: 0 },
      protocol: 0,
      ourPort: 0,
      peersPort: 0,
    });
    wire.west.pluto.acquire(one);
  }
  await wire.seconds(0);
  equal(wire.west.kernel.table[0], `${FLOW} => %hold`);
  equal(wire.west.connection("net-net").routing, "ROUTED_HOLD");
  await wire.seconds(5);
  equal(wire.west.kernel.table, [`${FLOW} => #2`]);
  equal(said(wire.west, "initiating Quick Mode").length, 1);
  equal([...wire.west.pluto.parts.shunts], []);
});

Deno.test("a trap that nobody answers: after the last attempt it is there again", async () => {
  const wire = new Wire();
  wire.isCut = true;
  const { west } = wire;
  await west.add("net-net", description({ keyingTries: 1 }));
  await west.whack({ name: "net-net", route: true });
  const acquire = { from: address("10.0.1.5"), to: address("10.0.2.7"), protocol: 0, fromPort: 0, toPort: 0 };
  for (const attempt of [1, 2]) {
    west.kernel.trapped({
      ours: { address: acquire.from, bits: 32, port: 0 },
      peers: { address: acquire.to, bits: 32, port: 0 },
      protocol: 0,
      ourPort: 0,
      peersPort: 0,
    });
    west.pluto.acquire(acquire);
    await wire.seconds(1);
    equal(west.connection("net-net").routing, "ROUTED_HOLD");
    await wire.seconds(75);
    equal(west.kernel.table, [`${FLOW} => %trap`]);
    equal(said(west, "initiating Main Mode").length, attempt);
  }
});

Deno.test("uniqueids: a peer that comes from another address has left the first one", async () => {
  const wire = new Wire({ secrets: [psk("for all", "@west", "%any")], options: { uniqueIds: true } }, {
    secrets: [psk("for all", "@laptop", "@west")],
  });
  await wire.west.add("road", description(ROAD));
  const third = new House(wire.clock, { address: "203.0.113.9", secrets: [psk("for all", "@laptop", "@west")] });
  const own = { right: { client: undefined, id: "@laptop" } } as const;
  await wire.east.add("road", description(own));
  await third.add("road", description({ right: { ...own.right, host: "203.0.113.9" } }));
  await wire.east.whack({ name: "road", initiate: true });
  await wire.seconds(5);
  const toWest = (from: House, back: House) => {
    from.send = ({ local, localPort, remote, remotePort }, datagram) => {
      const copy = datagram.slice();
      const path = { local: remote, localPort: remotePort, remote: local, remotePort: localPort };
      wire.clock.after(10, () => back.pluto.receive(path, copy));
    };
  };
  toWest(third, wire.west);
  toWest(wire.west, third);
  await third.whack({ name: "road", initiate: true });
  await wire.seconds(5);
  equal([...wire.west.pluto.parts.connections].map(({ label }) => label), ['"road"[2] 203.0.113.9', '"road"']);
  equal(wire.west.kernel.table, ["10.0.1.0/24:0 -0-> 203.0.113.9/32:0 => #4"]);
});

Deno.test("--shutdown: secrets, connections, interfaces; then the process may end", async () => {
  const { west } = await connected();
  const whack = await west.whack({ shutdown: true });
  equal(whack.lines, [
    "002 shutting down",
    "002 forgetting secrets",
    '002 "net-net": deleting connection',
    '002 "net-net" #2: deleting state (STATE_QUICK_I2)',
    '002 "net-net" #1: deleting state (STATE_MAIN_I4)',
    "002 shutting down interface ipsec0/eth1 192.0.2.1",
  ]);
  ok(west.isStopped);
  equal(west.kernel.table, []);
});
