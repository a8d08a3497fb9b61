/** What opportunism lets past the policies of others: questions to the DNS, and no more than it must. */
import { deepStrictEqual as equal } from "node:assert/strict";
import { Opportunistic } from "../../lib/pluto/opportunistic.ts";
import { DNS_PROTOCOLS } from "../../lib/pluto/dns_passage.ts";
import { subnetOf } from "../../lib/text/subnet.ts";
import { FakeClock } from "../ike/_fake_clock.ts";
import { address, allTurns, description, House } from "./_fakes.ts";

const SERVER = "203.0.113.53";
const PASSAGES = [
  `192.0.2.1/32:0 -17-> ${SERVER}/32:53 => %pass`,
  `192.0.2.1/32:0 -6-> ${SERVER}/32:53 => %pass`,
];
const GROUP = { left: { client: undefined }, right: { client: undefined, nextHop: undefined, id: undefined } };
const NEVER = { psk: false, encrypt: false } as const;
const OE = { psk: false, rsasig: true } as const;
const opportunists = (failure: "pass" | "drop") =>
  description({ ...OE, ...GROUP, failure, right: { ...GROUP.right, host: "%opportunisticgroup" } });
const shunts = (shunt: "pass" | "drop") =>
  description({ ...NEVER, ...GROUP, shunt, right: { ...GROUP.right, host: "%group" } });

/** The group whose network the name server is in, beside `private-or-clear` for everybody. */
const NETWORKS: [what: string, group: ReturnType<typeof description>, isAsked: boolean][] = [
  ["clear", shunts("pass"), true],
  ["block", shunts("drop"), false],
  ["private", opportunists("drop"), false],
  ["private-or-clear", opportunists("pass"), true],
];
for (const [what, group, isAsked] of NETWORKS) {
  Deno.test(`a name server in a network of ${what} is ${isAsked ? "" : "not "}asked in the clear`, async () => {
    const file = (net: string, bits: number) => ({
      path: "F",
      subnets: [{ subnet: subnetOf(address(net), bits), line: 1 }],
      complaints: [],
    });
    const house = new House(new FakeClock(allTurns), {
      address: "192.0.2.1",
      groups: { everybody: file("0.0.0.0", 0), few: file("203.0.113.0", 24) },
      deps: {
        makeOpportunism: (parts) =>
          new Opportunistic(parts, {
            dns: { lookup: () => Promise.reject(new Error("nobody is asked")) },
            dnssec: "ignore",
            waitSeconds: 8,
            nameServers: () => [{ address: address(SERVER), port: 53, protocols: DNS_PROTOCOLS }],
          }),
      },
    });
    for (const [name, connection] of [["everybody", opportunists("pass")], ["few", group]] as const) {
      await house.add(name, connection);
      await house.whack({ name, route: true });
    }
    equal(house.kernel.table.filter((line) => line.includes(`${SERVER}/32`)), isAsked ? PASSAGES : []);
  });
}
