/** Quick Mode between two engines: what is agreed upon, with what keys, and who is told what. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { AUTHENTICATORS, type AuthName, type CipherName, CIPHERS } from "../../lib/crypto/algorithms.ts";
import { CBC_NAMES } from "../../lib/crypto/algorithm_names.ts";
import { type GroupName, GROUPS } from "../../lib/crypto/dh_groups.ts";
import type { IkeConnection } from "../../lib/ike/connection.ts";
import type { IpsecSuite } from "../../lib/ike/suite.ts";
import {
  EAST_NET,
  type Given,
  ipsecSas,
  keyedWorld,
  keysOf,
  mirrored,
  startQuick,
  subnet,
  WEST_NET,
} from "./_phase2.ts";
import { address } from "./_test_host.ts";
import type { World } from "./_two_engines.ts";

async function quickWorld(given: Given = {}): Promise<World> {
  const world = await keyedWorld(given);
  startQuick(world.west);
  await world.pass(5);
  return world;
}

/** Both ends have the same SA, and each knows the other's keys. */
function agreed(world: World): void {
  const [west] = ipsecSas(world.west), [east] = ipsecSas(world.east);
  ok(west?.isEstablished && east?.isEstablished, world.story);
  deepEqual(mirrored(keysOf(west)), keysOf(east).sort());
  deepEqual([west.mode, west.lifetimeSeconds, west.pfsGroup], [east.mode, east.lifetimeSeconds, east.pfsGroup]);
  deepEqual([west.ourClient, west.peersClient], [east.peersClient, east.ourClient]);
}

const AUTHS = Object.keys(AUTHENTICATORS) as AuthName[];
const AEADS: CipherName[] = ["aes128gcm16", "aes256gcm16"];
const ESP: IpsecSuite[] = [
  ...CBC_NAMES.flatMap((cipher) => AUTHS.map((auth): IpsecSuite => ({ protocol: "esp", cipher, auth }))),
  ...AEADS.map((cipher): IpsecSuite => ({ protocol: "esp", cipher })),
];
const AH: IpsecSuite[] = AUTHS.map((auth) => ({ protocol: "ah", auth }));

for (const suite of [...ESP, ...AH]) {
  const { protocol, cipher, auth } = suite;
  Deno.test(`Quick Mode agrees on ${[protocol, cipher, auth].filter(Boolean).join("-")}`, async () => {
    const world = await quickWorld({ both: { ipsecSuites: [suite] } });
    agreed(world);
    const [{ protocols: [sa] }] = ipsecSas(world.west);
    deepEqual(sa.suite, suite);
    equal(sa.inboundKeys.cipher?.length, cipher && CIPHERS[cipher].keyBits / 8);
    equal(sa.inboundKeys.auth?.length, auth && AUTHENTICATORS[auth].keyBits / 8);
    const keys = keysOf(ipsecSas(world.west)[0]).map((line) => line.split(" ").slice(3).join(" "));
    equal(new Set(keys).size, 2);
  });
}

const GCM: IpsecSuite = { protocol: "esp", cipher: "aes128gcm16" };
const SHA: IpsecSuite = { protocol: "ah", auth: "sha1-96" };
const HOSTS = { westEnd: {}, eastEnd: {} } as const;

const BUNDLES: [what: string, Given, protocols: string][] = [
  ["ESP and AH", { both: { ipsecSuites: [GCM, SHA] } }, "ah esp"],
  ["ESP with compression", { both: { compress: true } }, "esp ipcomp"],
  ["AH, ESP and compression", { both: { ipsecSuites: [GCM, SHA], compress: true } }, "ah esp ipcomp"],
  ["compression that one end has not", { west: { compress: true } }, "esp"],
  ["transport mode", { ...HOSTS, both: { mode: "transport" } }, "esp"],
  ["transport mode with compression", { ...HOSTS, both: { mode: "transport", compress: true } }, "esp ipcomp"],
  ["a tunnel between the hosts themselves", { ...HOSTS }, "esp"],
  ["protocol and port", {
    ...HOSTS,
    both: { mode: "transport" },
    westEnd: { protocol: 17, clientPort: 1701 },
    eastEnd: { protocol: 17, clientPort: 1701 },
  }, "esp"],
  ["no PFS", { both: { pfs: false } }, "esp"],
  ["PFS that only the initiator wants", { east: { pfs: false } }, "esp"],
];
for (const [what, given, protocols] of BUNDLES) {
  Deno.test(`Quick Mode agrees on ${what}`, async () => {
    const world = await quickWorld(given);
    agreed(world);
    const [sa] = ipsecSas(world.west);
    equal(sa.protocols.map(({ suite }) => suite.protocol).join(" "), protocols);
    equal(sa.mode, given.both?.mode ?? "tunnel");
    deepEqual(world.west.host.events, ["inbound #2", "outbound #2", "established #2"]);
    deepEqual(world.east.host.events, ["inbound #2", "outbound #2", "established #2"]);
  });
}

/** The largest cost seconds of time and prove nothing more about Quick Mode. */
const SLOW: readonly GroupName[] = ["modp6144", "modp8192"];
for (const group of (Object.keys(GROUPS) as GroupName[]).filter((name) => !SLOW.includes(name))) {
  Deno.test(`Quick Mode with PFS by ${group}`, async () => {
    const world = await quickWorld({ both: { pfsGroup: group } });
    agreed(world);
    equal(ipsecSas(world.east)[0].pfsGroup, group);
  });
}

Deno.test("Quick Mode takes the group of phase 1 where none is named", async () => {
  const world = await quickWorld();
  agreed(world);
  equal(ipsecSas(world.west)[0].pfsGroup, "ecp256");
});

Deno.test("Quick Mode says what FreeS/WAN's whack and logs have", async () => {
  const suite: IpsecSuite = { protocol: "esp", cipher: "3des", auth: "md5-96" };
  const { west, east } = await quickWorld({ both: { ipsecSuites: [suite] } });
  deepEqual(west.host.told, [
    "002 initiating Quick Mode PSK+ENCRYPT+TUNNEL+PFS+UP {using isakmp#1}",
    "112 STATE_QUICK_I1: initiate",
    "002 sent QI2, IPsec SA established {ESP=>0x00001001 <0x00001000}",
    "004 STATE_QUICK_I2: sent QI2, IPsec SA established {ESP=>0x00001001 <0x00001000}",
  ]);
  deepEqual(east.host.told, [
    "002 responding to Quick Mode",
    "113 STATE_QUICK_R1: sent QR1, inbound IPsec SA installed, expecting QI2",
    "002 IPsec SA established {ESP=>0x00001000 <0x00001001}",
    "004 STATE_QUICK_R2: IPsec SA established {ESP=>0x00001000 <0x00001001}",
  ]);
});

Deno.test("Quick Mode says what it replaces", async () => {
  const world = await quickWorld();
  startQuick(world.west, { replaces: 2 });
  await world.pass(5);
  const { told } = world.west.host;
  ok(told.includes("002 initiating Quick Mode PSK+ENCRYPT+TUNNEL+PFS+UP to replace #2 {using isakmp#1}"), world.story);
  ok(told.includes("112 STATE_QUICK_I1: initiate to replace #2"));
  equal(ipsecSas(world.east).filter(({ isEstablished }) => isEstablished).length, 2);
});

Deno.test("Quick Mode takes the shorter of two lifetimes, at both ends", async () => {
  const shorterWest = await quickWorld({ west: { ipsecLifetimeSeconds: 1200 } });
  deepEqual([shorterWest.west, shorterWest.east].map((side) => ipsecSas(side)[0].lifetimeSeconds), [1200, 1200]);
  const shorterEast = await quickWorld({ east: { ipsecLifetimeSeconds: 1200 } });
  equal(ipsecSas(shorterEast.east)[0].lifetimeSeconds, 1200);
});

Deno.test("Quick Modes for one connection from both ends at once give two SAs", async () => {
  const world = await keyedWorld();
  startQuick(world.west);
  startQuick(world.east);
  await world.pass(5);
  for (const side of [world.west, world.east]) {
    deepEqual(ipsecSas(side).map(({ isEstablished, role }) => [isEstablished, role]).sort(), [
      [true, "initiator"],
      [true, "responder"],
    ]);
  }
});

Deno.test("many Quick Modes under one ISAKMP SA have message ids and keys of their own", async () => {
  const world = await keyedWorld({ both: { pfs: false } });
  for (let i = 0; i < 20; i++) startQuick(world.west);
  await world.pass(5);
  const all = ipsecSas(world.west);
  equal(all.filter(({ isEstablished }) => isEstablished).length, 20, world.story);
  equal(new Set(all.flatMap(keysOf)).size, 40);
});

Deno.test("the responder may take another connection for other networks", async () => {
  const world = await keyedWorld();
  const other: IkeConnection = {
    ...world.east.host.connections[0],
    name: "other",
    label: '"other"',
    ours: { ...world.east.host.connections[0].ours, client: subnet("10.3.0.0/24") },
  };
  const requests: unknown[] = [];
  world.east.host.chooseByClients = (_sa, request) => {
    requests.push(request);
    return Promise.resolve(other);
  };
  const [net] = world.west.host.connections;
  const wanted = { ...net, peers: { ...net.peers, client: subnet("10.3.0.0/24") } };
  startQuick(world.west, {}, wanted);
  await world.pass(5);
  agreed(world);
  equal(ipsecSas(world.east)[0].connection, other);
  deepEqual(requests, [{
    ours: { client: subnet("10.3.0.0/24"), protocol: 0, port: 0 },
    peers: { client: subnet("10.1.0.0/24"), protocol: 0, port: 0 },
    mode: "tunnel",
  }]);
});

const NAT = { inside: address("192.0.2.1"), outside: address("203.0.113.9"), shift: 30000 } as const;
for (const mode of ["tunnel", "transport"] as const) {
  Deno.test(`Quick Mode through a NAT puts ESP into UDP, ${mode} mode`, async () => {
    const ends = mode === "tunnel" ? { westEnd: WEST_NET, eastEnd: EAST_NET } : {
      westEnd: { protocol: 17, clientPort: 1701 },
      eastEnd: { protocol: 17, clientPort: 1701 },
    };
    const world = await keyedWorld({ ...ends, both: { mode }, east: {}, westNat: { ...NAT } });
    startQuick(world.west);
    await world.pass(5);
    const [west] = ipsecSas(world.west), [east] = ipsecSas(world.east);
    ok(west?.isEstablished && east?.isEstablished, world.story);
    deepEqual(mirrored(keysOf(west)), keysOf(east).sort());
    equal(west.encapsulation?.remotePort, 4500);
    equal(east.encapsulation?.remotePort, 34500);
    if (mode === "transport") deepEqual(east.peersClient.address, NAT.outside);
    ok(world.east.host.told.some((line) => /ESP\/NAT=>.*NATD=203\.0\.113\.9:34500/.test(line)), world.story);
  });
}

Deno.test("a host behind a NAT says which address comes out of its tunnel", async () => {
  const world = await quickWorld({ ...HOSTS, westNat: { ...NAT } });
  const [east] = ipsecSas(world.east);
  ok(east?.isEstablished, world.story);
  deepEqual(east.peersClient.address, NAT.inside);
});

for (const forcing of ["west", "east"] as const) {
  Deno.test(`forceEncapsulation at ${forcing} puts ESP into UDP at both ends, though there is no NAT`, async () => {
    const world = await quickWorld({ [forcing]: { forceEncapsulation: true } });
    agreed(world);
    for (const side of [world.west, world.east]) {
      deepEqual(ipsecSas(side)[0].encapsulation, { localPort: 4500, remotePort: 4500 }, world.story);
    }
  });
}
