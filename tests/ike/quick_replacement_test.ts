/** The responder of a Quick Mode replaces its SA: all that its connection says, and what the peer has asked for beyond that. */
import { deepEqual, equal } from "node:assert/strict";
import type { IpsecSa } from "../../lib/ike/state.ts";
import { type Given, ipsecSas, keyedWorld, startQuick } from "./_phase2.ts";

const GCM = { protocol: "esp", cipher: "aes128gcm16" } as const;
const CBC = { protocol: "esp", cipher: "aes256", auth: "sha2_512-256" } as const;
const SHA = { protocol: "ah", auth: "sha1-96" } as const;
const HOSTS = { westEnd: {}, eastEnd: {} } as const;

function summary({ mode, pfsGroup, protocols, lifetimeSeconds }: IpsecSa): string {
  const suites = protocols.map(({ suite }) => "cipher" in suite ? suite.cipher : suite.protocol).join("+");
  return `${mode} ${suites} ${pfsGroup ?? "no PFS"} ${lifetimeSeconds}`;
}

const ROWS: [what: string, Given, first: string, replacement: string][] = [
  [
    "its own group for PFS",
    { west: { pfsGroup: "modp2048" }, east: { pfsGroup: "ecp384" } },
    "tunnel aes128gcm16 modp2048 28800",
    "tunnel aes128gcm16 ecp384 28800",
  ],
  [
    "PFS where it has none and the peer asked for it",
    { west: { pfsGroup: "modp2048" }, east: { pfs: false } },
    "tunnel aes128gcm16 modp2048 28800",
    "tunnel aes128gcm16 modp2048 28800",
  ],
  [
    "the group of the peer where it names none",
    { west: { pfsGroup: "modp2048" } },
    "tunnel aes128gcm16 modp2048 28800",
    "tunnel aes128gcm16 modp2048 28800",
  ],
  [
    "no PFS where none of the two wants it",
    { both: { pfs: false } },
    "tunnel aes128gcm16 no PFS 28800",
    "tunnel aes128gcm16 no PFS 28800",
  ],
  [
    "the tunnel that the peer asked for",
    { ...HOSTS, east: { mode: "transport" } },
    "tunnel aes128gcm16 ecp256 28800",
    "tunnel aes128gcm16 ecp256 28800",
  ],
  [
    "its tunnel where the peer had asked for transport mode",
    { ...HOSTS, west: { mode: "transport" } },
    "transport aes128gcm16 ecp256 28800",
    "tunnel aes128gcm16 ecp256 28800",
  ],
  [
    "its suite of choice, not the peer's",
    { west: { ipsecSuites: [GCM, CBC] }, east: { ipsecSuites: [CBC, GCM] } },
    "tunnel aes128gcm16 ecp256 28800",
    "tunnel aes256 ecp256 28800",
  ],
  [
    "AH and compression",
    { both: { ipsecSuites: [GCM, SHA], compress: true } },
    "tunnel ah+aes128gcm16+ipcomp ecp256 28800",
    "tunnel ah+aes128gcm16+ipcomp ecp256 28800",
  ],
  [
    "its lifetime, which is longer than what the peer asked for",
    { west: { ipsecLifetimeSeconds: 1200 }, east: { ipsecLifetimeSeconds: 1800 } },
    "tunnel aes128gcm16 ecp256 1200",
    "tunnel aes128gcm16 ecp256 1800",
  ],
];
for (const [what, given, first, replacement] of ROWS) {
  Deno.test(`a responder replaces an SA with ${what}`, async () => {
    const world = await keyedWorld(given);
    const { west, east } = world;
    startQuick(west);
    await world.pass(5);
    const [old] = ipsecSas(east);
    equal(summary(old), first, world.story);
    const { pfsGroup, mode, number } = old;
    const begun = startQuick(east, { replaces: number, like: { pfsGroup, mode } });
    await world.pass(5);
    equal(begun.isEstablished, true, world.story);
    equal(summary(begun), replacement);
    deepEqual(ipsecSas(west).map(({ isEstablished }) => isEstablished), [true, true]);
  });
}
