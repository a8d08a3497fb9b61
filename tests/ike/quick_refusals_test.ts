/** What does not fit in Quick Mode: both ends say why, in FreeS/WAN's words where it had any, and the attempt ends at once. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Refusal } from "../../lib/ike/host.ts";
import { natBefore } from "./_phase1.ts";
import { type Given, ipsecSas, keyedWorld, startQuick, subnet } from "./_phase2.ts";

interface Case {
  readonly given?: Given;
  /** Of the responder's host, instead of a connection. */
  readonly refusal?: Refusal;
  /** Lines of the responder, then of the initiator. */
  readonly east: readonly string[];
  readonly west: readonly string[];
}

const WEST_BEGINS = [
  "002 initiating Quick Mode PSK+ENCRYPT+TUNNEL+PFS+UP {using isakmp#1}",
  "112 STATE_QUICK_I1: initiate",
];
const MEANS_PROPOSAL =
  "003 received informational payload, type NO_PROPOSAL_CHOSEN: the peer accepts no proposal of ours: " +
  "compare esp=, ah=, pfs= and compress= of both ends, or see its log";
const MEANS_IDS =
  "003 received informational payload, type INVALID_ID_INFORMATION: the peer has no connection for these " +
  "networks: leftsubnet= and rightsubnet= must be the same at both ends";
const MEANS_VHOST = `${MEANS_IDS}. 192.0.2.1/32 is the address that this host has behind NAT: there ` +
  "rightsubnet=vhost:%priv,%no takes it, and virtual_private= with %v4:192.0.2.1/32, or a network around it";
const NO_CONNECTION = "cannot respond to IPsec SA request because no connection is known for " +
  "10.9.0.0/24===192.0.2.2[@east]...192.0.2.1[@west]===10.1.0.0/24";
const CBC = { protocol: "esp", cipher: "aes256", auth: "sha2_512-256" } as const;

const CASES: [what: string, Case][] = [
  ["other algorithms", {
    given: { east: { ipsecSuites: [CBC] } },
    east: [
      "003 Proposal 0, ESP Transform 0: policy does not have aes128gcm16",
      "003 no acceptable Proposal in IPsec SA",
      "214 STATE_QUICK_R0: NO_PROPOSAL_CHOSEN",
    ],
    west: [MEANS_PROPOSAL, "214 STATE_QUICK_I1: NO_PROPOSAL_CHOSEN"],
  }],
  ["no PFS where the responder requires it", {
    given: { west: { pfs: false } },
    east: [
      "003 Proposal 0, ESP Transform 0: policy requires PFS",
      "003 we require PFS but Quick I1 SA specifies no GROUP_DESCRIPTION",
      "214 STATE_QUICK_R0: NO_PROPOSAL_CHOSEN",
    ],
    west: [MEANS_PROPOSAL, "214 STATE_QUICK_I1: NO_PROPOSAL_CHOSEN"],
  }],
  ["a group of the past that the responder does not name", {
    given: { west: { pfsGroup: "modp1024" } },
    east: [
      "003 Proposal 0, ESP Transform 0: policy does not have modp1024 for PFS",
      "003 no acceptable Proposal in IPsec SA",
      "214 STATE_QUICK_R0: NO_PROPOSAL_CHOSEN",
    ],
    west: [MEANS_PROPOSAL, "214 STATE_QUICK_I1: NO_PROPOSAL_CHOSEN"],
  }],
  ["transport mode for networks", {
    given: { west: { mode: "transport" } },
    east: [
      "003 Proposal 0, ESP Transform 0: policy requires tunnel mode",
      "003 no acceptable Proposal in IPsec SA",
      "214 STATE_QUICK_R0: NO_PROPOSAL_CHOSEN",
    ],
    west: [MEANS_PROPOSAL, "214 STATE_QUICK_I1: NO_PROPOSAL_CHOSEN"],
  }],
  ["AH where the responder wants ESP", {
    given: { west: { ipsecSuites: [{ protocol: "ah", auth: "sha2_256-128" }] } },
    east: [
      "003 Proposal 0 has no ESP, which policy requires",
      "003 no acceptable Proposal in IPsec SA",
      "214 STATE_QUICK_R0: NO_PROPOSAL_CHOSEN",
    ],
    west: [MEANS_PROPOSAL, "214 STATE_QUICK_I1: NO_PROPOSAL_CHOSEN"],
  }],
  ["networks that no connection of the responder has", {
    given: { westEnd: { client: subnet("10.1.0.0/24") }, eastEnd: { client: subnet("10.9.0.0/24") } },
    refusal: { refused: NO_CONNECTION, notify: 18 },
    east: [`003 ${NO_CONNECTION}`, "218 STATE_QUICK_R0: INVALID_ID_INFORMATION"],
    west: [MEANS_IDS, "218 STATE_QUICK_I1: INVALID_ID_INFORMATION"],
  }],
  ["the address of an initiator behind NAT", {
    given: { westEnd: {}, westNat: natBefore("west", "192.0.2.1") },
    refusal: { refused: NO_CONNECTION, notify: 18 },
    east: [`003 ${NO_CONNECTION}`, "218 STATE_QUICK_R0: INVALID_ID_INFORMATION"],
    west: [MEANS_VHOST, "218 STATE_QUICK_I1: INVALID_ID_INFORMATION"],
  }],
];
for (const [what, { given, refusal, east: eastSays, west: westSays }] of CASES) {
  Deno.test(`Quick Mode refuses ${what}`, async () => {
    const world = await keyedWorld(given);
    const { west, east } = world;
    if (refusal) east.host.chooseByClients = () => Promise.resolve(refusal);
    startQuick(west);
    await world.pass(2);
    deepEqual(east.host.told, eastSays);
    deepEqual(west.host.told, [...WEST_BEGINS, ...westSays]);
    deepEqual(west.host.events, ["gave up #2", "gone #2"]);
    deepEqual(east.host.events, ["gone #2"]);
    deepEqual([west.names, east.names], [["MAIN_I4"], ["MAIN_R3"]]);
  });
}

Deno.test("an ISAKMP-only connection begins no Quick Mode", async () => {
  const world = await keyedWorld({ both: { ipsecSuites: [] } });
  const [net] = world.west.host.connections;
  const started = world.west.engine.startQuick(world.west.isakmp[0], net, { replaces: 0, attempt: 1 });
  ok("refused" in started);
  equal(started.refused, "cannot initiate Quick Mode for an ISAKMP-only connection");
  deepEqual(world.west.names, ["MAIN_I4"]);
});

for (const [which, method] of [["inbound", "installInbound"], ["outbound", "installOutbound"]] as const) {
  Deno.test(`a packet engine that takes no ${which} SA: the initiator sends no QI2, and its attempt ends`, async () => {
    const world = await keyedWorld();
    const { west, east } = world;
    const gone: number[] = [];
    west.host[method] = () => Promise.resolve(`KLIPS refuses the ${which} SA`);
    west.host.gone = (state) => void (state.kind === "ipsec" && gone.push(state.protocols.length));
    startQuick(west);
    await world.pass(2);
    deepEqual(west.host.told, [
      ...WEST_BEGINS,
      `003 KLIPS refuses the ${which} SA`,
      "032 STATE_QUICK_I1: internal error",
    ]);
    deepEqual(west.names, ["MAIN_I4"]);
    ok(west.host.events.includes("gave up #2"), world.story);
    deepEqual(gone, [1], "the host knows what to remove");
    equal(east.host.told.at(-1), "003 received Delete SA payload: deleting IPSEC State #2");
    deepEqual(east.names, ["MAIN_R3"]);
    west.host[method] = () => Promise.resolve(undefined);
    startQuick(west);
    await world.pass(2);
    deepEqual([ipsecSas(west)[0].isEstablished, ipsecSas(east)[0].isEstablished], [true, true]);
  });
}

Deno.test("a responder whose packet engine takes no inbound SA refuses, and both attempts end", async () => {
  const world = await keyedWorld();
  const { west, east } = world;
  const install = east.host.installInbound.bind(east.host);
  east.host.installInbound = () => Promise.resolve("KLIPS refuses the inbound SA");
  startQuick(west);
  await world.pass(2);
  deepEqual(east.host.told, ["003 KLIPS refuses the inbound SA", "214 STATE_QUICK_R0: NO_PROPOSAL_CHOSEN"]);
  deepEqual(west.host.told.slice(-2), [MEANS_PROPOSAL, "214 STATE_QUICK_I1: NO_PROPOSAL_CHOSEN"]);
  deepEqual([west.names, east.names], [["MAIN_I4"], ["MAIN_R3"]]);
  east.host.installInbound = install;
  startQuick(west);
  await world.pass(2);
  deepEqual([ipsecSas(west)[0].isEstablished, ipsecSas(east)[0].isEstablished], [true, true]);
});

Deno.test("a responder whose packet engine takes no outbound SA tells the initiator, which believes it established", async () => {
  const world = await keyedWorld();
  const { west, east } = world;
  const install = east.host.installOutbound.bind(east.host);
  east.host.installOutbound = () => Promise.resolve("KLIPS is not ready");
  const deleted: string[] = [];
  west.host.peerDeleted = (state) => void deleted.push(state.name);
  startQuick(west);
  await world.pass(2);
  deepEqual(east.host.told.slice(-2), ["003 KLIPS is not ready", "032 STATE_QUICK_R1: internal error"]);
  deepEqual(east.names, ["MAIN_R3"]);
  deepEqual(deleted, ["QUICK_I2"]);
  east.host.installOutbound = install;
  startQuick(west);
  await world.pass(2);
  ok(ipsecSas(east)[0].isEstablished, world.story);
});
