/** Clients of Mode Config with addresses out of a pool: who has which, when it is given back, and who is refused. */
import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { hostSubnet } from "../../lib/text/subnet.ts";
import { address, type House } from "./_fakes.ts";
import { POOL, Road, road, roadClient } from "./_road.ts";

const HERE = "198.51.100.2", THERE = "203.0.113.9", ELSEWHERE = "203.0.113.77";
const XAUTH = { left: { xauthServer: true } } as const;

/** Networks of peers that eroutes lead to. */
const reached = ({ kernel }: House) =>
  kernel.table.filter((line) => line.includes("=> #")).map((line) => / -0-> ([^/]+)\/32/.exec(line)?.[1] ?? line);
const said = ({ log }: House, text: string) => log.filter((line) => line.includes(text));
const poolLines = ({ pluto }: House) =>
  pluto.status().filter((line) => line.includes("address pool:")).map((line) => line.replace(/ +/g, " ").trim());

Deno.test("each client has an address of its own, its eroute leads there, and status says so", async () => {
  const on = new Road();
  await on.gate.add("road", road());
  await on.client(HERE, { id: "@laptop" });
  await on.client(THERE, { id: "@phone" });
  equal(reached(on.gate), ["10.3.0.10", "10.3.0.11"]);
  equal(poolLines(on.gate), [
    `"road": address pool: ${POOL}; 90 addresses; in use: 2; kept for their return: 0;`,
    `"road"[1]: address pool: '@laptop' has 10.3.0.10 of ${POOL};`,
    `"road"[2]: address pool: '@phone' has 10.3.0.11 of ${POOL};`,
  ]);
  const { addressPools } = on.gate.pluto.statusJson();
  equal(addressPools, [{
    range: POOL,
    addresses: "90",
    inUse: 2,
    kept: 0,
    leases: [
      { address: "10.3.0.10", holder: "'@laptop'", connections: [{ name: "road", instance: 1 }] },
      { address: "10.3.0.11", holder: "'@phone'", connections: [{ name: "road", instance: 2 }] },
    ],
  }]);
});

Deno.test("an address is given back with the last SA, and found again", async () => {
  const on = new Road();
  await on.gate.add("road", road());
  const [laptop, phone] = [await on.client(HERE), await on.client(THERE)];
  for (const one of [laptop, phone]) await on.goes(one);
  equal(poolLines(on.gate), [`"road": address pool: ${POOL}; 90 addresses; in use: 0; kept for their return: 2;`]);
  for (const one of [phone, laptop]) await on.comes(one);
  equal(reached(on.gate), ["10.3.0.11", "10.3.0.10"]);
});

Deno.test("a connection that is replaced ends its clients, and they find their addresses again", async () => {
  const on = new Road();
  await on.gate.add("road", road());
  const [laptop, phone] = [await on.client(HERE), await on.client(THERE)];
  await on.gate.whack({ name: "road", delete: true, connection: road() });
  await on.seconds(5);
  equal(reached(on.gate), []);
  for (const one of [phone, laptop]) {
    await on.goes(one);
    await on.comes(one);
  }
  equal(reached(on.gate), ["10.3.0.11", "10.3.0.10"]);
});

Deno.test("an address stays while keys of both phases are replaced", async () => {
  const on = new Road();
  await on.gate.add("road", road());
  const lives = { ikeLifetimeSeconds: 1200, ipsecLifetimeSeconds: 1500, rekeyMarginSeconds: 100, rekeyFuzzPercent: 0 };
  await on.client(HERE, { more: lives });
  await on.client(THERE);
  for (let i = 0; i < 40; i++) {
    await on.seconds(100);
    equal(reached(on.gate).toSorted(), ["10.3.0.10", "10.3.0.11"]);
  }
  equal(said(on.gate, "modecfg: giving 10.3.0.10").length, 4);
  ok(said(on.gate, "responding to Quick Mode").length >= 4);
});

Deno.test("a pool that is used up: whoever comes is told, may have an address when one is free, and is let go", async () => {
  const on = new Road();
  await on.gate.add("road", road("10.3.0.10-10.3.0.10"));
  const laptop = await on.client(HERE, { id: "@laptop" });
  const phone = await on.client(THERE, { id: "@phone" });
  match(
    said(on.gate, "no address for").join("\n"),
    /modecfg: no address for '@phone': the one address of the pool 10\.3\.0\.10-10\.3\.0\.10 is in use; ipsec auto --status says by whom\. Make rightaddresspool= larger/,
  );
  ok(said(phone, "the peer gave no address").length);
  equal(reached(on.gate), ["10.3.0.10"]);
  const states = () => [...on.gate.pluto.parts.engine.states.values()].map(({ connection }) => connection.label);
  await on.goes(phone);
  await on.seconds(60);
  equal(new Set(states()), new Set([`"road"[1] ${HERE}`]), "what was turned away does not stay");
  await on.goes(laptop);
  await on.comes(phone);
  equal(reached(on.gate), ["10.3.0.10"]);
});

Deno.test("uniqueids=yes: a client that comes from elsewhere takes its address along", async () => {
  const on = new Road({ options: { uniqueIds: true } });
  await on.gate.add("road", road());
  await on.client(HERE, { id: "@laptop" });
  await on.client(THERE, { id: "@laptop" });
  equal(reached(on.gate), ["10.3.0.10"]);
  ok(said(on.gate, `'@laptop' is at ${THERE} now, and has 10.3.0.10 there`).length);
  equal(poolLines(on.gate)[1], `"road"[2]: address pool: '@laptop' has 10.3.0.10 of ${POOL};`);
});

Deno.test("uniqueids=no: the same identity twice has two addresses", async () => {
  const on = new Road();
  await on.gate.add("road", road());
  for (const from of [HERE, THERE]) await on.client(from, { id: "@laptop" });
  equal(reached(on.gate), ["10.3.0.10", "10.3.0.11"]);
});

Deno.test("clients of one group are told apart by their users, also behind one NAT", async () => {
  const on = new Road({ options: { uniqueIds: true } });
  await on.gate.add("road", road(POOL, XAUTH));
  const group = { id: "@group", behind: THERE };
  const alice = await on.client("192.168.1.2", { ...group, user: "alice" });
  await on.client("192.168.1.3", { ...group, user: "bob" });
  await on.client("192.168.1.4", { ...group, user: "alice" }); // her other device
  equal(reached(on.gate), ["10.3.0.10", "10.3.0.11", "10.3.0.12"]);
  equal(poolLines(on.gate).slice(1), [
    `"road"[1]: address pool: user alice has 10.3.0.10 of ${POOL};`,
    `"road"[2]: address pool: user bob has 10.3.0.11 of ${POOL};`,
    `"road"[3]: address pool: user alice has 10.3.0.12 of ${POOL};`,
  ]);
  await on.goes(alice);
  equal(reached(on.gate), ["10.3.0.11", "10.3.0.12"]);
  await on.comes(alice, "alice");
  equal(reached(on.gate).toSorted(), ["10.3.0.10", "10.3.0.11", "10.3.0.12"]);
});

Deno.test("a dead client gives its address back, and takes nobody else's along behind the same NAT", async () => {
  const on = new Road();
  const dpd = { delaySeconds: 10, timeoutSeconds: 30, action: "clear" };
  await on.gate.add("road", road(POOL, { ...XAUTH, dpd }));
  const group = { id: "@group", behind: THERE };
  const alice = await on.client("192.168.1.2", { ...group, user: "alice" });
  await on.client("192.168.1.3", { ...group, user: "bob" });
  on.silent.add(alice);
  await on.seconds(120);
  equal(reached(on.gate), ["10.3.0.11"]);
  equal(poolLines(on.gate)[0], `"road": address pool: ${POOL}; 90 addresses; in use: 1; kept for their return: 1;`);
  ok(said(on.gate, "DPD: No response from peer").length);
});

Deno.test("a user's own older connection gives way where nothing else is left, and nobody else's does", async () => {
  const on = new Road({ options: { uniqueIds: true } });
  await on.gate.add("road", road("10.3.0.10-10.3.0.11", XAUTH));
  const group = { id: "@group" };
  await on.client(HERE, { ...group, user: "alice" });
  await on.client(THERE, { ...group, user: "bob" });
  await on.client(ELSEWHERE, { ...group, user: "alice" });
  equal(reached(on.gate).toSorted(), ["10.3.0.10", "10.3.0.11"]);
  equal(poolLines(on.gate).slice(1), [
    `"road"[2]: address pool: user bob has 10.3.0.11 of 10.3.0.10-10.3.0.11;`,
    `"road"[3]: address pool: user alice has 10.3.0.10 of 10.3.0.10-10.3.0.11;`,
  ]);
  await on.client("203.0.113.78", { ...group, user: "carol" });
  equal(said(on.gate, "no address for user carol: all 2 addresses").length, 1);
});

Deno.test("one user does not use a pool up: the seventeenth device takes the address of the first", async () => {
  const on = new Road();
  await on.gate.add("road", road(POOL, XAUTH));
  for (let i = 1; i <= 17; i++) await on.client(`198.51.100.${i}`, { id: "@group", user: "alice" });
  equal(poolLines(on.gate)[0], `"road": address pool: ${POOL}; 90 addresses; in use: 16; kept for their return: 0;`);
  equal(reached(on.gate).at(-1), "10.3.0.10");
  await on.client(HERE.replace(".2", ".99"), { id: "@group", user: "bob" });
  equal(reached(on.gate).at(-1), "10.3.0.26");
});

Deno.test("a client that asks for another address than it has is refused, and the log says why", async () => {
  const on = new Road();
  await on.gate.add("road", road());
  await on.client(HERE, { id: "@laptop", more: { left: { client: "10.3.0.77/32" } } });
  equal(reached(on.gate), []);
  ok(
    said(
      on.gate,
      "cannot respond to IPsec SA request: 10.3.0.77/32 is asked for by '@laptop', whose address of " +
        `"road"[1] ${HERE} is 10.3.0.10`,
    ).length,
    on.gate.log.join("\n"),
  );
});

Deno.test("nobody has the address of another client of the same group behind the same NAT", async () => {
  const on = new Road();
  await on.gate.add("road", road(POOL, XAUTH));
  const group = { id: "@group", behind: THERE };
  await on.client("192.168.1.2", { ...group, user: "alice" });
  await on.client("192.168.1.3", { ...group, user: "bob", more: { left: { client: "10.3.0.10/32" } } });
  equal(reached(on.gate), ["10.3.0.10"]);
  ok(said(on.gate, "10.3.0.10/32 is asked for by user bob").length, on.gate.log.join("\n"));
});

Deno.test("connections with one range share a pool, and a client has its address in all of them", async () => {
  const on = new Road();
  await on.gate.add("road", road());
  await on.gate.add("lab", road(POOL, { left: { client: "10.0.5.0/24" } }));
  const laptop = await on.client(HERE, { id: "@laptop" });
  const other = { left: { client: "10.3.0.10/32" }, right: { client: "10.0.5.0/24" } };
  await laptop.add("lab", roadClient(HERE, "@laptop", other));
  await laptop.whack({ name: "lab", initiate: true });
  await on.seconds(5);
  const flows = () => on.gate.kernel.table.filter((line) => line.includes("=> #")).map((line) => line.split(" =>")[0]);
  const [home, lab] = ["10.0.1.0/24:0 -0-> 10.3.0.10/32:0", "10.0.5.0/24:0 -0-> 10.3.0.10/32:0"];
  equal(flows(), [home, lab]);
  equal(poolLines(on.gate).filter((line) => line.includes("in use: 1;")).length, 2);
  await laptop.whack({ name: "lab", terminate: true });
  await on.seconds(5);
  equal(flows(), [home]);
  equal(poolLines(on.gate).filter((line) => line.includes("in use: 1;")).length, 2);
  await on.goes(laptop);
  equal(poolLines(on.gate).filter((line) => line.includes("in use: 0; kept for their return: 1;")).length, 2);
});

Deno.test("addresses of IPv6, over IPv4", async () => {
  const on = new Road();
  await on.gate.add("road", road("fd00:3::/64", { clientFamily: "inet6", left: { client: "fd00:1::/64" } }));
  const more = { clientFamily: "inet6", right: { client: "fd00:1::/64" } } as const;
  for (const from of [HERE, THERE]) await on.client(from, { more });
  equal(on.gate.kernel.table.map((line) => line.split(" =>")[0]), [
    "fd00:1::/64:0 -0-> fd00:3::1/128:0",
    "fd00:1::/64:0 -0-> fd00:3::2/128:0",
  ]);
});

Deno.test("a gateway that does not wait to be asked: the same, and a pool that is used up", async () => {
  const on = new Road();
  const push = { modecfgPull: false };
  await on.gate.add("road", road("10.3.0.10-10.3.0.10", push));
  const laptop = await on.client(HERE, { more: push });
  equal(reached(on.gate), ["10.3.0.10"]);
  equal(said(on.gate, "modecfg: giving 10.3.0.10 to the peer").length, 1);
  const phone = await on.client(THERE, { id: "@phone", more: push });
  equal(said(on.gate, "modecfg: no address for '@phone'").length, 1);
  ok(said(phone, "the peer gave no address").length);
  await on.goes(laptop);
  await on.seconds(60);
  await on.comes(phone);
  equal(reached(on.gate), ["10.3.0.10"]);
});

Deno.test("a client that asks for an address of another family than the pool has gets none, and the log says so", async () => {
  const on = new Road();
  await on.gate.add("road", road("fd00:3::/64", { clientFamily: "inet6", left: { client: "fd00:1::/64" } }));
  const laptop = await on.client(HERE, { id: "@laptop" });
  equal(said(on.gate, "modecfg: the peer asks for no address of IPv6, and gets none").length, 1);
  ok(said(laptop, "the peer gave no address").length);
});

Deno.test("addresses that somebody has by another connection are passed over", async () => {
  const on = new Road();
  await on.gate.add("fixed", {
    ...road(),
    right: { host: "%any", id: "@fixed", nextHop: "%direct", modecfgClient: true, sourceIp: "10.3.0.10" },
  });
  await on.gate.add(
    "branch",
    road(POOL, {
      right: { host: "203.0.113.200", addressPool: undefined, client: "10.3.0.11/32", id: "@branch" },
    }),
  );
  await on.gate.add("road", road());
  await on.client(HERE, { id: "@laptop" });
  equal(reached(on.gate), ["10.3.0.12"]);
});

const orphan = (inside: string, host: string, port?: number) => {
  return { client: hostSubnet(address(inside)), host: address(host), ...(port !== undefined && { port }) };
};

/** Who comes to a gateway after its crash, whose SAs go on, and which address it gets. */
const AFTER_CRASH: [who: string, left: ReturnType<typeof orphan>, behind: string | undefined, got: string][] = [
  ["the client itself", orphan("10.3.0.20", HERE), undefined, "10.3.0.20"],
  ["another host", orphan("10.3.0.20", ELSEWHERE), undefined, "10.3.0.10"],
  ["a host at the same address, by another port", orphan("10.3.0.20", HERE, 4500), undefined, "10.3.0.10"],
  ["the client itself, behind a NAT", orphan("10.3.0.20", THERE, 41_001), THERE, "10.3.0.20"],
  ["another host behind its NAT", orphan("10.3.0.20", THERE, 42_000), THERE, "10.3.0.10"],
  ["a host behind a NAT that lets ESP through", orphan("10.3.0.20", THERE), THERE, "10.3.0.10"],
  ["a client whose address is of no pool", orphan("10.4.0.20", HERE), undefined, "10.3.0.10"],
];
for (const [who, left, behind, got] of AFTER_CRASH) {
  Deno.test(`after a crash ${who} comes, and has ${got}`, async () => {
    const on = new Road();
    on.gate.kernel.orphaned = [left];
    await on.gate.add("road", road());
    await on.client(behind ? "192.168.1.2" : HERE, { ...(behind && { behind }) });
    equal(reached(on.gate), [got], on.gate.log.join("\n"));
  });
}

Deno.test("after a crash an address whose SAs go on is nobody's, until they have been silent for long", async () => {
  const on = new Road();
  on.gate.kernel.orphaned = [orphan("10.3.0.10", "203.0.113.200")];
  await on.gate.add("road", road("10.3.0.10-10.3.0.11"));
  await on.client(HERE);
  equal(reached(on.gate), ["10.3.0.11"]);
  await on.client(THERE);
  equal(said(on.gate, "no address for").length, 1);
  await on.seconds(900);
  ok(said(on.gate, "10.3.0.10/32 may be given away again").length);
  await on.client(ELSEWHERE);
  equal(reached(on.gate), ["10.3.0.11", "10.3.0.10"]);
});

Deno.test("a pool that overlaps another one is refused; the same range is shared", async () => {
  const { gate } = new Road();
  await gate.add("road", road());
  const clash = await gate.add("other", road("10.3.0.0/24"));
  ok(
    clash.lines.includes(
      `023 address pool 10.3.0.1-10.3.0.254 overlaps ${POOL} of "road": make them the same, or apart`,
    ),
    clash.lines.join("\n"),
  );
  equal([...gate.pluto.parts.connections].map(({ name }) => name), ["road"]);
  await gate.add("same", road());
  equal(gate.connection("same").name, "same");
});

Deno.test("Mode Config tells name servers, domain and banner, and the networks behind the gateway", async () => {
  const on = new Road();
  await on.gate.add(
    "road",
    road(POOL, {
      modecfgDns: ["10.0.1.53", "10.0.1.54"],
      modecfgDomains: ["office.example", "lab.example"],
      modecfgBanner: "Mind the gap",
    }),
  );
  const laptop = await on.client(HERE);
  const told = ["Received DNS 10.0.1.53", "Received DNS 10.0.1.54", "Received subnet 10.0.1.0/24"];
  for (const line of [...told, "Received Cisco Domain: office.example", "Received Cisco Banner: Mind the gap"]) {
    ok(said(laptop, line).length, `${line}\n${laptop.log.join("\n")}`);
  }
});
