/** Which questions to the DNS are let past the policies that wait for their answers. */
import { deepStrictEqual as equal } from "node:assert/strict";
import { DNS_PROTOCOLS, DnsPassage, type NameServer, type PassageNeeds } from "../../lib/pluto/dns_passage.ts";
import type { Flow } from "../../lib/pluto/kernel.ts";
import { hostSubnet, subnetOf } from "../../lib/text/subnet.ts";
import { address, FakeKernel } from "./_fakes.ts";

const OURS = address("192.0.2.1");
const server = (text: string, more: Partial<NameServer> = {}): NameServer => ({
  address: address(text),
  port: 53,
  protocols: DNS_PROTOCOLS,
  ...more,
});
const pair = (ours: string, peers: string): Flow => ({
  ours: hostSubnet(address(ours)),
  peers: hostSubnet(address(peers)),
  protocol: 0,
  ourPort: 0,
  peersPort: 0,
});
const needs = (more: Partial<PassageNeeds>): PassageNeeds => ({ askers: [OURS], servers: [], stopped: [], ...more });

const ANYWHERE = ["192.0.2.1/32:0 -17-> 0.0.0.0/0:53 => %pass", "192.0.2.1/32:0 -6-> 0.0.0.0/0:53 => %pass"];
const CASES: [what: string, needs: PassageNeeds, flows: string[]][] = [
  ["none without opportunism", needs({ askers: [] }), []],
  ["port 53 of anybody", needs({}), ANYWHERE],
  ["the servers that we ask, by their ports", needs({ servers: [server("203.0.113.53", { port: 5353 })] }), [
    ...ANYWHERE,
    "192.0.2.1/32:0 -17-> 203.0.113.53/32:5353 => %pass",
    "192.0.2.1/32:0 -6-> 203.0.113.53/32:5353 => %pass",
  ]],
  [
    "an HTTPS server",
    needs({ servers: [server("203.0.113.53", { port: 443, protocols: ["tcp"] })] }),
    [...ANYWHERE, "192.0.2.1/32:0 -6-> 203.0.113.53/32:443 => %pass"],
  ],
  [
    "no servers of another family, and not ourselves",
    needs({ servers: [server("2001:db8::53"), server("192.0.2.1")] }),
    [
      ...ANYWHERE,
    ],
  ],
  ["both ways between hosts whose traffic waits", needs({ stopped: [pair("192.0.2.1", "198.51.100.2")] }), [
    ...ANYWHERE,
    "192.0.2.1/32:0 -17-> 198.51.100.2/32:53 => %pass",
    "192.0.2.1/32:53 -17-> 198.51.100.2/32:0 => %pass",
    "192.0.2.1/32:0 -6-> 198.51.100.2/32:53 => %pass",
    "192.0.2.1/32:53 -6-> 198.51.100.2/32:0 => %pass",
  ]],
  ["nothing of other hosts behind us", needs({ stopped: [pair("10.1.0.5", "198.51.100.2")] }), ANYWHERE],
  [
    "nothing of networks",
    needs({ stopped: [{ ...pair("192.0.2.1", "198.51.100.2"), peers: subnetOf(address("198.51.100.0"), 24) }] }),
    ANYWHERE,
  ],
];
for (const [what, wanted, flows] of CASES) {
  Deno.test(`DnsPassage lets pass ${what}`, async () => {
    const kernel = new FakeKernel([]);
    equal(await new DnsPassage(kernel).settle(wanted), undefined);
    equal(kernel.table, flows);
  });
}

Deno.test("DnsPassage changes only what is different, and takes back what is not needed", async () => {
  const kernel = new FakeKernel([]);
  const passage = new DnsPassage(kernel);
  await passage.settle(needs({}));
  await passage.settle(needs({ stopped: [pair("192.0.2.1", "198.51.100.2")] }));
  equal(kernel.calls.length, 6);
  await passage.settle(needs({}));
  equal(kernel.table, ANYWHERE);
  await passage.settle(needs({ askers: [] }));
  equal(kernel.table, []);
});

Deno.test("DnsPassage says what could not be done, and tries again", async () => {
  const kernel = new FakeKernel([]);
  const passage = new DnsPassage(kernel);
  kernel.refuse = "replace 192.0.2.1/32:0 -6->";
  equal(
    await passage.settle(needs({})),
    "questions to the DNS from 192.0.2.1 may be held: refused: replace 192.0.2.1/32:0 -6-> 0.0.0.0/0:53 => %pass",
  );
  kernel.refuse = undefined;
  await passage.settle(needs({}));
  equal(kernel.table, ANYWHERE);
});
