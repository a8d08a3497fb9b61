/** Transport mode for a protocol and ports: what the SA was not negotiated for does not come out of it (RFC 4301 §5.2). */
import { deepEqual, equal } from "node:assert/strict";
import { hostSubnet } from "../../lib/text/subnet.ts";
import { address, plainPacket } from "./_gateway.ts";
import { drops, pair, type TunnelOptions, V4, V6 } from "./_tunnel.ts";

const UDP = 17, TCP = 6;

/** Of UDP or TCP from west to east, with these ports. */
function packet(ends: typeof V4, protocol: number, sourcePort: number, destinationPort: number): Uint8Array {
  const bytes = plainPacket(ends.west, ends.east, 200, protocol);
  const ports = bytes.length - 200;
  const view = new DataView(bytes.buffer);
  view.setUint16(ports, sourcePort);
  view.setUint16(ports + 2, destinationPort);
  view.setUint16(ports + 4, 200); // UDP's length; of TCP a part of the sequence number
  bytes[ports + 12] = 0x50; // TCP's header is 20 bytes long
  return bytes;
}

const CHAINS: [what: string, kinds: string[], options: TunnelOptions][] = [
  ["ESP", ["aes128gcm16"], {}],
  ["AH", ["ah-sha2_256-128"], {}],
  ["ESP with compression", ["comp", "aes128gcm16"], {}],
  ["ESP in AH", ["aes128gcm16", "ah-sha1-96"], {}],
  ["ESP in UDP", ["aes128gcm16"], { udp: true }],
  ["ESP over IPv6", ["aes128gcm16"], { outer: V6 }],
];

const PACKETS: [what: string, protocol: number, sourcePort: number, destinationPort: number, passes: boolean][] = [
  ["what was agreed upon", UDP, 4000, 53, true],
  ["another destination port", UDP, 4000, 54, false],
  ["another protocol", TCP, 4000, 53, false],
];

for (const [chain, kinds, options] of CHAINS) {
  for (const [what, protocol, sourcePort, destinationPort, passes] of PACKETS) {
    Deno.test(`${chain} in transport mode for UDP to port 53 ${passes ? "lets in" : "drops"} ${what}`, () => {
      const ends = options.outer ?? V4;
      const { west, east } = pair(kinds, { ...options, transport: true });
      const innermost = [...east.engine.sad].find(({ inner }) => !inner)!;
      innermost.policy = {
        source: hostSubnet(address(ends.west)),
        destination: { ...hostSubnet(address(ends.east)), port: 53 },
        protocol: UDP,
      };
      west.route(packet(ends, protocol, sourcePort, destinationPort));
      equal(west.sent.length, 1);
      west.carry(east);
      deepEqual(drops(east), passes ? {} : { WRONG_POLICY: 1 });
      equal(east.delivered.length, passes ? 1 : 0);
    });
  }
}

Deno.test("a NAT's address is no reason to drop, where protocol and port fit", () => {
  const { west, east } = pair(["aes128gcm16"], { udp: true, transport: true });
  const [sa] = east.engine.sad;
  sa.policy = {
    source: hostSubnet(address("198.51.100.7")),
    destination: { ...hostSubnet(address(V4.east)), port: 53 },
    protocol: UDP,
  };
  west.route(packet(V4, UDP, 4000, 53));
  west.carry(east);
  deepEqual([drops(east), east.delivered.length], [{}, 1]);
});

Deno.test("without the check of policies, all of an SA is let in", () => {
  const { west, east } = pair(["aes128gcm16"], { transport: true });
  const [sa] = east.engine.sad;
  const any = hostSubnet(address(V4.west));
  sa.policy = { source: any, destination: any, protocol: TCP };
  east.engine.sysctls.inboundPolicyCheck = 0;
  west.route(packet(V4, UDP, 4000, 53));
  west.carry(east);
  equal(east.delivered.length, 1);
});
