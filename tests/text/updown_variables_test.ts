import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert/strict";
import { type UpdownConnection, type UpdownEnd, updownVariables } from "../../lib/text/updown_variables.ts";
import { parseNumericAddress } from "../../lib/text/address.ts";
import { parseSubnet } from "../../lib/text/subnet.ts";

function at(text: string) {
  const parsed = parseNumericAddress(text, 0);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function end(host: string, client?: string): UpdownEnd {
  if (!client) return { host: at(host) };
  const parsed = parseSubnet(client, client.includes(":") ? "inet6" : "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  return { host: at(host), client: parsed.value };
}

const OFFICE: UpdownConnection = {
  name: "office",
  device: "ipsec0",
  nextHop: at("1.2.3.1"),
  me: end("1.2.3.4", "10.0.1.0/24"),
  peer: end("5.6.7.8", "10.0.2.0/24"),
};

Deno.test("updownVariables() gives `manual' what the script of FreeS/WAN exported, in its order", () => {
  deepEqual(Object.entries(updownVariables("up", OFFICE)), [
    ["PLUTO_VERSION", "1.1"],
    ["PLUTO_VERB", "up-client"],
    ["PLUTO_CONNECTION", "office"],
    ["PLUTO_NEXT_HOP", "1.2.3.1"],
    ["PLUTO_INTERFACE", "ipsec0"],
    ["PLUTO_ME", "1.2.3.4"],
    ["PLUTO_MY_CLIENT", "10.0.1.0/24"],
    ["PLUTO_MY_CLIENT_NET", "10.0.1.0"],
    ["PLUTO_MY_CLIENT_MASK", "255.255.255.0"],
    ["PLUTO_PEER", "5.6.7.8"],
    ["PLUTO_PEER_CLIENT", "10.0.2.0/24"],
    ["PLUTO_PEER_CLIENT_NET", "10.0.2.0"],
    ["PLUTO_PEER_CLIENT_MASK", "255.255.255.0"],
  ]);
});

Deno.test("updownVariables() gives pluto's the identities, ports and the issuer, in the order of the reference", () => {
  const keying = {
    me: { id: "@west", port: 1701, protocol: 17 },
    peer: { id: "C=NL, CN=o'brien `id` $(x) \"\\", port: 0, protocol: 17 },
    peerCa: "C=NL, CN=our CA",
  };
  const variables = updownVariables("route", { ...OFFICE, keying, sourceIp: at("10.0.1.1") });
  deepEqual(Object.keys(variables), [
    ...["PLUTO_VERSION", "PLUTO_VERB", "PLUTO_CONNECTION", "PLUTO_NEXT_HOP", "PLUTO_INTERFACE", "PLUTO_ME"],
    ...["PLUTO_MY_ID", "PLUTO_MY_CLIENT", "PLUTO_MY_CLIENT_NET", "PLUTO_MY_CLIENT_MASK"],
    ...["PLUTO_MY_PORT", "PLUTO_MY_PROTOCOL"],
    ...["PLUTO_PEER", "PLUTO_PEER_ID", "PLUTO_PEER_CLIENT", "PLUTO_PEER_CLIENT_NET", "PLUTO_PEER_CLIENT_MASK"],
    ...["PLUTO_PEER_PORT", "PLUTO_PEER_PROTOCOL", "PLUTO_PEER_CA", "PLUTO_MY_SOURCEIP"],
  ]);
  equal(variables.PLUTO_MY_PORT, "1701");
  equal(variables.PLUTO_MY_SOURCEIP, "10.0.1.1");
  equal(variables.PLUTO_PEER_ID, "C=NL, CN=o\\047brien \\140id\\140 \\044(x) \\042\\134");
});

const VERBS: [what: string, me: UpdownEnd, verb: string][] = [
  ["a network of ours", end("192.0.2.1", "10.1.0.0/24"), "down-client"],
  ["no client of ours", end("192.0.2.1"), "down-host"],
  ["our own address as a client", end("192.0.2.1", "192.0.2.1/32"), "down-host"],
  ["another single host as a client", end("192.0.2.1", "192.0.2.9/32"), "down-client"],
  ["a network behind an IPv6 gateway", end("2001:db8::1", "fd01:1::/64"), "down-client-v6"],
  ["an IPv6 host", end("2001:db8::1"), "down-host-v6"],
];
for (const [what, me, verb] of VERBS) {
  Deno.test(`updownVariables() makes ${verb} of ${what}`, () => {
    equal(updownVariables("down", { ...OFFICE, me }).PLUTO_VERB, verb);
  });
}

Deno.test("updownVariables() gives a host its own address as a network", () => {
  const { PLUTO_MY_CLIENT, PLUTO_MY_CLIENT_NET, PLUTO_MY_CLIENT_MASK, PLUTO_NEXT_HOP } = updownVariables("up", {
    ...OFFICE,
    me: end("1.2.3.4"),
    nextHop: undefined,
  });
  deepEqual([PLUTO_MY_CLIENT, PLUTO_MY_CLIENT_NET, PLUTO_MY_CLIENT_MASK], [
    "1.2.3.4/32",
    "1.2.3.4",
    "255.255.255.255",
  ]);
  equal(PLUTO_NEXT_HOP, "");
});
