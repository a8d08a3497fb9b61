/** Sockets of IKE on this host's loopback. */
import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { Path } from "../../lib/ike/state.ts";
import { IkeSockets } from "../../lib/system/ike_sockets.ts";
import { type Address, parseAddress } from "../../lib/text/address.ts";

function address(text: string): Address {
  const parsed = parseAddress(text, "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const LOCAL = address("127.0.0.1");

Deno.test("IkeSockets.send(): a flood of datagrams that cannot be sent is not one of warnings", async () => {
  const warnings: string[] = [];
  const sockets = new IkeSockets({
    port: 0,
    receive: () => {},
    relay: () => {},
    warn: (text) => void warnings.push(text),
  });
  const path: Path = { local: address("192.0.2.1"), localPort: 0, remote: LOCAL, remotePort: 500 };
  for (let i = 0; i < 1000; i++) sockets.send(path, new Uint8Array(1));
  ok(warnings.length >= 1 && warnings.length < 100, `${warnings.length} warnings`);
  equal(warnings[0], "sendto 127.0.0.1:500 from 192.0.2.1 failed. no interface has that address");
  equal(await sockets.open({ virtual: "ipsec0", physical: "lo", address: LOCAL }), undefined);
  sockets.closeAll();
});
