/** Which end is ours (pluto.md §5). */
import { deepStrictEqual as equal } from "node:assert/strict";
import { orient, usableInterfaces } from "../../lib/pluto/orientation.ts";
import { EAST, make, WEST } from "./_connections.ts";
import { address } from "./_fakes.ts";

const OTHER = { virtual: "ipsec1", physical: "eth2", address: address("203.0.113.1") };
const SECOND_WEST = { ...WEST, virtual: "ipsec1", physical: "eth2" };
const EAST_HERE = { ...EAST, physical: "eth2", virtual: "ipsec1" };

const CASES: [
  what: string,
  interfaces: (typeof WEST)[],
  device: string | undefined,
  ours: string,
  complaint?: string,
][] = [
  ["the left end is ours", [OTHER, WEST], "eth1", "@west"],
  ["the right end is ours: ends are swapped", [EAST], "eth1", "@east"],
  ["neither end is ours", [OTHER], undefined, "@west"],
  ["both ends on one interface", [WEST, EAST], undefined, "@west", 'both sides of "net-net" are our interface eth1!'],
  ["both ends on two interfaces", [WEST, EAST_HERE], undefined, "@west", 'two interfaces match "net-net" (eth1, eth2)'],
  [
    "two interfaces with our address",
    [WEST, SECOND_WEST],
    undefined,
    "@west",
    'two interfaces match "net-net" (eth1, eth2)',
  ],
];
for (const [what, interfaces, device, ours, complaint] of CASES) {
  Deno.test(`orient(): ${what}`, () => {
    const connection = make("net-net", {}, undefined);
    equal(orient(connection, interfaces), complaint);
    equal(connection.interface?.physical, device);
    equal(connection.topology.includes(`[${ours}]---`) && connection.topology.split("...")[0].includes(ours), true);
  });
}

const row = (virtual: string, physical: string, ...texts: string[]) => ({
  virtual,
  physical,
  addresses: texts.map((text) => address(text)),
});
const FOUND: [what: string, rows: ReturnType<typeof row>[], only: string[], kept: string[], complaints: string[]][] = [
  ["all", [row("ipsec0", "eth0", "192.0.2.1"), row("ipsec1", "eth1", "2001:db8::1")], [], ["eth0", "eth1"], []],
  ["those asked for", [row("ipsec0", "eth0", "192.0.2.1"), row("ipsec1", "eth1", "192.0.2.2")], ["eth1"], ["eth1"], []],
  [
    "none of two with one address",
    [row("ipsec0", "eth0", "192.0.2.1"), row("ipsec1", "eth1", "192.0.2.1")],
    [],
    [],
    ["IP interfaces eth0 and eth1 share address 192.0.2.1!"],
  ],
  [
    "none of two virtual ones over one device",
    [row("ipsec0", "eth0", "192.0.2.1"), row("ipsec1", "eth0", "192.0.2.1")],
    [],
    [],
    ["ipsec interfaces ipsec0 and ipsec1 share same address 192.0.2.1"],
  ],
];
for (const [what, rows, only, kept, complaints] of FOUND) {
  Deno.test(`usableInterfaces() gives ${what}`, () => {
    const found = usableInterfaces(rows, only);
    equal(found.interfaces.map(({ physical }) => physical), kept);
    equal(found.complaints, complaints);
  });
}
