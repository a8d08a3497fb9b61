import { equal } from "node:assert/strict";
import { findByName, findNetwork, protocolNumber, servicePort } from "../../commands/_netdb.ts";
import { formatAddress } from "../../lib/text/address.ts";

const FILE = `# comment http 1/tcp
ssh		22/tcp
www	80/tcp	http # http-alt
domain	53/udp
broken
`;
const CASES: [name: string, number: number | undefined][] = [
  ["ssh", 22],
  ["http", 80],
  ["domain", 53],
  ["http-alt", undefined],
  ["broken", undefined],
  ["#", undefined],
  ["", undefined],
  ["nope", undefined],
];
for (const [name, number] of CASES) {
  Deno.test(`findByName() gives ${number} for "${name}"`, () => equal(findByName(FILE, name), number));
}

const NETWORKS = `# networks
loopback	127.0.0.0
link-local	169.254 zeroconf # local
broken	here
broken	10
`;
const NETWORK_CASES: [name: string, address: string | undefined][] = [
  ["loopback", "127.0.0.0"],
  ["link-local", "169.254.0.0"],
  ["zeroconf", "169.254.0.0"],
  ["broken", "10.0.0.0"],
  ["local", undefined],
  ["127.0.0.0", undefined],
  ["", undefined],
];
for (const [name, address] of NETWORK_CASES) {
  Deno.test(`findNetwork() gives ${address} for "${name}"`, () => {
    const found = findNetwork(NETWORKS, name);
    equal(found && formatAddress(found), address);
  });
}

Deno.test("protocolNumber() and servicePort() know the common names on any host", () => {
  equal(protocolNumber("tcp"), 6);
  equal(protocolNumber("udp"), 17);
  equal(protocolNumber("constructor"), undefined);
  equal(servicePort("https"), 443);
  equal(servicePort("toString"), undefined);
});
