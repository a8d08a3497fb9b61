import { equal } from "node:assert/strict";
import { findByName, protocolNumber, servicePort } from "../../commands/_netdb.ts";

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

Deno.test("protocolNumber() and servicePort() know the common names on any host", () => {
  equal(protocolNumber("tcp"), 6);
  equal(protocolNumber("udp"), 17);
  equal(protocolNumber("constructor"), undefined);
  equal(servicePort("https"), 443);
  equal(servicePort("toString"), undefined);
});
