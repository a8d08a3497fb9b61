/** --status byte for byte, as scripts read it (whack.md §9). */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { IkeState, StateName } from "../../lib/ike/state.ts";
import type { Connection } from "../../lib/pluto/connection.ts";
import { Connections } from "../../lib/pluto/connections.ts";
import { makeMember } from "../../lib/pluto/groups.ts";
import { StateNotes } from "../../lib/pluto/state_notes.ts";
import { connectionLines, statusJson, statusLines } from "../../lib/pluto/status.ts";
import { hostSubnet } from "../../lib/text/subnet.ts";
import { make, WEST } from "./_connections.ts";
import { address } from "./_fakes.ts";

const NEVER = { psk: false, rsasig: false, encrypt: false, keyingTries: 0 } as const;
const RSA = { psk: false, rsasig: true, keyingTries: 0 } as const;
const OURS = { client: undefined, id: "%myid" } as const;
const NOW = 1_000_000;

function state(
  connection: Connection,
  number: number,
  name: StateName,
  event: [name: "EVENT_SA_REPLACE" | "EVENT_RETRANSMIT" | "EVENT_SA_REPLACE_IF_USED", seconds: number],
): IkeState {
  const common = {
    number,
    name,
    role: "initiator",
    connection,
    path: { local: WEST.address, localPort: 500, remote: connection.peers.host, remotePort: 500 },
    isEstablished: event[0] !== "EVENT_RETRANSMIT",
    attempt: 1,
    replaces: 0,
    event: { name: event[0], atMs: NOW + event[1] * 1000 },
  };
  if (!name.startsWith("QUICK")) return { ...common, kind: "isakmp" } as unknown as IkeState;
  const protocols = [{ suite: { protocol: "esp" }, outboundSpi: 0x4a8f1c20, inboundSpi: 0x9b03d711 }];
  return {
    ...common,
    kind: "ipsec",
    isakmp: 1,
    mode: "tunnel",
    protocols,
    ourClient: connection.ours.net,
    peersClient: connection.peers.net,
  } as unknown as IkeState;
}

/** whack.md §9.5; but a member of a group has the priority of its own network. */
function worked() {
  const connections = new Connections();
  const group = make("clear", {
    ...NEVER,
    left: OURS,
    right: { host: "%group", client: undefined, id: undefined, nextHop: undefined },
    shunt: "pass",
  });
  group.policy.grouted = true;
  const member = makeMember(group, hostSubnet(address("203.0.113.5")));
  member.routing = "ROUTED_PROSPECTIVE";
  const netNet = make("net-net", RSA);
  netNet.policy.up = true;
  netNet.routing = "ROUTED_TUNNEL";
  netNet.erouteOwner = netNet.newestIpsec = 2;
  netNet.newestIsakmp = 1;
  const packetdefault = make("packetdefault", {
    ...RSA,
    keyingTries: 3,
    ipsecLifetimeSeconds: 3600,
    dontRekey: true,
    failure: "pass",
    left: { ...OURS, client: "0.0.0.0/0", dnsKeyOnDemand: true },
    right: { host: "%opportunistic", client: undefined, id: undefined, nextHop: undefined },
  });
  packetdefault.routing = "ROUTED_PROSPECTIVE";
  const road = make("road", {
    ...RSA,
    left: { client: undefined },
    right: { host: "%any", client: undefined, id: "@laptop", nextHop: undefined },
  });
  for (const one of [road, packetdefault, netNet, group, member]) connections.add(one);
  const notes = new StateNotes();
  notes.of(2).tunnels = { tunnelOut: 0x1002, tunnelIn: 0x1001 };
  const states = [
    state(netNet, 1, "MAIN_I4", ["EVENT_SA_REPLACE", 2504]),
    state(netNet, 2, "QUICK_I2", ["EVENT_SA_REPLACE", 27804]),
  ];
  return {
    interfaces: [WEST],
    myId: "(none)",
    debug: [],
    connections: connections.sorted(),
    states,
    pending: [],
    shunts: [],
    notes,
    addressPools: { of: () => ({ addresses: 90n, inUse: 1, kept: 2 }), *[Symbol.iterator]() {} },
    now: NOW,
  };
}

Deno.test("connectionLines() of a template say how much of its pool is in use, of an instance its address", () => {
  const pool = { host: "%any", client: undefined, id: undefined, addressPool: "10.3.0.10-10.3.0.99" };
  const road = make("road", { right: pool });
  const one = road.instantiate(address("203.0.113.9"));
  one.lease = { address: address("10.3.0.10"), holder: "user alice", owners: new Set([one]) };
  one.peers.client = hostSubnet(address("10.3.0.10"));
  const { addressPools } = worked();
  equal([road, one].map((c) => connectionLines(c, new Map(), addressPools).filter((line) => line.includes("pool"))), [
    ['"road":   address pool: 10.3.0.10-10.3.0.99; 90 addresses; in use: 1; kept for their return: 2; '],
    ['"road"[1]:   address pool: user alice has 10.3.0.10 of 10.3.0.10-10.3.0.99; '],
  ]);
  equal(one.topology.endsWith("===10.3.0.10/32"), true);
});

/** The line about dpd is ours: it is in use for strangers. */
const EXAMPLE = `000 interface ipsec0/eth1 192.0.2.1
000 %myid = (none)
000 debug none
000  
000 "clear": 192.0.2.1[%myid]---192.0.2.254...%group; unrouted; eroute owner: #0
000 "clear":   ike_life: 3600s; ipsec_life: 28800s; rekey_margin: 540s; rekey_fuzz: 100%; keyingtries: 0
000 "clear":   policy: TUNNEL+PFS+GROUP+GROUTED+PASS+NEVER_NEGOTIATE; prio: 32,0; interface: eth1; 
000 "clear":   newest ISAKMP SA: #0; newest IPsec SA: #0; 
000 "clear#203.0.113.5/32": 192.0.2.1[%myid]---192.0.2.254...%any===203.0.113.5/32; prospective erouted; eroute owner: #0
000 "clear#203.0.113.5/32":   ike_life: 3600s; ipsec_life: 28800s; rekey_margin: 540s; rekey_fuzz: 100%; keyingtries: 0
000 "clear#203.0.113.5/32":   policy: TUNNEL+PFS+PASS+NEVER_NEGOTIATE; prio: 32,32; interface: eth1; 
000 "clear#203.0.113.5/32":   newest ISAKMP SA: #0; newest IPsec SA: #0; 
000 "net-net": 10.0.1.0/24===192.0.2.1[@west]---192.0.2.254...198.51.100.254---198.51.100.2[@east]===10.0.2.0/24; erouted; eroute owner: #2
000 "net-net":   ike_life: 3600s; ipsec_life: 28800s; rekey_margin: 540s; rekey_fuzz: 100%; keyingtries: 0
000 "net-net":   policy: RSASIG+ENCRYPT+TUNNEL+PFS+UP; prio: 24,24; interface: eth1; 
000 "net-net":   newest ISAKMP SA: #1; newest IPsec SA: #2; 
000 "packetdefault": 0.0.0.0/0===192.0.2.1[%myid]---192.0.2.254...%opportunistic; prospective erouted; eroute owner: #0
000 "packetdefault":   ike_life: 3600s; ipsec_life: 3600s; rekey_margin: 540s; rekey_fuzz: 100%; keyingtries: 3
000 "packetdefault":   policy: RSASIG+ENCRYPT+TUNNEL+PFS+DONTREKEY+OPPORTUNISTIC+failurePASS+lKOD+rKOD; prio: 0,0; interface: eth1; 
000 "packetdefault":   dpd: action:clear; delay:20; timeout:60; 
000 "packetdefault":   newest ISAKMP SA: #0; newest IPsec SA: #0; 
000 "road": 192.0.2.1[@west]---192.0.2.254...%any[@laptop]; unrouted; eroute owner: #0
000 "road":   ike_life: 3600s; ipsec_life: 28800s; rekey_margin: 540s; rekey_fuzz: 100%; keyingtries: 0
000 "road":   policy: RSASIG+ENCRYPT+TUNNEL+PFS; prio: 32,32; interface: eth1; 
000 "road":   newest ISAKMP SA: #0; newest IPsec SA: #0; 
000  
000 #2: "net-net" STATE_QUICK_I2 (sent QI2, IPsec SA established); EVENT_SA_REPLACE in 27804s; newest IPSEC; eroute owner
000 #2: "net-net" esp.4a8f1c20@198.51.100.2 esp.9b03d711@192.0.2.1 tun.1002@198.51.100.2 tun.1001@192.0.2.1
000 #1: "net-net" STATE_MAIN_I4 (ISAKMP SA established); EVENT_SA_REPLACE in 2504s; newest ISAKMP
000  
`;

Deno.test("statusLines() gives the worked example of whack.md §9.5", () => {
  equal(statusLines(worked()).map((line) => `000 ${line}\n`).join(""), EXAMPLE);
});

Deno.test("statusLines(): what is queued stands behind its ISAKMP SA, and an eroute that is used says since when", () => {
  const facts = worked();
  const netNet = facts.connections.find(({ name }) => name === "net-net")!;
  facts.notes.of(2).usedAt = NOW - 12_000;
  const third = state(netNet, 3, "MAIN_I1", ["EVENT_RETRANSMIT", 8]);
  const pending = [{ isakmp: 3, connection: netNet, attempt: 1, replaces: 0 }];
  const lines = statusLines({ ...facts, states: [...facts.states, third], pending }).filter((line) => line[0] === "#");
  equal(lines, [
    '#3: "net-net" STATE_MAIN_I1 (sent MI1, expecting MR1); EVENT_RETRANSMIT in 8s',
    '#3: pending Phase 2 for "net-net" replacing #0',
    '#2: "net-net" STATE_QUICK_I2 (sent QI2, IPsec SA established); EVENT_SA_REPLACE in 27804s; newest IPSEC; eroute owner',
    '#2: "net-net" used 12s ago; esp.4a8f1c20@198.51.100.2 esp.9b03d711@192.0.2.1 tun.1002@198.51.100.2 tun.1001@192.0.2.1',
    '#1: "net-net" STATE_MAIN_I4 (ISAKMP SA established); EVENT_SA_REPLACE in 2504s; newest ISAKMP',
  ]);
});

Deno.test("statusLines(): bare shunts with their reasons", () => {
  const flow = (peer: string) => ({
    ours: hostSubnet(address("192.0.2.1")),
    peers: hostSubnet(address(peer)),
    protocol: 0,
    ourPort: 0,
    peersPort: 0,
  });
  const shunts = [
    {
      flow: flow("203.0.113.10"),
      kind: "pass" as const,
      priority: 1,
      reason: "our client's TXT record: no host 1.2.0.192.in-addr.arpa. for TXT record",
      packets: 0,
      activeAt: 0,
    },
    {
      flow: flow("203.0.113.11"),
      kind: "hold" as const,
      priority: 0,
      reason: "%acquire-pfkey",
      packets: 0,
      activeAt: 0,
    },
  ];
  equal(statusLines({ ...worked(), shunts }).slice(-2), [
    "192.0.2.1/32:0 -0-> 203.0.113.10/32:0 => %pass 0,0    our client's TXT record: no host 1.2.0.192.in-addr.arpa. for TXT record",
    "192.0.2.1/32:0 -0-> 203.0.113.11/32:0 => %hold 0    %acquire-pfkey",
  ]);
});

Deno.test("connectionLines(): an opportunistic instance has its number, and no more", () => {
  const template = make("oe", {
    ...RSA,
    left: { client: undefined, id: undefined, nextHop: undefined },
    right: { host: "%opportunistic", client: undefined, nextHop: undefined },
  });
  const one = template.instantiate(address("198.51.100.2"), { kind: "any", family: "inet" });
  one.peers.client = hostSubnet(address("203.0.113.21"));
  const two = template.instantiate(address("198.51.100.2"), { kind: "any", family: "inet" });
  two.peers.client = hostSubnet(address("0.0.0.0"));
  one.routing = "ROUTED_TUNNEL";
  one.erouteOwner = 2;
  equal([one, two].map((instance) => connectionLines(instance)[0]), [
    '"oe"[1]: 192.0.2.1...198.51.100.2===203.0.113.21/32; erouted; eroute owner: #2',
    '"oe"[2]: 192.0.2.1...198.51.100.2===?; unrouted; eroute owner: #0',
  ]);
});

Deno.test("statusLines() without anything: only what separates the sections", () => {
  const nothing = { ...worked(), interfaces: [], connections: [], states: [] };
  equal(statusLines(nothing), ["%myid = (none)", "debug none", " ", " ", " "]);
});

Deno.test("statusLines() says what the newest SAs are made with", () => {
  const facts = worked();
  const suite = { cipher: "aes", keyBits: 256, hash: "sha2_256", group: "modp2048" };
  const protocols = [
    { suite: { protocol: "esp", cipher: "aes128gcm16" }, outboundSpi: 1, inboundSpi: 2 },
    { suite: { protocol: "ah", auth: "sha1-96" }, outboundSpi: 3, inboundSpi: 4 },
    { suite: { protocol: "ipcomp" }, outboundSpi: 5, inboundSpi: 6 },
  ];
  const states = [
    { ...facts.states[0], suite },
    { ...facts.states[1], protocols, pfsGroup: "ecp256" },
  ] as unknown as IkeState[];
  equal(statusLines({ ...facts, states }).filter((line) => line.includes("algorithm")), [
    '"net-net":   IKE algorithm newest: AES_CBC_256-SHA2_256-MODP2048',
    '"net-net":   ESP algorithm newest: AES_GCM_16_128-NONE; pfsgroup=ECP256',
    '"net-net":   AH algorithm newest: HMAC_SHA1; pfsgroup=ECP256',
  ]);
  equal(statusJson({ ...facts, states }).states.map(({ algorithms }) => algorithms), [
    "AES_GCM_16_128-NONE+HMAC_SHA1",
    "AES_CBC_256-SHA2_256-MODP2048",
  ]);
});

Deno.test("statusJson() has the same facts, and no keys", () => {
  const json = statusJson(worked());
  equal(json.connections.map(({ name, kind, routing }) => [name, kind, routing]), [
    ["clear", "group", "unrouted"],
    ["clear#203.0.113.5/32", "instance", "prospective erouted"],
    ["net-net", "permanent", "erouted"],
    ["packetdefault", "template", "prospective erouted"],
    ["road", "template", "unrouted"],
  ]);
  equal(json.states[0].event, { name: "EVENT_SA_REPLACE", inSeconds: 27804 });
  const text = JSON.stringify(json);
  ok(!/secret|inboundKeys|outboundKeys|cipher/i.test(text), text);
  equal(JSON.parse(text).states[0].sas[0], "esp.4a8f1c20@198.51.100.2");
});
