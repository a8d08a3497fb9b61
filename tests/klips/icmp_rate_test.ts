import { equal } from "node:assert/strict";
import { Gateway, plainPacket } from "./_gateway.ts";

// sunset 10.1.0.10 -- west 192.0.2.1, which rejects what goes to 10.2.0.0/24

Deno.test("ICMP errors stop at a thousand a second, and go on in the next", () => {
  const west = new Gateway(["192.0.2.1"]);
  west.eroute("10.1.0.0/24", "10.2.0.0/24", "%reject");
  const packet = plainPacket("10.1.0.10", "10.2.0.10", 64);
  for (let i = 0; i < 1500; i++) west.route(packet);
  equal(west.delivered.length, 1000);
  west.clock++;
  for (let i = 0; i < 5; i++) west.route(packet);
  equal(west.delivered.length, 1005);
});
