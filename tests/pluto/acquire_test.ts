/** Traps, lost holds, bare shunts and their age (pluto.md §19.2, §19.3, §19.6, §17). */
import { deepStrictEqual as equal } from "node:assert/strict";
import { connectionFor, flowOf } from "../../lib/pluto/acquire.ts";
import type { Connection } from "../../lib/pluto/connection.ts";
import type { Acquire } from "../../lib/pluto/kernel.ts";
import type { Opportunism, Unfounded } from "../../lib/pluto/opportunism.ts";
import type { FailureName } from "../../lib/pluto/policy.ts";
import { make } from "./_connections.ts";
import { address, allTurns, description, House } from "./_fakes.ts";
import { FakeClock } from "../ike/_fake_clock.ts";

const acquire = (
  more: Partial<Record<"from" | "to", string>> & Partial<Omit<Acquire, "from" | "to">> = {},
): Acquire => {
  const { from = "10.0.1.5", to = "10.0.2.7", ...rest } = more;
  return { from: address(from), to: address(to), protocol: 0, fromPort: 0, toPort: 0, ...rest };
};

function routed(
  name: string,
  more: Parameters<typeof make>[1] = {},
  routing: Connection["routing"] = "ROUTED_PROSPECTIVE",
) {
  const made = make(name, more);
  made.routing = routing;
  return made;
}

const UDP = { left: { protoPort: "17/0" }, right: { protoPort: "17/1701" } };
const CASES: [what: string, connections: () => Connection[], wanted: Acquire, found: string | undefined][] = [
  ["a routed connection", () => [routed("a")], acquire(), "a"],
  ["none that is not routed", () => [make("a")], acquire(), undefined],
  ["none for other networks", () => [routed("a")], acquire({ to: "10.0.3.1" }), undefined],
  ["the narrower one", () => [routed("wide", { right: { client: "10.0.0.0/16" } }), routed("a")], acquire(), "a"],
  [
    "no group",
    () => [routed("clear", { psk: false, shunt: "pass", right: { host: "%group", client: "10.0.0.0/8" } })],
    acquire(),
    undefined,
  ],
  [
    "none where what never negotiates is narrower",
    () => [routed("a"), routed("pass", { psk: false, shunt: "pass", right: { client: "10.0.2.7/32" } })],
    acquire(),
    undefined,
  ],
  [
    "the one with the protocol and the port",
    () => [routed("a"), routed("l2tp", UDP)],
    acquire({ protocol: 17, toPort: 1701 }),
    "l2tp",
  ],
  ["none of another port", () => [routed("l2tp", UDP)], acquire({ protocol: 17, toPort: 53 }), undefined],
];
for (const [what, connections, wanted, found] of CASES) {
  Deno.test(`connectionFor() finds ${what}`, () => equal(connectionFor(wanted, connections())?.name, found));
}

Deno.test("connectionFor() finds an instance whose template is routed, before the template", () => {
  const template = routed("oe", {
    left: { client: "0.0.0.0/0" },
    right: { host: "%opportunistic", client: undefined },
  });
  const instance = template.instantiate(address("198.51.100.2"));
  equal(connectionFor(acquire(), [template, instance]), instance);
});

const OE = description({
  psk: false,
  rsasig: true,
  dontRekey: true,
  failure: "pass",
  left: { client: "0.0.0.0/0", id: "%myid" },
  right: { host: "%opportunistic", client: undefined, id: undefined, nextHop: undefined },
});

/** What the DNS says is up to the test. */
class Oracle implements Opportunism {
  answers: (Unfounded | Promise<Unfounded>)[] = [];
  readonly asked: string[] = [];

  async initiate(template: Connection): Promise<Unfounded | undefined> {
    this.asked.push(template.name);
    return await this.answers.shift() ?? { why: "opportunism is not enabled", isUnanswered: false };
  }
  confirm(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  held(): void {}
  settle(): Promise<void> {
    return Promise.resolve();
  }
}

async function opportunistic(failure: FailureName = "pass", peers: string | undefined = undefined) {
  const clock = new FakeClock(allTurns), oracle = new Oracle();
  const one = new House(clock, { address: "192.0.2.1", deps: { makeOpportunism: () => oracle } });
  const left = peers === undefined ? OE.left : { ...OE.left, client: undefined };
  await one.add("packetdefault", { ...OE, failure, left, right: { ...OE.right, client: peers } });
  await one.whack({ name: "packetdefault", route: true });
  const trapped = async (wanted: Acquire) => {
    one.kernel.trapped(flowOf(wanted));
    one.pluto.acquire(wanted);
    await clock.pass(0);
  };
  return { one, clock, trapped, oracle };
}

const TRAP = "0.0.0.0/0:0 -0-> 0.0.0.0/0:0 => %trap";

Deno.test("opportunism that fails leaves the failure shunt, with its reason", async () => {
  const { one, trapped } = await opportunistic();
  await trapped(acquire({ from: "192.0.2.1", to: "203.0.113.10" }));
  equal(one.kernel.table, [TRAP, "192.0.2.1/32:0 -0-> 203.0.113.10/32:0 => %pass"]);
  equal(one.pluto.status().at(-1), "192.0.2.1/32:0 -0-> 203.0.113.10/32:0 => %pass 0,0    opportunism is not enabled");
});

Deno.test("opportunism that fails without a failure shunt lets the hold go", async () => {
  const { one, trapped } = await opportunistic("none");
  await trapped(acquire({ from: "192.0.2.1", to: "203.0.113.10" }));
  equal(one.kernel.table, [TRAP]);
});

Deno.test("a failure shunt without traffic goes after 900 seconds, one with traffic stays", async () => {
  const { one, trapped, clock } = await opportunistic();
  await trapped(acquire({ from: "192.0.2.1", to: "203.0.113.10" }));
  await trapped(acquire({ from: "192.0.2.1", to: "203.0.113.11" }));
  const used = one.kernel.eroutesByFlow.get("192.0.2.1/32:0 -0-> 203.0.113.11/32:0")!;
  for (let seconds = 0; seconds <= 1020; seconds += 60) {
    used.packets++;
    await clock.pass(60_000);
  }
  equal(one.kernel.table, [TRAP, "192.0.2.1/32:0 -0-> 203.0.113.11/32:0 => %pass"]);
  equal([...one.pluto.parts.shunts].length, 1);
});

const PAIR = "192.0.2.1/32:0 -0-> 203.0.113.10/32:0";
const ofPair = acquire({ from: "192.0.2.1", to: "203.0.113.10" });

/** Seconds after which a failure shunt that is always in use has gone. */
const RETRIES: [failure: "pass" | "drop" | "reject", isUnanswered: boolean, seconds: number][] = [
  ["pass", false, 3600],
  ["drop", false, 300],
  ["reject", false, 300],
  ["pass", true, 300],
  ["drop", true, 30],
  ["reject", true, 30],
];
for (const [failure, isUnanswered, seconds] of RETRIES) {
  const why = isUnanswered ? "the DNS did not answer" : "the DNS said so";
  Deno.test(`a shunt %${failure} because ${why} is in use, and tried again after ${seconds} seconds`, async () => {
    const { one, trapped, clock, oracle } = await opportunistic(failure);
    oracle.answers = [{ why, isUnanswered }];
    await trapped(ofPair);
    let passed = 0;
    for (; one.kernel.eroutesByFlow.has(PAIR); passed += 30) {
      one.kernel.eroutesByFlow.get(PAIR)!.packets++;
      await clock.pass(30_000);
    }
    equal([passed, one.kernel.table], [seconds, [TRAP]]);
  });
}

Deno.test("the trap of two hosts that a failure stood in front of is there again after it", async () => {
  const { one, trapped, clock } = await opportunistic("drop", "203.0.113.10/32");
  await trapped(ofPair);
  equal(one.kernel.table, [`${PAIR} => %drop`]);
  await clock.pass(400_000);
  equal(one.kernel.table, [`${PAIR} => %trap`]);
  await trapped(ofPair);
  equal(one.kernel.table, [`${PAIR} => %drop`], "and is met again");
});

Deno.test("the trap of two hosts without a failure shunt is there again at once", async () => {
  const { one, trapped } = await opportunistic("none", "203.0.113.10/32");
  await trapped(ofPair);
  equal(one.kernel.table, [`${PAIR} => %trap`]);
});

Deno.test("traffic that found its way while the DNS was asked keeps it, whatever the DNS says", async () => {
  const { one, trapped, oracle, clock } = await opportunistic();
  const answer = Promise.withResolvers<Unfounded>();
  oracle.answers = [answer.promise];
  await trapped(ofPair);
  // the peer was faster: its SA has taken the place of the hold
  one.pluto.parts.shunts.remove(flowOf(ofPair));
  one.kernel.eroutesByFlow.get(PAIR)!.target = "#2";
  answer.resolve({ why: "no TXT record", isUnanswered: false });
  await clock.pass(0);
  equal(one.kernel.table, [TRAP, `${PAIR} => #2`]);
});

Deno.test("a template that came while the DNS was asked for another decides", async () => {
  const { one, trapped, oracle, clock } = await opportunistic();
  const answer = Promise.withResolvers<Unfounded>();
  oracle.answers = [answer.promise];
  await trapped(ofPair);
  await one.add("private", {
    ...OE,
    failure: "drop",
    left: { ...OE.left, client: undefined },
    right: { ...OE.right, client: "203.0.113.0/24" },
  });
  await one.whack({ name: "private", route: true });
  one.kernel.trapped(flowOf(ofPair));
  one.pluto.acquire(ofPair);
  answer.resolve({ why: "no TXT record", isUnanswered: false });
  await clock.pass(0);
  equal(oracle.asked.at(-1), "private");
  equal(one.kernel.table.at(-1), `${PAIR} => %drop`);
});

Deno.test("a failure does not outlive the policy that it was of", async () => {
  const { one, trapped } = await opportunistic();
  await trapped(ofPair);
  await trapped(acquire({ from: "192.0.2.1", to: "198.51.100.9" }));
  await one.add("private", {
    ...OE,
    failure: "drop",
    left: { ...OE.left, client: undefined },
    right: { ...OE.right, client: "203.0.113.0/24" },
  });
  await one.whack({ name: "private", route: true });
  equal(one.kernel.table, [
    TRAP,
    "192.0.2.1/32:0 -0-> 198.51.100.9/32:0 => %pass",
    "192.0.2.1/32:0 -0-> 203.0.113.0/24:0 => %trap",
  ]);
});

Deno.test("a hold that nobody told of is found by the scan", async () => {
  const { one, clock } = await opportunistic();
  one.kernel.trapped(flowOf(acquire({ from: "192.0.2.1", to: "203.0.113.10" })));
  await clock.pass(121_000);
  equal(one.kernel.table, [TRAP, "192.0.2.1/32:0 -0-> 203.0.113.10/32:0 => %pass"]);
});

Deno.test("traffic of an SA is noted by the scan", async () => {
  const { one, clock } = await opportunistic();
  const connection = one.connection("packetdefault");
  connection.routing = "ROUTED_TUNNEL";
  connection.erouteOwner = 7;
  const [eroute] = [...one.kernel.eroutesByFlow.values()];
  eroute.target = "#7";
  Object.defineProperty(one.pluto.parts.engine, "states", { value: new Map([[7, { number: 7 }]]) });
  await one.pluto.scan();
  equal(one.pluto.parts.notes.of(7).usedAt, undefined);
  eroute.packets = 3;
  await one.pluto.scan();
  equal(one.pluto.parts.notes.of(7).usedAt, clock.now());
});

Deno.test("a packet without address is nobody's", async () => {
  const { one, trapped } = await opportunistic();
  await one.whack({ debug: { flags: ["oppo"] } });
  await trapped(acquire({ from: "0.0.0.0", to: "203.0.113.10" }));
  equal(one.log.at(-1), "| Can't Opportunistically initiate for 0.0.0.0 to 203.0.113.10: impossible IP address");
  equal(one.kernel.table, [TRAP]);
});

Deno.test("KLIPS that has gone is told of by the scan, and does not end it", async () => {
  const { one, clock } = await opportunistic();
  const { KernelError } = await import("../../lib/pluto/kernel.ts");
  one.kernel.eroutes = () => Promise.reject(new KernelError("ERROR: cannot read eroute/all of KLIPS"));
  await clock.pass(250_000);
  equal(one.log.filter((line) => line.includes("cannot read")).length, 2);
});
