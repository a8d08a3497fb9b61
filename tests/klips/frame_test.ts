import assert from "node:assert/strict";
import { Frame } from "../../lib/klips/frame.ts";
import { PacketMemory } from "../../lib/packet/memory.ts";

const HOP_BY_HOP = 0, ICMPV6 = 58, ROUTING = 43, FRAGMENT = 44, ESP = 50, AH = 51, DESTINATION = 60;
const IPV6_HEADER = 40, EXTENSION = 8, AT = 64;

const CHAINS: [name: string, protocols: number[], before: number][] = [
  ["nothing", [ESP], 0],
  ["hop-by-hop options", [HOP_BY_HOP, ESP], 1],
  ["hop-by-hop, routing and fragment headers", [HOP_BY_HOP, ROUTING, FRAGMENT, ICMPV6], 3],
  ["destination options before a routing header", [DESTINATION, ROUTING, ICMPV6], 2],
  ["destination options before ESP", [DESTINATION, ESP], 1],
  ["destination options before AH", [HOP_BY_HOP, DESTINATION, AH], 2],
  ["not the destination options of the last receiver", [HOP_BY_HOP, DESTINATION, ICMPV6], 1],
];

for (const [name, protocols, before] of CHAINS) {
  Deno.test(`Frame.set() counts to the IPv6 header: ${name}`, () => {
    const memory = new PacketMemory(1024);
    memory.bytes[AT] = 0x60;
    memory.bytes[AT + 6] = protocols[0];
    for (let i = 1; i < protocols.length; i++) memory.bytes[AT + IPV6_HEADER + (i - 1) * EXTENSION] = protocols[i];
    const frame = new Frame(memory);
    frame.set(AT, AT + IPV6_HEADER + protocols.length * EXTENSION);
    assert.equal(frame.headerLength, IPV6_HEADER + before * EXTENSION);
    assert.equal(frame.protocol, protocols[before]);
  });
}

Deno.test("Frame.set() does not follow an extension header past the end of the packet", () => {
  const memory = new PacketMemory(1024);
  memory.bytes[AT] = 0x60;
  memory.bytes[AT + 6] = HOP_BY_HOP;
  memory.bytes[AT + IPV6_HEADER + 1] = 9;
  const frame = new Frame(memory);
  frame.set(AT, AT + IPV6_HEADER + EXTENSION);
  assert.equal(frame.headerLength, IPV6_HEADER);
});
