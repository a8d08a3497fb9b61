import { deepStrictEqual as deepEqual } from "node:assert/strict";
import { readUdpRefusal } from "../../lib/packet/icmp_refusal.ts";

const bytes = (hex: string) => Uint8Array.fromHex(hex.replace(/\s/g, ""));
/** From 192.0.2.2: port unreachable, about UDP from 192.0.2.1:500 to 192.0.2.2:500. */
const HEADER = "45c0 0038 1234 0000 4001 0000 c0000202 c0000201";
const ICMP = "0303 0000 00000000";
const QUOTED = "4500 01a7 5678 4000 4011 0000 c0000201 c0000202  01f4 01f4 0193 0000";
const PACKET = bytes(HEADER + ICMP + QUOTED);

const address = (last: number) => ({ family: "inet" as const, bytes: new Uint8Array([192, 0, 2, last]) });
const REFUSAL = { complainant: address(2), code: 3, from: address(1), fromPort: 500, to: address(2), toPort: 500 };

Deno.test("readUdpRefusal() says who refuses which datagram, and why", () =>
  deepEqual(readUdpRefusal(PACKET), REFUSAL));

Deno.test("readUdpRefusal() finds the datagram behind IP options", () => {
  const options = QUOTED.replace("4500", "4600").replace("c0000202  ", "c0000202 01010101");
  deepEqual(readUdpRefusal(bytes(HEADER + ICMP + options)), REFUSAL);
  deepEqual(readUdpRefusal(bytes(`${HEADER.replace("45c0", "46c0")} 01010101 ${ICMP} ${QUOTED}`)), REFUSAL);
});

const OTHERS: [what: string, hex: string][] = [
  ["IPv6", `60${HEADER.slice(2)}${ICMP}${QUOTED}`],
  ["another ICMP message", `${HEADER} 0b00 0000 00000000 ${QUOTED}`],
  ["an error about TCP", `${HEADER}${ICMP}${QUOTED.replace("4011", "4006")}`],
  ["an error about a later fragment", `${HEADER}${ICMP}${QUOTED.replace("4000 4011", "0001 4011")}`],
  ["a header shorter than its length", `${HEADER}${ICMP}${QUOTED.replace("4500", "4f00")}`],
  ["a header of four bytes", `41${HEADER.slice(2)}${ICMP}${QUOTED}`],
];
for (const [what, hex] of OTHERS) {
  Deno.test(`readUdpRefusal() finds nothing in ${what}`, () => deepEqual(readUdpRefusal(bytes(hex)), undefined));
}

Deno.test("readUdpRefusal() finds nothing in a packet that is cut before the ports, wherever", () => {
  const enough = PACKET.length - 4; // without length and checksum of UDP
  for (let length = 0; length < PACKET.length; length++) {
    deepEqual(readUdpRefusal(PACKET.subarray(0, length)), length < enough ? undefined : REFUSAL);
  }
});
