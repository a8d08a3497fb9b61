import { deepEqual, equal } from "node:assert/strict";
import type { Flow } from "../../lib/pluto/kernel.ts";
import { Orphans } from "../../lib/pluto/orphans.ts";
import { formatSaId } from "../../lib/text/sa_id.ts";
import { parseSubnet, type Subnet } from "../../lib/text/subnet.ts";

function subnet(text: string): Subnet {
  const parsed = parseSubnet(text, "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const flow = (ours: string, peers: string): Flow => ({
  ours: subnet(ours),
  peers: subnet(peers),
  protocol: 0,
  ourPort: 0,
  peersPort: 0,
});
const OFFICE = flow("10.1.0.0/24", "10.2.0.0/24"), MANUAL = flow("10.1.0.0/24", "10.3.0.0/24");
const SHUNT = flow("10.1.0.0/24", "10.4.0.0/24");

function eroute(ours: string, peers: string, sa: string) {
  return { source: ours, sourcePort: 0, destination: peers, destinationPort: 0, protocol: 0, sa };
}

function left(): Orphans {
  return new Orphans([
    { said: "tun0x1004@192.0.2.2" },
    { said: "tun0x1003@192.0.2.1", policy: { source: "10.2.0.0/24", destination: "10.1.0.0/24" } },
    { said: "esp0xa0000001@192.0.2.1" },
    { said: "tun0x202@192.0.2.3" },
    { said: "tun0x201@192.0.2.1", policy: { source: "10.3.0.0/24", destination: "10.1.0.0/24" } },
  ], [
    eroute("10.1.0.0/24", "10.2.0.0/24", "tun0x1004@192.0.2.2"),
    eroute("10.1.0.0/24", "10.3.0.0/24", "tun0x202@192.0.2.3"),
    eroute("10.1.0.0/24", "10.4.0.0/24", "%trap"),
  ]);
}

Deno.test("Orphans: numbers of tunnels go on after the highest that is there", () => {
  equal(left().highestTunnel, 0x1004);
  equal(new Orphans([], []).highestTunnel, undefined);
});

Deno.test("Orphans: an eroute into pluto's SAs, or a shunt, is nobody's; what was keyed by hand is left alone", () => {
  const orphans = left();
  deepEqual([OFFICE, SHUNT, MANUAL].map((one) => orphans.has(one)), [true, true, false]);
  deepEqual([OFFICE, SHUNT, MANUAL].map((one) => orphans.carries(one)), [true, false, false]);
});

Deno.test("Orphans: by which SAs they lead to their networks, and by which the answers come", () => {
  const orphans = left();
  deepEqual([...orphans].map(({ eroute }) => eroute.destination), ["10.2.0.0/24"]);
  const ids = [...orphans].map(({ target, inbound }) => [target, ...inbound].map((id) => formatSaId(id)));
  deepEqual(ids, [["tun.1004@192.0.2.2", "tun.1003@192.0.2.1"]]);
  orphans.release(OFFICE);
  deepEqual([...orphans], []);
});

Deno.test("Orphans: who takes the flow releases its SAs of both directions, once", () => {
  const orphans = left();
  const { outbound, inbound } = orphans.release(OFFICE);
  deepEqual([outbound, inbound].map((ids) => ids.map((id) => formatSaId(id))), [["tun.1004@192.0.2.2"], [
    "tun.1003@192.0.2.1",
  ]]);
  equal(orphans.has(OFFICE), false);
  deepEqual(orphans.release(OFFICE), { outbound: [], inbound: [] });
  deepEqual(orphans.release(SHUNT), { outbound: [], inbound: [] });
});
