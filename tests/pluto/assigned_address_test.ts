/** Mode Config between two plutos in fake time: what the client makes of the address that it is given. */
import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import type { ConnectionDescription } from "../../lib/pluto/description.ts";
import { address, allTurns, description } from "./_fakes.ts";
import { type Description, flow, NET, Road, roadWarrior } from "./_road_client.ts";

Deno.test("the client protects the address that it was given, and sends from it", async () => {
  const road = await new Road().start();
  await road.up();
  equal(road.west.kernel.table, [`${flow("10.3.0.7")} => #2`]);
  equal(road.east.kernel.table, [`${NET}:0 -0-> 10.3.0.7/32:0 => #2`]);
  equal(road.end, ["10.3.0.7/32", "10.3.0.7"]);
  equal(road.updowns, ["up-client 10.3.0.7", "prepare-client 10.3.0.7", "route-client 10.3.0.7"]);
  const { PLUTO_MY_CLIENT, PLUTO_CFG_CLIENT, PLUTO_PEER_DNS_INFO, PLUTO_PEER_DOMAIN_INFO } = road.environment[0];
  equal([PLUTO_MY_CLIENT, PLUTO_CFG_CLIENT], ["10.3.0.7/32", "1"]);
  equal([PLUTO_PEER_DNS_INFO, PLUTO_PEER_DOMAIN_INFO], ["10.0.2.53", "corp.example.com"]);
});

Deno.test("after --down nothing is left of the address", async () => {
  const road = await new Road().start();
  await road.up();
  await road.down();
  equal(road.west.kernel.table, []);
  equal(road.end, [undefined, undefined]);
  equal(road.updowns.slice(3), ["down-client 10.3.0.7", "unroute-client 10.3.0.7"]);
  equal(road.states, []);
});

Deno.test("so it is after --delete", async () => {
  const road = await new Road().start();
  await road.up();
  await road.west.whack({ name: "road", delete: true });
  await road.wire.seconds(1);
  equal(road.west.kernel.table, []);
  equal(road.updowns.slice(3), ["down-client 10.3.0.7", "unroute-client 10.3.0.7"]);
  equal([...road.west.kernel.inbound, ...road.west.kernel.outbound], []);
});

Deno.test("nor when keys have just been renewed, and two SAs end together", async () => {
  const road = await new Road(roadWarrior({}, { ipsecLifetimeSeconds: 1800 })).start();
  await road.up();
  while (road.states.length < 3) await road.wire.seconds(10);
  await road.down();
  equal([road.states, road.west.kernel.table, road.end], [[], [], [undefined, undefined]]);
  equal(road.updowns.slice(3), ["down-client 10.3.0.7", "unroute-client 10.3.0.7"]);
});

Deno.test("the next time the client asks for the address that it had", async () => {
  const road = await new Road().start();
  for (let i = 0; i < 2; i++) {
    await road.up();
    await road.down();
  }
  equal(road.asked, [undefined, "10.3.0.7"]);
});

Deno.test("a routed connection stays routed all the time: traffic waits for the next address", async () => {
  const road = await new Road().start();
  await road.west.whack({ name: "road", route: true });
  equal(road.west.kernel.table, [`${flow("192.0.2.1")} => %trap`]);
  await road.up();
  equal(road.west.kernel.table, [`${flow("10.3.0.7")} => #2`]);
  await road.down();
  equal(road.west.kernel.table, [`${flow("192.0.2.1")} => %trap`]);
  equal(road.end, [undefined, undefined]);
  equal(road.updowns, ["prepare-host", "route-host", "up-client 10.3.0.7", "down-client 10.3.0.7"]);
});

Deno.test("traffic brings a routed connection up, and what was held for it is let go", async () => {
  const road = await new Road().start();
  await road.west.whack({ name: "road", route: true });
  const packet = { from: address("192.0.2.1"), to: address("10.0.2.9"), protocol: 1, fromPort: 0, toPort: 0 };
  const { parts } = road.west.pluto;
  await parts.acquires.handle(packet, { isHeld: true });
  await road.wire.seconds(5);
  equal(road.west.kernel.table, [`${flow("10.3.0.7")} => #2`]);
  equal([...parts.shunts], []);
});

Deno.test("--route while it is up: the route is there after --down", async () => {
  const road = await new Road().start();
  await road.up();
  await road.west.whack({ name: "road", route: true });
  await road.down();
  equal(road.west.kernel.table, [`${flow("192.0.2.1")} => %trap`]);
});

Deno.test("an SA that the peer ends leaves a trap, not a way in the clear", async () => {
  const road = await new Road(roadWarrior()).start();
  await road.up();
  road.connection.newestIpsec = 0; // superseded: the Delete is for a moment when it is not to be replaced
  await road.east.whack({ name: "road", terminate: true });
  await road.wire.seconds(1);
  equal(road.west.kernel.table, [`${flow("192.0.2.1")} => %trap`]);
  equal(road.updowns.slice(3), ["down-client 10.3.0.7"]);
  await road.down();
  equal([road.west.kernel.table, road.updowns.slice(4)], [[], ["unroute-host"]]);
});

Deno.test("a connection that nobody has routed is not routed after --down, whatever has been between", async () => {
  const road = await new Road().start();
  for (let i = 0; i < 2; i++) {
    await road.up();
    road.connection.newestIpsec = 0;
    await road.east.whack({ name: "road", terminate: true });
    await road.wire.seconds(1);
  }
  await road.up();
  await road.down();
  equal([road.west.kernel.table, road.end], [[], [undefined, undefined]]);
  await road.up();
  await road.west.whack({ name: "road", route: true });
  await road.down();
  equal(road.west.kernel.table, [`${flow("192.0.2.1")} => %trap`]);
});

Deno.test("the address is kept when both phases are renewed, and asked for again", async () => {
  const road = await new Road(roadWarrior({}, { ikeLifetimeSeconds: 1200, ipsecLifetimeSeconds: 1800 })).start();
  await road.up();
  await road.wire.seconds(3 * 3600);
  equal(road.updowns.length, 3);
  ok(road.asked.length > 5, road.asked.join());
  equal([...new Set(road.asked)], [undefined, "10.3.0.7"]);
  const { erouteOwner } = road.connection;
  ok(erouteOwner > 10, `#${erouteOwner}`);
  equal(road.west.kernel.table, [`${flow("10.3.0.7")} => #${erouteOwner}`]);
});

Deno.test("another address, at a reauthentication, takes the place of the first; the route stays", async () => {
  const road = await new Road(roadWarrior({}, { ikeLifetimeSeconds: 1200 })).start();
  road.gives = ["10.3.0.7", "10.3.0.8"];
  await road.up();
  await road.wire.seconds(1300);
  const { erouteOwner } = road.connection;
  equal(road.west.kernel.table, [`${flow("10.3.0.8")} => #${erouteOwner}`]);
  equal(road.end, ["10.3.0.8/32", "10.3.0.8"]);
  equal(road.updowns.slice(3), ["down-client 10.3.0.7", "up-client 10.3.0.8"]);
  equal([...road.west.kernel.inbound], [erouteOwner]);
  ok(road.west.log.includes(`"road": assigned address 10.3.0.7 is replaced by 10.3.0.8`), road.west.log.join("\n"));
  await road.down();
  equal([road.west.kernel.table, road.end], [[], [undefined, undefined]]);
});

Deno.test("the server begins phase 1 anew: the client keeps its address", async () => {
  const road = await new Road().start();
  await road.up();
  const { parts } = road.east.pluto;
  const [isakmp] = [...parts.engine.states.values()].filter(({ kind }) => kind === "isakmp");
  parts.initiator.replace(isakmp);
  await road.wire.seconds(10);
  equal(road.asked, [undefined, "10.3.0.7"]);
  ok(road.states.includes("#3 MAIN_R3"), road.states.join());
  equal(road.west.kernel.table, [`${flow("10.3.0.7")} => #2`]);
});

Deno.test("IPv6 behind the server, and IPv4 in between", async () => {
  const right = { client: "2001:db8:2::/64" }, inIpv6 = { clientFamily: "inet6" as const, right };
  const left = { client: undefined, clientWithin: "2001:db8:3::/64", modecfgClient: true };
  const road = await new Road(roadWarrior({}, inIpv6), { ...inIpv6, left }).start();
  road.gives = ["2001:db8:3::7"];
  const eroute = (to: string) => [`2001:db8:3::7/128:0 -0-> 2001:db8:2::/64:0 => ${to}`];
  const routed = await road.west.whack({ name: "road", route: true });
  equal(routed.lines.slice(0, 1), [
    '025 "road": cannot route connection before the peer has assigned an address to this host',
  ]);
  await road.up();
  equal(road.west.kernel.table, eroute("#2"));
  road.connection.newestIpsec = 0; // superseded: the Delete is for a moment when it is not to be replaced
  await road.east.whack({ name: "road", terminate: true });
  await road.wire.seconds(1);
  equal(road.west.kernel.table, eroute("%trap"), "packets do not go in the clear");
  await road.down();
  equal([road.west.kernel.table, road.end], [[], [undefined, undefined]]);
  await road.up();
  equal(road.west.kernel.table, eroute("#4"));
  await road.down();
  equal([road.west.kernel.table, road.end], [[], [undefined, undefined]]);
  const pair = ["route-client 2001:db8:3::7", "unroute-client 2001:db8:3::7"];
  equal(road.updowns.filter((one) => /route/.test(one)), [...pair, ...pair]);
});

const DEAD: [action: "hold" | "clear" | "restart", table: string[], asked: (string | undefined)[]][] = [
  ["hold", [`${flow("192.0.2.1")} => %trap`], [undefined]],
  ["clear", [], [undefined]],
  ["restart", [`${flow("10.3.0.7")} => #4`], [undefined, "10.3.0.7"]],
];
for (const [action, table, asked] of DEAD) {
  Deno.test(`a dead server, and dpdaction=${action}`, async () => {
    const dpd = { delaySeconds: 3, timeoutSeconds: 6, action };
    const road = await new Road(roadWarrior({}, { dpd, keyingTries: 0 })).start();
    await road.up();
    road.wire.isCut = true;
    await road.wire.seconds(20);
    road.wire.isCut = false;
    await road.wire.seconds(70);
    equal(road.west.kernel.table, table);
    equal(road.asked, asked);
  });
}

Deno.test("transport mode has no use for an address", async () => {
  const mode = { tunnel: false, right: { client: undefined } };
  const road = await new Road(roadWarrior({}, mode), { ...mode, left: { client: undefined, modecfgClient: true } })
    .start();
  await road.up();
  equal(road.west.kernel.table, ["192.0.2.1/32:0 -0-> 198.51.100.2/32:0 => #2"]);
  equal(road.end, [undefined, undefined]);
});

const NOT_TAKEN: [
  what: string,
  gives: string | undefined,
  why: RegExp,
  client?: ConnectionDescription,
  server?: Description,
][] = [
  ["no address", undefined, /^003 "road": the peer has assigned no address \(Mode Config\)/],
  ["its own address", "198.51.100.2", /the peer has assigned the address 198\.51\.100\.2, which is its own$/],
  ["an address of a group", "224.0.0.5", /224\.0\.0\.5, which no host can have$/],
  ["the address of a loop", "127.0.0.1", /127\.0\.0\.1, which no host can have$/],
  [
    "an address of the other family",
    "2001:db8::7",
    /2001:db8::7, which cannot speak with 10\.0\.2\.0\/24$/,
    roadWarrior({}, { modecfgPull: false }),
    { modecfgPull: false },
  ],
];
for (const [what, gives, why, client, server] of NOT_TAKEN) {
  Deno.test(`a server that gives ${what}: whack is told, nothing is left, and it is asked again`, async () => {
    const road = await new Road(client, server).start();
    road.gives = [gives];
    const whack = await road.up();
    match(whack.lines.at(-1)!, why);
    ok(whack.isClosed, "whack waits");
    equal([road.states, road.west.kernel.table, road.updowns], [[], [], []]);
    await road.wire.seconds(60);
    equal(road.asked.length, 3); // as keyingtries= says
    equal(road.states, []);
  });
}

Deno.test("a server that has an address the second time", async () => {
  const road = await new Road().start();
  road.gives = [undefined, "10.3.0.7"];
  await road.up();
  await road.wire.seconds(15);
  equal(road.west.kernel.table, [`${flow("10.3.0.7")} => #3`]);
});

Deno.test("a client with a network of its own protects that, and says that the address is not used", async () => {
  const road = await new Road(roadWarrior({ client: "10.0.1.0/24" }), { left: { modecfgClient: true } }).start();
  await road.up();
  equal(road.west.kernel.table, [`10.0.1.0/24:0 -0-> ${NET}:0 => #2`]);
  const said = `"road": assigned address 10.3.0.7 is not used: leftsubnet= says what is protected, 10.0.1.0/24`;
  ok(road.west.log.includes(said), road.west.log.join("\n"));
});

Deno.test("leftsourceip= is what the client asks for, and no network of its own", async () => {
  const road = await new Road(roadWarrior({ sourceIp: "10.3.0.9" })).start();
  await road.up();
  equal([road.asked, road.end], [["10.3.0.9"], ["10.3.0.7/32", "10.3.0.7"]]);
  await road.down();
  equal(road.end, ["10.3.0.9/32", "10.3.0.9"]);
});

Deno.test("a second connection with the same server has the same address, without asking", async () => {
  const road = await new Road().start();
  const right = { client: "10.0.4.0/24" };
  await road.west.add("other", roadWarrior({}, { right }));
  const left = { client: undefined, clientWithin: "10.3.0.0/24", modecfgClient: true };
  await road.east.add("other", description({ left, right, modecfgPull: true }));
  await road.up();
  await road.west.whack({ name: "other", initiate: true });
  await road.wire.seconds(5);
  equal(road.west.kernel.table, [`${flow("10.3.0.7")} => #2`, `10.3.0.7/32:0 -0-> 10.0.4.0/24:0 => #3`]);
  equal(road.asked.length, 1);
});

Deno.test("--down while an address is being taken up: nothing begins after it", async () => {
  const road = await new Road().start();
  await road.west.whack({ name: "road", route: true });
  const gate = Promise.withResolvers<void>();
  void road.west.pluto.parts.tasks.run(() => gate.promise); // as an updown command that takes its time
  const whack = await road.up();
  const terminated = road.west.whack({ name: "road", terminate: true });
  await allTurns();
  gate.resolve();
  await terminated;
  await road.wire.seconds(30);
  ok(whack.isClosed, "whack waits");
  equal(road.states, []);
  equal(road.west.kernel.table, [`${flow("192.0.2.1")} => %trap`]);
  equal(road.end, [undefined, undefined]);
});
