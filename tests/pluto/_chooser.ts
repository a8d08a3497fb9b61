/** A responder's choice of connections, without a daemon around it. */
import { Chooser, type ChooserDeps } from "../../lib/pluto/choose.ts";
import type { Connection } from "../../lib/pluto/connection.ts";
import { known } from "./_connections.ts";
import { parsePrivateNets } from "../../lib/pluto/virtual_ip.ts";
import { Secret } from "../../lib/crypto/secret.ts";
import { type Identity, parseIdentity } from "../../lib/text/identity.ts";
import { parseSubnet, type Subnet } from "../../lib/text/subnet.ts";

export const ANY = { host: "%any", client: undefined, nextHop: undefined } as const;

export function net(text: string): Subnet {
  const parsed = parseSubnet(text, "inet");
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

export function id(text: string): Identity {
  const parsed = parseIdentity(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

/** @param connections the newest first */
export function stage(connections: readonly Connection[], more: Partial<ChooserDeps> = {}) {
  const all = known(connections);
  const nets = parsePrivateNets("%v4:10.0.0.0/8,%v4:!10.0.1.0/24");
  if (!nets.ok) throw new Error(nets.error);
  const chooser = new Chooser({
    connections: all,
    privateNets: nets.value,
    presharedKey: () => new Secret(Uint8Array.of(1)),
    hasPrivateKey: () => true,
    opportunism: undefined,
    shareLease: () => {},
    now: () => 0,
    ...more,
  });
  return { all, chooser };
}
