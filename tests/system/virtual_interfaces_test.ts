import { deepEqual } from "node:assert/strict";
import type { InterfaceAddress, Link, Route } from "../../lib/ffi/rtnetlink.ts";
import { infoText, type NetworkFacts, resolveInterfaces } from "../../lib/system/virtual_interfaces.ts";
import { type Address, parseNumericAddress } from "../../lib/text/address.ts";
import { parseSubnet } from "../../lib/text/subnet.ts";
import { unwrap } from "../text/_arbitraries.ts";

function address(text: string): Address {
  return unwrap(parseNumericAddress(text, 0));
}

function link(name: string): Link {
  return { name, index: 2, mtu: 1500, flags: 1 };
}

function on(device: string, text: string, bits: number, more: Partial<InterfaceAddress> = {}): InterfaceAddress {
  return { device, address: address(text), bits, scope: 0, flags: 0x80, label: device, ...more };
}

function defaultRoute(device: string, via?: string, more: Partial<Route> = {}): Route {
  const family = via?.includes(":") ? "inet6" : "inet";
  return {
    destination: unwrap(parseSubnet(family === "inet" ? "0.0.0.0/0" : "::/0", family)),
    type: "unicast",
    table: 254,
    protocol: 3,
    scope: 0,
    device,
    metric: 0,
    paths: 1,
    ...(via && { via: address(via) }),
    ...more,
  };
}

const ETH0 = [
  on("eth0", "192.0.2.1", 24, { broadcast: address("192.0.2.255") }),
  on("eth0", "192.0.2.7", 24, { label: "eth0:1" }),
  on("eth0", "fe80::1", 64, { scope: 253 }),
  on("eth0", "2001:db8::aa", 64, { flags: 0x01 }), // temporary
  on("eth0", "2001:db8::1", 64),
];
const PPP0 = [on("ppp0", "198.51.100.7", 32, { peer: address("198.51.100.1") })];
const FACTS: NetworkFacts = {
  links: ["lo", "eth0", "eth1", "ppp0", "ipsec0"].map(link),
  addresses: [...ETH0, ...PPP0, on("ipsec0", "192.0.2.1", 32)],
  defaultRoutes: [defaultRoute("eth0", "192.0.2.254")],
};
const eth0 = {
  virtual: "ipsec0",
  physical: "eth0",
  addresses: ["192.0.2.1/32", "2001:db8::1/128"],
  story: "KLIPS ipsec0 on eth0 192.0.2.1/24 broadcast 192.0.2.255",
};

const RESOLVED: [what: string, items: string[], facts: Partial<NetworkFacts>, found: unknown[], info: string][] = [
  ["nothing", [], {}, [], ""],
  [
    "%defaultroute",
    ["%defaultroute"],
    {},
    [{ ...eth0, info: { physical: "eth0", virtual: "ipsec0", address: "192.0.2.1", nextHop: "192.0.2.254" } }],
    "defaultroutephys=eth0\ndefaultroutevirt=ipsec0\ndefaultrouteaddr=192.0.2.1\ndefaultroutenexthop=192.0.2.254\n",
  ],
  [
    "%defaultroute with the source that the route names",
    ["%defaultroute"],
    { defaultRoutes: [defaultRoute("eth0", "192.0.2.254", { source: address("192.0.2.7") })] },
    [{ ...eth0, info: { physical: "eth0", virtual: "ipsec0", address: "192.0.2.7", nextHop: "192.0.2.254" } }],
    "defaultroutephys=eth0\ndefaultroutevirt=ipsec0\ndefaultrouteaddr=192.0.2.7\ndefaultroutenexthop=192.0.2.254\n",
  ],
  [
    "%defaultroute by a point-to-point link and the better of two routes, beside a named interface",
    ["%defaultroute", "ipsec1=eth0"],
    { defaultRoutes: [defaultRoute("ppp0"), defaultRoute("eth0", "192.0.2.254", { metric: 100 })] },
    [
      {
        virtual: "ipsec0",
        physical: "ppp0",
        addresses: ["198.51.100.7/32"],
        story: "KLIPS ipsec0 on ppp0 198.51.100.7/32 pointopoint 198.51.100.1",
        info: { physical: "ppp0", virtual: "ipsec0", address: "198.51.100.7" },
      },
      { ...eth0, virtual: "ipsec1", story: eth0.story.replace("ipsec0", "ipsec1") },
    ],
    "defaultroutephys=ppp0\ndefaultroutevirt=ipsec0\ndefaultrouteaddr=198.51.100.7\n#dr: no default route\n",
  ],
  [
    "%defaultroute of a host with IPv6 alone",
    ["%defaultroute"],
    { addresses: ETH0.slice(2), defaultRoutes: [defaultRoute("eth0", "fe80::fe")] },
    [{
      virtual: "ipsec0",
      physical: "eth0",
      addresses: ["2001:db8::1/128"],
      story: "KLIPS ipsec0 on eth0 2001:db8::1/64",
      info: { physical: "eth0", virtual: "ipsec0", address: "2001:db8::1", nextHop: "fe80::fe" },
    }],
    "defaultroutephys=eth0\ndefaultroutevirt=ipsec0\ndefaultrouteaddr=2001:db8::1\ndefaultroutenexthop=fe80::fe\n",
  ],
  [
    "an alias, whose address alone counts",
    ["ipsec2=eth0:1"],
    {},
    [{
      virtual: "ipsec2",
      physical: "eth0",
      addresses: ["192.0.2.7/32"],
      story: "KLIPS ipsec2 on eth0:1 192.0.2.7/24",
    }],
    "#dr: no default route\n",
  ],
];
for (const [what, items, facts, found, info] of RESOLVED) {
  Deno.test(`resolveInterfaces() finds ${what}`, () => {
    const { interfaces, complaints } = resolveInterfaces(items, { ...FACTS, ...facts });
    deepEqual({ interfaces, complaints, info: infoText(interfaces) }, { interfaces: found, complaints: [], info });
  });
}

const COMPLAINTS: [what: string, items: string[], facts: Partial<NetworkFacts>, complaints: string[]][] = [
  ["no default route", ["%defaultroute"], { defaultRoutes: [] }, ["no default route, %defaultroute cannot cope!!!"]],
  [
    "two default routes of one metric",
    ["%defaultroute"],
    { defaultRoutes: [defaultRoute("eth0", "192.0.2.254"), defaultRoute("ppp0")] },
    ["multiple default routes, %defaultroute cannot cope!!!"],
  ],
  [
    "a default route with several next hops",
    ["%defaultroute"],
    { defaultRoutes: [defaultRoute("eth0", "192.0.2.254", { paths: 2 })] },
    ["multiple default routes, %defaultroute cannot cope!!!"],
  ],
  [
    "everything that is wrong",
    ["eth0", "ipsec9=eth0", "ipsec0=eth1", "ipsec0=eth7", "ipsec1=eth0:9"],
    {},
    [
      "interface `eth0' not understood",
      "invalid interface `ipsec9' in `ipsec9=eth0'",
      "unable to determine address of `eth1'",
      "unable to determine address of `eth7': there is no such device",
      "unable to determine address of `eth0:9'",
    ],
  ],
  [
    "a virtual interface that is used twice",
    ["%defaultroute", "ipsec0=ppp0"],
    {},
    ["invalid interface `ipsec0' in `ipsec0=ppp0': it is attached already"],
  ],
];
for (const [what, items, facts, complaints] of COMPLAINTS) {
  Deno.test(`resolveInterfaces() complains about ${what}`, () => {
    deepEqual(resolveInterfaces(items, { ...FACTS, ...facts }).complaints, complaints);
  });
}

const CONN_ADVICE = "; conns with left=%defaultroute need its address in place of that";
const ADVICE: [what: string, items: string[], facts: Partial<NetworkFacts>, advice: string[]][] = [
  ["a default route that is there", ["%defaultroute"], {}, []],
  ["an interface that is named", ["ipsec0=eth7"], {}, []],
  ["no default route", ["%defaultroute"], { defaultRoutes: [] }, [
    'say in ipsec.conf which interface it is: interfaces="ipsec0=eth0" (192.0.2.1) or ' +
    `interfaces="ipsec0=ppp0" (198.51.100.7)${CONN_ADVICE}`,
  ]],
  [
    "two default routes, those who have them first",
    ["%defaultroute"],
    { addresses: [on("eth1", "10.1.0.1", 24), ...PPP0], defaultRoutes: [defaultRoute("ppp0"), defaultRoute("ppp0")] },
    [
      'say in ipsec.conf which interface it is: interfaces="ipsec0=ppp0" (198.51.100.7) or ' +
      `interfaces="ipsec0=eth1" (10.1.0.1)${CONN_ADVICE}`,
    ],
  ],
  [
    "a host without an address",
    ["%defaultroute"],
    { addresses: [on("eth0", "fe80::1", 64, { scope: 253 })], defaultRoutes: [] },
    ["no interface has an address that other hosts could reach: bring one up first"],
  ],
];
for (const [what, items, facts, advice] of ADVICE) {
  Deno.test(`resolveInterfaces() advises on ${what}`, () => {
    deepEqual(resolveInterfaces(items, { ...FACTS, ...facts }).advice, advice);
  });
}
